// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// A cache of narrow numbers is not one of activations.

// expected-error@+1 {{node 'attention' (op 'GroupQueryAttention', domain 'com.microsoft') cannot be raised to moe: attribute 'k_quant_type' expects NONE, got 'PER_TENSOR'}}
module {
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>, %pos: tensor<3xi64>) -> !graph.unknown {
    %none = graph.none : none
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64, k_quant_type = "PER_TENSOR"} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>) -> !graph.unknown loc("attention")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'attention' (op 'GroupQueryAttention', domain 'com.microsoft') cannot be raised to moe: attribute 'kv_cache_bit_width' expects 0, got 8}}
module {
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>, %pos: tensor<3xi64>) -> !graph.unknown {
    %none = graph.none : none
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64, kv_cache_bit_width = 8 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>) -> !graph.unknown loc("attention")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'attention' (op 'GroupQueryAttention', domain 'com.microsoft') cannot be raised to moe: attribute 'causal' expects 1, got 0}}
module {
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>, %pos: tensor<3xi64>) -> !graph.unknown {
    %none = graph.none : none
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64, causal = 0 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>) -> !graph.unknown loc("attention")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'attention' (op 'GroupQueryAttention', domain 'com.microsoft') cannot be raised to moe: expects no input 12}}
module {
  moe.weight_data @w : tensor<1xf32>
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>, %pos: tensor<3xi64>) -> !graph.unknown {
    %none = graph.none : none
    %w = moe.weight @w : tensor<1xf32>
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total, %none, %none, %none, %none, %none, %w) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>, none, none, none, none, none, tensor<1xf32>) -> !graph.unknown loc("attention")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'attention' (op 'GroupQueryAttention', domain 'com.microsoft') cannot be raised to moe: expects gains of queries and of keys, got one of them}}
module {
  moe.weight_data @w : tensor<4xf32>
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>, %pos: tensor<3xi64>) -> !graph.unknown {
    %none = graph.none : none
    %w = moe.weight @w : tensor<4xf32>
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total, %none, %none, %none, %none, %none, %none, %none, %w) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>, none, none, none, none, none, none, none, tensor<4xf32>) -> !graph.unknown loc("attention")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'attention' (op 'GroupQueryAttention', domain 'com.microsoft') cannot be raised to moe: expects gains of the head width 4}}
module {
  moe.weight_data @w : tensor<8xf32>
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>, %pos: tensor<3xi64>) -> !graph.unknown {
    %none = graph.none : none
    %w = moe.weight @w : tensor<8xf32>
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total, %none, %none, %none, %none, %none, %none, %none, %w, %w) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>, none, none, none, none, none, none, none, tensor<8xf32>, tensor<8xf32>) -> !graph.unknown loc("attention")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'attention' (op 'GroupQueryAttention', domain 'com.microsoft') cannot be raised to moe: expects a position for each token of each sequence}}
module {
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>, %pos: tensor<3xi64>) -> !graph.unknown {
    %none = graph.none : none
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total, %none, %none, %pos) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>, none, none, tensor<3xi64>) -> !graph.unknown loc("attention")
    return %0 : !graph.unknown
  }
}

// -----

// A bias that belongs to no product is not one of moe.

