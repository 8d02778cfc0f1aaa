// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe %s | FileCheck %s

// A node without a rule stays, with its reason, between what was raised: its
// result has the shape of an activation.

// CHECK-LABEL: func.func @main
// CHECK: %[[N:.*]] = moe.rms_norm
// CHECK: %[[E:.*]] = graph.node "Erf"(%[[N]]) {graph.reason = "no rule raises this op", graph.work = {{.*}}, version = 13 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
// CHECK: %[[Y:.*]] = moe.linear %[[E]]
// CHECK: return %[[Y]]
// expected-warning@+1 {{1 node stays decomposed outside of the layers: run portolan-opt --moe-print-raising for names and reasons}}
module {
  moe.weight_data @gain : tensor<4xf32>
  moe.weight_data @w : tensor<4x8xf32>
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %gain = moe.weight @gain : tensor<4xf32>
    %w = moe.weight @w : tensor<4x8xf32>
    %0 = graph.node "RMSNormalization"(%x, %gain) {version = 23 : i64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> !graph.unknown
    %1 = graph.node "Erf"(%0) {version = 13 : i64} : (!graph.unknown) -> !graph.unknown
    %2 = graph.node "MatMul"(%1, %w) {version = 17 : i64} : (!graph.unknown, tensor<4x8xf32>) -> !graph.unknown
    return %2 : !graph.unknown
  }
}

// -----

// A node that reads the heads of an activation gets them as the graph has them.

// CHECK-LABEL: func.func @main
// CHECK: %[[Q:.*]] = moe.linear
// CHECK: %[[S:.*]] = graph.node "Constant"() attributes {value = dense<[0, 0, 2, 4]> : tensor<4xi64>}
// CHECK: %[[H:.*]] = graph.node "Reshape"(%[[Q]], %[[S]]) {{.*}} -> tensor<?x?x2x4xf32>
// CHECK: %[[T:.*]] = graph.node "Transpose"(%[[H]]) attributes {perm = array<i64: 0, 2, 1, 3>} {{.*}} -> tensor<?x2x?x4xf32>
// CHECK: graph.node "Tanh"(%[[T]]) {{.*}} -> tensor<?x2x?x4xf32>
// expected-warning@+1 {{stay decomposed}}
module {
  moe.weight_data @w : tensor<4x8xf32>
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %w = moe.weight @w : tensor<4x8xf32>
    %0 = graph.node "MatMul"(%x, %w) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<4x8xf32>) -> !graph.unknown
    %c = graph.node "Constant"() attributes {value = dense<[0, 0, 2, 4]> : tensor<4xi64>} {version = 17 : i64} : () -> !graph.unknown
    %1 = graph.node "Reshape"(%0, %c) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %2 = graph.node "Transpose"(%1) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %3 = graph.node "Tanh"(%2) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    return %3 : !graph.unknown
  }
}

// -----

// An op that nobody knows is legal, and so is a result of unknown shape; the
// nodes of its own constants stay with it, others go.

// CHECK-LABEL: func.func @main
// CHECK-NOT: "Shape"
// CHECK: graph.node "Shuffle"(%arg0) {domain = "acme", graph.reason = "no rule raises this op", graph.unpriced = "the work of this op is not known", version = 3 : i64}
// CHECK-SAME: -> !graph.unknown
// expected-warning@+1 {{stays decomposed}}
module {
  func.func @main(%x: tensor<?x?x4xf32>) -> !graph.unknown {
    %0 = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    %1 = graph.node "Shuffle"(%x) {domain = "acme", version = 3 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// Attention in a form without a rule still begins a layer, and layers of equal
// nodes share one function.

// CHECK-LABEL: func.func private @layer_decomposed(
// CHECK: graph.node "Softmax"
// CHECK: moe.add
// CHECK-NOT: func.func private
// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = call @layer_decomposed(
// CHECK: call @layer_decomposed(%[[A]],
// expected-warning@+1 {{stay decomposed in layers 0-1: run}}
module {
  moe.weight_data @table : tensor<16x4xf32>
  moe.weight_data @w : tensor<4x4xf32>
  func.func @main(%ids: tensor<?x?xi64> {moe.dims = ["b", "s"]}) -> !graph.unknown {
    %table = moe.weight @table : tensor<16x4xf32>
    %w = moe.weight @w : tensor<4x4xf32>
    %x = graph.node "Gather"(%table, %ids) {version = 17 : i64} : (tensor<16x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %q0 = graph.node "MatMul"(%x, %w) {version = 17 : i64} : (!graph.unknown, tensor<4x4xf32>) -> !graph.unknown
    %t0 = graph.node "Transpose"(%x) attributes {perm = array<i64: 0, 2, 1>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %s0 = graph.node "MatMul"(%q0, %t0) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %p0 = graph.node "Softmax"(%s0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %o0 = graph.node "MatMul"(%p0, %x) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %y0 = graph.node "Add"(%x, %o0) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %q1 = graph.node "MatMul"(%y0, %w) {version = 17 : i64} : (!graph.unknown, tensor<4x4xf32>) -> !graph.unknown
    %t1 = graph.node "Transpose"(%y0) attributes {perm = array<i64: 0, 2, 1>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %s1 = graph.node "MatMul"(%q1, %t1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %p1 = graph.node "Softmax"(%s1) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %o1 = graph.node "MatMul"(%p1, %y0) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %y1 = graph.node "Add"(%y0, %o1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %y1 : !graph.unknown
  }
}
