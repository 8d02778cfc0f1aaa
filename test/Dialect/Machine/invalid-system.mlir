// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// The rules of a system and its parts; each case bears the label of its rule.

// system_c1: no shape rule
// expected-error @below {{'machine.system' op expects exactly one machine.shape_rule, got 0}}
  machine.system @m family = switched title = "t" {
  machine.topology full_switch domain = 8
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {}
}

// -----

// system_c1: two topologies
// expected-error @below {{'machine.system' op expects exactly one machine.topology, got 2}}
  machine.system @m family = switched title = "t" {
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [1]
  machine.topology full_switch domain = 8
  machine.topology full_switch domain = 8
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {}
}

// -----

// system_c1: two overheads
// expected-error @below {{'machine.system' op expects at most one machine.overheads, got 2}}
  machine.system @m family = switched title = "t" {
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [1]
  machine.topology full_switch domain = 8
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {}
  machine.overheads
  machine.overheads
}

// -----

// system_c2
machine.system @m family = switched title = "t" {
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [1]
  machine.topology full_switch domain = 8
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {}
  machine.engine "a" vector {
    machine.rate f32 peak <1 "results/s", V, "page">
  }
  // expected-error @below {{'machine.engine' op expects one engine of a kind, got two 'vector'}}
    machine.engine "b" vector {
    machine.rate f32 peak <1 "results/s", V, "page">
  }
}

// -----

// system_c3
// expected-error @below {{'machine.system' op expects at least one machine.memory, got none}}
  machine.system @m family = switched title = "t" {
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [1]
  machine.topology full_switch domain = 8
}

// -----

// system_c4: rank
// expected-error @below {{'machine.system' op field 'default_shape' expects 1 numbers, got 2}}
  machine.system @m family = switched title = "t" default_shape = [1, 2] {
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [1]
  machine.topology full_switch domain = 8
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {}
}

// -----

// system_c4: a default target without a shape
// expected-error @below {{'machine.system' op a default target expects 'default_shape', as its machine.shape_rule has no 'default'}}
  machine.system @m family = switched title = "t" default = true {
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1
  machine.topology full_switch domain = 8
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {}
}

// -----

// An unknown family is refused by the parser.
// expected-error @below {{expected string or keyword containing one of the following enum values for attribute 'family' [switched, torus, trainium, wafer]}}
  machine.system @m family = toroid title = "t" {
}

// -----

// shape_rule_c1: what is counted
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.shape_rule' op field 'counts' expects a name, got none}}
  machine.shape_rule counts "" chips_per_unit = 1 rank = 1
}

// -----

// shape_rule_c1: rank
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.shape_rule' op field 'rank' expects 1, 2 or 3, got 4}}
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 4
}

// -----

// shape_rule_c2
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.shape_rule' op field 'maximum' expects 2 numbers (the rank), got 1}}
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 2 maximum = [4]
}

// -----

// count_c1: one number
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.shape_rule' op field 'cube' expects at least 1, got 0}}
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 cube = 0
}

// -----

// count_c1: a list
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.shape_rule' op field 'legal' expects at least 1, got -4}}
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 legal = [1, -4]
}

// -----

// topology_c1: a switch without
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.topology' op field 'domain' belongs to a full_switch, and a full_switch expects it}}
  machine.topology full_switch
}

// -----

// topology_c1: a torus with
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.topology' op field 'domain' belongs to a full_switch, and a full_switch expects it}}
  machine.topology torus domain = 8 wrap = always
}

// -----

// topology_c2: a torus without
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.topology' op field 'wrap' belongs to a torus, and a torus expects it}}
  machine.topology torus
}

// -----

// topology_c2: a grid of a switch
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.topology' op field 'grid' belongs to a torus}}
  machine.topology full_switch domain = 8 grid = [4, 4]
}

// -----

// topology_c3: no number
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.topology' op field 'wrap' expects a number after 'all_axes_multiple' and 'axis_equals' only}}
  machine.topology torus wrap = axis_equals
}

// -----

// topology_c3: a number too many
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.topology' op field 'wrap' expects a number after 'all_axes_multiple' and 'axis_equals' only}}
  machine.topology torus wrap = never 4
}

// -----

// topology_c4
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.topology' op field 'units' expects two numbers of a wafer_mesh}}
  machine.topology wafer_mesh units = [3]
}

// -----

// topology_c5
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.topology' op field 'server' expects a divisor of 'domain' of a full_switch, got 3}}
  machine.topology full_switch domain = 8 server = 3
}

// -----

// engine_c4
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.engine' op fields 'partitions' and 'saturating_bytes' belong to a gather engine}}
  machine.engine "v" vector partitions = 128 {
    machine.rate f32 peak <1 "results/s", V, "page">
  }
}

