// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// 2 heads of width 8, rotated by 4 angles for each position.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x?x16xf32> {{.*}} %[[P:.*]]: tensor<?x?xi64>
// CHECK-DAG: %[[C:.*]] = moe.weight @cos
// CHECK-DAG: %[[S:.*]] = moe.weight @sin
// CHECK: moe.rope %[[X]] at %[[P]] by %[[C]], %[[S]] {head_width = 8 : i64}
moe.weight_data @cos : tensor<32x4xf32>
moe.weight_data @sin : tensor<32x4xf32>
func.func @main(%x: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "x"}, %p: tensor<?x?xi64> {moe.dims = ["b", "s"], moe.name = "p"}) -> !graph.unknown {
  %cos = moe.weight @cos : tensor<32x4xf32>
  %sin = moe.weight @sin : tensor<32x4xf32>
  %v1 = graph.node "Gather"(%cos, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
  %v2 = graph.node "Gather"(%sin, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
  %v3 = graph.node "RotaryEmbedding"(%x, %v1, %v2) attributes {num_heads = 2 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
  return %v3 : !graph.unknown
}

// -----

// The node takes the tables and the positions; the first 4 columns of each head
// are pairs that lie side by side.

// CHECK-LABEL: func.func @main
// CHECK: moe.rope {{.*}} {head_width = 8 : i64, interleaved}
moe.weight_data @cos : tensor<32x2xf32>
moe.weight_data @sin : tensor<32x2xf32>
func.func @main(%x: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "x"}, %p: tensor<?x?xi64> {moe.dims = ["b", "s"], moe.name = "p"}) -> !graph.unknown {
  %cos = moe.weight @cos : tensor<32x2xf32>
  %sin = moe.weight @sin : tensor<32x2xf32>
  %v1 = graph.node "RotaryEmbedding"(%x, %cos, %sin, %p) attributes {interleaved = 1 : i64, num_heads = 2 : i64, rotary_embedding_dim = 4 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<32x2xf32>, tensor<32x2xf32>, tensor<?x?xi64>) -> !graph.unknown
  return %v1 : !graph.unknown
}
