// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// The mean over another dimension is no norm of the width.

// expected-error@+1 {{node 'square' (op 'Pow', domain '') cannot be raised to moe: no rule raises this op}}
module {
moe.weight_data @gain : tensor<4xf32>
moe.weight_data @eps {value = dense<1.0e-05> : tensor<f32>} : tensor<f32>
moe.weight_data @one {value = dense<1.0> : tensor<f32>} : tensor<f32>
moe.weight_data @p2 {value = dense<2.0> : tensor<f32>} : tensor<f32>
func.func @main(%x: tensor<?x?x4xf32>, %z: tensor<?x?x4xf32>) -> !graph.unknown {
  %gain = moe.weight @gain : tensor<4xf32>
  %eps = moe.weight @eps : tensor<f32>
  %one = moe.weight @one : tensor<f32>
  %p2 = moe.weight @p2 : tensor<f32>
  %sq = graph.node "Pow"(%x, %p2) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<f32>) -> !graph.unknown loc("square")
  %m = graph.node "ReduceMean"(%sq) attributes {axes = array<i64: 1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %e = graph.node "Add"(%m, %eps) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %r = graph.node "Sqrt"(%e) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %i = graph.node "Div"(%one, %r) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
  %n = graph.node "Mul"(%x, %i) {version = 17 : i64} : (tensor<?x?x4xf32>, !graph.unknown) -> !graph.unknown
  %y = graph.node "Mul"(%gain, %n) {version = 17 : i64} : (tensor<4xf32>, !graph.unknown) -> !graph.unknown loc("norm")
  return %y : !graph.unknown
}
}

// -----

// What is divided is not what was measured.

// expected-error@+1 {{node 'square' (op 'Pow', domain '') cannot be raised to moe: no rule raises this op}}
module {
moe.weight_data @gain : tensor<4xf32>
moe.weight_data @eps {value = dense<1.0e-05> : tensor<f32>} : tensor<f32>
moe.weight_data @one {value = dense<1.0> : tensor<f32>} : tensor<f32>
moe.weight_data @p2 {value = dense<2.0> : tensor<f32>} : tensor<f32>
func.func @main(%x: tensor<?x?x4xf32>, %z: tensor<?x?x4xf32>) -> !graph.unknown {
  %gain = moe.weight @gain : tensor<4xf32>
  %eps = moe.weight @eps : tensor<f32>
  %one = moe.weight @one : tensor<f32>
  %p2 = moe.weight @p2 : tensor<f32>
  %sq = graph.node "Pow"(%x, %p2) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<f32>) -> !graph.unknown loc("square")
  %m = graph.node "ReduceMean"(%sq) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %e = graph.node "Add"(%m, %eps) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %r = graph.node "Sqrt"(%e) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %i = graph.node "Div"(%one, %r) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
  %n = graph.node "Mul"(%z, %i) {version = 17 : i64} : (tensor<?x?x4xf32>, !graph.unknown) -> !graph.unknown
  %y = graph.node "Mul"(%gain, %n) {version = 17 : i64} : (tensor<4xf32>, !graph.unknown) -> !graph.unknown loc("norm")
  return %y : !graph.unknown
}
}

// -----

// A gain of half the width.

// expected-error@+1 {{expects a gain of the width of the input}}
module {
moe.weight_data @gain : tensor<1xf32>
moe.weight_data @eps {value = dense<1.0e-05> : tensor<f32>} : tensor<f32>
moe.weight_data @one {value = dense<1.0> : tensor<f32>} : tensor<f32>
moe.weight_data @p2 {value = dense<2.0> : tensor<f32>} : tensor<f32>
func.func @main(%x: tensor<?x?x2xf32>, %z: tensor<?x?x2xf32>) -> !graph.unknown {
  %gain = moe.weight @gain : tensor<1xf32>
  %eps = moe.weight @eps : tensor<f32>
  %one = moe.weight @one : tensor<f32>
  %p2 = moe.weight @p2 : tensor<f32>
  %sq = graph.node "Pow"(%x, %p2) {version = 17 : i64} : (tensor<?x?x2xf32>, tensor<f32>) -> !graph.unknown
  %m = graph.node "ReduceMean"(%sq) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %e = graph.node "Add"(%m, %eps) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %r = graph.node "Sqrt"(%e) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %i = graph.node "Div"(%one, %r) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
  %n = graph.node "Mul"(%x, %i) {version = 17 : i64} : (tensor<?x?x2xf32>, !graph.unknown) -> !graph.unknown
  %y = graph.node "Mul"(%gain, %n) {version = 17 : i64} : (tensor<1xf32>, !graph.unknown) -> !graph.unknown loc("norm")
  return %y : !graph.unknown
}
}
