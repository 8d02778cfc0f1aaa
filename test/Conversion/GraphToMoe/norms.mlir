// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// gain * (x * (1 / sqrt(mean(x^2) + epsilon)))

// CHECK-LABEL: func.func @main
// CHECK: %[[N:.*]] = moe.rms_norm %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>)
// CHECK: return %[[N]]
moe.weight_data @gain : tensor<4xf32>
moe.weight_data @eps {value = dense<1.0e-05> : tensor<f32>} : tensor<f32>
moe.weight_data @one {value = dense<1.0> : tensor<f32>} : tensor<f32>
moe.weight_data @p2 {value = dense<2.0> : tensor<f32>} : tensor<f32>
func.func @main(%x: tensor<?x?x4xf32>, %z: tensor<?x?x4xf32>) -> !graph.unknown {
  %gain = moe.weight @gain : tensor<4xf32>
  %eps = moe.weight @eps : tensor<f32>
  %one = moe.weight @one : tensor<f32>
  %p2 = moe.weight @p2 : tensor<f32>
  %sq = graph.node "Pow"(%x, %p2) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<f32>) -> !graph.unknown
  %m = graph.node "ReduceMean"(%sq) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %e = graph.node "Add"(%m, %eps) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %r = graph.node "Sqrt"(%e) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %i = graph.node "Div"(%one, %r) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
  %n = graph.node "Mul"(%x, %i) {version = 17 : i64} : (tensor<?x?x4xf32>, !graph.unknown) -> !graph.unknown
  %y = graph.node "Mul"(%gain, %n) {version = 17 : i64} : (tensor<4xf32>, !graph.unknown) -> !graph.unknown loc("norm")
  return %y : !graph.unknown
}

// -----

// x / sqrt(mean(x^2) + epsilon) * gain

// CHECK-LABEL: func.func @main
// CHECK: %[[N:.*]] = moe.rms_norm %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>)
// CHECK: return %[[N]]
moe.weight_data @gain : tensor<4xf32>
moe.weight_data @eps {value = dense<1.0e-05> : tensor<f32>} : tensor<f32>
moe.weight_data @p2 {value = dense<2.0> : tensor<f32>} : tensor<f32>
func.func @main(%x: tensor<?x?x4xf32>, %z: tensor<?x?x4xf32>) -> !graph.unknown {
  %gain = moe.weight @gain : tensor<4xf32>
  %eps = moe.weight @eps : tensor<f32>
  %p2 = moe.weight @p2 : tensor<f32>
  %sq = graph.node "Pow"(%x, %p2) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<f32>) -> !graph.unknown
  %m = graph.node "ReduceMean"(%sq) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %e = graph.node "Add"(%m, %eps) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %r = graph.node "Sqrt"(%e) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %n = graph.node "Div"(%x, %r) {version = 17 : i64} : (tensor<?x?x4xf32>, !graph.unknown) -> !graph.unknown
  %y = graph.node "Mul"(%n, %gain) {version = 17 : i64} : (!graph.unknown, tensor<4xf32>) -> !graph.unknown loc("norm")
  return %y : !graph.unknown
}

// -----

// The square as a product, the inverse as Reciprocal, operands exchanged.

// CHECK-LABEL: func.func @main
// CHECK: %[[N:.*]] = moe.rms_norm %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64} : (tensor<?x?x4xf32>, tensor<4xf32>)
// CHECK: return %[[N]]
moe.weight_data @gain : tensor<4xf32>
moe.weight_data @eps {value = dense<1.0e-05> : tensor<f32>} : tensor<f32>
func.func @main(%x: tensor<?x?x4xf32>, %z: tensor<?x?x4xf32>) -> !graph.unknown {
  %gain = moe.weight @gain : tensor<4xf32>
  %eps = moe.weight @eps : tensor<f32>
  %sq = graph.node "Mul"(%x, %x) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> !graph.unknown
  %m = graph.node "ReduceMean"(%sq) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %e = graph.node "Add"(%eps, %m) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
  %r = graph.node "Sqrt"(%e) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %i = graph.node "Reciprocal"(%r) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %n = graph.node "Mul"(%i, %x) {version = 17 : i64} : (!graph.unknown, tensor<?x?x4xf32>) -> !graph.unknown
  %y = graph.node "Mul"(%gain, %n) {version = 17 : i64} : (tensor<4xf32>, !graph.unknown) -> !graph.unknown loc("norm")
  return %y : !graph.unknown
}

// -----

// A norm of each head: the heads are a view, the norm one of runs of 2.

// CHECK-LABEL: func.func @main
// CHECK: %[[N:.*]] = moe.rms_norm %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64} : (tensor<?x?x4xf32>, tensor<2xf32>) -> tensor<?x?x4xf32>
// CHECK: return %[[N]]
moe.weight_data @gain : tensor<2xf32>
moe.weight_data @eps {value = dense<1.0e-05> : tensor<f32>} : tensor<f32>
moe.weight_data @one {value = dense<1.0> : tensor<f32>} : tensor<f32>
moe.weight_data @p2 {value = dense<2.0> : tensor<f32>} : tensor<f32>
moe.weight_data @split {value = dense<[0, 0, 2, 2]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @join {value = dense<[0, 0, 4]> : tensor<3xi64>} : tensor<3xi64>
func.func @main(%x: tensor<?x?x4xf32>, %z: tensor<?x?x4xf32>) -> !graph.unknown {
  %gain = moe.weight @gain : tensor<2xf32>
  %eps = moe.weight @eps : tensor<f32>
  %one = moe.weight @one : tensor<f32>
  %p2 = moe.weight @p2 : tensor<f32>
  %split = moe.weight @split : tensor<4xi64>
  %join = moe.weight @join : tensor<3xi64>
  %h = graph.node "Reshape"(%x, %split) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<4xi64>) -> !graph.unknown
  %sq = graph.node "Pow"(%h, %p2) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %m = graph.node "ReduceMean"(%sq) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %e = graph.node "Add"(%m, %eps) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %r = graph.node "Sqrt"(%e) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %i = graph.node "Div"(%one, %r) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
  %n = graph.node "Mul"(%h, %i) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %y = graph.node "Mul"(%gain, %n) {version = 17 : i64} : (tensor<2xf32>, !graph.unknown) -> !graph.unknown loc("norm")
  %o = graph.node "Reshape"(%y, %join) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
  return %o : !graph.unknown
}
