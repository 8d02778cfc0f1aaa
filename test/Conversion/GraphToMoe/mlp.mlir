// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: moe.mlp %{{.*}} gate %{{.*}} up %{{.*}} down %{{.*}} {activation = #moe<activation silu>}
moe.weight_data @gate : tensor<2x3xf32>
moe.weight_data @up : tensor<2x3xf32>
moe.weight_data @down : tensor<3x2xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %gate = moe.weight @gate : tensor<2x3xf32>
  %up = moe.weight @up : tensor<2x3xf32>
  %down = moe.weight @down : tensor<3x2xf32>
  %0 = graph.node "MatMul"(%x, %gate) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x3xf32>) -> !graph.unknown
  %1 = graph.node "MatMul"(%x, %up) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x3xf32>) -> !graph.unknown
  %2 = graph.node "Sigmoid"(%0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %3 = graph.node "Mul"(%0, %2) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %4 = graph.node "Mul"(%3, %1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %5 = graph.node "MatMul"(%4, %down) {version = 17 : i64} : (!graph.unknown, tensor<3x2xf32>) -> !graph.unknown
  return %5 : !graph.unknown
}

// -----

// Gate and up are columns of one weight.

// CHECK-LABEL: func.func @main
// CHECK: %[[GATE:.*]] = tensor.extract_slice %{{.*}}[0, 0] [2, 3] [1, 1]
// CHECK: %[[UP:.*]] = tensor.extract_slice %{{.*}}[0, 3] [2, 3] [1, 1]
// CHECK: moe.mlp %{{.*}} gate %[[GATE]] up %[[UP]]
moe.weight_data @gate_up : tensor<2x6xf32>
moe.weight_data @down : tensor<3x2xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %gate_up = moe.weight @gate_up : tensor<2x6xf32>
  %down = moe.weight @down : tensor<3x2xf32>
  %0 = graph.node "MatMul"(%x, %gate_up) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x6xf32>) -> !graph.unknown
  %1:2 = graph.node "Split"(%0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %2 = graph.node "Sigmoid"(%1#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %3 = graph.node "Mul"(%1#0, %2) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %4 = graph.node "Mul"(%3, %1#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %5 = graph.node "MatMul"(%4, %down) {version = 17 : i64} : (!graph.unknown, tensor<3x2xf32>) -> !graph.unknown
  return %5 : !graph.unknown
}

// -----

// CHECK-LABEL: func.func @main
// CHECK: moe.mlp %{{.*}} up %{{.*}} down %{{.*}} {activation = #moe<activation relu>}
moe.weight_data @up : tensor<2x3xf32>
moe.weight_data @down : tensor<3x2xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %up = moe.weight @up : tensor<2x3xf32>
  %down = moe.weight @down : tensor<3x2xf32>
  %0 = graph.node "MatMul"(%x, %up) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x3xf32>) -> !graph.unknown
  %1 = graph.node "Relu"(%0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %2 = graph.node "MatMul"(%1, %down) {version = 17 : i64} : (!graph.unknown, tensor<3x2xf32>) -> !graph.unknown
  return %2 : !graph.unknown
}

// -----

// A shared expert that is added while the tokens are flattened.

// CHECK-LABEL: func.func @main
// CHECK: %[[R:.*]] = moe.combine {{.*}} -> tensor<?x?x2xf32>
// CHECK: %[[S:.*]] = moe.mlp {{.*}} -> tensor<?x?x2xf32>
// CHECK: %[[SUM:.*]] = moe.add %[[R]], %[[S]] : tensor<?x?x2xf32>
// CHECK: return %[[SUM]]
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x2x6xf32>
moe.weight_data @w2 : tensor<4x3x2xf32>
moe.weight_data @gate : tensor<2x3xf32>
moe.weight_data @up : tensor<2x3xf32>
moe.weight_data @down : tensor<3x2xf32>
func.func @main(%x: tensor<?x?x2xf32> {moe.dims = ["batch", "seq", ""], moe.name = "x"}) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x2x6xf32>
  %w2 = moe.weight @w2 : tensor<4x3x2xf32>
  %gate = moe.weight @gate : tensor<2x3xf32>
  %up = moe.weight @up : tensor<2x3xf32>
  %down = moe.weight @down : tensor<3x2xf32>
  %0 = graph.node "Constant"() attributes {value = dense<[-1, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %1 = graph.node "Reshape"(%x, %0) {version = 17 : i64} : (tensor<?x?x2xf32>, !graph.unknown) -> !graph.unknown
  %2 = graph.node "MatMul"(%1, %router) {version = 17 : i64} : (!graph.unknown, tensor<2x4xf32>) -> !graph.unknown
  %3 = graph.node "Softmax"(%2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %4 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %5:2 = graph.node "TopK"(%3, %4) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %6 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %7 = graph.node "ReduceSum"(%5#0, %6) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %8 = graph.node "Div"(%5#0, %7) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %9 = graph.node "Shape"(%1) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %10 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %11 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %12 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %13 = graph.node "Slice"(%9, %10, %11, %12) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %14 = graph.node "Constant"() attributes {value = dense<[4]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %15 = graph.node "Concat"(%13, %14) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "ConstantOfShape"(%15) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %17 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %18 = graph.node "Unsqueeze"(%1, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %19 = graph.node "MatMul"(%18, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
  %20:2 = graph.node "Split"(%19) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %21 = graph.node "Sigmoid"(%20#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %22 = graph.node "Mul"(%20#0, %21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %23 = graph.node "Mul"(%22, %20#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %24 = graph.node "MatMul"(%23, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
  %25 = graph.node "ScatterElements"(%16, %5#1, %8) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %26 = graph.node "Transpose"(%25) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %27 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %28 = graph.node "Unsqueeze"(%26, %27) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %29 = graph.node "Mul"(%24, %28) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %30 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %31 = graph.node "ReduceSum"(%29, %30) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %32 = graph.node "MatMul"(%1, %gate) {version = 17 : i64} : (!graph.unknown, tensor<2x3xf32>) -> !graph.unknown
  %33 = graph.node "MatMul"(%1, %up) {version = 17 : i64} : (!graph.unknown, tensor<2x3xf32>) -> !graph.unknown
  %34 = graph.node "Sigmoid"(%32) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %35 = graph.node "Mul"(%32, %34) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %36 = graph.node "Mul"(%35, %33) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %37 = graph.node "MatMul"(%36, %down) {version = 17 : i64} : (!graph.unknown, tensor<3x2xf32>) -> !graph.unknown
  %38 = graph.node "Add"(%31, %37) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %39 = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<?x?x2xf32>) -> !graph.unknown
  %40 = graph.node "Reshape"(%38, %39) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %40 : !graph.unknown
}
