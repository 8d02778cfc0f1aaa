//===- MachineRules.h - rules over a step and a machine --------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a verifier cannot know: whether a step fits the machine that it was
// lowered for. One table of labelled rules per family, checked by the passes
// `<dialect>-verify-machine`. Labels and facts are in the dialect's README.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TARGET_MACHINERULES_H
#define PORTOLAN_TARGET_MACHINERULES_H

#include "mlir/IR/BuiltinOps.h"
#include "portolan/Target/Family.h"

namespace portolan {

struct MachineRule {
  llvm::StringLiteral label; ///< "format_c1"
  /// What is expected and what the step has, or empty if the step fits.
  std::string (*violation)(const Step &step, const Machine &machine,
                           const Deployment &deployment);
};

/// Rules that hold on every family: formats, tiles, memory levels and links
/// that the machine has.
llvm::ArrayRef<MachineRule> commonMachineRules();

/// Checks every system op of a lowered module against the machine named by
/// `target` (or, if empty, by the module's `portolan.target`), which must be of
/// `family`. Emits an error per op that breaks a rule, with its label.
mlir::LogicalResult verifyMachine(mlir::ModuleOp module, llvm::StringRef target,
                                  llvm::StringRef family,
                                  llvm::ArrayRef<MachineRule> rules);

} // namespace portolan

#endif // PORTOLAN_TARGET_MACHINERULES_H
