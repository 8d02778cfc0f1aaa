// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// A condition that depends on an input stays, and is refused.

// expected-error@+1 {{(op 'If', domain '') cannot be raised to moe: no rule raises this op}}
module {
  func.func @main(%x: tensor<3x4x2xf32>, %c: tensor<i1>) -> !graph.unknown {
    %0 = graph.node "If"(%c) bodies {
      %1 = graph.node "Identity"(%x) {version = 17 : i64} : (tensor<3x4x2xf32>) -> !graph.unknown
      graph.yield %1 : !graph.unknown
    }, {
      %1 = graph.node "Exp"(%x) {version = 17 : i64} : (tensor<3x4x2xf32>) -> !graph.unknown
      graph.yield %1 : !graph.unknown
    } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (tensor<i1>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// A loop over something else than experts stays, and is refused.

// expected-error@+1 {{(op 'Loop', domain '') cannot be raised to moe: expects a body that adds the weighted results of one expert to the sum that it carries}}
module {
  func.func @main(%x: tensor<3x4xf32>) -> !graph.unknown {
    %n = graph.node "Constant"() attributes {value = dense<3> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %yes = graph.node "Constant"() attributes {value = dense<true> : tensor<i1>} {version = 17 : i64} : () -> !graph.unknown
    %0 = graph.node "Loop"(%n, %yes, %x) bodies {
    ^bb0(%i: tensor<i64>, %go: tensor<i1>, %y: tensor<3x4xf32>):
      %1 = graph.node "Add"(%x, %x) {version = 17 : i64} : (tensor<3x4xf32>, tensor<3x4xf32>) -> !graph.unknown
      graph.yield %go, %1 : tensor<i1>, !graph.unknown
    } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, tensor<3x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}
