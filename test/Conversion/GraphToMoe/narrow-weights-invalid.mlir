// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// expected-error@+1 {{node 'product' (op 'MatMulNBits', domain 'com.microsoft') cannot be raised to moe: attribute 'bits' expects 2, 4 or 8, got 3}}
module {
  moe.weight_data @w : tensor<5x1x8xui8>
  moe.weight_data @s : tensor<5x1xf32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xui8>
    %s = moe.weight @s : tensor<5x1xf32>
    %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 3 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xui8>, tensor<5x1xf32>) -> !graph.unknown loc("product")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'product' (op 'MatMulNBits', domain 'com.microsoft') cannot be raised to moe: attributes 'K' and 'N' expect 1 to 2^31, got 0 and 5}}
module {
  moe.weight_data @w : tensor<5x1x8xui8>
  moe.weight_data @s : tensor<5x1xf32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xui8>
    %s = moe.weight @s : tensor<5x1xf32>
    %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 0 : i64, N = 5 : i64, bits = 4 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xui8>, tensor<5x1xf32>) -> !graph.unknown loc("product")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'product' (op 'MatMulNBits', domain 'com.microsoft') cannot be raised to moe: attribute 'block_size' expects blocks of whole bytes, got 1}}
module {
  moe.weight_data @w : tensor<5x1x8xui8>
  moe.weight_data @s : tensor<5x1xf32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xui8>
    %s = moe.weight @s : tensor<5x1xf32>
    %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 4 : i64, block_size = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xui8>, tensor<5x1xf32>) -> !graph.unknown loc("product")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'product' (op 'MatMulNBits', domain 'com.microsoft') cannot be raised to moe: expects a weight of [5, 1, 8], got [5, 1, 7]}}
module {
  moe.weight_data @w : tensor<5x1x7xui8>
  moe.weight_data @s : tensor<5x1xf32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x7xui8>
    %s = moe.weight @s : tensor<5x1xf32>
    %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 4 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x7xui8>, tensor<5x1xf32>) -> !graph.unknown loc("product")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'product' (op 'MatMulNBits', domain 'com.microsoft') cannot be raised to moe: expects scales of [5, 1], got [5, 2]}}
module {
  moe.weight_data @w : tensor<5x1x8xui8>
  moe.weight_data @s : tensor<5x2xf32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xui8>
    %s = moe.weight @s : tensor<5x2xf32>
    %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 4 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xui8>, tensor<5x2xf32>) -> !graph.unknown loc("product")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'product' (op 'MatMulNBits', domain 'com.microsoft') cannot be raised to moe: expects zero points of [5, 1], got [5, 2]}}
module {
  moe.weight_data @w : tensor<5x1x8xui8>
  moe.weight_data @s : tensor<5x1xf32>
  moe.weight_data @z : tensor<5x2xui8>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xui8>
    %s = moe.weight @s : tensor<5x1xf32>
    %z = moe.weight @z : tensor<5x2xui8>
    %0 = graph.node "MatMulNBits"(%x, %w, %s, %z) attributes {K = 16 : i64, N = 5 : i64, bits = 4 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xui8>, tensor<5x1xf32>, tensor<5x2xui8>) -> !graph.unknown loc("product")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'product' (op 'MatMulNBits', domain 'com.microsoft') cannot be raised to moe: expects no input 4 (g_idx: columns in another order), got one}}
module {
  moe.weight_data @w : tensor<5x1x8xui8>
  moe.weight_data @s : tensor<5x1xf32>
  moe.weight_data @g : tensor<16xi32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xui8>
    %s = moe.weight @s : tensor<5x1xf32>
    %g = moe.weight @g : tensor<16xi32>
    %none = graph.none : none
    %0 = graph.node "MatMulNBits"(%x, %w, %s, %none, %g) attributes {K = 16 : i64, N = 5 : i64, bits = 4 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xui8>, tensor<5x1xf32>, none, tensor<16xi32>) -> !graph.unknown loc("product")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'product' (op 'MatMulNBits', domain 'com.microsoft') cannot be raised to moe: attribute 'weight_prepacked' expects 0, got 1}}
module {
  moe.weight_data @w : tensor<5x1x8xui8>
  moe.weight_data @s : tensor<5x1xf32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xui8>
    %s = moe.weight @s : tensor<5x1xf32>
    %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 4 : i64, block_size = 16 : i64, weight_prepacked = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xui8>, tensor<5x1xf32>) -> !graph.unknown loc("product")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'product' (op 'MatMulNBits', domain 'com.microsoft') cannot be raised to moe: attribute 'speed' is unknown}}
module {
  moe.weight_data @w : tensor<5x1x8xui8>
  moe.weight_data @s : tensor<5x1xf32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xui8>
    %s = moe.weight @s : tensor<5x1xf32>
    %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 4 : i64, block_size = 16 : i64, speed = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xui8>, tensor<5x1xf32>) -> !graph.unknown loc("product")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: attribute 'expert_weight_bits' expects 2, 4 or 8, got 5}}
module {
  moe.weight_data @router : tensor<16x4xf32>
  moe.weight_data @fc1 : tensor<4x64x8xui8>
  moe.weight_data @s1 : tensor<4x64x1xf32>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x16x2xf32>
  func.func @main(%x: tensor<5x16xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<16x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x64x8xui8>
    %s1 = moe.weight @s1 : tensor<4x64x1xf32>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x16x2xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x16xf32>, tensor<16x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, block_size = 16 : i64, expert_weight_bits = 5 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x16xf32>, !graph.unknown, tensor<4x64x8xui8>, tensor<4x64x1xf32>, none, tensor<4x16x16xui8>, tensor<4x16x2xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: attribute 'block_size' expects at least 16, got 8}}
