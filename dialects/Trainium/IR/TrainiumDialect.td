//===- TrainiumDialect.td - the trainium dialect -----------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_TRAINIUM_IR_TRAINIUMDIALECT_TD
#define PORTOLAN_DIALECTS_TRAINIUM_IR_TRAINIUMDIALECT_TD

include "mlir/IR/OpBase.td"

def Trainium_Dialect : Dialect {
  let name = "trainium";
  let summary = "Trainium systems, one kernel or collective at a time.";
  let description = [{
    What a chip of NeuronCores runs and sends: matmuls on the tensor engine with
    the contraction on the partitions of SBUF, rows moved by DMA transfers whose
    size decides their speed, collectives that the CC-cores carry out by the
    algorithm that the runtime has for their size. Op rules are in
    dialects/Trainium/README.md.
  }];
  let cppNamespace = "::portolan::trainium";
  // A system op describes itself through the op that it covers.
  let dependentDialects = ["::portolan::moe::MoeDialect",
                           "::portolan::spmd::SpmdDialect"];
}

#endif // PORTOLAN_DIALECTS_TRAINIUM_IR_TRAINIUMDIALECT_TD
