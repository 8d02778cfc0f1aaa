// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// plan_c2: values that their classes do not have.

// A value of plan.set_format that its class does not have.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    // expected-error @+1 {{weight_format: expects STORAGE/COMPUTE or none, got 'fp9/fp8'}}
    plan.set_format %model weights = fp9/fp8 activations = fp8/fp8 kv = fp8/fp8
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

// A value of plan.instance that its class does not have.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    // expected-error @+1 {{instance: expects all, domain or a number >= 1, got '0'}}
    plan.instance %model chips = 0
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

// A value of plan.pipeline that its class does not have.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    // expected-error @+1 {{pipeline: expects none or a number, got 'many'}}
    plan.pipeline %model stages = many
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

// A value of plan.shard_attention that its class does not have.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    // expected-error @+1 {{attention_cp: expects none or a number, got '0'}}
    plan.shard_attention %model tp = 1 cp = 0
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

// A value of plan.shard_experts that its class does not have.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    // expected-error @+1 {{placement_form: expects none, distributed, spatial, got 'scattered'}}
    plan.shard_experts %model tp = 1 form = scattered
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

// A value of plan.place_experts that its class does not have.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    // expected-error @+1 {{replicas: expects none or a number, got '-1'}}
    plan.place_experts %model replicas = -1
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

// A value of plan.place_weights that its class does not have.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = none
    // expected-error @+1 {{residency: expects none, hbm, hbm_prefetch, sram, host, got 'l2'}}
    plan.place_weights %model residency = l2
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

// A value of plan.exchange that its class does not have.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    plan.set_format %model weights = fp8/fp8 activations = fp8/fp8 kv = fp8/fp8
    plan.instance %model chips = all
    plan.pipeline %model stages = 1
    plan.shard_attention %model tp = 1 cp = 1
    plan.shard_experts %model tp = 1 form = distributed
    plan.place_experts %model replicas = none
    plan.place_weights %model residency = hbm
    // expected-error @+1 {{combine_exchange: expects none, all_to_all, all_gather, reduce_scatter, hierarchical, multicast, got 'broadcast'}}
    plan.exchange %model dispatch = all_to_all combine = broadcast
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

// A value of plan.reduction that its class does not have.
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
    // expected-error @+1 {{reduction: expects none, one_shot, ring, in_network, bidirectional_ring, k_tree, mesh, recursive_doubling, kanga_ring, got 'magic'}}
    plan.reduction %model algorithm = magic
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

// A value of plan.overlap that its class does not have.
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
    // expected-error @+1 {{overlap: expects none, two_batch, async, dataflow, got 'half'}}
    plan.overlap %model form = half
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

// A value of plan.batch that its class does not have.
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
    // expected-error @+1 {{batch_form: expects none or a number, got '0'}}
    plan.batch %model micro_batches = 0
    plan.split_phases %model prefill = none
    plan.fuse %model form = none
    plan.tile %model tokens = 64
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}

// -----

// A value of plan.split_phases that its class does not have.
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
    // expected-error @+1 {{phase_split: expects none or a number, got 'most'}}
    plan.split_phases %model prefill = most
    plan.fuse %model form = none
    plan.tile %model tokens = 64
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}

// -----

// A value of plan.fuse that its class does not have.
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
    // expected-error @+1 {{fusion: expects none, elementwise, block, got 'all'}}
    plan.fuse %model form = all
    plan.tile %model tokens = 64
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}

// -----

// A value of plan.tile that its class does not have.
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
    // expected-error @+1 {{tile: expects none or a number, got '0'}}
    plan.tile %model tokens = 0
    plan.speculate %model tokens = none
    plan.commit %model
    transform.yield
  }
}

// -----

// A value of plan.speculate that its class does not have.
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
    // expected-error @+1 {{speculation: expects none or a number, got '0'}}
    plan.speculate %model tokens = 0
    plan.commit %model
    transform.yield
  }
}
