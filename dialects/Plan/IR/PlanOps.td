//===- PlanOps.td - one op per group of decisions ----------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The attributes of an op are named after the decision classes that it carries;
// their values are spelled as in JSON. Order of definition = order in a plan.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_PLAN_IR_PLANOPS_TD
#define PORTOLAN_DIALECTS_PLAN_IR_PLANOPS_TD

include "dialects/Plan/IR/PlanDialect.td"
include "mlir/Dialect/Transform/IR/TransformTypes.td"
include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Plan_Op<string mnemonic>
    : Op<Plan_Dialect, mnemonic, [
        DeclareOpInterfaceMethods<TransformOpInterface>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let hasVerifier = 1;
}

/// `classes`: the attributes, in order. `assembly`: what follows the handle.
class Plan_DecisionOp<string mnemonic, dag classes, string assembly>
    : Plan_Op<mnemonic> {
  let arguments = !con((ins Transform_AnyOpType:$target), classes);
  let assemblyFormat = "$target " # assembly # " attr-dict";
}

def Plan_SetFormatOp : Plan_DecisionOp<"set_format",
    (ins StrAttr:$weight_format, StrAttr:$activation_format,
         StrAttr:$kv_format), [{
      `weights` `=` custom<PlanValue>($weight_format)
      `activations` `=` custom<PlanValue>($activation_format)
      `kv` `=` custom<PlanValue>($kv_format)}]> {
  let summary = "Storage and compute format of weights, activations and cache.";
  let description = [{
    ```mlir
    plan.set_format %model weights = nvfp4/nvfp4 activations = fp8/nvfp4
                           kv = fp8/fp8
    ```
  }];
}

def Plan_InstanceOp : Plan_DecisionOp<"instance", (ins StrAttr:$instance), [{
      `chips` `=` custom<PlanValue>($instance)}]> {
  let summary = "Chips of one model copy: all, domain or a number.";
}

def Plan_PipelineOp : Plan_DecisionOp<"pipeline", (ins StrAttr:$pipeline), [{
      `stages` `=` custom<PlanValue>($pipeline)}]> {
  let summary = "Pipeline stages of a model copy.";
}

def Plan_ShardAttentionOp : Plan_DecisionOp<"shard_attention",
    (ins StrAttr:$attention_tp, StrAttr:$attention_cp), [{
      `tp` `=` custom<PlanValue>($attention_tp)
      `cp` `=` custom<PlanValue>($attention_cp)}]> {
  let summary = "How heads and context are spread.";
}

def Plan_ShardExpertsOp : Plan_DecisionOp<"shard_experts",
    (ins StrAttr:$expert_tp, StrAttr:$placement_form), [{
      `tp` `=` custom<PlanValue>($expert_tp)
      `form` `=` custom<PlanValue>($placement_form)}]> {
  let summary = "How experts are spread; the rest of a stage is expert parallel.";
}

def Plan_PlaceExpertsOp : Plan_DecisionOp<"place_experts",
    (ins StrAttr:$replicas), [{
      `replicas` `=` custom<PlanValue>($replicas)}]> {
  let summary = "Extra copies of hot experts.";
  let description = [{
    `replicas`: experts that every expert-parallel rank holds beyond its share.
    R of them on N ranks are R * N further copies, each of the expert with the
    most rows per copy at that point; slots of experts and copies are then
    packed so that ranks expect equal rows. A token's row goes to one copy.
    0: every expert exists once; none: experts are not spread over ranks.
  }];
}

def Plan_PlaceWeightsOp : Plan_DecisionOp<"place_weights",
    (ins StrAttr:$residency), [{
      `residency` `=` custom<PlanValue>($residency)}]> {
  let summary = "The memory level from which weights stream.";
}

def Plan_ExchangeOp : Plan_DecisionOp<"exchange",
    (ins StrAttr:$dispatch_exchange, StrAttr:$combine_exchange), [{
      `dispatch` `=` custom<PlanValue>($dispatch_exchange)
      `combine` `=` custom<PlanValue>($combine_exchange)}]> {
  let summary = "How rows reach their experts and return.";
}

def Plan_ReductionOp : Plan_DecisionOp<"reduction", (ins StrAttr:$reduction), [{
      `algorithm` `=` custom<PlanValue>($reduction)}]> {
  let summary = "How partial sums are added.";
}

def Plan_OverlapOp : Plan_DecisionOp<"overlap", (ins StrAttr:$overlap), [{
      `form` `=` custom<PlanValue>($overlap)}]> {
  let summary = "What runs beside communication.";
}

def Plan_BatchOp : Plan_DecisionOp<"batch", (ins StrAttr:$batch_form), [{
      `micro_batches` `=` custom<PlanValue>($batch_form)}]> {
  let summary = "Micro-batches of a step.";
}

def Plan_SplitPhasesOp : Plan_DecisionOp<"split_phases",
    (ins StrAttr:$phase_split), [{
      `prefill` `=` custom<PlanValue>($phase_split)}]> {
  let summary = "Model copies that only prefill, in percent.";
}

def Plan_FuseOp : Plan_DecisionOp<"fuse", (ins StrAttr:$fusion), [{
      `form` `=` custom<PlanValue>($fusion)}]> {
  let summary = "Which kernels are one.";
  let description = [{
    `elementwise`: row- and element-wise ops are part of the kernel before them;
    `block`: in addition all kernels between two transfers are one launch.
  }];
}

def Plan_TileOp : Plan_DecisionOp<"tile", (ins StrAttr:$tile), [{
      `tokens` `=` custom<PlanValue>($tile)}]> {
  let summary = "Token rows of an expert matmul's tile.";
}

def Plan_SpeculateOp : Plan_DecisionOp<"speculate", (ins StrAttr:$speculation), [{
      `tokens` `=` custom<PlanValue>($speculation)}]> {
  let summary = "Tokens that are guessed per step.";
  let description = [{
    `tokens` are drafted for every sequence from a look-up in its prompt on the
    host, as part of the step overhead, and verified together with the last
    token. Exists in decode with a stated acceptance rate.
  }];
}

def Plan_CommitOp : Plan_Op<"commit"> {
  let summary = "Ends a plan and checks what is joint.";
  let description = [{
    Strict: one request must fit into memory with all decisions together. With
    a ledger: repairs that by a larger instance, then tensor parallelism, then
    pipelining.
  }];
  let arguments = (ins Transform_AnyOpType:$target);
  let assemblyFormat = "$target attr-dict";
}

#endif // PORTOLAN_DIALECTS_PLAN_IR_PLANOPS_TD
