// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// All experts on all tokens, 4 experts of inner width 3 on a hidden width of 2;
// columns 0-2 of w1 are the gate, columns 3-5 the linear part. The block works
// on flattened tokens, the ops that it becomes on the tokens as they came.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x?x2xf32>
// CHECK-DAG: %[[ROUTER:.*]] = moe.weight @router
// CHECK-DAG: %[[W1:.*]] = moe.weight @w1
// CHECK-DAG: %[[W2:.*]] = moe.weight @w2
// CHECK: %[[GATE:.*]] = tensor.extract_slice %[[W1]][0, 0, 0] [4, 2, 3] [1, 1, 1]
// CHECK: %[[UP:.*]] = tensor.extract_slice %[[W1]][0, 0, 3] [4, 2, 3] [1, 1, 1]
// CHECK-NOT: transpose
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route %[[X]], %[[ROUTER]] {normalize, scoring = #moe<scoring softmax>, top_k = 2 : i64}
// CHECK: %[[ROWS:.*]], %[[COUNTS:.*]] = moe.dispatch %[[X]], %[[I]]
// CHECK: %[[Y:.*]] = moe.experts %[[ROWS]], %[[COUNTS]] gate %[[GATE]] up %[[UP]] down %[[W2]] {activation = #moe<activation silu>}
// CHECK: %[[R:.*]] = moe.combine %[[Y]], %[[W]], %[[I]] {experts = 4 : i64}
// CHECK: return %[[R]]
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x2x6xf32>
moe.weight_data @w2 : tensor<4x3x2xf32>
func.func @main(%x: tensor<?x?x2xf32> {moe.dims = ["batch", "seq", ""], moe.name = "x"}) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x2x6xf32>
  %w2 = moe.weight @w2 : tensor<4x3x2xf32>
  %0 = graph.node "Constant"() attributes {value = dense<[-1, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %1 = graph.node "Reshape"(%x, %0) {version = 17 : i64} : (tensor<?x?x2xf32>, !graph.unknown) -> !graph.unknown
  %2 = graph.node "MatMul"(%1, %router) {version = 17 : i64} : (!graph.unknown, tensor<2x4xf32>) -> !graph.unknown
  %3 = graph.node "Softmax"(%2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %4 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %5:2 = graph.node "TopK"(%3, %4) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %6 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %7 = graph.node "ReduceSum"(%5#0, %6) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %8 = graph.node "Div"(%5#0, %7) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %9 = graph.node "Shape"(%1) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %10 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %11 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %12 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %13 = graph.node "Slice"(%9, %10, %11, %12) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %14 = graph.node "Constant"() attributes {value = dense<[4]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %15 = graph.node "Concat"(%13, %14) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "ConstantOfShape"(%15) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %17 = graph.node "ScatterElements"(%16, %5#1, %8) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %18 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %19 = graph.node "Unsqueeze"(%1, %18) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %20 = graph.node "MatMul"(%19, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
  %21:2 = graph.node "Split"(%20) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %22 = graph.node "Sigmoid"(%21#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %23 = graph.node "Mul"(%21#0, %22) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %24 = graph.node "Mul"(%23, %21#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %25 = graph.node "MatMul"(%24, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
  %26 = graph.node "Transpose"(%17) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %27 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %28 = graph.node "Unsqueeze"(%26, %27) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %29 = graph.node "Mul"(%25, %28) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %30 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %31 = graph.node "ReduceSum"(%29, %30) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %32 = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<?x?x2xf32>) -> !graph.unknown
  %33 = graph.node "Reshape"(%31, %32) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %33 : !graph.unknown
}

// -----

// The tokens are tiled for each expert; weights are [experts, out, in].

// CHECK-LABEL: func.func @main
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [4, 3, 2] [1, 1, 1]
// CHECK: linalg.transpose {{.*}} permutation = [0, 2, 1]
// CHECK: tensor.extract_slice %{{.*}}[0, 3, 0] [4, 3, 2] [1, 1, 1]
// CHECK: linalg.transpose {{.*}} permutation = [0, 2, 1]
// CHECK: linalg.transpose ins(%{{.*}} : tensor<4x2x3xf32>) outs(%{{.*}} : tensor<4x3x2xf32>)
// CHECK: moe.experts
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x6x2xf32>
moe.weight_data @w2 : tensor<4x2x3xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x6x2xf32>
  %w2 = moe.weight @w2 : tensor<4x2x3xf32>
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %1 = graph.node "Softmax"(%0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %2 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %4 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %5 = graph.node "ReduceSum"(%3#0, %4) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %6 = graph.node "Div"(%3#0, %5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %7 = graph.node "Constant"() attributes {value = dense<[4, 1]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %8 = graph.node "Tile"(%x, %7) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
  %9 = graph.node "Constant"() attributes {value = dense<[4, -1, 2]> : tensor<3xi64>} {version = 17 : i64} : () -> !graph.unknown
  %10 = graph.node "Reshape"(%8, %9) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %11 = graph.node "Transpose"(%w1) attributes {perm = array<i64: 0, 2, 1>} {version = 17 : i64} : (tensor<4x6x2xf32>) -> !graph.unknown
  %12 = graph.node "MatMul"(%10, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %13:2 = graph.node "Split"(%12) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %14 = graph.node "Sigmoid"(%13#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %15 = graph.node "Mul"(%13#0, %14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "Mul"(%15, %13#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %17 = graph.node "Transpose"(%w2) attributes {perm = array<i64: 0, 2, 1>} {version = 17 : i64} : (tensor<4x2x3xf32>) -> !graph.unknown
  %18 = graph.node "MatMul"(%16, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %19 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %20 = graph.node "ConstantOfShape"(%19) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %21 = graph.node "ScatterElements"(%20, %3#1, %6) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %22 = graph.node "Transpose"(%21) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %23 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %24 = graph.node "Unsqueeze"(%22, %23) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %25 = graph.node "Mul"(%18, %24) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %26 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %27 = graph.node "ReduceSum"(%25, %26) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %27 : !graph.unknown
}

// -----

// The weights of the experts by OneHot; gate and up are weights of their own.

// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[W1:.*]] = moe.weight @w1
// CHECK-DAG: %[[W3:.*]] = moe.weight @w3
// CHECK-DAG: %[[W2:.*]] = moe.weight @w2
// CHECK: moe.experts {{.*}} gate %[[W1]] up %[[W3]] down %[[W2]]
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x2x3xf32>
moe.weight_data @w3 : tensor<4x2x3xf32>
moe.weight_data @w2 : tensor<4x3x2xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x2x3xf32>
  %w3 = moe.weight @w3 : tensor<4x2x3xf32>
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
  %10 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %11 = graph.node "Unsqueeze"(%6, %10) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %12 = graph.node "Mul"(%9, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %13 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %14 = graph.node "ReduceSum"(%12, %13) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %15 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %16 = graph.node "Unsqueeze"(%x, %15) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
  %17 = graph.node "MatMul"(%16, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x3xf32>) -> !graph.unknown
  %18 = graph.node "MatMul"(%16, %w3) {version = 17 : i64} : (!graph.unknown, tensor<4x2x3xf32>) -> !graph.unknown
  %19 = graph.node "Sigmoid"(%17) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %20 = graph.node "Mul"(%17, %19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %21 = graph.node "Mul"(%20, %18) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %22 = graph.node "MatMul"(%21, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
  %23 = graph.node "Transpose"(%14) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %24 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %25 = graph.node "Unsqueeze"(%23, %24) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %26 = graph.node "Mul"(%22, %25) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %27 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %28 = graph.node "ReduceSum"(%26, %27) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %28 : !graph.unknown
}

// -----

// Products as Einsum, the weighted sum too.

// CHECK-LABEL: func.func @main
// CHECK: linalg.transpose ins(%{{.*}} : tensor<4x2x3xf32>) outs(%{{.*}} : tensor<4x3x2xf32>)
// CHECK: moe.route {{.*}} {normalize, scoring = #moe<scoring softmax>, top_k = 2 : i64}
// CHECK: moe.experts
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x6x2xf32>
moe.weight_data @w2 : tensor<4x2x3xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x6x2xf32>
  %w2 = moe.weight @w2 : tensor<4x2x3xf32>
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %1 = graph.node "Softmax"(%0) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %2 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %3:2 = graph.node "TopK"(%1, %2) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %4 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %5 = graph.node "ReduceSum"(%3#0, %4) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %6 = graph.node "Div"(%3#0, %5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %7 = graph.node "Einsum"(%x, %w1) attributes {equation = "th,efh->tef"} {version = 17 : i64} : (tensor<5x2xf32>, tensor<4x6x2xf32>) -> !graph.unknown
  %8:2 = graph.node "Split"(%7) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %9 = graph.node "Sigmoid"(%8#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %10 = graph.node "Mul"(%8#0, %9) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %11 = graph.node "Mul"(%10, %8#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %12 = graph.node "Einsum"(%11, %w2) attributes {equation = "tef,ehf->teh"} {version = 17 : i64} : (!graph.unknown, tensor<4x2x3xf32>) -> !graph.unknown
  %13 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %14 = graph.node "ConstantOfShape"(%13) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %15 = graph.node "ScatterElements"(%14, %3#1, %6) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "Einsum"(%12, %15) attributes {equation = "teh,te->th"} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %16 : !graph.unknown
}

// -----

// Interleaved gate and up with biases, a limit of 7, a steeper sigmoid and a
// linear part plus 1.

// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[B1:.*]] = moe.weight @b1
// CHECK-DAG: %[[B2:.*]] = moe.weight @b2
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [4, 2, 3] [1, 1, 2]
// CHECK: %[[GS:.*]] = tensor.extract_slice %[[B1]][0, 0, 0] [4, 1, 3] [1, 1, 2]
// CHECK: %[[GB:.*]] = tensor.extract_slice %[[GS]][0, 0, 0] [4, 1, 3] [1, 1, 1] : tensor<4x1x3xf32> to tensor<4x3xf32>
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 1] [4, 2, 3] [1, 1, 2]
// CHECK: moe.experts {{.*}} gate_bias %[[GB]] up_bias %{{.*}} down_bias %[[B2]] {activation = #moe<activation silu>, alpha = 1.500000e+00 : f64, limit = 7.000000e+00 : f64, linear_offset = 1.000000e+00 : f64}
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x2x6xf32>
moe.weight_data @b1 : tensor<4x1x6xf32>
moe.weight_data @w2 : tensor<4x3x2xf32>
moe.weight_data @b2 : tensor<4x2xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x2x6xf32>
  %b1 = moe.weight @b1 : tensor<4x1x6xf32>
  %w2 = moe.weight @w2 : tensor<4x3x2xf32>
  %b2 = moe.weight @b2 : tensor<4x2xf32>
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
  %10 = graph.node "Add"(%9, %b1) {version = 17 : i64} : (!graph.unknown, tensor<4x1x6xf32>) -> !graph.unknown
  %11 = graph.node "Constant"() attributes {value = dense<[9223372036854775807]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %12 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %13 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %14 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %15 = graph.node "Slice"(%10, %12, %11, %13, %14) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %17 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %18 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %19 = graph.node "Slice"(%10, %16, %11, %17, %18) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %20 = graph.node "Constant"() attributes {value = dense<7.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %21 = graph.node "Min"(%15, %20) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %22 = graph.node "Constant"() attributes {value = dense<-7.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %23 = graph.node "Constant"() attributes {value = dense<7.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %24 = graph.node "Clip"(%19, %22, %23) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %25 = graph.node "Constant"() attributes {value = dense<1.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %26 = graph.node "Add"(%24, %25) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %27 = graph.node "Constant"() attributes {value = dense<1.5> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %28 = graph.node "Mul"(%21, %27) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %29 = graph.node "Sigmoid"(%28) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %30 = graph.node "Mul"(%21, %29) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %31 = graph.node "Mul"(%26, %30) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %32 = graph.node "MatMul"(%31, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
  %33 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %34 = graph.node "Unsqueeze"(%b2, %33) {version = 17 : i64} : (tensor<4x2xf32>, !graph.unknown) -> !graph.unknown
  %35 = graph.node "Add"(%32, %34) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %36 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %37 = graph.node "ConstantOfShape"(%36) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %38 = graph.node "ScatterElements"(%37, %3#1, %6) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %39 = graph.node "Transpose"(%38) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %40 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %41 = graph.node "Unsqueeze"(%39, %40) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %42 = graph.node "Mul"(%35, %41) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %43 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %44 = graph.node "ReduceSum"(%42, %43) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %44 : !graph.unknown
}

// -----

// The scores of the chosen experts by a mask of zeros and ones.

// CHECK-LABEL: func.func @main
// CHECK: moe.route {{.*}} {normalize, scoring = #moe<scoring softmax>, top_k = 2 : i64}
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
  %4 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %5 = graph.node "ConstantOfShape"(%4) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %6 = graph.node "Constant"() attributes {value = dense<[5, 2]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %7 = graph.node "ConstantOfShape"(%6) attributes {value = dense<1.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %8 = graph.node "ScatterElements"(%5, %3#1, %7) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %9 = graph.node "Mul"(%1, %8) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %10 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %11 = graph.node "ReduceSum"(%9, %10) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %12 = graph.node "Div"(%9, %11) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %13 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %14 = graph.node "Unsqueeze"(%x, %13) {version = 17 : i64} : (tensor<5x2xf32>, !graph.unknown) -> !graph.unknown
  %15 = graph.node "MatMul"(%14, %w1) {version = 17 : i64} : (!graph.unknown, tensor<4x2x6xf32>) -> !graph.unknown
  %16:2 = graph.node "Split"(%15) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
  %17 = graph.node "Sigmoid"(%16#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %18 = graph.node "Mul"(%16#0, %17) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %19 = graph.node "Mul"(%18, %16#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %20 = graph.node "MatMul"(%19, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
  %21 = graph.node "Transpose"(%12) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %22 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %23 = graph.node "Unsqueeze"(%21, %22) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %24 = graph.node "Mul"(%20, %23) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %25 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %26 = graph.node "ReduceSum"(%24, %25) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %26 : !graph.unknown
}

// -----

// Pairs of columns as a dimension of their own are interleaved columns; a factor
// on the results is one on the weights.

// CHECK-LABEL: func.func @main
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [4, 2, 3] [1, 1, 2]
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 1] [4, 2, 3] [1, 1, 2]
// CHECK: moe.route {{.*}} {normalize, scale = 2.000000e+00 : f64, scoring = #moe<scoring softmax>, top_k = 2 : i64}
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
  %10 = graph.node "Constant"() attributes {value = dense<[4, 5, 3, 2]> : tensor<4xi64>} {version = 17 : i64} : () -> !graph.unknown
  %11 = graph.node "Reshape"(%9, %10) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %12 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %13 = graph.node "Gather"(%11, %12) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %14 = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %15 = graph.node "Gather"(%11, %14) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %16 = graph.node "Sigmoid"(%13) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %17 = graph.node "Mul"(%13, %16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %18 = graph.node "Mul"(%17, %15) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %19 = graph.node "MatMul"(%18, %w2) {version = 17 : i64} : (!graph.unknown, tensor<4x3x2xf32>) -> !graph.unknown
  %20 = graph.node "Constant"() attributes {value = dense<[5, 4]> : tensor<2xi64>} {version = 17 : i64} : () -> !graph.unknown
  %21 = graph.node "ConstantOfShape"(%20) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %22 = graph.node "ScatterElements"(%21, %3#1, %6) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %23 = graph.node "Transpose"(%22) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %24 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %25 = graph.node "Unsqueeze"(%23, %24) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %26 = graph.node "Mul"(%19, %25) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %27 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %28 = graph.node "ReduceSum"(%26, %27) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %29 = graph.node "Constant"() attributes {value = dense<2.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %30 = graph.node "Mul"(%28, %29) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  return %30 : !graph.unknown
}
