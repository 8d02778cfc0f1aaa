// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// The weights of each choice are gathered and multiply a copy of its token; 4
// experts of inner width 3, 2 choices per token.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x?x2xf32>
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [4, 3, 2] [1, 1, 1]
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route %[[X]], %{{.*}} {normalize, scoring = #moe<scoring softmax>, top_k = 2 : i64}
// CHECK: moe.dispatch %[[X]], %[[I]]
// CHECK: moe.experts
// CHECK: %[[R:.*]] = moe.combine {{.*}} %[[W]], %[[I]]
// CHECK: return %[[R]]
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x6x2xf32>
moe.weight_data @w2 : tensor<4x2x3xf32>
func.func @main(%x: tensor<?x?x2xf32> {moe.dims = ["batch", "seq", ""], moe.name = "x"}) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x6x2xf32>
  %w2 = moe.weight @w2 : tensor<4x2x3xf32>
  %0 = graph.node "Constant"() attributes {value = dense<[-1, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %1 = graph.node "Reshape"(%x, %0) {version = 17 : i64} : (tensor<?x?x2xf32>, !graph.unknown) -> !graph.unknown
  %2 = graph.node "MatMul"(%1, %router) {version = 17 : i64} : (!graph.unknown, tensor<2x4xf32>) -> !graph.unknown
  %3 = graph.node "Softmax"(%2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %4 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %5:2 = graph.node "TopK"(%3, %4) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %6 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %7 = graph.node "ReduceSum"(%5#0, %6) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %8 = graph.node "Div"(%5#0, %7) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %9 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %10 = graph.node "Reshape"(%5#1, %9) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %11 = graph.node "Shape"(%1) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %12 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %13 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %14 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %15 = graph.node "Slice"(%11, %12, %13, %14) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %17 = graph.node "Squeeze"(%15, %16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %18 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %19 = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %20 = graph.node "Range"(%18, %17, %19) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %21 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %22 = graph.node "Unsqueeze"(%20, %21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %23 = graph.node "Constant"() attributes {value = dense<[1, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %24 = graph.node "Expand"(%22, %23) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %25 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %26 = graph.node "Reshape"(%24, %25) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %27 = graph.node "Gather"(%1, %26) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %28 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %29 = graph.node "Unsqueeze"(%27, %28) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %30 = graph.node "Gather"(%w1, %10) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x6x2xf32>, !graph.unknown) -> !graph.unknown
  %31 = graph.node "MatMul"(%30, %29) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %32 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %33 = graph.node "Squeeze"(%31, %32) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %34:2 = graph.node "Split"(%33) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %35 = graph.node "Sigmoid"(%34#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %36 = graph.node "Mul"(%34#0, %35) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %37 = graph.node "Mul"(%36, %34#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %38 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %39 = graph.node "Unsqueeze"(%37, %38) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %40 = graph.node "Gather"(%w2, %10) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, !graph.unknown) -> !graph.unknown
  %41 = graph.node "MatMul"(%40, %39) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %42 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %43 = graph.node "Squeeze"(%41, %42) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %44 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %45 = graph.node "Reshape"(%8, %44) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %46 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %47 = graph.node "Unsqueeze"(%45, %46) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %48 = graph.node "Mul"(%43, %47) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %49 = graph.node "Constant"() attributes {value = dense<[-1, 2, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
  %50 = graph.node "Reshape"(%48, %49) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %51 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %52 = graph.node "ReduceSum"(%50, %51) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %53 = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<?x?x2xf32>) -> !graph.unknown
  %54 = graph.node "Reshape"(%52, %53) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %54 : !graph.unknown
}

// -----

// Tokens are copied by Expand; weights are [experts, in, out].

// CHECK-LABEL: func.func @main
// CHECK-NOT: transpose
// CHECK: moe.dispatch {{.*}} -> (tensor<10x2xf32>, tensor<4xi32>)
// CHECK: moe.combine
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
  %7 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %8 = graph.node "Reshape"(%3#1, %7) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %9 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %10 = graph.node "Unsqueeze"(%x, %9) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
  %11 = graph.node "Constant"() attributes {value = dense<[1, 2, 1]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
  %12 = graph.node "Expand"(%10, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %13 = graph.node "Constant"() attributes {value = dense<[-1, 1, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
  %14 = graph.node "Reshape"(%12, %13) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %15 = graph.node "Gather"(%w1, %8) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x6xf32>, !graph.unknown) -> !graph.unknown
  %16 = graph.node "MatMul"(%14, %15) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %17:2 = graph.node "Split"(%16) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %18 = graph.node "Sigmoid"(%17#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %19 = graph.node "Mul"(%17#0, %18) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %20 = graph.node "Mul"(%19, %17#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %21 = graph.node "Gather"(%w2, %8) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, !graph.unknown) -> !graph.unknown
  %22 = graph.node "MatMul"(%20, %21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %23 = graph.node "Constant"() attributes {value = dense<[-1, 2, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
  %24 = graph.node "Reshape"(%22, %23) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %25 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %26 = graph.node "Unsqueeze"(%6, %25) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %27 = graph.node "Mul"(%24, %26) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %28 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %29 = graph.node "ReduceSum"(%27, %28) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %29 : !graph.unknown
}

// -----

// Einsum over slots that are a dimension of their own, with gathered biases.

// CHECK-LABEL: func.func @main
// CHECK: moe.experts {{.*}} gate_bias %{{.*}} up_bias %{{.*}} down_bias
// CHECK: moe.combine
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x6x2xf32>
moe.weight_data @b1 : tensor<4x6xf32>
moe.weight_data @w2 : tensor<4x2x3xf32>
moe.weight_data @b2 : tensor<4x2xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x6x2xf32>
  %b1 = moe.weight @b1 : tensor<4x6xf32>
  %w2 = moe.weight @w2 : tensor<4x2x3xf32>
  %b2 = moe.weight @b2 : tensor<4x2xf32>
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %1 = graph.node "Softmax"(%0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %2 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %4 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %5 = graph.node "ReduceSum"(%3#0, %4) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %6 = graph.node "Div"(%3#0, %5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %7 = graph.node "Gather"(%w1, %3#1) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x6x2xf32>, !graph.unknown) -> !graph.unknown
  %8 = graph.node "Einsum"(%7, %x) attributes {equation = "bekc,bc->bek"} {version = 17 : i64} : (!graph.unknown, tensor<5x2xf32>) -> !graph.unknown
  %9 = graph.node "Gather"(%b1, %3#1) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x6xf32>, !graph.unknown) -> !graph.unknown
  %10 = graph.node "Add"(%8, %9) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %11:2 = graph.node "Split"(%10) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %12 = graph.node "Gather"(%w2, %3#1) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, !graph.unknown) -> !graph.unknown
  %13 = graph.node "Sigmoid"(%11#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %14 = graph.node "Mul"(%11#0, %13) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %15 = graph.node "Mul"(%14, %11#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "Einsum"(%12, %15) attributes {equation = "beck,bek->bec"} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %17 = graph.node "Gather"(%b2, %3#1) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2xf32>, !graph.unknown) -> !graph.unknown
  %18 = graph.node "Add"(%16, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %19 = graph.node "Einsum"(%18, %6) attributes {equation = "bec,be->bc"} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %19 : !graph.unknown
}

// -----

// One choice per token needs no sum; its weight is the sigmoid of its logit.

// CHECK-LABEL: func.func @main
// CHECK: moe.route {{.*}} {scoring = #moe<scoring sigmoid>, top_k = 1 : i64}
// CHECK: moe.combine
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x2x6xf32>
moe.weight_data @w2 : tensor<4x3x2xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x2x6xf32>
  %w2 = moe.weight @w2 : tensor<4x3x2xf32>
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %1 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %2:2 = graph.node "TopK"(%0, %1) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %3 = graph.node "Sigmoid"(%2#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %4 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %5 = graph.node "Squeeze"(%2#1, %4) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %6 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %7 = graph.node "Unsqueeze"(%x, %6) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
  %8 = graph.node "Gather"(%w1, %5) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x6xf32>, !graph.unknown) -> !graph.unknown
  %9 = graph.node "MatMul"(%7, %8) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %10:2 = graph.node "Split"(%9) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %11 = graph.node "Sigmoid"(%10#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %12 = graph.node "Mul"(%10#0, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %13 = graph.node "Mul"(%12, %10#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %14 = graph.node "Gather"(%w2, %5) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, !graph.unknown) -> !graph.unknown
  %15 = graph.node "MatMul"(%13, %14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %17 = graph.node "Squeeze"(%15, %16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %18 = graph.node "Mul"(%17, %3) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %18 : !graph.unknown
}

// -----

// The results are added up in the rows of their tokens.

// CHECK-LABEL: func.func @main
// CHECK: moe.experts
// CHECK: moe.combine
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
  %7 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %8 = graph.node "Reshape"(%3#1, %7) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %9 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %10 = graph.node "Constant"() attributes {value = dense<5> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %11 = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %12 = graph.node "Range"(%9, %10, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %13 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %14 = graph.node "Unsqueeze"(%12, %13) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %15 = graph.node "Constant"() attributes {value = dense<[1, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %16 = graph.node "Expand"(%14, %15) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %17 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %18 = graph.node "Reshape"(%16, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %19 = graph.node "Gather"(%x, %18) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
  %20 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %21 = graph.node "Unsqueeze"(%19, %20) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %22 = graph.node "Gather"(%w1, %8) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x6xf32>, !graph.unknown) -> !graph.unknown
  %23 = graph.node "MatMul"(%21, %22) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %24:2 = graph.node "Split"(%23) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %25 = graph.node "Sigmoid"(%24#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %26 = graph.node "Mul"(%24#0, %25) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %27 = graph.node "Mul"(%26, %24#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %28 = graph.node "Gather"(%w2, %8) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, !graph.unknown) -> !graph.unknown
  %29 = graph.node "MatMul"(%27, %28) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %30 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %31 = graph.node "Squeeze"(%29, %30) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %32 = graph.node "Constant"() attributes {value = dense<[-1, 1]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %33 = graph.node "Reshape"(%6, %32) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %34 = graph.node "Mul"(%31, %33) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %35 = graph.node "Constant"() attributes {value = dense<[5, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %36 = graph.node "ConstantOfShape"(%35) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %37 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %38 = graph.node "Unsqueeze"(%18, %37) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %39 = graph.node "ScatterND"(%36, %38, %34) attributes {reduction = "add"} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  return %39 : !graph.unknown
}
