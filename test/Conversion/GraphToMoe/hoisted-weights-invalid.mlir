// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// A sum of two weights is no weight.

// expected-error@+1 {{(op 'Add', domain '') cannot be raised to moe: expects a sum of two activations}}
module {
  moe.weight_data @g : tensor<4xf32>
  moe.weight_data @h : tensor<4xf32>
  func.func @main(%x: tensor<2x3x4xf32>) -> !graph.unknown {
    %g = moe.weight @g : tensor<4xf32>
    %h = moe.weight @h : tensor<4xf32>
    %0 = graph.node "Add"(%g, %h) {version = 24 : i64} : (tensor<4xf32>, tensor<4xf32>) -> !graph.unknown
    %1 = graph.node "RMSNormalization"(%x, %0) {version = 24 : i64} : (tensor<2x3x4xf32>, !graph.unknown) -> !graph.unknown
    return %1 : !graph.unknown
  }
}
