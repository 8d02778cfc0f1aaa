// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// The first node that cannot be raised is named, and how many there are; users
// of its result are not counted.

// expected-error@+1 {{node 'a' (op 'Erf', domain '') cannot be raised to moe: no rule raises this op (2 nodes in all cannot be raised)}}
module {
  func.func @main(%x: tensor<?x?x4xf32>) -> (!graph.unknown, !graph.unknown) {
    %0 = graph.node "Erf"(%x) {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown loc("a")
    %1 = graph.node "Add"(%0, %0) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown loc("b")
    %2 = graph.node "QMoE"(%x) {domain = "com.microsoft", version = 1 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown loc("c")
    return %1, %2 : !graph.unknown, !graph.unknown
  }
}

// -----

// An attribute that the rule does not know changes what the node means.

// expected-error@+1 {{node 'n' (op 'SimplifiedLayerNormalization', domain '') cannot be raised to moe: attribute 'shift' is unknown}}
module {
  moe.weight_data @gain : tensor<4xf32>
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %gain = moe.weight @gain : tensor<4xf32>
    %0 = graph.node "SimplifiedLayerNormalization"(%x, %gain) attributes {shift = 1.0 : f32} {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> !graph.unknown loc("n")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'axis' expects the last dimension, got 1}}
module {
  moe.weight_data @gain : tensor<4xf32>
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %gain = moe.weight @gain : tensor<4xf32>
    %0 = graph.node "SimplifiedLayerNormalization"(%x, %gain) attributes {axis = 1 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> !graph.unknown loc("n")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'epsilon' expects a number}}
module {
  moe.weight_data @gain : tensor<4xf32>
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %gain = moe.weight @gain : tensor<4xf32>
    %0 = graph.node "SimplifiedLayerNormalization"(%x, %gain) attributes {epsilon = "small"} {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> !graph.unknown loc("n")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects a gain of the width of the input}}
module {
  moe.weight_data @gain : tensor<5xf32>
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %gain = moe.weight @gain : tensor<5xf32>
    %0 = graph.node "SimplifiedLayerNormalization"(%x, %gain) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<5xf32>) -> !graph.unknown loc("n")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects inputs of a known rank}}
module {
  moe.weight_data @gain : tensor<4xf32>
  func.func @main(%x: tensor<*xf32>) -> !graph.unknown {
    %gain = moe.weight @gain : tensor<4xf32>
    %0 = graph.node "SimplifiedLayerNormalization"(%x, %gain) {version = 17 : i64} : (tensor<*xf32>, tensor<4xf32>) -> !graph.unknown loc("n")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{node 'n' (op 'MatMul', domain '') cannot be raised to moe: expects input 1}}
module {
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %0 = graph.node "MatMul"(%x) {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown loc("n")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects a product with an initialiser of rank 2}}
module {
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %0 = graph.node "MatMul"(%x, %x) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> !graph.unknown loc("n")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects constant sizes that sum to the width 12}}
module {
  moe.weight_data @w : tensor<4x12xf32>
  moe.weight_data @sizes {value = dense<[4, 4]> : tensor<2xi64>} : tensor<2xi64>
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<4x12xf32>
    %sizes = moe.weight @sizes : tensor<2xi64>
    %0 = graph.node "MatMul"(%x, %w) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<4x12xf32>) -> !graph.unknown loc("n")
    %1:2 = graph.node "Split"(%0, %sizes) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown) loc("s")
    return %1#1 : !graph.unknown
  }
}

// -----

// Reshapes are raised only around the norm of a head.

// expected-error@+1 {{node 'r' (op 'Reshape', domain '') cannot be raised to moe: expects to split or join heads or tokens}}
module {
  moe.weight_data @shape {value = dense<[0, -1, 2]> : tensor<3xi64>} : tensor<3xi64>
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %shape = moe.weight @shape : tensor<3xi64>
    %0 = graph.node "Reshape"(%x, %shape) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<3xi64>) -> !graph.unknown loc("r")
    return %0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{output 0 expects tensor<?x?x5xf32> as the file states, got tensor<?x?x4xf32>}}
module {
  func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x5xf32> {
    %0 = graph.node "Identity"(%x) {version = 17 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x5xf32> loc("i")
    return %0 : tensor<?x?x5xf32>
  }
}

// -----

// expected-error@+1 {{expects a function @main, got none}}
module {
}
