// Two stages of two chips, two micro-batches.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = bf16/bf16 activations = bf16/bf16 kv = f32/f32
    plan.instance %model chips = all
    plan.pipeline %model stages = 2
    plan.shard_attention %model tp = 2 cp = 1
    plan.shard_experts %model tp = 2 form = none
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = none combine = none
    plan.reduction %model algorithm = one_shot
    plan.overlap %model form = none
    plan.batch %model micro_batches = 2
    plan.split_phases %model prefill = none
    plan.fuse %model form = none
    plan.tile %model tokens = 64
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}