module {
  moe.weight_data @router : tensor<16x4xf32>
  moe.weight_data @fc1 : tensor<4x64x8xui8>
  moe.weight_data @s1 : tensor<4x64x1xf32>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x16x2xf32>
  func.func @main(%x: tensor<5x16xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<16x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x64x8xui8>
    %s1 = moe.weight @s1 : tensor<4x64x1xf32>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x16x2xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x16xf32>, tensor<16x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, block_size = 8 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x16xf32>, !graph.unknown, tensor<4x64x8xui8>, tensor<4x64x1xf32>, none, tensor<4x16x16xui8>, tensor<4x16x2xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: attribute 'weights_prepacked' expects 0, got 1}}
module {
  moe.weight_data @router : tensor<16x4xf32>
  moe.weight_data @fc1 : tensor<4x64x8xui8>
  moe.weight_data @s1 : tensor<4x64x1xf32>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x16x2xf32>
  func.func @main(%x: tensor<5x16xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<16x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x64x8xui8>
    %s1 = moe.weight @s1 : tensor<4x64x1xf32>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x16x2xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x16xf32>, tensor<16x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, block_size = 16 : i64, weights_prepacked = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x16xf32>, !graph.unknown, tensor<4x64x8xui8>, tensor<4x64x1xf32>, none, tensor<4x16x16xui8>, tensor<4x16x2xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: fc1: expects scales of [4, 64, 1], got [4, 64, 2]}}
module {
  moe.weight_data @router : tensor<16x4xf32>
  moe.weight_data @fc1 : tensor<4x64x8xui8>
  moe.weight_data @s1 : tensor<4x64x2xf32>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x16x2xf32>
  func.func @main(%x: tensor<5x16xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<16x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x64x8xui8>
    %s1 = moe.weight @s1 : tensor<4x64x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x16x2xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x16xf32>, tensor<16x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x16xf32>, !graph.unknown, tensor<4x64x8xui8>, tensor<4x64x2xf32>, none, tensor<4x16x16xui8>, tensor<4x16x2xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: expects fc3 beside its scales}}
module {
  moe.weight_data @router : tensor<16x4xf32>
  moe.weight_data @fc1 : tensor<4x64x8xui8>
  moe.weight_data @s1 : tensor<4x64x1xf32>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x16x2xf32>
  func.func @main(%x: tensor<5x16xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<16x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x64x8xui8>
    %s1 = moe.weight @s1 : tensor<4x64x1xf32>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x16x2xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x16xf32>, tensor<16x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2, %none, %none, %s2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x16xf32>, !graph.unknown, tensor<4x64x8xui8>, tensor<4x64x1xf32>, none, tensor<4x16x16xui8>, tensor<4x16x2xf32>, none, none, tensor<4x16x2xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'experts' (op 'QMoE', domain 'com.microsoft') cannot be raised to moe: attribute 'use_sparse_mixer' expects 0, got 1}}
module {
  moe.weight_data @router : tensor<16x4xf32>
  moe.weight_data @fc1 : tensor<4x64x8xui8>
  moe.weight_data @s1 : tensor<4x64x1xf32>
  moe.weight_data @fc2 : tensor<4x16x16xui8>
  moe.weight_data @s2 : tensor<4x16x2xf32>
  func.func @main(%x: tensor<5x16xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<16x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x64x8xui8>
    %s1 = moe.weight @s1 : tensor<4x64x1xf32>
    %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
    %s2 = moe.weight @s2 : tensor<4x16x2xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x16xf32>, tensor<16x4xf32>) -> !graph.unknown
    %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, block_size = 16 : i64, use_sparse_mixer = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x16xf32>, !graph.unknown, tensor<4x64x8xui8>, tensor<4x64x1xf32>, none, tensor<4x16x16xui8>, tensor<4x16x2xf32>) -> !graph.unknown loc("experts")
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'block_size' expects blocks of whole bytes, got 4611686018427387904}}
module {
  moe.weight_data @w : tensor<5x1x8xui8>
  moe.weight_data @s : tensor<5x1xf32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xui8>
    %s = moe.weight @s : tensor<5x1xf32>
    %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 4 : i64, block_size = 4611686018427387904 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xui8>, tensor<5x1xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects fewer than 2^63 codes}}
module {
  moe.weight_data @t : tensor<2x2305843009213693952xui8>
  moe.weight_data @s : tensor<2x2xf32>
  func.func @main(%ids: tensor<2x3xi64>) -> !graph.unknown {
    %t = moe.weight @t : tensor<2x2305843009213693952xui8>
    %s = moe.weight @s : tensor<2x2xf32>
    %0 = graph.node "GatherBlockQuantized"(%t, %ids, %s) attributes {block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<2x2305843009213693952xui8>, tensor<2x3xi64>, tensor<2x2xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects codes in bytes and zero points in bytes or as floats}}
module {
  moe.weight_data @w : tensor<5x1x8xi32>
  moe.weight_data @s : tensor<5x1xf32>
  func.func @main(%x: tensor<?x16xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<5x1x8xi32>
    %s = moe.weight @s : tensor<5x1xf32>
    %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 4 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<?x16xf32>, tensor<5x1x8xi32>, tensor<5x1xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}
