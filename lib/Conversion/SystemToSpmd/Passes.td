//===- Passes.td - system ops as what they compute ---------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SYSTEMTOSPMD_PASSES_TD
#define PORTOLAN_LIB_CONVERSION_SYSTEMTOSPMD_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertSystemToSpmd : Pass<"convert-system-to-spmd", "::mlir::ModuleOp"> {
  let summary = "Gives system ops of any hardware dialect a meaning on the host.";
  let description = [{
    A system op computes what the op that it covers computes: it is replaced by
    that op, with the system op's own operands and types. A transfer gets the
    attribute `portolan.site`, its number in the program, by which the runtime
    carries it out with the transfer's own algorithm. What else a step says
    (tiles, engines, memory levels) decides its price and not its values. A step
    whose kernels are written out stays: its programs are what it computes.
  }];
  let dependentDialects = ["::portolan::moe::MoeDialect",
                           "::portolan::spmd::SpmdDialect"];
}

#endif // PORTOLAN_LIB_CONVERSION_SYSTEMTOSPMD_PASSES_TD
