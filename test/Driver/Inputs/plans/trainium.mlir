// Four chips, tensor parallel.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = bf16/bf16 activations = bf16/bf16 kv = f32/f32
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 4 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = 0
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = none combine = none
    plan.reduction %model algorithm = ring
    plan.overlap %model form = none
    plan.batch %model micro_batches = none
    plan.split_phases %model prefill = none
    plan.fuse %model form = elementwise
    plan.tile %model tokens = 64
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}
