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

func.func @main(%x: tensor<2x3xf32>, %c: tensor<i1>) -> !graph.unknown {
  // expected-error@+1 {{(op 'If', domain '') cannot be executed: expects a condition that follows from the shapes of the inputs}}
  %0 = graph.node "If"(%c) bodies {
    graph.yield %x : tensor<2x3xf32>
  }, {
    graph.yield %x : tensor<2x3xf32>
  } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (tensor<i1>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

func.func @main(%x: tensor<2xui8>) -> !graph.unknown {
  // expected-error@+1 {{expects signed integers, bool or floats of at least 16 bits, got tensor<2xui8>}}
  %0 = graph.node "Identity"(%x) {version = 17 : i64} : (tensor<2xui8>) -> !graph.unknown
  return %0 : !graph.unknown
}
