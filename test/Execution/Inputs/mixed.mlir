module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/bf16
    plan.instance %model chips = all
    plan.pipeline %model stages = 2
    plan.shard_attention %model tp = 2 cp = 1
    plan.shard_experts %model tp = 2 form = distributed
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = all_to_all combine = all_to_all
    plan.reduction %model algorithm = one_shot
    plan.overlap %model form = none
    plan.batch %model micro_batches = none
    plan.split_phases %model prefill = none
    plan.fuse %model form = none
    plan.tile %model tokens = none
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}
