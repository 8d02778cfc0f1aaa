//===- SwitchedToLinalg.h - kernel programs on the host --------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_SWITCHEDTOLINALG_H
#define PORTOLAN_CONVERSION_SWITCHEDTOLINALG_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace portolan {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/SwitchedToLinalg/SwitchedToLinalgPasses.h.inc"

} // namespace portolan

#endif // PORTOLAN_CONVERSION_SWITCHEDTOLINALG_H
