// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// Exporters ask for sizes before they squeeze. The last dimension of %x is 2,
// so that the first branch is taken.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x4x2xf32>
// CHECK: moe.add %[[X]], %[[X]]
func.func @main(%x: tensor<?x4x2xf32> {moe.dims = ["batch", "", ""]}) -> !graph.unknown {
  %last = graph.node "Constant"() attributes {value = dense<-1> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %two = graph.node "Constant"() attributes {value = dense<2> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %0 = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<?x4x2xf32>) -> !graph.unknown
  %1 = graph.node "Gather"(%0, %last) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %2 = graph.node "Equal"(%1, %two) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %3 = graph.node "If"(%2) bodies {
    %5 = graph.node "Add"(%x, %x) {version = 17 : i64} : (tensor<?x4x2xf32>, tensor<?x4x2xf32>) -> !graph.unknown
    graph.yield %5 : !graph.unknown
  }, {
    %5 = graph.node "Exp"(%x) {version = 17 : i64} : (tensor<?x4x2xf32>) -> !graph.unknown
    graph.yield %5 : !graph.unknown
  } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  return %3 : !graph.unknown
}

// -----

// A loop that runs once is its body, for number 0.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<2x4xf32>
// CHECK: moe.add %[[X]], %[[X]]
// CHECK-NOT: moe.add
func.func @main(%x: tensor<2x4xf32>) -> !graph.unknown {
  %one = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %yes = graph.node "Constant"() attributes {value = dense<true> : tensor<i1>} {version = 17 : i64} : () -> !graph.unknown
  %0 = graph.node "Loop"(%one, %yes, %x) bodies {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %sum: tensor<2x4xf32>):
    %1 = graph.node "Equal"(%i, %one) {version = 17 : i64} : (tensor<i64>, !graph.unknown) -> !graph.unknown
    %2 = graph.node "If"(%1) bodies {
      %3 = graph.node "Exp"(%sum) {version = 17 : i64} : (tensor<2x4xf32>) -> !graph.unknown
      graph.yield %3 : !graph.unknown
    }, {
      %3 = graph.node "Add"(%sum, %x) {version = 17 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> !graph.unknown
      graph.yield %3 : !graph.unknown
    } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    graph.yield %go, %2 : tensor<i1>, !graph.unknown
  } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, tensor<2x4xf32>) -> !graph.unknown
  return %0 : !graph.unknown
}
