//===- WaferDialect.td - the wafer dialect -----------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_WAFER_IR_WAFERDIALECT_TD
#define PORTOLAN_DIALECTS_WAFER_IR_WAFERDIALECT_TD

include "mlir/IR/OpBase.td"

def Wafer_Dialect : Dialect {
  let name = "wafer";
  let summary = "Wafers, one region program or stream at a time.";
  let description = [{
    What the processing elements (PEs) of a wafer run and send: matmuls spread over
    rectangles of PEs with partial sums added along K-trees, rows multicast over
    the experts and filtered there, streams between regions and through the
    system I/O of a wafer. Op rules are in dialects/Wafer/README.md.
  }];
  let cppNamespace = "::portolan::wafer";
  // A system op describes itself through the op that it covers.
  let dependentDialects = ["::portolan::moe::MoeDialect",
                           "::portolan::spmd::SpmdDialect"];
}

#endif // PORTOLAN_DIALECTS_WAFER_IR_WAFERDIALECT_TD
