// Four chips in a square: rows are gathered, sums scattered.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = bf16/bf16 activations = bf16/bf16 kv = f32/f32
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 2 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = 0
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = all_gather combine = reduce_scatter
    plan.reduction %model algorithm = bidirectional_ring
    plan.overlap %model form = none
    plan.batch %model micro_batches = none
    plan.split_phases %model prefill = none
    plan.fuse %model form = elementwise
    plan.tile %model tokens = 32
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}
