// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// expected-error@+1 {{(op 'Equal', domain '') cannot be raised to moe: expects an expert below 4, got 4}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @w1 : tensor<4x2x6xf32>
  moe.weight_data @w2 : tensor<4x3x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %w1 = moe.weight @w1 : tensor<4x2x6xf32>
    %w2 = moe.weight @w2 : tensor<4x3x2xf32>
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "Softmax"(%0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %2 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %4 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %5 = graph.node "ReduceSum"(%3#0, %4) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %6 = graph.node "Div"(%3#0, %5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %7 = graph.node "Constant"() attributes {value = dense<4> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "Equal"(%3#1, %7) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %9 = graph.node "Cast"(%8) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %10 = graph.node "Mul"(%6, %9) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %11 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %12 = graph.node "ReduceSum"(%10, %11) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %12 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{(op 'Gather', domain '') cannot be raised to moe: expects the places of expert 3 in a dimension that the choice runs over}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @w1 : tensor<4x2x6xf32>
  moe.weight_data @w2 : tensor<4x3x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %w1 = moe.weight @w1 : tensor<4x2x6xf32>
    %w2 = moe.weight @w2 : tensor<4x3x2xf32>
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "Softmax"(%0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %2 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %4 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %5 = graph.node "ReduceSum"(%3#0, %4) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %6 = graph.node "Div"(%3#0, %5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %7 = graph.node "Constant"() attributes {value = dense<[4]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "Constant"() attributes {value = dense<[0.0, 1.0]> : tensor<2xf32>} {version = 17 : i64} : () -> !graph.unknown
    %9 = graph.node "OneHot"(%3#1, %7, %8) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %10 = graph.node "Transpose"(%9) attributes {perm = array<i64: 2, 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %11 = graph.node "Constant"() attributes {value = dense<3> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %12 = graph.node "Gather"(%10, %11) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %13 = graph.node "NonZero"(%12) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    // Row 0 holds slots, row 1 tokens.
    %14 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %15 = graph.node "Gather"(%13, %14) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %16 = graph.node "Gather"(%x, %15) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    return %16 : !graph.unknown
  }
}
