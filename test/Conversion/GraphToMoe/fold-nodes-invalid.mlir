// RUN: portolan-opt -split-input-file -verify-diagnostics -graph-fold-nodes %s

// expected-error@+1 {{node 'odd' (op 'Sort', domain 'acme') has no price: the work of this op is not known}}
module {
  func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %0 = graph.node "Sort"(%x) {domain = "acme", graph.unpriced = "the work of this op is not known", version = 1 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32> loc("odd")
    return %0 : tensor<?x?x4xf32>
  }
}

// -----

// A node of which nothing was stated is not free.
// expected-error@+1 {{node 'odd' (op 'Neg', domain '') has no price: its work is not stated}}
module {
  func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %0 = graph.node "Neg"(%x) {version = 1 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32> loc("odd")
    return %0 : tensor<?x?x4xf32>
  }
}

// -----

// expected-error@+1 {{node 'mask' (op 'Not', domain '') has no price: what it makes is read outside of the nodes that stay and is no activation [batch, tokens, width]}}
module {
  func.func @main(%x: tensor<?x?xi1>) -> tensor<?x?xi1> {
    %0 = graph.node "Not"(%x) {graph.work = {bytes_read = 1 : i64}, version = 1 : i64} : (tensor<?x?xi1>) -> tensor<?x?xi1> loc("mask")
    return %0 : tensor<?x?xi1>
  }
}

// -----

// expected-error@+1 {{node 'noise' (op 'Expand', domain '') has no price: it depends on no activation}}
module {
  func.func @main(%x: tensor<?x?xi64>) -> tensor<?x?x4xf32> {
    %0 = graph.node "Expand"(%x) {graph.work = {bytes_written = 16 : i64}, version = 1 : i64} : (tensor<?x?xi64>) -> tensor<?x?x4xf32> loc("noise")
    return %0 : tensor<?x?x4xf32>
  }
}

// -----

// Between a router and its experts rows are not those of tokens.
// expected-error@+1 {{node 'scores' (op 'Exp', domain '') has no price: it works inside of an expert block}}
module {
  func.func @main(%x: tensor<?x?x4xf32>, %r: tensor<4x8xf32>) -> tensor<?x?x2xf32> {
    %w, %i = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring softmax>} : (tensor<?x?x4xf32>, tensor<4x8xf32>) -> (tensor<?x?x2xf32>, tensor<?x?x2xi32>)
    %0 = graph.node "Exp"(%w) {graph.work = {bytes_read = 8 : i64}, version = 1 : i64} : (tensor<?x?x2xf32>) -> tensor<?x?x2xf32> loc("scores")
    return %0 : tensor<?x?x2xf32>
  }
}

// -----

// expected-error@+1 {{node 'large' (op 'Exp', domain '') has no price: its work is negative or exceeds 64 bits}}
module {
  func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %0 = graph.node "Exp"(%x) {graph.work = {bytes_read = 9223372036854775807 : i64}, version = 1 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    %1 = graph.node "Exp"(%0) {graph.work = {bytes_read = 9223372036854775807 : i64}, version = 1 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32> loc("large")
    return %1 : tensor<?x?x4xf32>
  }
}
