//===- MoeRecurrence.td - ops with a state of fixed size ---*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Part of MoeOps.td. Mixers whose memory of a sequence does not grow: state
// space models and linear attention. B sequences, S new tokens each; N heads, of
// which key_heads M groups share keys and queries; K and V widths of a head's
// state; C channels, T taps.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOERECURRENCE_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOERECURRENCE_TD

def Moe_ShortConvolutionOp
    : Moe_WorkOp<"short_convolution"> {
  let summary = "A causal convolution of each channel over its last few tokens.";
  let description = [{
    `input` [B,S,C], `weight` [C,T], `bias` [C], `past` [B,T-1,C] (the inputs
    before the new ones, zeros before the first) -> [B,S,C] and the last T-1
    inputs [B,T-1,C]. Token s of channel c is activation(bias[c] + sum over t of
    weight[c,t] * x[s+t,c]), where x is past and input one after the other.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight,
                       Optional<AnyRankedTensor>:$bias, AnyRankedTensor:$past,
                       Moe_ActivationAttr:$activation);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$present);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? `state` $past attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_RecurrenceOp
    : Moe_WorkOp<"recurrence", [AttrSizedOperandSegments]> {
  let summary = "A state per head that decays, is written and is read by each "
                "token.";
  let description = [{
    `query`, `key` [B,S,M*K], `value` [B,S,N*V], `past` [B,N,K,V] -> [B,S,N*V]
    and the state after the last token. For each token, with its head's q, k, v
    and state H [K,V] (head n uses the query and key of group n / (N/M)):

        H = exp(g) * H           decay
        H = H + k (x) u          write
        y = scale * H^T q + skip[n] * v   read

    `kind` says what g and u are. d = softplus(step + step_bias):

      - selective (Mamba): g = -exp(decay[n,k]) * d[n] for each row k of H,
        u = d[n] * v;
      - state_space (Mamba-2): g = -exp(decay[n]) * d[n], u = d[n] * v;
      - delta (gated delta rule): the same g, u = sigmoid(strength[n]) *
        (v - H^T k) with the decayed H;
      - channel_delta (KDA): as delta with a `step` [B,S,N*K] and a `step_bias`
        [N*K], g = -exp(decay[n]) * d[n,k] for each row k of H; with
        `lower_bound` c < 0, g = c * sigmoid(exp(decay[n]) *
        (step[n,k] + step_bias[n,k]));
      - fixed_decay (lightning attention): g = -decay[n], u = v; no step.

    Elsewhere `step` is [B,S,N] and `step_bias` [N]; `strength` [B,S,N] belongs
    to the two delta kinds, `skip` [N] to any. `decay` is [N,K] if selective,
    else [N]. `normalize`: queries and keys are divided by their length,
    sqrt(sum of squares + 1e-6), first. States and sums are f32. `chunk`: how
    many tokens of a prompt are computed at once, by matmuls instead of one
    after the other; it changes the work, not the result.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key,
                       AnyRankedTensor:$value,
                       Optional<AnyRankedTensor>:$step,
                       Optional<AnyRankedTensor>:$strength,
                       AnyRankedTensor:$decay,
                       Optional<AnyRankedTensor>:$step_bias,
                       Optional<AnyRankedTensor>:$skip,
                       AnyRankedTensor:$past,
                       Moe_RecurrenceAttr:$kind, I64Attr:$heads,
                       I64Attr:$key_heads,
                       DefaultValuedAttr<F64Attr, "1.0">:$scale,
                       UnitAttr:$normalize,
                       DefaultValuedAttr<F64Attr, "0.0">:$lower_bound,
                       DefaultValuedAttr<I64Attr, "64">:$chunk);
  let results = (outs AnyRankedTensor:$result, AnyRankedTensor:$present);
  let assemblyFormat = [{
    $kind $query `,` $key `,` $value (`step` $step^)? (`strength` $strength^)?
    `decay` $decay (`step_bias` $step_bias^)? (`skip` $skip^)? `state` $past
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOERECURRENCE_TD
