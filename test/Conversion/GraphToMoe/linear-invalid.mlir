// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// A product that is scaled is another one.

// expected-error@+1 {{node 'g' (op 'Gemm', domain '') cannot be raised to moe: expects rows by an initialiser of rank 2, plus one of rank 1, unscaled}}
module {
  moe.weight_data @w : tensor<4x6xf32>
  func.func @main(%x: tensor<?x4xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<4x6xf32>
    %g = graph.node "Gemm"(%x, %w) attributes {alpha = 2.0 : f32} {version = 17 : i64} : (tensor<?x4xf32>, tensor<4x6xf32>) -> !graph.unknown loc("g")
    return %g : !graph.unknown
  }
}

// -----

// A bias of another width.

// expected-error@+1 {{node 'g' (op 'Gemm', domain '') cannot be raised to moe: expects a bias as long as the weight is wide}}
module {
  moe.weight_data @w : tensor<4x6xf32>
  moe.weight_data @b : tensor<4xf32>
  func.func @main(%x: tensor<?x4xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<4x6xf32>
    %b = moe.weight @b : tensor<4xf32>
    %g = graph.node "Gemm"(%x, %w, %b) {version = 17 : i64} : (tensor<?x4xf32>, tensor<4x6xf32>, tensor<4xf32>) -> !graph.unknown loc("g")
    return %g : !graph.unknown
  }
}

// -----

// The first position is not the last.

// expected-error@+1 {{cannot be raised to moe}}
module {
  moe.weight_data @w : tensor<4x6xf32>
  moe.weight_data @zero {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @one {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %w = moe.weight @w : tensor<4x6xf32>
    %zero = moe.weight @zero : tensor<1xi64>
    %one = moe.weight @one : tensor<1xi64>
    %s = graph.node "Slice"(%x, %zero, %one, %one) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %y = graph.node "MatMul"(%s, %w) {version = 17 : i64} : (!graph.unknown, tensor<4x6xf32>) -> !graph.unknown
    return %y : !graph.unknown
  }
}
