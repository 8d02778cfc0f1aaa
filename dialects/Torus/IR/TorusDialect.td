//===- TorusDialect.td - the torus dialect -----------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_TORUS_IR_TORUSDIALECT_TD
#define PORTOLAN_DIALECTS_TORUS_IR_TORUSDIALECT_TD

include "mlir/IR/OpBase.td"

def Torus_Dialect : Dialect {
  let name = "torus";
  let summary = "TPU slices, one kernel or ICI transfer at a time.";
  let description = [{
    What a chip of a torus runs and sends: matmuls on the MXU with rows padded to
    the sublane tiles of their format, gathers on the SparseCore, collectives along
    whole axes of the slice over neighbour links. Op rules are in
    dialects/Torus/README.md.
  }];
  let cppNamespace = "::portolan::torus";
  // A system op describes itself through the op that it covers.
  let dependentDialects = ["::portolan::moe::MoeDialect",
                           "::portolan::spmd::SpmdDialect"];
}

#endif // PORTOLAN_DIALECTS_TORUS_IR_TORUSDIALECT_TD