// -----

// engine_c5
machine.system @m family = switched title = "t" {
  machine.engine "m" matmul token_tiles = [8] column_tile = 8 contraction_tile = 128 {
    // expected-error @below {{'machine.rate' op field 'contraction_step' expects a multiple of 'contraction_tile' of a matmul engine, got 192}}
    machine.rate fp8 peak <1 "flop/s", V, "page"> contraction_step = 192
  }
}

// -----

// collectives_c1
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.collectives' op field 'mesh_limit' expects at most 'doubling_limit', got 20 above 10}}
  machine.collectives ranks = 1 groups = 1 mesh_limit <20 "bytes", V, "page"> doubling_limit <10 "bytes", V, "page">
}

// -----

// system_c1: two collectives
// expected-error @below {{'machine.system' op expects at most one machine.collectives, got 2}}
  machine.system @m family = switched title = "t" {
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [1]
  machine.topology full_switch domain = 8
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {}
  machine.collectives ranks = 1 groups = 1 mesh_limit <1 "bytes", V, "page"> doubling_limit <1 "bytes", V, "page">
  machine.collectives ranks = 1 groups = 1 mesh_limit <1 "bytes", V, "page"> doubling_limit <1 "bytes", V, "page">
}

// -----

// engine_c1: half a tile
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.engine' op fields 'token_tiles', 'column_tile' and 'contraction_tile' belong to a matmul engine, which expects all three}}
  machine.engine "m" matmul token_tiles = [8] {
  }
}

// -----

// engine_c1: a vector engine with a tile
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.engine' op fields 'token_tiles', 'column_tile' and 'contraction_tile' belong to a matmul engine, which expects all three}}
  machine.engine "v" vector column_tile = 8 {
  }
}

// -----

// engine_c2
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.engine' op field 'token_tiles' expects ascending numbers}}
  machine.engine "m" matmul token_tiles = [16, 8] column_tile = 1
      contraction_tile = 1 {
  }
}

// -----

// engine_c3
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.engine' op expects at least one machine.rate, got none}}
  machine.engine "v" vector {
  }
}

// -----

// format_c1: twice
machine.system @m family = switched title = "t" {
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {
    machine.stream fp8 efficiency <1 "fraction", V, "page">
    // expected-error @below {{'machine.stream' op expects each format once, got 'fp8' twice}}
    machine.stream fp8 efficiency <1 "fraction", V, "page">
  }
}

// -----

// format_c1: any and one
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.memory' op expects 'any' or a list of formats, got both}}
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {
    machine.stream any efficiency <1 "fraction", V, "page">
    machine.stream fp8 efficiency <1 "fraction", V, "page">
  }
}

// -----

// An unknown format is refused by the parser.
machine.system @m family = switched title = "t" {
  // expected-error @below {{expects a number format (f32, bf16, fp16, fp8, mxfp8, int8, nvfp4, mxfp4, int4, or any), got 'fp6'}}
  machine.storage_format fp6 dequantize <0 "operations/element", V, "page">
}

// -----

// link_c1
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.link' op field 'reduction_gain' expects 'in_network_reduction'}}
  machine.link "l" bandwidth <1 "bytes/s", V, "page">
    efficiency <1 "fraction", V, "page"> latency <1 "s", V, "page">
    start <1 "s", V, "page"> message_gap <1 "s", V, "page">
    reduction_gain <1.3 "ratio", V, "page">
}

// -----

// storage_format_c1
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.storage_format' op expects one number format, got 'any'}}
  machine.storage_format any dequantize <0 "operations/element", V, "page">
}

// -----

// core_c1
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.core' op field 'accumulator_memory' belongs to a tmem_mma, and a tmem_mma expects it}}
  machine.core tmem_mma largest_cluster = 8 shared_memory <1024 "bytes", V, "page">
}

// -----

// core_c1: sums in registers
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.core' op field 'accumulator_memory' belongs to a tmem_mma, and a tmem_mma expects it}}
  machine.core warpgroup_mma largest_cluster = 8 shared_memory <1024 "bytes", V, "page"> accumulator_memory <1024 "bytes", V, "page">
}

// -----

// count_c1: clusters
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.core' op field 'largest_cluster' expects at least 1, got 0}}
  machine.core warpgroup_mma largest_cluster = 0 shared_memory <1024 "bytes", V, "page">
}

// -----

// storage_format_c2
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.storage_format' op field 'encoding' expects an encoding of int8, got 'e5m2'}}
  machine.storage_format int8 dequantize <0 "operations/element", V, "page"> {encoding = "e5m2"}
}
