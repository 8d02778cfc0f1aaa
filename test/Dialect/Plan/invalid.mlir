// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// plan_c1: ops out of order.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    // expected-error @+1 {{expects 'plan.pipeline' in its place: a plan has every op once, in order}}
    plan.shard_attention %model tp = 1 cp = 1
    plan.pipeline %model stages = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = all_to_all combine = all_to_all
    plan.reduction %model algorithm = none
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

// -----

// plan_c3: ops on two handles.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}, %other: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    // expected-error @+1 {{expects the handle of the other ops of the plan}}
    plan.instance %other chips = all
    plan.commit %model
    transform.yield
  }
}

// -----

// plan_c1: an op twice.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    // expected-error @+1 {{expects 'plan.shard_attention' in its place}}
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = all_to_all combine = all_to_all
    plan.reduction %model algorithm = none
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

// -----

// A missing op.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = all_to_all combine = all_to_all
    // expected-error @+1 {{expects 'plan.reduction' in its place}}
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

// -----

// plan_c1: no commit.
module attributes {transform.with_named_sequence} {
  // expected-error @+1 {{expects 'plan.commit' at the end of the plan}}
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = all_to_all combine = all_to_all
    plan.reduction %model algorithm = none
    plan.overlap %model form = none
    plan.batch %model micro_batches = none
    plan.split_phases %model prefill = none
    plan.fuse %model form = none
    plan.tile %model tokens = 64
    plan.speculate %model tokens = none
    transform.yield
  }
}

// -----

// An op after the commit.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = all_to_all combine = all_to_all
    plan.reduction %model algorithm = none
    plan.overlap %model form = none
    plan.batch %model micro_batches = none
    plan.split_phases %model prefill = none
    plan.fuse %model form = none
    plan.tile %model tokens = 64
    plan.speculate %model tokens = none
    plan.commit %model
    // expected-error @+1 {{expects nothing after 'plan.commit'}}
    plan.commit %model
    transform.yield
  }
}

// -----

// A foreign op in a plan.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    // expected-error @+1 {{expects 'plan.instance' in its place}}
    transform.print %model : !transform.any_op
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = all_to_all combine = all_to_all
    plan.reduction %model algorithm = none
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

// -----

// An unknown op.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    // expected-error @+1 {{custom op 'plan.sprinkle' is unknown}}
    plan.sprinkle %model
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    plan.exchange %model dispatch = all_to_all combine = all_to_all
    plan.reduction %model algorithm = none
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