// expected-error@+1 {{expects a sum of two activations of one shape, or of a product and a bias}}
module {
  moe.weight_data @g : tensor<8xf32>
  func.func @main(%x: tensor<3x8xf32>) -> !graph.unknown {
    %g = moe.weight @g : tensor<8xf32>
    %0 = graph.node "SkipSimplifiedLayerNormalization"(%x, %x, %g, %g) {domain = "com.microsoft", version = 1 : i64} : (tensor<3x8xf32>, tensor<3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'rows' (op 'GatherBlockQuantized', domain 'com.microsoft') cannot be raised to moe: attribute 'gather_axis' expects 0, got 1}}
module {
  moe.weight_data @t : tensor<12x16xui8>
  moe.weight_data @s : tensor<12x2xf32>
  func.func @main(%ids: tensor<2x3xi64>) -> !graph.unknown {
    %t = moe.weight @t : tensor<12x16xui8>
    %s = moe.weight @s : tensor<12x2xf32>
    %0 = graph.node "GatherBlockQuantized"(%t, %ids, %s) attributes {gather_axis = 1 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<12x16xui8>, tensor<2x3xi64>, tensor<12x2xf32>) -> !graph.unknown loc("rows")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects scales and zero points of the blocks of a table}}
module {
  moe.weight_data @t : tensor<12x16xui8>
  moe.weight_data @s : tensor<12x3xf32>
  func.func @main(%ids: tensor<2x3xi64>) -> !graph.unknown {
    %t = moe.weight @t : tensor<12x16xui8>
    %s = moe.weight @s : tensor<12x3xf32>
    %0 = graph.node "GatherBlockQuantized"(%t, %ids, %s) attributes {block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<12x16xui8>, tensor<2x3xi64>, tensor<12x3xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'alpha' expects 1, got 0.5}}
module {
  moe.weight_data @w : tensor<8x4xf32>
  func.func @main(%x: tensor<3x8xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<8x4xf32>
    %0 = graph.node "FusedMatMul"(%x, %w) attributes {alpha = 0.5 : f32} {domain = "com.microsoft", version = 1 : i64} : (tensor<3x8xf32>, tensor<8x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'is_packed_batching' expects 0, got 1}}
module {
  moe.weight_data @c : tensor<9x4xf32>
  func.func @main(%x: tensor<2x3x16xf32>, %p: tensor<2x3xi64>) -> !graph.unknown {
    %c = moe.weight @c : tensor<9x4xf32>
    %0 = graph.node "RotaryEmbedding"(%x, %p, %c, %c) attributes {is_packed_batching = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<2x3x16xf32>, tensor<2x3xi64>, tensor<9x4xf32>, tensor<9x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: attribute 'quant_type' expects int, fp4 or fp8, got 'nvfp4'}}
module {
  moe.weight_data @router : tensor<32x4xf32>
  moe.weight_data @fc1 : tensor<4x32x16xui8>
  moe.weight_data @s1 : tensor<4x32x1xui8>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x32x1xui8>
  moe.weight_data @g : tensor<4xf32>
  func.func @main(%x: tensor<5x32xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<32x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x32x16xui8>
    %s1 = moe.weight @s1 : tensor<4x32x1xui8>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x32x1xui8>
    %g = moe.weight @g : tensor<4xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x32xf32>, tensor<32x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2, %none, %none, %none, %none, %none, %none, %none, %none, %g, %g) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, quant_type = "nvfp4"} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<5x32xf32>, !graph.unknown, tensor<4x32x16xui8>, tensor<4x32x1xui8>, none, tensor<4x16x16xui8>, tensor<4x32x1xui8>, none, none, none, none, none, none, none, none, tensor<4xf32>, tensor<4xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: attribute 'expert_weight_bits' expects 4 beside fp4, got 8}}
module {
  moe.weight_data @router : tensor<32x4xf32>
  moe.weight_data @fc1 : tensor<4x32x16xui8>
  moe.weight_data @s1 : tensor<4x32x1xui8>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x32x1xui8>
  moe.weight_data @g : tensor<4xf32>
  func.func @main(%x: tensor<5x32xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<32x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x32x16xui8>
    %s1 = moe.weight @s1 : tensor<4x32x1xui8>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x32x1xui8>
    %g = moe.weight @g : tensor<4xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x32xf32>, tensor<32x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2, %none, %none, %none, %none, %none, %none, %none, %none, %g, %g) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, quant_type = "fp4", expert_weight_bits = 8 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<5x32xf32>, !graph.unknown, tensor<4x32x16xui8>, tensor<4x32x1xui8>, none, tensor<4x16x16xui8>, tensor<4x32x1xui8>, none, none, none, none, none, none, none, none, tensor<4xf32>, tensor<4xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// Codes along the inputs are another layout.

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: expects fc1 of [experts, inputs, outputs / 2] and its scales in bytes of [4, 40, 1]}}
module {
  moe.weight_data @router : tensor<32x4xf32>
  moe.weight_data @fc1 : tensor<4x32x20xui8>
  moe.weight_data @s1 : tensor<4x32x1xui8>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x32x1xui8>
  moe.weight_data @g : tensor<4xf32>
  func.func @main(%x: tensor<5x32xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<32x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x32x20xui8>
    %s1 = moe.weight @s1 : tensor<4x32x1xui8>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x32x1xui8>
    %g = moe.weight @g : tensor<4xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x32xf32>, tensor<32x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2, %none, %none, %none, %none, %none, %none, %none, %none, %g, %g) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, quant_type = "fp4"} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<5x32xf32>, !graph.unknown, tensor<4x32x20xui8>, tensor<4x32x1xui8>, none, tensor<4x16x16xui8>, tensor<4x32x1xui8>, none, none, none, none, none, none, none, none, tensor<4xf32>, tensor<4xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: expects a global scale of fc1 for 4 experts as input 15}}
