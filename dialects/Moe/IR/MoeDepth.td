//===- MoeDepth.td - attention over depth ------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by MoeOps.td, whose letters hold here too.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEDEPTH_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEDEPTH_TD

def Moe_DepthAttentionOp : Moe_WorkOp<"depth_attention"> {
  let summary = "A mix of what earlier blocks of layers left, by their scores.";
  let description = [{
    `sealed` [..,N*H] are N streams side by side, `current` [..,H] is one more;
    `gain` [H], `query` [H] -> [..,H]. Each token is alone. The score of a
    stream x is the sum of query * gain * x * rsqrt(mean(x^2) + epsilon); the
    result is the sum of the streams, each times its share in the softmax of the
    scores. What is mixed is not normalized.
  }];
  let arguments = (ins AnyRankedTensor:$sealed, AnyRankedTensor:$current,
                       AnyRankedTensor:$gain, AnyRankedTensor:$query,
                       F64Attr:$epsilon);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $sealed `,` $current `by` $gain `,` $query attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEDEPTH_TD
