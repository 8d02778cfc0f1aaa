// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// Gemm of rows with a transposed weight and a bias; the rows become tokens
// again.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:[^ :]*]]: tensor<?x?x4xf32>
// CHECK: %[[W:.*]] = linalg.transpose ins(%{{.*}} : tensor<6x4xf32>)
// CHECK: %[[Y:.*]] = moe.linear %[[X]], %[[W]] bias %{{.*}} : (tensor<?x?x4xf32>, tensor<4x6xf32>, tensor<6xf32>) -> tensor<?x?x6xf32>
// CHECK: return %[[Y]]
moe.weight_data @w : tensor<6x4xf32>
moe.weight_data @b : tensor<6xf32>
moe.weight_data @rows {value = dense<[-1, 4]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @tail {value = dense<[6]> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @zero {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @two {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
  %w = moe.weight @w : tensor<6x4xf32>
  %b = moe.weight @b : tensor<6xf32>
  %rows = moe.weight @rows : tensor<2xi64>
  %tail = moe.weight @tail : tensor<1xi64>
  %zero = moe.weight @zero : tensor<1xi64>
  %two = moe.weight @two : tensor<1xi64>
  %r = graph.node "Reshape"(%x, %rows) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<2xi64>) -> !graph.unknown
  %g = graph.node "Gemm"(%r, %w, %b) attributes {alpha = 1.0 : f32, beta = 1.0 : f32, transB = 1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<6x4xf32>, tensor<6xf32>) -> !graph.unknown
  %s = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
  %h = graph.node "Slice"(%s, %zero, %two) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %t = graph.node "Concat"(%h, %tail) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %y = graph.node "Reshape"(%g, %t) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %y : !graph.unknown
}

// -----

// A weight that the graph transposes, with a bias.

// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = linalg.transpose ins(%{{.*}} : tensor<6x4xf32>)
// CHECK: %[[Y:.*]] = moe.linear %{{.*}}, %[[W]] bias %{{.*}} : (tensor<?x?x4xf32>, tensor<4x6xf32>, tensor<6xf32>)
// CHECK: return %[[Y]]
moe.weight_data @w : tensor<6x4xf32>
moe.weight_data @b : tensor<6xf32>
func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
  %w = moe.weight @w : tensor<6x4xf32>
  %b = moe.weight @b : tensor<6xf32>
  %t = graph.node "Transpose"(%w) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (tensor<6x4xf32>) -> !graph.unknown
  %m = graph.node "MatMul"(%x, %t) {version = 17 : i64} : (tensor<?x?x4xf32>, !graph.unknown) -> !graph.unknown
  %y = graph.node "Add"(%b, %m) {version = 17 : i64} : (tensor<6xf32>, !graph.unknown) -> !graph.unknown
  return %y : !graph.unknown
}

// -----

// Logits of the last position, as a slice of one token or as a row.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:[^ :]*]]: tensor<?x?x4xf32>
// CHECK: %[[Y:.*]] = moe.linear %[[X]], %{{.*}} {last_position} : (tensor<?x?x4xf32>, tensor<4x6xf32>) -> tensor<?x1x6xf32>
// CHECK: %[[Z:.*]] = moe.linear %[[X]], %{{.*}} {last_position}
// CHECK: %[[R:.*]] = tensor.collapse_shape %[[Z]] {{\[\[}}0, 1], [2]] : tensor<?x1x6xf32> into tensor<?x6xf32>
// CHECK: return %[[Y]], %[[R]]
moe.weight_data @w : tensor<4x6xf32>
moe.weight_data @last {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @end {value = dense<9223372036854775807> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @one {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @index {value = dense<-1> : tensor<i64>} : tensor<i64>
func.func @main(%x: tensor<?x?x4xf32>) -> (!graph.unknown, !graph.unknown) {
  %w = moe.weight @w : tensor<4x6xf32>
  %last = moe.weight @last : tensor<1xi64>
  %end = moe.weight @end : tensor<1xi64>
  %one = moe.weight @one : tensor<1xi64>
  %index = moe.weight @index : tensor<i64>
  %s = graph.node "Slice"(%x, %last, %end, %one) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %y = graph.node "MatMul"(%s, %w) {version = 17 : i64} : (!graph.unknown, tensor<4x6xf32>) -> !graph.unknown
  %g = graph.node "Gather"(%x, %index) attributes {axis = 1 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<i64>) -> !graph.unknown
  %z = graph.node "MatMul"(%g, %w) {version = 17 : i64} : (!graph.unknown, tensor<4x6xf32>) -> !graph.unknown
  return %y, %z : !graph.unknown, !graph.unknown
}