module {
  moe.weight_data @router : tensor<32x4xf32>
  moe.weight_data @fc1 : tensor<4x32x16xui8>
  moe.weight_data @s1 : tensor<4x32x1xui8>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x32x1xui8>
  moe.weight_data @g : tensor<4xf32>
  func.func @main(%x: tensor<5x32xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<32x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x32x16xui8>
    %s1 = moe.weight @s1 : tensor<4x32x1xui8>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x32x1xui8>
    %g = moe.weight @g : tensor<4xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x32xf32>, tensor<32x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2, %none, %none, %none, %none, %none, %none, %none, %none, %none, %g) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, quant_type = "fp4"} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<5x32xf32>, !graph.unknown, tensor<4x32x16xui8>, tensor<4x32x1xui8>, none, tensor<4x16x16xui8>, tensor<4x32x1xui8>, none, none, none, none, none, none, none, none, none, tensor<4xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: expects no input 17 beside fp4}}
module {
  moe.weight_data @router : tensor<32x4xf32>
  moe.weight_data @fc1 : tensor<4x32x16xui8>
  moe.weight_data @s1 : tensor<4x32x1xui8>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x32x1xui8>
  moe.weight_data @g : tensor<4xf32>
  func.func @main(%x: tensor<5x32xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<32x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x32x16xui8>
    %s1 = moe.weight @s1 : tensor<4x32x1xui8>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x32x1xui8>
    %g = moe.weight @g : tensor<4xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x32xf32>, tensor<32x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2, %none, %none, %none, %none, %none, %none, %none, %none, %g, %g, %g) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, quant_type = "fp4"} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<5x32xf32>, !graph.unknown, tensor<4x32x16xui8>, tensor<4x32x1xui8>, none, tensor<4x16x16xui8>, tensor<4x32x1xui8>, none, none, none, none, none, none, none, none, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// Weights that are no scores of the logits.

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: expects router logits that are a product with an initialiser, or beside them router weights that are their softmax or sigmoid}}
module {
  moe.weight_data @router : tensor<32x4xf32>
  moe.weight_data @fc1 : tensor<4x32x16xui8>
  moe.weight_data @s1 : tensor<4x32x1xui8>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x32x1xui8>
  moe.weight_data @g : tensor<4xf32>
  func.func @main(%x: tensor<5x32xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<32x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x32x16xui8>
    %s1 = moe.weight @s1 : tensor<4x32x1xui8>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x32x1xui8>
    %g = moe.weight @g : tensor<4xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x32xf32>, tensor<32x4xf32>) -> !graph.unknown
    %2 = graph.node "Relu"(%0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2, %none, %none, %none, %none, %none, %none, %none, %2, %g, %g) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, quant_type = "fp4"} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<5x32xf32>, !graph.unknown, tensor<4x32x16xui8>, tensor<4x32x1xui8>, none, tensor<4x16x16xui8>, tensor<4x32x1xui8>, none, none, none, none, none, none, none, !graph.unknown, tensor<4xf32>, tensor<4xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}
