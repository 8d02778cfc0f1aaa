// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s 2> %t.err | FileCheck %s

// Nodes whose work cannot be stated per token stay and run; they say why.

// CHECK: "Softmax"{{.*}}graph.unpriced = "it works along a dimension of tokens"
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "Softmax"(%x) attributes {axis = 1 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// Before version 13 a softmax joins the dimensions behind its axis.
// CHECK: "Softmax"{{.*}}graph.unpriced = "it works along a dimension of tokens"
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "Softmax"(%x) {version = 11 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// CHECK: "ReduceMean"{{.*}}graph.unpriced = "result 0 has a size that is no multiple of the tokens"
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "ReduceMean"(%x) attributes {axes = array<i64: 1>, keepdims = 1 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// CHECK: "ReduceSum"{{.*}}graph.unpriced = "result 0 is as large for any number of tokens"
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "ReduceSum"(%x) attributes {keepdims = 0 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// CHECK: "NonZero"{{.*}}graph.unpriced = "how much it gives depends on values"
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "NonZero"(%x) {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// A name of another domain means something else.
// CHECK: "Softsign"{{.*}}graph.unpriced = "the work of this op is not known"
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "Softsign"(%x) {domain = "acme", version = 1 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// Of a fixed number of tokens nobody can tell what grows with it.
// CHECK: "Softsign"{{.*}}graph.unpriced = "the graph has no numbers of sequences and new tokens"
module {
  func.func @main(%x: tensor<2x3x4xf32>) -> !graph.unknown {
    %0 = graph.node "Softsign"(%x) {version = 17 : i64} : (tensor<2x3x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// A number of choices below 0 is no work.
// CHECK: "TopK"{{.*}}graph.unpriced = "result 0 is negative"
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %k = graph.node "Constant"() attributes {value = dense<-2> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %0:2 = graph.node "TopK"(%x, %k) attributes {axis = -1 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    return %0#0 : !graph.unknown
  }
}
