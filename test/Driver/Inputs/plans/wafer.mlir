// Two stages, each on half of a wafer.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/bf16 activations = fp8/bf16 kv = fp8/bf16
    plan.instance %model chips = all
    plan.pipeline %model stages = 2
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = spatial
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = sram
    plan.exchange %model dispatch = multicast combine = reduce_scatter
    plan.reduction %model algorithm = k_tree
    plan.overlap %model form = dataflow
    plan.batch %model micro_batches = 1
    plan.split_phases %model prefill = none
    plan.fuse %model form = none
    plan.tile %model tokens = none
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}
