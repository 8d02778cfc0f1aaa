// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --mlir-print-op-generic | portolan-opt | FileCheck %s

// A plan has every op once, in this order.

// CHECK-LABEL: transform.named_sequence @__transform_main
// CHECK-SAME:    %[[M:.*]]: !transform.any_op
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    // CHECK: plan.set_format %[[M]] weights = nvfp4/nvfp4 activations = fp8/nvfp4 kv = fp8/fp8
    plan.set_format %model weights = nvfp4/nvfp4 activations = fp8/nvfp4 kv = fp8/fp8
    // CHECK: plan.instance %[[M]] chips = all
    plan.instance %model chips = all
    // CHECK: plan.pipeline %[[M]] stages = 2
    plan.pipeline %model stages = 2
    // CHECK: plan.shard_attention %[[M]] tp = 4 cp = 1
    plan.shard_attention %model tp = 4 cp = 1
    // CHECK: plan.shard_experts %[[M]] tp = 1 form = distributed
    plan.shard_experts %model tp = 1 form = distributed
    // CHECK: plan.place_experts %[[M]] replicas = none
    plan.place_experts %model replicas = none
    // CHECK: plan.place_weights %[[M]] residency = hbm
    plan.place_weights %model residency = hbm
    // CHECK: plan.exchange %[[M]] dispatch = all_to_all combine = all_to_all
    plan.exchange %model dispatch = all_to_all combine = all_to_all
    // CHECK: plan.reduction %[[M]] algorithm = in_network
    plan.reduction %model algorithm = in_network
    // CHECK: plan.overlap %[[M]] form = two_batch
    plan.overlap %model form = two_batch
    // CHECK: plan.batch %[[M]] micro_batches = 2
    plan.batch %model micro_batches = 2
    // CHECK: plan.split_phases %[[M]] prefill = none
    plan.split_phases %model prefill = none
    // CHECK: plan.fuse %[[M]] form = none
    plan.fuse %model form = none
    // CHECK: plan.tile %[[M]] tokens = 64
    plan.tile %model tokens = 64
    // CHECK: plan.speculate %[[M]] tokens = none
    plan.speculate %model tokens = none
    // CHECK: plan.commit %[[M]]
    plan.commit %model
    transform.yield
  }
}
