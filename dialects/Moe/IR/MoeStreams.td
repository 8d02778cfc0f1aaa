//===- MoeStreams.td - streams that are mixed by weights ----*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by MoeOps.td, whose letters hold here too. N streams of width H lie
// side by side.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOESTREAMS_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOESTREAMS_TD

def Moe_ReadStreamsOp : Moe_WorkOp<"read_streams"> {
  let summary = "Streams collapsed to one, and how a block's result is spread "
                "over them.";
  let description = [{
    `streams` [..,N*H], `projection` [N*H,W], `scales` [1 or 3], `base` [W] ->
    [..,H] and, with the second result, `mix` [..,N+N*N]. Each token is alone.
    A row x is normalized without a gain, x * rsqrt(mean(x^2) + epsilon), and
    projected. Of the W columns p, N say how much of each stream is read:
    sigmoid(p * scales[0] + base) + floor; the result is the sum of the streams
    by these. With `mix` W is N + N + N*N. The second N say how much of a
    result is written to each stream: 2 * sigmoid(p * scales[1] + base). The
    others are a matrix [from, to]: a softmax of p * scales[2] + base over `to`,
    plus floor, then balanced (Sinkhorn): divided by its sums over `from` plus
    floor, and `rounds` - 1 times by those over `to` and those over `from`, plus
    floor each. `mix` is what is written, then the matrix.
  }];
  let arguments = (ins AnyRankedTensor:$streams, AnyRankedTensor:$projection,
                       AnyRankedTensor:$scales, AnyRankedTensor:$base,
                       F64Attr:$epsilon, F64Attr:$floor,
                       DefaultValuedAttr<I64Attr, "0">:$rounds);
  let results = (outs AnyRankedTensor:$result, Optional<AnyRankedTensor>:$mix);
  let assemblyFormat = [{
    $streams `by` $projection `scales` $scales `base` $base attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_WriteStreamsOp : Moe_WorkOp<"write_streams"> {
  let summary = "A block's result, spread over streams that are mixed.";
  let description = [{
    `streams` [..,N*H], `update` [..,H], `mix` [..,N+N*N] of `moe.read_streams`
    -> [..,N*H]. Stream t becomes mix[t] * update + the sum over streams f of
    matrix[f,t] * stream f.
  }];
  let arguments = (ins AnyRankedTensor:$streams, AnyRankedTensor:$update,
                       AnyRankedTensor:$mix);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $streams `,` $update `by` $mix attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOESTREAMS_TD
