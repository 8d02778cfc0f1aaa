// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// A softmax over the chosen logits is that over all, normalized. The router is
// kept as [experts, width].

// CHECK-LABEL: func.func @main
// CHECK: %[[T:.*]] = linalg.transpose ins(%{{.*}} : tensor<4x2xf32>) outs(%{{.*}} : tensor<2x4xf32>)
// CHECK: moe.route %{{.*}}, %[[T]] bias %{{.*}} {normalize, scoring = #moe<scoring softmax>, top_k = 2 : i64}
moe.weight_data @router : tensor<4x2xf32>
moe.weight_data @rb : tensor<4xf32>
moe.weight_data @w1 : tensor<4x2x6xf32>
moe.weight_data @w2 : tensor<4x3x2xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<4x2xf32>
  %rb = moe.weight @rb : tensor<4xf32>
  %w1 = moe.weight @w1 : tensor<4x2x6xf32>
  %w2 = moe.weight @w2 : tensor<4x3x2xf32>
  %0 = graph.node "Gemm"(%x, %router, %rb) attributes {alpha = 1.0 : f32, beta = 1.0 : f32, transB = 1 : i64} {version = 17 : i64} : (tensor<5x2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> !graph.unknown
  %1 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %2:2 = graph.node "TopK"(%0, %1) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %3 = graph.node "Softmax"(%2#0) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
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
  %14 = graph.node "ScatterElements"(%13, %2#1, %3) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %15 = graph.node "Transpose"(%14) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %16 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %17 = graph.node "Unsqueeze"(%15, %16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %18 = graph.node "Mul"(%11, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %19 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %20 = graph.node "ReduceSum"(%18, %19) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %20 : !graph.unknown
}

// -----

// 3 of 8 experts from the best 2 of 4 groups; the correction counts for the
// choice, the plain scores are the weights.

// CHECK-LABEL: func.func @main
// CHECK: %[[C:.*]] = tensor.extract_slice %{{.*}}[0, 0] [1, 8] [1, 1] : tensor<1x8xf32> to tensor<8xf32>
// CHECK: moe.route {{.*}} correction %[[C]] {groups = 4 : i64, normalize, scale = 2.500000e+00 : f64, scoring = #moe<scoring sigmoid>, top_groups = 2 : i64, top_k = 3 : i64}
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

// -----

// The same with a product as mask.

// CHECK-LABEL: func.func @main
// CHECK: moe.route {{.*}} {groups = 4 : i64, normalize, scale = 2.500000e+00 : f64, scoring = #moe<scoring sigmoid>, top_groups = 2 : i64, top_k = 3 : i64}
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
  %23 = graph.node "Mul"(%2, %22) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %24 = graph.node "Constant"() attributes {value = dense<[3]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %25:2 = graph.node "TopK"(%23, %24) attributes {axis = -1 : i64, sorted = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %26 = graph.node "GatherElements"(%1, %25#1) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %27 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %28 = graph.node "ReduceSum"(%26, %27) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %29 = graph.node "Constant"() attributes {value = dense<1.0e-20> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %30 = graph.node "Add"(%28, %29) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %31 = graph.node "Div"(%26, %30) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %32 = graph.node "Constant"() attributes {value = dense<2.5> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %33 = graph.node "Mul"(%31, %32) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %34 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %35 = graph.node "Unsqueeze"(%x, %34) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
  %36 = graph.node "MatMul"(%35, %w1) {version = 17 : i64} : (!graph.unknown, tensor<8x2x6xf32>) -> !graph.unknown
  %37:2 = graph.node "Split"(%36) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %38 = graph.node "Sigmoid"(%37#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %39 = graph.node "Mul"(%37#0, %38) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %40 = graph.node "Mul"(%39, %37#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %41 = graph.node "MatMul"(%40, %w2) {version = 17 : i64} : (!graph.unknown, tensor<8x3x2xf32>) -> !graph.unknown
  %42 = graph.node "Constant"() attributes {value = dense<[5, 8]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %43 = graph.node "ConstantOfShape"(%42) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %44 = graph.node "ScatterElements"(%43, %25#1, %33) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %45 = graph.node "Transpose"(%44) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %46 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %47 = graph.node "Unsqueeze"(%45, %46) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %48 = graph.node "Mul"(%41, %47) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %49 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %50 = graph.node "ReduceSum"(%48, %49) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %50 : !graph.unknown
}

// -----

// Weights that are not normalized, but scaled.

// CHECK-LABEL: func.func @main
// CHECK: moe.route {{.*}} {scale = 5.000000e-01 : f64, scoring = #moe<scoring softmax>, top_k = 2 : i64}
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
  %4 = graph.node "Constant"() attributes {value = dense<0.5> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %5 = graph.node "Mul"(%3#0, %4) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %6 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %7 = graph.node "Unsqueeze"(%x, %6) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
  %8 = graph.node "MatMul"(%7, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
  %9:2 = graph.node "Split"(%8) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %10 = graph.node "Sigmoid"(%9#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %11 = graph.node "Mul"(%9#0, %10) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %12 = graph.node "Mul"(%11, %9#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %13 = graph.node "MatMul"(%12, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
  %14 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %15 = graph.node "ConstantOfShape"(%14) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %16 = graph.node "ScatterElements"(%15, %3#1, %5) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %17 = graph.node "Transpose"(%16) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %18 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %19 = graph.node "Unsqueeze"(%17, %18) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %20 = graph.node "Mul"(%13, %19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %21 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %22 = graph.node "ReduceSum"(%20, %21) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %22 : !graph.unknown
}

// -----

// A factor ahead of the normalization cancels out.

// CHECK-LABEL: func.func @main
// CHECK: moe.route {{.*}} {normalize, scoring = #moe<scoring softmax>, top_k = 2 : i64}
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
  %4 = graph.node "Constant"() attributes {value = dense<0.5> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %5 = graph.node "Mul"(%3#0, %4) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %6 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %7 = graph.node "ReduceSum"(%5, %6) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %8 = graph.node "Div"(%5, %7) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %9 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %10 = graph.node "Unsqueeze"(%x, %9) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
  %11 = graph.node "MatMul"(%10, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
  %12:2 = graph.node "Split"(%11) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %13 = graph.node "Sigmoid"(%12#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %14 = graph.node "Mul"(%12#0, %13) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %15 = graph.node "Mul"(%14, %12#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "MatMul"(%15, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
  %17 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %18 = graph.node "ConstantOfShape"(%17) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %19 = graph.node "ScatterElements"(%18, %3#1, %8) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %20 = graph.node "Transpose"(%19) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %21 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %22 = graph.node "Unsqueeze"(%20, %21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %23 = graph.node "Mul"(%16, %22) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %24 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %25 = graph.node "ReduceSum"(%23, %24) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %25 : !graph.unknown
}
