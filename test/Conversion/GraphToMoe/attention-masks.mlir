// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// The upper part of a matrix of the least number, from the past on.

// CHECK-LABEL: func.func @main
// CHECK: moe.attention {{.*}} cache %{{[^ ]*}}, %{{[^ ]*}} {heads = 2 : i64, kv_heads = 2 : i64, scale = 5.000000e-01 : f64}
func.func @main(%q: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
  %v1 = graph.node "Shape"(%q) attributes {end = 2 : i64, start = 1 : i64} {version = 24 : i64} : (tensor<?x?x8xf32>) -> !graph.unknown
  %v2 = graph.node "Shape"(%pk) attributes {end = 3 : i64, start = 2 : i64} {version = 24 : i64} : (tensor<?x2x?x4xf32>) -> !graph.unknown
  %v3 = graph.node "Add"(%v1, %v2) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v4 = graph.node "Concat"(%v1, %v3) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v5 = graph.node "ConstantOfShape"(%v4) attributes {value = dense<-3.40282347E+38> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v6 = graph.node "Squeeze"(%v2) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v7 = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %v8 = graph.node "Add"(%v6, %v7) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v9 = graph.node "Trilu"(%v5, %v8) attributes {upper = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v10:3 = graph.node "Attention"(%q, %k, %v, %v9, %pk, %pv) attributes {kv_num_heads = 2 : i64, q_num_heads = 2 : i64} {version = 24 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, !graph.unknown, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  return %v10#0 : !graph.unknown
}

// -----

// Zeros for the past beside a triangle for the new tokens.

// CHECK-LABEL: func.func @main
// CHECK: moe.attention {{.*}} cache %{{[^ ]*}}, %{{[^ ]*}} {heads = 2 : i64, kv_heads = 2 : i64, scale = 5.000000e-01 : f64}
func.func @main(%q: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
  %v1 = graph.node "Shape"(%q) attributes {end = 2 : i64, start = 1 : i64} {version = 24 : i64} : (tensor<?x?x8xf32>) -> !graph.unknown
  %v2 = graph.node "Shape"(%pk) attributes {end = 3 : i64, start = 2 : i64} {version = 24 : i64} : (tensor<?x2x?x4xf32>) -> !graph.unknown
  %v3 = graph.node "Add"(%v1, %v2) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v4 = graph.node "Concat"(%v1, %v1) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v5 = graph.node "ConstantOfShape"(%v4) attributes {value = dense<-3.40282347E+38> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v6 = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %v7 = graph.node "Trilu"(%v5, %v6) attributes {upper = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v8 = graph.node "Concat"(%v1, %v2) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v9 = graph.node "ConstantOfShape"(%v8) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v10 = graph.node "Concat"(%v9, %v7) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v11:3 = graph.node "Attention"(%q, %k, %v, %v10, %pk, %pv) attributes {kv_num_heads = 2 : i64, q_num_heads = 2 : i64} {version = 24 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, !graph.unknown, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  return %v11#0 : !graph.unknown
}

// -----

// Positions that count the tokens which are there: the query at most 2 behind.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[M:[^ :]*]]: tensor<?x?xi64>
// CHECK: moe.attention {{.*}} lengths %[[M]] {heads = 2 : i64, kv_heads = 2 : i64, scale = 5.000000e-01 : f64, window = 3 : i64}
func.func @main(%q: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
  %v1 = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %v2 = graph.node "CumSum"(%am, %v1) {version = 17 : i64} : (tensor<?x?xi64>, !graph.unknown) -> !graph.unknown
  %v3 = graph.node "Shape"(%q) attributes {end = 2 : i64, start = 1 : i64} {version = 24 : i64} : (tensor<?x?x8xf32>) -> !graph.unknown
  %v4 = graph.node "Shape"(%am) attributes {end = 2 : i64, start = 1 : i64} {version = 24 : i64} : (tensor<?x?xi64>) -> !graph.unknown
  %v5 = graph.node "Sub"(%v4, %v3) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v6 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v7 = graph.node "Slice"(%v2, %v5, %v4, %v6) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %v8 = graph.node "Constant"() attributes {value = dense<[1, 3]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v9 = graph.node "Unsqueeze"(%v7, %v8) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v10 = graph.node "Constant"() attributes {value = dense<[1, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v11 = graph.node "Unsqueeze"(%v2, %v10) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v12 = graph.node "GreaterOrEqual"(%v9, %v11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v13 = graph.node "Sub"(%v9, %v11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v14 = graph.node "Constant"() attributes {value = dense<3> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %v15 = graph.node "Less"(%v13, %v14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v16 = graph.node "And"(%v12, %v15) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v17 = graph.node "Cast"(%am) attributes {to = 9 : i64} {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
  %v18 = graph.node "Constant"() attributes {value = dense<[1, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v19 = graph.node "Unsqueeze"(%v17, %v18) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v20 = graph.node "And"(%v16, %v19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v21:3 = graph.node "Attention"(%q, %k, %v, %v20, %pk, %pv) attributes {kv_num_heads = 2 : i64, q_num_heads = 2 : i64} {version = 24 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, !graph.unknown, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  return %v21#0 : !graph.unknown
}
