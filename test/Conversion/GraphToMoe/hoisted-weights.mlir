// RUN: portolan-opt -convert-graph-to-moe %s | FileCheck %s

// A linear layer with a transposed weight and a norm whose gain is a weight plus
// one; the table of the embedding is read as it is, too.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[IDS:.*]]: tensor<?x?xi64>
// CHECK-DAG: %[[TABLE:.*]] = moe.weight @table
// CHECK-DAG: %[[W:.*]] = moe.weight @w
// CHECK-DAG: %[[B:.*]] = moe.weight @b
// CHECK-DAG: %[[G:.*]] = moe.weight @g
// CHECK: %[[GAIN:.*]] = linalg.generic {{.*}} ins(%[[G]] : tensor<4xf32>)
// CHECK: arith.addf %{{.*}}, %cst
// CHECK: %[[WT:.*]] = linalg.transpose ins(%[[W]] : tensor<6x4xf32>)
// CHECK: %[[HEAD:.*]] = linalg.transpose ins(%[[TABLE]] : tensor<8x4xf32>)
// CHECK: %[[X:.*]] = moe.embedding %[[IDS]], %[[TABLE]]
// CHECK: %[[N:.*]] = moe.rms_norm %[[X]], %[[GAIN]]
// CHECK: moe.linear %[[N]], %[[WT]] bias %[[B]]
// CHECK: moe.linear %[[X]], %[[HEAD]]
moe.weight_data @table : tensor<8x4xf32>
moe.weight_data @w : tensor<6x4xf32>
moe.weight_data @b : tensor<6xf32>
moe.weight_data @g : tensor<4xf32>
moe.weight_data @one {value = dense<1.0> : tensor<f32>} : tensor<f32>
func.func @main(%ids: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}) -> (!graph.unknown, !graph.unknown) {
  %table = moe.weight @table : tensor<8x4xf32>
  %w = moe.weight @w : tensor<6x4xf32>
  %b = moe.weight @b : tensor<6xf32>
  %g = moe.weight @g : tensor<4xf32>
  %one = moe.weight @one : tensor<f32>
  %0 = graph.node "Gather"(%table, %ids) {version = 24 : i64} : (tensor<8x4xf32>, tensor<?x?xi64>) -> !graph.unknown
  %1 = graph.node "Add"(%g, %one) {version = 24 : i64} : (tensor<4xf32>, tensor<f32>) -> !graph.unknown
  %2 = graph.node "RMSNormalization"(%0, %1) {version = 24 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %3 = graph.node "Transpose"(%w) attributes {perm = array<i64: 1, 0>} {version = 24 : i64} : (tensor<6x4xf32>) -> !graph.unknown
  %4 = graph.node "MatMul"(%2, %3) {version = 24 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %5 = graph.node "Add"(%4, %b) {version = 24 : i64} : (!graph.unknown, tensor<6xf32>) -> !graph.unknown
  %6 = graph.node "Transpose"(%table) {version = 24 : i64} : (tensor<8x4xf32>) -> !graph.unknown
  %7 = graph.node "MatMul"(%0, %6) {version = 24 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %5, %7 : !graph.unknown, !graph.unknown
}
