// RUN: portolan-opt -convert-graph-to-moe %s | FileCheck %s

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
