// RUN: portolan-opt %s | portolan-opt | FileCheck %s

// CHECK-LABEL: func @node_with_attributes
func.func @node_with_attributes(%table: tensor<128x64xf32>, %ids: tensor<?x?xi64>) -> !graph.unknown {
  // CHECK: graph.node "Gather"(%{{.*}}, %{{.*}}) attributes {axis = 0 : i64} {version = 17 : i64}
  // CHECK-SAME: (tensor<128x64xf32>, tensor<?x?xi64>) -> !graph.unknown
  %0 = graph.node "Gather"(%table, %ids) attributes {axis = 0 : i64} {version = 17 : i64}
    : (tensor<128x64xf32>, tensor<?x?xi64>) -> !graph.unknown
  return %0 : !graph.unknown
}

// CHECK-LABEL: func @node_of_a_domain_with_absent_values
func.func @node_of_a_domain_with_absent_values(%x: tensor<*xf32>) -> !graph.unknown {
  // CHECK: %[[NONE:.*]] = graph.none : none
  %none = graph.none : none
  // CHECK: graph.node "Anything"(%{{.*}}, %[[NONE]], %{{.*}}) {domain = "example.org", version = 1 : i64}
  // CHECK-SAME: -> (none, !graph.unknown)
  %0:2 = graph.node "Anything"(%x, %none, %x) {domain = "example.org", version = 1 : i64}
    : (tensor<*xf32>, none, tensor<*xf32>) -> (none, !graph.unknown)
  return %0#1 : !graph.unknown
}

// CHECK-LABEL: func @node_with_bodies
func.func @node_with_bodies(%c: tensor<i1>, %x: tensor<4xf32>) -> !graph.unknown {
  // CHECK: graph.node "If"(%{{.*}}) bodies {
  // CHECK:   graph.yield %{{.*}} : !graph.unknown
  // CHECK: }, {
  // CHECK:   graph.yield %{{.*}} : tensor<4xf32>
  // CHECK: } {body_names = ["then_branch", "else_branch"], version = 17 : i64}
  %0 = graph.node "If"(%c) bodies {
    %1 = graph.node "Neg"(%x) {version = 17 : i64} : (tensor<4xf32>) -> !graph.unknown
    graph.yield %1 : !graph.unknown
  }, {
    graph.yield %x : tensor<4xf32>
  } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (tensor<i1>) -> !graph.unknown
  return %0 : !graph.unknown
}
