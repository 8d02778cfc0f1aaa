// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// expected-error@+1 {{(op 'ReduceSum', domain '') cannot be raised to moe: expects weights from the scores without correction}}
module {
  moe.weight_data @router : tensor<2x8xf32>
  moe.weight_data @correction : tensor<1x8xf32>
  moe.weight_data @w1 : tensor<8x2x6xf32>
  moe.weight_data @w2 : tensor<8x3x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x8xf32>
    %correction = moe.weight @correction : tensor<1x8xf32>
    %w1 = moe.weight @w1 : tensor<8x2x6xf32>
    %w2 = moe.weight @w2 : tensor<8x3x2xf32>
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x8xf32>) -> !graph.unknown
    %1 = graph.node "Sigmoid"(%0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %2 = graph.node "Add"(%1, %correction) {version = 17 : i64} : (!graph.unknown, tensor<1x8xf32>) -> !graph.unknown
    %3 = graph.node "Constant"() attributes {value = dense<[-1, 4, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %4 = graph.node "Reshape"(%2, %3) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %5 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %6:2 = graph.node "TopK"(%4, %5) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %7 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "ReduceSum"(%6#0, %7) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %9 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %10:2 = graph.node "TopK"(%8, %9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %11 = graph.node "Constant"() attributes {value = dense<1.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %12 = graph.node "Shape"(%10#1) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %13 = graph.node "Expand"(%11, %12) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %14 = graph.node "Shape"(%8) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %15 = graph.node "ConstantOfShape"(%14) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %16 = graph.node "ScatterElements"(%15, %10#1, %13) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %17 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %18 = graph.node "Unsqueeze"(%16, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %19 = graph.node "Constant"() attributes {value = dense<[1, 4, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %20 = graph.node "Expand"(%18, %19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %21 = graph.node "Constant"() attributes {value = dense<[-1, 8]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %22 = graph.node "Reshape"(%20, %21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %23 = graph.node "Cast"(%22) attributes {to = 9 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %24 = graph.node "Not"(%23) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %25 = graph.node "Constant"() attributes {value = dense<0.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %26 = graph.node "Where"(%24, %25, %2) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %27 = graph.node "Constant"() attributes {value = dense<[3]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %28:2 = graph.node "TopK"(%26, %27) attributes {axis = -1 : i64, sorted = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %29 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %30 = graph.node "ReduceSum"(%28#0, %29) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %31 = graph.node "Constant"() attributes {value = dense<1.0e-20> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %32 = graph.node "Add"(%30, %31) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %33 = graph.node "Div"(%28#0, %32) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %34 = graph.node "Constant"() attributes {value = dense<2.5> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %35 = graph.node "Mul"(%33, %34) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %36 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %37 = graph.node "Unsqueeze"(%x, %36) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %38 = graph.node "MatMul"(%37, %w1) {version = 17 : i64} : (!graph.unknown, tensor<8x2x6xf32>) -> !graph.unknown
    %39:2 = graph.node "Split"(%38) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %40 = graph.node "Sigmoid"(%39#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %41 = graph.node "Mul"(%39#0, %40) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %42 = graph.node "Mul"(%41, %39#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %43 = graph.node "MatMul"(%42, %w2) {version = 17 : i64} : (!graph.unknown, tensor<8x3x2xf32>) -> !graph.unknown
    %44 = graph.node "Constant"() attributes {value = dense<[5, 8]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %45 = graph.node "ConstantOfShape"(%44) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %46 = graph.node "ScatterElements"(%45, %28#1, %35) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %47 = graph.node "Transpose"(%46) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %48 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %49 = graph.node "Unsqueeze"(%47, %48) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %50 = graph.node "Mul"(%43, %49) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %51 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %52 = graph.node "ReduceSum"(%50, %51) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %52 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{(op 'TopK', domain '') cannot be raised to moe: expects the two best scores of each group, got 1}}
module {
  moe.weight_data @router : tensor<2x8xf32>
  moe.weight_data @correction : tensor<1x8xf32>
  moe.weight_data @w1 : tensor<8x2x6xf32>
  moe.weight_data @w2 : tensor<8x3x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x8xf32>
    %correction = moe.weight @correction : tensor<1x8xf32>
    %w1 = moe.weight @w1 : tensor<8x2x6xf32>
    %w2 = moe.weight @w2 : tensor<8x3x2xf32>
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x8xf32>) -> !graph.unknown
    %1 = graph.node "Sigmoid"(%0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %2 = graph.node "Add"(%1, %correction) {version = 17 : i64} : (!graph.unknown, tensor<1x8xf32>) -> !graph.unknown
    %3 = graph.node "Constant"() attributes {value = dense<[-1, 4, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %4 = graph.node "Reshape"(%2, %3) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %5 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %6:2 = graph.node "TopK"(%4, %5) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %7 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "ReduceSum"(%6#0, %7) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %9 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %10:2 = graph.node "TopK"(%8, %9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %11 = graph.node "Constant"() attributes {value = dense<1.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %12 = graph.node "Shape"(%10#1) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %13 = graph.node "Expand"(%11, %12) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %14 = graph.node "Shape"(%8) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %15 = graph.node "ConstantOfShape"(%14) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %16 = graph.node "ScatterElements"(%15, %10#1, %13) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %17 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %18 = graph.node "Unsqueeze"(%16, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %19 = graph.node "Constant"() attributes {value = dense<[1, 4, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %20 = graph.node "Expand"(%18, %19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %21 = graph.node "Constant"() attributes {value = dense<[-1, 8]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %22 = graph.node "Reshape"(%20, %21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %23 = graph.node "Cast"(%22) attributes {to = 9 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %24 = graph.node "Not"(%23) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %25 = graph.node "Constant"() attributes {value = dense<0.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %26 = graph.node "Where"(%24, %25, %2) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %27 = graph.node "Constant"() attributes {value = dense<[3]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %28:2 = graph.node "TopK"(%26, %27) attributes {axis = -1 : i64, sorted = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %29 = graph.node "GatherElements"(%1, %28#1) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %30 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %31 = graph.node "ReduceSum"(%29, %30) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %32 = graph.node "Constant"() attributes {value = dense<1.0e-20> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %33 = graph.node "Add"(%31, %32) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %34 = graph.node "Div"(%29, %33) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %35 = graph.node "Constant"() attributes {value = dense<2.5> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %36 = graph.node "Mul"(%34, %35) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %37 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %38 = graph.node "Unsqueeze"(%x, %37) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %39 = graph.node "MatMul"(%38, %w1) {version = 17 : i64} : (!graph.unknown, tensor<8x2x6xf32>) -> !graph.unknown
    %40:2 = graph.node "Split"(%39) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %41 = graph.node "Sigmoid"(%40#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %42 = graph.node "Mul"(%40#0, %41) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %43 = graph.node "Mul"(%42, %40#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %44 = graph.node "MatMul"(%43, %w2) {version = 17 : i64} : (!graph.unknown, tensor<8x3x2xf32>) -> !graph.unknown
    %45 = graph.node "Constant"() attributes {value = dense<[5, 8]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %46 = graph.node "ConstantOfShape"(%45) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %47 = graph.node "ScatterElements"(%46, %28#1, %36) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %48 = graph.node "Transpose"(%47) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %49 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %50 = graph.node "Unsqueeze"(%48, %49) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %51 = graph.node "Mul"(%44, %50) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %52 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %53 = graph.node "ReduceSum"(%51, %52) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %53 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{(op 'Where', domain '') cannot be raised to moe: expects scores where the mask is set, at most 0 elsewhere}}
module {
  moe.weight_data @router : tensor<2x8xf32>
  moe.weight_data @correction : tensor<1x8xf32>
  moe.weight_data @w1 : tensor<8x2x6xf32>
  moe.weight_data @w2 : tensor<8x3x2xf32>
  func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x8xf32>
    %correction = moe.weight @correction : tensor<1x8xf32>
    %w1 = moe.weight @w1 : tensor<8x2x6xf32>
    %w2 = moe.weight @w2 : tensor<8x3x2xf32>
    %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x8xf32>) -> !graph.unknown
    %1 = graph.node "Sigmoid"(%0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %2 = graph.node "Add"(%1, %correction) {version = 17 : i64} : (!graph.unknown, tensor<1x8xf32>) -> !graph.unknown
    %3 = graph.node "Constant"() attributes {value = dense<[-1, 4, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %4 = graph.node "Reshape"(%2, %3) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %5 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %6:2 = graph.node "TopK"(%4, %5) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %7 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %8 = graph.node "ReduceSum"(%6#0, %7) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %9 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %10:2 = graph.node "TopK"(%8, %9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %11 = graph.node "Constant"() attributes {value = dense<1.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %12 = graph.node "Shape"(%10#1) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %13 = graph.node "Expand"(%11, %12) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %14 = graph.node "Shape"(%8) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %15 = graph.node "ConstantOfShape"(%14) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %16 = graph.node "ScatterElements"(%15, %10#1, %13) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %17 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %18 = graph.node "Unsqueeze"(%16, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %19 = graph.node "Constant"() attributes {value = dense<[1, 4, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
    %20 = graph.node "Expand"(%18, %19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %21 = graph.node "Constant"() attributes {value = dense<[-1, 8]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %22 = graph.node "Reshape"(%20, %21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %23 = graph.node "Cast"(%22) attributes {to = 9 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %24 = graph.node "Not"(%23) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %25 = graph.node "Constant"() attributes {value = dense<1.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %26 = graph.node "Where"(%24, %25, %2) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %27 = graph.node "Constant"() attributes {value = dense<[3]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %28:2 = graph.node "TopK"(%26, %27) attributes {axis = -1 : i64, sorted = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %29 = graph.node "GatherElements"(%1, %28#1) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %30 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %31 = graph.node "ReduceSum"(%29, %30) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %32 = graph.node "Constant"() attributes {value = dense<1.0e-20> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %33 = graph.node "Add"(%31, %32) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %34 = graph.node "Div"(%29, %33) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %35 = graph.node "Constant"() attributes {value = dense<2.5> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %36 = graph.node "Mul"(%34, %35) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %37 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %38 = graph.node "Unsqueeze"(%x, %37) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %39 = graph.node "MatMul"(%38, %w1) {version = 17 : i64} : (!graph.unknown, tensor<8x2x6xf32>) -> !graph.unknown
    %40:2 = graph.node "Split"(%39) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %41 = graph.node "Sigmoid"(%40#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %42 = graph.node "Mul"(%40#0, %41) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %43 = graph.node "Mul"(%42, %40#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %44 = graph.node "MatMul"(%43, %w2) {version = 17 : i64} : (!graph.unknown, tensor<8x3x2xf32>) -> !graph.unknown
    %45 = graph.node "Constant"() attributes {value = dense<[5, 8]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %46 = graph.node "ConstantOfShape"(%45) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %47 = graph.node "ScatterElements"(%46, %28#1, %36) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %48 = graph.node "Transpose"(%47) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %49 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %50 = graph.node "Unsqueeze"(%48, %49) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %51 = graph.node "Mul"(%44, %50) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %52 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %53 = graph.node "ReduceSum"(%51, %52) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %53 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{(op 'TopK', domain '') cannot be raised to moe: expects a constant number of the largest scores}}
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
    %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64, largest = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    %4 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %5 = graph.node "Unsqueeze"(%x, %4) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
    %6 = graph.node "MatMul"(%5, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
    %7:2 = graph.node "Split"(%6) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %8 = graph.node "Sigmoid"(%7#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %9 = graph.node "Mul"(%7#0, %8) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %10 = graph.node "Mul"(%9, %7#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %11 = graph.node "MatMul"(%10, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
    %12 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %13 = graph.node "ConstantOfShape"(%12) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %14 = graph.node "ScatterElements"(%13, %3#1, %3#0) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %15 = graph.node "Transpose"(%14) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %16 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %17 = graph.node "Unsqueeze"(%15, %16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %18 = graph.node "Mul"(%11, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %19 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %20 = graph.node "ReduceSum"(%18, %19) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %20 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{(op 'ReduceSum', domain '') cannot be raised to moe: expects the sum of a token's weights}}
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
    %4 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
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

// expected-error@+1 {{expects one limit of the gate from above and of the linear part from both sides}}
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
    %11 = graph.node "Constant"() attributes {value = dense<-7.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %12 = graph.node "Constant"() attributes {value = dense<7.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %13 = graph.node "Clip"(%10#0, %11, %12) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %14 = graph.node "Sigmoid"(%13) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %15 = graph.node "Mul"(%13, %14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %16 = graph.node "Mul"(%15, %10#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %17 = graph.node "MatMul"(%16, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
    %18 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
    %19 = graph.node "ConstantOfShape"(%18) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %20 = graph.node "ScatterElements"(%19, %3#1, %6) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %21 = graph.node "Transpose"(%20) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %22 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %23 = graph.node "Unsqueeze"(%21, %22) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %24 = graph.node "Mul"(%17, %23) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %25 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
    %26 = graph.node "ReduceSum"(%24, %25) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    return %26 : !graph.unknown
  }
}
