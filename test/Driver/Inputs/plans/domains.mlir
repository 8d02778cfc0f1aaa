// Two boards of eight: rows cross once per board.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = bf16/bf16 activations = bf16/bf16 kv = f32/f32
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 2 cp = 1
    plan.shard_experts %model tp = 4 form = distributed
    plan.place_experts %model replicas = 0
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = hierarchical combine = hierarchical
    plan.reduction %model algorithm = one_shot
    plan.overlap %model form = none
    plan.batch %model micro_batches = none
    plan.split_phases %model prefill = none
    plan.fuse %model form = none
    plan.tile %model tokens = 64
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}
