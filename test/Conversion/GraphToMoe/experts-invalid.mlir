// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// expected-error@+1 {{attribute 'use_sparse_mixer' expects 0, got 1}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @fc1 : tensor<4x6x2xf32>
  moe.weight_data @fc2 : tensor<4x2x3xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x6x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, use_sparse_mixer = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x6x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'swiglu_fusion' expects 0, 1 or 2, got 3}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @fc1 : tensor<4x6x2xf32>
  moe.weight_data @fc2 : tensor<4x2x3xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x6x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "swiglu", swiglu_fusion = 3 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x6x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'swiglu_limit' expects a positive number}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @fc1 : tensor<4x6x2xf32>
  moe.weight_data @fc2 : tensor<4x2x3xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x6x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, swiglu_limit = 0.0 : f32} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x6x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'activation_type' is unknown: 'tanh'}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @fc1 : tensor<4x6x2xf32>
  moe.weight_data @fc2 : tensor<4x2x3xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x6x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "tanh"} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x6x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// swiglu has a gate: fused into fc1, or fc1 beside fc3.

// expected-error@+1 {{expects a gate for swiglu}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @fc1 : tensor<4x3x2xf32>
  moe.weight_data @fc2 : tensor<4x2x3xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x3x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "swiglu"} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x3x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects no fc3 beside a fused fc1}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @fc1 : tensor<4x6x2xf32>
  moe.weight_data @fc2 : tensor<4x2x3xf32>
  moe.weight_data @fc3 : tensor<4x6x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x6x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
    %fc3 = moe.weight @fc3 : tensor<4x6x2xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2, %none, %fc3) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x6x2xf32>, none, tensor<4x2x3xf32>, none, tensor<4x6x2xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects 1 <= k <= 4 experts, got 5}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @fc1 : tensor<4x6x2xf32>
  moe.weight_data @fc2 : tensor<4x2x3xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x6x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, k = 5 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x6x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects logits for 4 experts, got 3}}
module {
  moe.weight_data @router : tensor<2x3xf32>
  moe.weight_data @fc1 : tensor<4x6x2xf32>
  moe.weight_data @fc2 : tensor<4x2x3xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x3xf32>
    %fc1 = moe.weight @fc1 : tensor<4x6x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x3xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x6x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// fc1 has 5 rows, which is not twice an inner width of 3.

// expected-error@+1 {{expects fc1 and fc2 that fit the width 2 of the input}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @fc1 : tensor<4x5x2xf32>
  moe.weight_data @fc2 : tensor<4x2x3xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x5x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x5x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// Square matrices do not tell [out, in] from [in, out].

// expected-error@+1 {{expects fc1 and fc2 that tell rows from columns, got square ones}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @fc1 : tensor<4x2x2xf32>
  moe.weight_data @fc2 : tensor<4x2x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %fc1 = moe.weight @fc1 : tensor<4x2x2xf32>
    %fc2 = moe.weight @fc2 : tensor<4x2x2xf32>
    %none = graph.none : none
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "relu"} {domain = "com.microsoft", version = 1 : i64} : (tensor<5x2xf32>, !graph.unknown, tensor<4x2x2xf32>, none, tensor<4x2x2xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}
