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
