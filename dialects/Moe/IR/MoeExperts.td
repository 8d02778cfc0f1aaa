//===- MoeExperts.td - routing and experts -----------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by MoeOps.td, whose letters hold here too.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEEXPERTS_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEEXPERTS_TD

def Moe_RouteOp : Moe_WorkOp<"route", [AttrSizedOperandSegments]> {
  let summary = "Chooses K experts per token and their weights.";
  let description = [{
    `input` [..,H], `router` [H,E], `bias` [E] (added to the logits),
    `correction` [E] (added to the scores for the choice only) ->
    `weights` [..,K] (f32) and `indices` [..,K] (i32), best first, ties to the
    smaller index. scores = softmax, sigmoid or sqrt(softplus) of the logits.
    With `groups` G and `top_groups` only the experts of the best groups are
    eligible, a group's rank being the sum of its `group_rank` largest corrected
    scores (1 or 2). `normalize`: the K
    weights are divided by their sum. All weights are multiplied by `scale`.
    Scoring `sparse_mixer` takes the experts one by one: the best logit m of
    those that are left, with its softmax among those of them that are as good:
    (m - s) / max(|s|, m) <= 2 * jitter.
    With `ids` [..] and `table` [V,K] (integers) the choice is looked up: the
    experts of a token are the row of its id; only their weights are scores.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$router,
                       Optional<AnyRankedTensor>:$bias,
                       Optional<AnyRankedTensor>:$correction,
                       Optional<AnyRankedTensor>:$ids,
                       Optional<AnyRankedTensor>:$table,
                       I64Attr:$top_k, Moe_ScoringAttr:$scoring,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<I64Attr, "1">:$top_groups,
                       UnitAttr:$normalize,
                       DefaultValuedAttr<F64Attr, "1.0">:$scale,
                       DefaultValuedAttr<I64Attr, "2">:$group_rank,
                       DefaultValuedAttr<F64Attr, "0.0">:$jitter);
  let results = (outs AnyRankedTensor:$weights, AnyRankedTensor:$indices);
  let builders = [OpBuilder<(ins "::mlir::Type":$weights,
                                 "::mlir::Type":$indices, "::mlir::Value":$input,
                                 "::mlir::Value":$router, "::mlir::Value":$bias,
                                 "::mlir::Value":$correction,
                                 "::mlir::Value":$ids, "::mlir::Value":$table,
                                 "uint64_t":$top_k,
                                 "::portolan::moe::Scoring":$scoring,
                                 "uint64_t":$groups, "uint64_t":$top_groups,
                                 "bool":$normalize, "::llvm::APFloat":$scale), [{
    build($_builder, $_state, weights, indices, input, router, bias, correction,
          ids, table, top_k, scoring, groups, top_groups, normalize, scale,
          /*group_rank=*/2, /*jitter=*/::llvm::APFloat(0.0));
  }]>];
  let assemblyFormat = [{
    $input `,` $router (`bias` $bias^)? (`correction` $correction^)?
    (`ids` $ids^)? (`table` $table^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_DispatchOp : Moe_WorkOp<"dispatch"> {
  let summary = "Copies token rows to the experts that they are routed to.";
  let description = [{
    `input` [..,H], `indices` [..,K] -> `rows` [R,H] ordered by (expert, token,
    slot), and `counts` [E] (i32), the rows of each expert. An index outside
    [first_expert, first_expert + E) is dropped, so R is dynamic unless every
    index is known to be inside, when R = tokens * K. `activation_format`: how
    the rows are kept on their way to the experts. With `weights` [..,K] a row
    is multiplied with the weight of its choice.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$indices,
                       Optional<AnyRankedTensor>:$weights,
                       DefaultValuedAttr<I64Attr, "0">:$first_expert,
                       OptionalAttr<Moe_LoadAttr>:$load,
                       OptionalAttr<Moe_FormatAttr>:$activation_format);
  let results = (outs AnyRankedTensor:$rows, AnyRankedTensor:$counts);
  let builders = [OpBuilder<(ins "::mlir::Type":$rows, "::mlir::Type":$counts,
                                 "::mlir::Value":$input,
                                 "::mlir::Value":$indices,
                                 "uint64_t":$first_expert,
                                 "::portolan::moe::LoadAttr":$load), [{
    build($_builder, $_state, rows, counts, input, indices, ::mlir::Value(),
          first_expert, load, FormatAttr());
  }]>];
  let assemblyFormat = [{
    $input `,` $indices (`weights` $weights^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_ExpertsOp : Moe_WorkOp<"experts", [AttrSizedOperandSegments]> {
  let summary = "The feed-forward block of each expert on its rows.";
  let description = [{
    `rows` [R,H] grouped by expert, `counts` [E], `gate` [E,H,I] (absent if not
    gated), `up` [E,H,I], `down` [E,I,H], biases [E,I], [E,I], [E,H] -> [R,H].
    With `limit` c > 0 the gate is clamped to (-inf, c] and the linear part to
    [-c, c], or, with `limits_activated`, the activated gate and the linear
    part; `alpha` scales the argument of the sigmoid, `linear_offset` is
    added to the linear part: act = g * sigmoid(alpha * g) * (u + offset). With
    `gate_cap` c > 0 the factor g is c * tanh(g / c), while the sigmoid sees g
    itself; with `linear_cap` c > 0 the linear part is c * tanh(u / c).
    `bias_share` is that of `moe.linear`, for the bias [E,H].
  }];
  let arguments = (ins AnyRankedTensor:$rows, AnyRankedTensor:$counts,
                       Optional<AnyRankedTensor>:$gate, AnyRankedTensor:$up,
                       AnyRankedTensor:$down,
                       Optional<AnyRankedTensor>:$gate_bias,
                       Optional<AnyRankedTensor>:$up_bias,
                       Optional<AnyRankedTensor>:$down_bias,
                       Moe_ActivationAttr:$activation,
                       DefaultValuedAttr<F64Attr, "0.0">:$limit,
                       DefaultValuedAttr<F64Attr, "1.0">:$alpha,
                       DefaultValuedAttr<F64Attr, "0.0">:$linear_offset,
                       OptionalAttr<Moe_LoadAttr>:$load,
                       OptionalAttr<Moe_FormatAttr>:$weight_format,
                       OptionalAttr<Moe_FormatAttr>:$activation_format,
                       DefaultValuedAttr<I64Attr, "1">:$bias_share,
                       DefaultValuedAttr<F64Attr, "0.0">:$gate_cap,
                       DefaultValuedAttr<F64Attr, "0.0">:$linear_cap,
                       UnitAttr:$limits_activated);
  let results = (outs AnyRankedTensor:$result);
  // Parts without caps.
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$rows,
                                 "::mlir::Value":$counts, "::mlir::Value":$gate,
                                 "::mlir::Value":$up, "::mlir::Value":$down,
                                 "::mlir::Value":$gate_bias,
                                 "::mlir::Value":$up_bias,
                                 "::mlir::Value":$down_bias,
                                 "::portolan::moe::Activation":$activation,
                                 "::llvm::APFloat":$limit,
                                 "::llvm::APFloat":$alpha,
                                 "::llvm::APFloat":$linear_offset,
                                 "::portolan::moe::LoadAttr":$load,
                                 "::portolan::moe::FormatAttr":$weight_format,
                                 "::portolan::moe::FormatAttr":$activation_format), [{
    build($_builder, $_state, result, rows, counts, gate, up, down, gate_bias,
          up_bias, down_bias, activation, limit, alpha, linear_offset, load,
          weight_format, activation_format, /*bias_share=*/1,
          ::llvm::APFloat(0.0), ::llvm::APFloat(0.0),
          /*limits_activated=*/false);
  }]>];
  let assemblyFormat = [{
    $rows `,` $counts (`gate` $gate^)? `up` $up `down` $down
    (`gate_bias` $gate_bias^)? (`up_bias` $up_bias^)? (`down_bias` $down_bias^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_CombineOp : Moe_WorkOp<"combine"> {
  let summary = "Sums each token's expert results with its weights.";
  let description = [{
    `rows` [R,H] in the order that `moe.dispatch` gave them for `indices`
    [..,K], `weights` [..,K] -> [..,H]. Dropped indices add nothing.
    `weights_applied`: the rows went in with their weights (see `moe.dispatch`),
    and are only summed.
  }];
  let arguments = (ins AnyRankedTensor:$rows, AnyRankedTensor:$weights,
                       AnyRankedTensor:$indices, I64Attr:$experts,
                       DefaultValuedAttr<I64Attr, "0">:$first_expert,
                       OptionalAttr<Moe_LoadAttr>:$load,
                       OptionalAttr<Moe_LoadAttr>:$result_load,
                       UnitAttr:$weights_applied);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $rows `,` $weights `,` $indices attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEEXPERTS_TD
