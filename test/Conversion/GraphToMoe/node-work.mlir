// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s 2> %t.err | FileCheck %s

// What nodes that stay do per token of an activation of 4 floats, 16 bytes.

// x / (1 + |x|): three operations per element.
// CHECK: "Softsign"{{.*}}graph.work = {bytes_read = 16 : i64, bytes_written = 16 : i64, vector_operations = 12 : i64}
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "Softsign"(%x) {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// log(1 + exp(x)): two functions and a sum per element.
// CHECK: "Softplus"{{.*}}graph.work = {bytes_read = 16 : i64, bytes_written = 16 : i64, transcendental_operations = 8 : i64, vector_operations = 4 : i64}
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "Softplus"(%x) {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// The largest of three: two operations per element; three operands are read.
// CHECK: "Max"{{.*}}graph.work = {bytes_read = 48 : i64, bytes_written = 16 : i64, vector_operations = 8 : i64}
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "Max"(%x, %x, %x) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// Four squares and four sums for one result of 4 bytes.
// CHECK: "ReduceL2"{{.*}}graph.work = {bytes_read = 16 : i64, bytes_written = 4 : i64, vector_operations = 8 : i64}
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %0 = graph.node "ReduceL2"(%x) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// A softmax element costs one exponential and four operations; then two passes
// over four scores, and 2 floats with 2 indices of 8 bytes are written.
// CHECK: "Softmax"{{.*}}graph.work = {bytes_read = 16 : i64, bytes_written = 16 : i64, transcendental_operations = 4 : i64, vector_operations = 16 : i64}
// CHECK: "TopK"{{.*}}graph.work = {bytes_read = 16 : i64, bytes_written = 24 : i64, vector_operations = 8 : i64}
module {
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> (!graph.unknown, !graph.unknown) {
    %k = graph.node "Constant"() attributes {value = dense<2> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %0 = graph.node "Softmax"(%x) attributes {axis = -1 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>) -> !graph.unknown
    %1:2 = graph.node "TopK"(%0, %k) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    return %1#0, %1#1 : !graph.unknown, !graph.unknown
  }
}

// -----

// Every token through two experts of 4 x 8: 2 * 2 * 4 * 8 operations, 16 floats
// of results. A view is free; weights are not read per token.
// CHECK: "Reshape"{{.*}}graph.work = {}
// CHECK: "MatMul"{{.*}}graph.work = {bytes_read = 16 : i64, bytes_written = 64 : i64, matmul_operations = 128 : i64}
module {
  moe.weight_data @w : tensor<2x4x8xf32>
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %w = moe.weight @w : tensor<2x4x8xf32>
    %c = graph.node "Constant"() attributes {value = dense<[1, -1, 4]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %0 = graph.node "Reshape"(%x, %c) {version = 17 : i64} : (tensor<?x?x4xf32>, !graph.unknown) -> !graph.unknown
    %1 = graph.node "MatMul"(%0, %w) {version = 17 : i64} : (!graph.unknown, tensor<2x4x8xf32>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// The same product with its sum over h in an equation; its bf16 halves the bytes.
// CHECK: "Einsum"{{.*}}graph.work = {bytes_read = 8 : i64, bytes_written = 32 : i64, matmul_operations = 128 : i64}
module {
  moe.weight_data @w : tensor<2x4x8xbf16>
  func.func @main(%x: tensor<?x?x4xbf16> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %w = moe.weight @w : tensor<2x4x8xbf16>
    %0 = graph.node "Einsum"(%x, %w) attributes {equation = "bsh,ehi->bsei"} {version = 17 : i64} : (tensor<?x?x4xbf16>, tensor<2x4x8xbf16>) -> !graph.unknown
    return %0 : !graph.unknown
  }
}

// -----

// The largest of four, then the 4 x 6 floats of a table that it names: 96 bytes
// are read and written, and the index.
// CHECK: "ArgMax"{{.*}}graph.work = {bytes_read = 16 : i64, bytes_written = 8 : i64, vector_operations = 4 : i64}
// CHECK: "Gather"{{.*}}graph.work = {bytes_read = 104 : i64, bytes_written = 96 : i64}
module {
  moe.weight_data @table : tensor<8x4x6xf32>
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %table = moe.weight @table : tensor<8x4x6xf32>
    %0 = graph.node "ArgMax"(%x) attributes {axis = -1 : i64, keepdims = 0 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?xi64>
    %1 = graph.node "Gather"(%table, %0) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<8x4x6xf32>, tensor<?x?xi64>) -> !graph.unknown
    return %1 : !graph.unknown
  }
}

// -----

// Two heads of what was raised: 8 floats.
// CHECK: moe.linear
// CHECK: "Tanh"{{.*}}graph.work = {bytes_read = 32 : i64, bytes_written = 32 : i64, transcendental_operations = 8 : i64}
module {
  moe.weight_data @w : tensor<4x8xf32>
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %w = moe.weight @w : tensor<4x8xf32>
    %0 = graph.node "MatMul"(%x, %w) {version = 17 : i64} : (tensor<?x?x4xf32>, tensor<4x8xf32>) -> !graph.unknown
    %c = graph.node "Constant"() attributes {value = dense<[0, 0, 2, 4]> : tensor<4xi64>} {version = 17 : i64} : () -> !graph.unknown
    %1 = graph.node "Reshape"(%0, %c) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %2 = graph.node "Transpose"(%1) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %3 = graph.node "Tanh"(%2) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    return %3 : !graph.unknown
  }
}
