// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// 4 heads over 2 key-value heads of width 4: scale 1/sqrt(4). The mask says which
// keys are there; what a query sees of them is causal.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[Q:.*]]: tensor<?x?x16xf32> {{.*}} %[[K:.*]]: tensor<?x?x8xf32> {{.*}} %[[V:.*]]: tensor<?x?x8xf32> {{.*}} %[[M:.*]]: tensor<?x?xi64> {{.*}} %[[PK:.*]]: tensor<?x2x?x4xf32> {{.*}} %[[PV:.*]]: tensor<?x2x?x4xf32>
// CHECK: moe.attention %[[Q]], %[[K]], %[[V]] cache %[[PK]], %[[PV]] lengths %[[M]] {heads = 4 : i64, kv_heads = 2 : i64, scale = 5.000000e-01 : f64}
func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
  %none = graph.none : none
  %v1 = graph.node "Cast"(%am) attributes {to = 9 : i64} {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
  %v2 = graph.node "Constant"() attributes {value = dense<[1, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v3 = graph.node "Unsqueeze"(%v1, %v2) {version = 24 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v4:3 = graph.node "Attention"(%q, %k, %v, %v3, %pk, %pv) attributes {is_causal = 1 : i64, kv_num_heads = 2 : i64, q_num_heads = 4 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, !graph.unknown, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  return %v4#0 : !graph.unknown
}

// -----

// The 3 tokens before a query and the query itself are a window of 4; nothing
// behind it is what causal means.

// CHECK-LABEL: func.func @main
// CHECK: moe.attention {{.*}} {heads = 4 : i64, kv_heads = 2 : i64, scale = 2.500000e-01 : f64, soft_cap = 3.000000e+01 : f64, window = 4 : i64}
func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
  %none = graph.none : none
  %v1:3 = graph.node "Attention"(%q, %k, %v, %none, %pk, %pv) attributes {kv_num_heads = 2 : i64, left_window_size = 3 : i64, q_num_heads = 4 : i64, right_window_size = 0 : i64, scale = 2.5e-01 : f32, softcap = 3.0e+01 : f32} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  return %v1#0 : !graph.unknown
}

// -----

// Without caches the grown ones are the keys alone, which is result 1.

// CHECK-LABEL: func.func @main
// CHECK: tensor.empty({{.*}}) : tensor<?x2x0x4xf32>
// CHECK: %{{.*}}, %[[K:.*]], %{{.*}} = moe.attention
// CHECK: return %[[K]]
func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}) -> !graph.unknown {
  %none = graph.none : none
  %v1:3 = graph.node "Attention"(%q, %k, %v, %none) attributes {is_causal = 1 : i64, kv_num_heads = 2 : i64, q_num_heads = 4 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  return %v1#1 : !graph.unknown
}
