// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// expected-error@+1 {{expects kv_num_heads that divide num_heads, got 3 and 2}}
module {
  func.func @main(%q: tensor<2x3x12xf32>, %k: tensor<2x3x8xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x2x5x4xf32>) -> !graph.unknown {
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total) attributes {num_heads = 3 : i64, kv_num_heads = 2 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x12xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2xi32>, tensor<i32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// An addition to the scores would be lost.

// expected-error@+1 {{expects no input 10}}
module {
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>, %bias: tensor<2x2x3x8xf32>) -> !graph.unknown {
    %none = graph.none : none
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total, %none, %none, %none, %bias) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>, none, none, none, tensor<2x2x3x8xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// Lengths that are not the mask's: here 2 is subtracted.

// expected-error@+1 {{expects seqlens_k to be an input or the sum of the attention mask minus 1}}
module {
  moe.weight_data @one {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @two {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %mask: tensor<2x8xi64>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>) -> !graph.unknown {
    %one = moe.weight @one : tensor<1xi64>
    %two = moe.weight @two : tensor<1xi64>
    %sum = graph.node "ReduceSum"(%mask, %one) attributes {keepdims = 0 : i64} {version = 17 : i64} : (tensor<2x8xi64>, tensor<1xi64>) -> !graph.unknown
    %last = graph.node "Sub"(%sum, %two) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, !graph.unknown, tensor<i32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects a cache of keys and values}}
module {
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>) -> !graph.unknown {
    %none = graph.none : none
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %none, %none, %last, %total) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, none, none, tensor<2xi32>, tensor<i32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects a query, key and value as wide as their heads}}
module {
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x5xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>) -> !graph.unknown {
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x5xf32>, tensor<2x3x5xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects tables of cosines and sines of at most half the head width}}
module {
  func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %p: tensor<2x1x5x4xf32>) -> !graph.unknown {
    %0 = graph.node "GroupQueryAttention"(%q, %k, %k, %p, %p, %last, %total) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64, do_rotary = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
      : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}
