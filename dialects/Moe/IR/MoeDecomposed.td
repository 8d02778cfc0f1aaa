//===- MoeDecomposed.td - nodes that were not raised -------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Part of MoeOps.td. What stands for nodes of a graph in order to price them.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEDECOMPOSED_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEDECOMPOSED_TD

def Moe_DecomposedOp : Moe_WorkOp<"decomposed", [AttrSizedOperandSegments]> {
  let summary = "Nodes of a graph that were not raised, as the work that they do.";
  let description = [{
    Stands for nodes that make an activation [B,S,H'] from activations `inputs`
    [B,S,..], in order to price them. Operations and bytes are per token, those
    of intermediate results included; `widest_bytes` are those of the node that
    moves the most. `weights` are read whole in each step, of `tables` a token
    reads rows, which `bytes_read` counts. `kernels` counts the nodes that move
    bytes. It cannot be executed; the graph can.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs,
                       Variadic<AnyRankedTensor>:$weights,
                       Variadic<AnyRankedTensor>:$tables,
                       I64Attr:$matmul_operations, I64Attr:$vector_operations,
                       I64Attr:$transcendental_operations,
                       I64Attr:$bytes_read, I64Attr:$bytes_written,
                       I64Attr:$widest_bytes, I64Attr:$kernels);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `(` $inputs `)` (`weights` `(` $weights^ `)`)? (`tables` `(` $tables^ `)`)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEDECOMPOSED_TD
