// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// expected-error@+1 {{(op 'TopK', domain '') cannot be raised to moe: expects 1 <= k <= 4 experts, got 5}}
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
    %2 = graph.node "Constant"() attributes {value = dense<[5]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %4 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %5 = graph.node "ReduceSum"(%3#0, %4) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %6 = graph.node "Div"(%3#0, %5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %7 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "Unsqueeze"(%x, %7) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %9 = graph.node "MatMul"(%8, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
    %10:2 = graph.node "Split"(%9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
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

// -----

// expected-error@+1 {{(op 'Mul', domain '') cannot be raised to moe: expects weights of the results' tokens and experts}}
module {
  moe.weight_data @router : tensor<2x8xf32>
  moe.weight_data @w1 : tensor<4x2x6xf32>
  moe.weight_data @w2 : tensor<4x3x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x8xf32>
    %w1 = moe.weight @w1 : tensor<4x2x6xf32>
    %w2 = moe.weight @w2 : tensor<4x3x2xf32>
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x8xf32>) -> !graph.unknown
    %1 = graph.node "Softmax"(%0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %2 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %4 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %5 = graph.node "ReduceSum"(%3#0, %4) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %6 = graph.node "Div"(%3#0, %5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %7 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "Unsqueeze"(%x, %7) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %9 = graph.node "MatMul"(%8, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
    %10:2 = graph.node "Split"(%9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %11 = graph.node "Sigmoid"(%10#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %12 = graph.node "Mul"(%10#0, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %13 = graph.node "Mul"(%12, %10#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %14 = graph.node "MatMul"(%13, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
    %15 = graph.node "Constant"() attributes {value = dense<[5, 8]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
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

// -----

// expected-error@+1 {{(op 'Gather', domain '') cannot be raised to moe: expects weights of the router's 8 experts, got 4}}
module {
  moe.weight_data @router : tensor<2x8xf32>
  moe.weight_data @w1 : tensor<4x2x6xf32>
  moe.weight_data @w2 : tensor<4x3x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x8xf32>
    %w1 = moe.weight @w1 : tensor<4x2x6xf32>
    %w2 = moe.weight @w2 : tensor<4x3x2xf32>
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x8xf32>) -> !graph.unknown
    %1 = graph.node "Softmax"(%0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %2 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %4 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %5 = graph.node "ReduceSum"(%3#0, %4) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %6 = graph.node "Div"(%3#0, %5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %7 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "Unsqueeze"(%x, %7) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %9 = graph.node "Constant"() attributes {value = dense<[1, 2, 1]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %10 = graph.node "Expand"(%8, %9) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %11 = graph.node "Constant"() attributes {value = dense<[-1, 1, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %12 = graph.node "Reshape"(%10, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %13 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %14 = graph.node "Reshape"(%3#1, %13) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %15 = graph.node "Gather"(%w1, %14) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x6xf32>, !graph.unknown) -> !graph.unknown
    %16 = graph.node "MatMul"(%12, %15) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %17:2 = graph.node "Split"(%16) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %18 = graph.node "Sigmoid"(%17#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %19 = graph.node "Mul"(%17#0, %18) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %20 = graph.node "Mul"(%19, %17#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %20 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{(op 'ScatterElements', domain '') cannot be raised to moe: attribute 'axis' expects the dimension of the choice, got 0}}
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
    %10:2 = graph.node "Split"(%9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %11 = graph.node "Sigmoid"(%10#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %12 = graph.node "Mul"(%10#0, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %13 = graph.node "Mul"(%12, %10#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %14 = graph.node "MatMul"(%13, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
    %15 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %16 = graph.node "ConstantOfShape"(%15) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %17 = graph.node "ScatterElements"(%16, %3#1, %6) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %18 = graph.node "Transpose"(%17) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %19 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %20 = graph.node "Unsqueeze"(%18, %19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %21 = graph.node "Mul"(%14, %20) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %22 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %23 = graph.node "ReduceSum"(%21, %22) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %23 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{(op 'ScatterElements', domain '') cannot be raised to moe: expects zeros for each token and 4 experts}}
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
    %10:2 = graph.node "Split"(%9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %11 = graph.node "Sigmoid"(%10#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %12 = graph.node "Mul"(%10#0, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %13 = graph.node "Mul"(%12, %10#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %14 = graph.node "MatMul"(%13, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
    %15 = graph.node "Constant"() attributes {value = dense<[5, 6]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
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

// -----

// expected-error@+1 {{(op 'ReduceSum', domain '') cannot be raised to moe: expects the sum of the results of all experts of a token}}
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
    %10:2 = graph.node "Split"(%9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
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
    %22 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %23 = graph.node "ReduceSum"(%21, %22) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %23 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{(op 'ReduceSum', domain '') cannot be raised to moe: expects a router on the tokens of the experts}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @w1 : tensor<4x2x6xf32>
  moe.weight_data @w2 : tensor<4x3x2xf32>
  func.func @main(%x: tensor<5x2xf32>, %z: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %w1 = moe.weight @w1 : tensor<4x2x6xf32>
    %w2 = moe.weight @w2 : tensor<4x3x2xf32>
    %0 = graph.node "MatMul"(%z, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "Softmax"(%0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %2 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %4 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %5 = graph.node "ReduceSum"(%3#0, %4) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %6 = graph.node "Div"(%3#0, %5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %7 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "Unsqueeze"(%x, %7) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %9 = graph.node "MatMul"(%8, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
    %10:2 = graph.node "Split"(%9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
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

// -----

// expected-error@+1 {{(op 'OneHot', domain '') cannot be raised to moe: expects a depth of 4 experts, got 3}}
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
    %7 = graph.node "Constant"() attributes {value = dense<[3]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "Constant"() attributes {value = dense<[0.0, 1.0]> : tensor<2xf32>} {version = 17 : i64} : () -> !graph.unknown
    %9 = graph.node "OneHot"(%3#1, %7, %8) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %10 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %11 = graph.node "Unsqueeze"(%6, %10) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %12 = graph.node "Mul"(%9, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %13 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %14 = graph.node "ReduceSum"(%12, %13) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %15 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %16 = graph.node "Unsqueeze"(%x, %15) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %17 = graph.node "MatMul"(%16, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
    %18:2 = graph.node "Split"(%17) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %19 = graph.node "Sigmoid"(%18#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %20 = graph.node "Mul"(%18#0, %19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %21 = graph.node "Mul"(%20, %18#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %22 = graph.node "MatMul"(%21, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
    %23 = graph.node "Transpose"(%14) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %24 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %25 = graph.node "Unsqueeze"(%23, %24) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %26 = graph.node "Mul"(%22, %25) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %27 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %28 = graph.node "ReduceSum"(%26, %27) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %28 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{(op 'ReduceSum', domain '') cannot be raised to moe: expects weights from scores, got logits}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @w1 : tensor<4x2x6xf32>
  moe.weight_data @w2 : tensor<4x3x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %w1 = moe.weight @w1 : tensor<4x2x6xf32>
    %w2 = moe.weight @w2 : tensor<4x3x2xf32>
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
    %1 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %2:2 = graph.node "TopK"(%0, %1) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %3 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %4 = graph.node "Unsqueeze"(%x, %3) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %5 = graph.node "MatMul"(%4, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
    %6:2 = graph.node "Split"(%5) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %7 = graph.node "Sigmoid"(%6#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %8 = graph.node "Mul"(%6#0, %7) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %9 = graph.node "Mul"(%8, %6#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %10 = graph.node "MatMul"(%9, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
    %11 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %12 = graph.node "ConstantOfShape"(%11) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %13 = graph.node "ScatterElements"(%12, %2#1, %2#0) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %14 = graph.node "Transpose"(%13) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %15 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %16 = graph.node "Unsqueeze"(%14, %15) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %17 = graph.node "Mul"(%10, %16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %18 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %19 = graph.node "ReduceSum"(%17, %18) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %19 : !graph.unknown
  }
}
