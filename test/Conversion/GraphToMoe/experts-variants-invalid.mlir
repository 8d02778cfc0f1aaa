// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// Graphs that nearly are what a rule knows, as tools/oracle makes them.

// A gate of one column times three columns of the other branch is no gated block.
// expected-error@+1 {{cannot be raised to moe: no rule raises this op (16 nodes in all cannot be raised)}}
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
    %7 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "Unsqueeze"(%x, %7) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %9 = graph.node "MatMul"(%8, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
    %sizes = graph.node "Constant"() attributes {value = dense<[1, 3, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %10:3 = graph.node "Split"(%9, %sizes) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    %11 = graph.node "Sigmoid"(%10#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %12 = graph.node "Mul"(%10#0, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %13 = graph.node "Mul"(%12, %10#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %14 = graph.node "MatMul"(%13, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
    %15 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %16 = graph.node "ConstantOfShape"(%15) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %17 = graph.node "ScatterElements"(%16, %3#1, %6) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %18 = graph.node "Transpose"(%17) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %19 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %20 = graph.node "Unsqueeze"(%18, %19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %21 = graph.node "Mul"(%14, %20) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %22 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %23 = graph.node "ReduceSum"(%21, %22) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %23 : !graph.unknown
  }
}
