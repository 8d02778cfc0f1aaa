// RUN: portolan-opt -split-input-file -verify-diagnostics %s

func.func @node_c1(%x: tensor<4xf32>) {
  // expected-error@+1 {{expects an op type, got an empty string}}
  %0 = graph.node ""(%x) {version = 17 : i64} : (tensor<4xf32>) -> !graph.unknown
  return
}

// -----

func.func @node_c2(%x: tensor<4xf32>) {
  // expected-error@+1 {{expects version >= 1, got 0}}
  %0 = graph.node "Neg"(%x) {version = 0 : i64} : (tensor<4xf32>) -> !graph.unknown
  return
}

// -----

func.func @node_c3(%c: tensor<i1>, %x: tensor<4xf32>) {
  // expected-error@+1 {{expects a name for each of 1 bodies, got 2}}
  %0 = graph.node "If"(%c) bodies {
    graph.yield %x : tensor<4xf32>
  } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (tensor<i1>) -> !graph.unknown
  return
}

// -----

func.func @node_c4(%c: tensor<i1>, %x: tensor<4xf32>) {
  // expected-error@+1 {{expects body 0 to end with graph.yield}}
  %0 = graph.node "Loop"(%c) bodies {
    %1 = graph.node "Neg"(%x) {version = 17 : i64} : (tensor<4xf32>) -> !graph.unknown
  } {body_names = ["body"], version = 17 : i64} : (tensor<i1>) -> !graph.unknown
  return
}

// -----

func.func @operand_of_no_value_type(%x: i32) {
  // expected-error@+1 {{must be variadic of tensor, value of unstated type or absent value}}
  %0 = graph.node "Neg"(%x) {version = 17 : i64} : (i32) -> !graph.unknown
  return
}
