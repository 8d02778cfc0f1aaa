// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// Three layers of attention alone; the second has a window, so there are two
// classes: the first and the third layer share a function.

// CHECK-LABEL: func.func private @layer_dense(
// CHECK-NOT: window
// CHECK-LABEL: func.func private @layer_dense_0(
// CHECK: window = 4
// CHECK-NOT: func.func private
// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = call @layer_dense(
// CHECK: %[[B:.*]] = call @layer_dense_0(%[[A]],
// CHECK: %[[C:.*]] = call @layer_dense(%[[B]],
// CHECK: return %[[C]]
moe.weight_data @table : tensor<16x4xf32>
moe.weight_data @qkv : tensor<4x12xf32>
func.func @main(%ids: tensor<?x?xi64>, %last: tensor<?xi32>, %total: tensor<i32>, %pk: tensor<?x1x?x4xf32>, %pv: tensor<?x1x?x4xf32>) -> !graph.unknown {
  %table = moe.weight @table : tensor<16x4xf32>
  %qkv = moe.weight @qkv : tensor<4x12xf32>
  %none = graph.none : none
  %x = graph.node "Gather"(%table, %ids) {version = 17 : i64} : (tensor<16x4xf32>, tensor<?x?xi64>) -> !graph.unknown
  %m0 = graph.node "MatMul"(%x, %qkv) {version = 17 : i64} : (!graph.unknown, tensor<4x12xf32>) -> !graph.unknown
  %a0:3 = graph.node "GroupQueryAttention"(%m0, %none, %none, %pk, %pv, %last, %total) attributes {num_heads = 1 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (!graph.unknown, none, none, tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>, tensor<?xi32>, tensor<i32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  %x1 = graph.node "Add"(%x, %a0#0) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %m1 = graph.node "MatMul"(%x1, %qkv) {version = 17 : i64} : (!graph.unknown, tensor<4x12xf32>) -> !graph.unknown
  %a1:3 = graph.node "GroupQueryAttention"(%m1, %none, %none, %pk, %pv, %last, %total) attributes {num_heads = 1 : i64, kv_num_heads = 1 : i64, local_window_size = 4 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (!graph.unknown, none, none, tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>, tensor<?xi32>, tensor<i32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  %x2 = graph.node "Add"(%x1, %a1#0) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %m2 = graph.node "MatMul"(%x2, %qkv) {version = 17 : i64} : (!graph.unknown, tensor<4x12xf32>) -> !graph.unknown
  %a2:3 = graph.node "GroupQueryAttention"(%m2, %none, %none, %pk, %pv, %last, %total) attributes {num_heads = 1 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (!graph.unknown, none, none, tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>, tensor<?xi32>, tensor<i32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  %x3 = graph.node "Add"(%x2, %a2#0) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %x3 : !graph.unknown
}

// -----

// Nodes that no output depends on are not raised, known or not.

// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.node
// CHECK: %[[N:.*]] = moe.rms_norm
// CHECK: return %[[N]]
moe.weight_data @gain : tensor<4xf32>
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %gain = moe.weight @gain : tensor<4xf32>
  %0 = graph.node "Unknown"(%x) {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
  %1 = graph.node "SimplifiedLayerNormalization"(%x, %gain) attributes {axis = -1 : i64, epsilon = 1.0e-05 : f32, stash_type = 1 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  return %1 : tensor<?x?x4xf32>
}
