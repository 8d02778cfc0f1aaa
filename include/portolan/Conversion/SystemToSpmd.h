//===- SystemToSpmd.h - system ops as what they compute --------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_SYSTEMTOSPMD_H
#define PORTOLAN_CONVERSION_SYSTEMTOSPMD_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "portolan/Analysis/Step.h"

namespace portolan {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/SystemToSpmd/SystemToSpmdPasses.h.inc"

/// A transfer of a lowered program, numbered by its site.
struct Transfer {
  std::string op; ///< "switched.row_put"
  Step step;
  double rowBytes = 0; ///< of a row of a ragged exchange, metadata included
};

/// Replaces the system ops of `module`, which was lowered for a target, by the
/// ops that they cover, and yields its transfers in the order of their sites.
/// Steps whose kernels are written out stay for convert-switched-to-linalg.
mlir::FailureOr<std::vector<Transfer>>
convertSystemToSpmd(mlir::ModuleOp module);

} // namespace portolan

#endif // PORTOLAN_CONVERSION_SYSTEMTOSPMD_H
