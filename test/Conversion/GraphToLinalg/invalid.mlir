// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-linalg %s

// What cannot be executed is named with its op and domain.

func.func @main(%x: tensor<2x3xf32>) -> !graph.unknown {
  // expected-error@+1 {{node '?' (op 'Shuffle', domain 'acme') cannot be executed: no rule executes this op}}
  %0 = graph.node "Shuffle"(%x) {domain = "acme", version = 3 : i64} : (tensor<2x3xf32>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

func.func @main(%x: tensor<2x3xf32>) -> !graph.unknown {
  %c = graph.node "Constant"() attributes {value = dense<[2, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  // expected-error@+1 {{expects 6 elements, got a target of 4}}
  %0 = graph.node "Reshape"(%x, %c) {version = 17 : i64} : (tensor<2x3xf32>, !graph.unknown) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

// A shape that an input holds is not known when the dimensions are bound.

func.func @main(%x: tensor<2x3xf32>, %s: tensor<2xi64>) -> !graph.unknown {
  // expected-error@+1 {{expects a target that follows from the shapes of the inputs}}
  %0 = graph.node "Reshape"(%x, %s) {version = 17 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> !graph.unknown {
  // expected-error@+1 {{expects operands of one inner size, got 3 and 2}}
  %0 = graph.node "MatMul"(%x, %y) {version = 17 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

func.func @main(%x: tensor<2x3xf32>) -> !graph.unknown {
  // expected-error@+1 {{expects an axis of a tensor of rank 2, got 2}}
  %0 = graph.node "Softmax"(%x) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<2x3xf32>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

// Both branches are computed and one is chosen: of each element, so that they
// have one shape.

func.func @main(%x: tensor<2x3xf32>, %y: tensor<3xf32>, %c: tensor<i1>) -> !graph.unknown {
  // expected-error@+1 {{(op 'If', domain '') cannot be executed: expects a condition that follows from the shapes of the inputs, or branches of one type}}
  %0 = graph.node "If"(%c) bodies {
    graph.yield %x : tensor<2x3xf32>
  }, {
    graph.yield %y : tensor<3xf32>
  } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (tensor<i1>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

func.func @main(%x: tensor<2x3xf32>, %n: tensor<i64>) -> !graph.unknown {
  %none = graph.none : none
  // expected-error@+1 {{(op 'Loop', domain '') cannot be executed: expects a number of iterations and a condition that follow from the shapes of the inputs}}
  %0 = graph.node "Loop"(%n, %none, %x) bodies {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %y: tensor<2x3xf32>):
    graph.yield %c, %y : tensor<i1>, tensor<2x3xf32>
  } {body_names = ["body"], version = 17 : i64} : (tensor<i64>, none, tensor<2x3xf32>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

// A body that ends when its data say so.

func.func @main(%x: tensor<2x3xf32>, %go: tensor<i1>) -> !graph.unknown {
  %none = graph.none : none
  %n = graph.node "Constant"() attributes {value = dense<3> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  // expected-error@+1 {{(op 'Loop', domain '') cannot be executed: expects a condition that follows from the shapes of the inputs}}
  %0 = graph.node "Loop"(%n, %none, %x) bodies {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %y: tensor<2x3xf32>):
    graph.yield %go, %y : tensor<i1>, tensor<2x3xf32>
  } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, none, tensor<2x3xf32>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

func.func @main(%x: tensor<2x3xf32>) -> !graph.unknown {
  %none = graph.none : none
  %n = graph.node "Constant"() attributes {value = dense<1000000000000> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  // expected-error@+1 {{expects at most 262144 nodes in all iterations, got 1000000000000 of 1}}
  %0 = graph.node "Loop"(%n, %none, %x) bodies {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %y: tensor<2x3xf32>):
    %z = graph.node "Neg"(%y) {version = 17 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    graph.yield %c, %z : tensor<i1>, tensor<2x3xf32>
  } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, none, tensor<2x3xf32>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

func.func @main(%x: tensor<2x3xf32>) -> !graph.unknown {
  %none = graph.none : none
  %n = graph.node "Constant"() attributes {value = dense<2> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  // expected-error@+1 {{(op 'Loop', domain '') cannot be executed: expects no loop in a loop}}
  %0 = graph.node "Loop"(%n, %none, %x) bodies {
  ^bb0(%i: tensor<i64>, %c: tensor<i1>, %y: tensor<2x3xf32>):
    %z = graph.node "Loop"(%n, %none, %y) bodies {
    ^bb0(%j: tensor<i64>, %d: tensor<i1>, %v: tensor<2x3xf32>):
      graph.yield %d, %v : tensor<i1>, tensor<2x3xf32>
    } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, none, tensor<2x3xf32>) -> !graph.unknown
    graph.yield %c, %z : tensor<i1>, !graph.unknown
  } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, none, tensor<2x3xf32>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

func.func @main(%x: tensor<2xui8>) -> !graph.unknown {
  // expected-error@+1 {{expects signed integers, bool or floats of at least 16 bits, got tensor<2xui8>}}
  %0 = graph.node "Identity"(%x) {version = 17 : i64} : (tensor<2xui8>) -> !graph.unknown
  return %0 : !graph.unknown
}
