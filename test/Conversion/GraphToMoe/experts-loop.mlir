// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// A loop over 4 experts of inner width 3 on a hidden width of 2. Its body takes
// the tokens that chose the expert of the iteration, and skips those without
// any. w1 holds [experts, columns, inputs], columns 0-2 are the gate.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x2xf32>
// CHECK-DAG: %[[ROUTER:.*]] = moe.weight @router
// CHECK-DAG: %[[W1:.*]] = moe.weight @w1
// CHECK: tensor.extract_slice %[[W1]][0, 0, 0] [4, 3, 2] [1, 1, 1]
// CHECK: %[[GATE:.*]] = linalg.transpose
// CHECK: tensor.extract_slice %[[W1]][0, 3, 0] [4, 3, 2] [1, 1, 1]
// CHECK: %[[UP:.*]] = linalg.transpose
// CHECK: %[[DOWN:.*]] = linalg.transpose
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route %[[X]], %[[ROUTER]] {normalize, scoring = #moe<scoring softmax>, top_k = 2 : i64}
// CHECK: %[[ROWS:.*]], %[[COUNTS:.*]] = moe.dispatch %[[X]], %[[I]]
// CHECK: %[[Y:.*]] = moe.experts %[[ROWS]], %[[COUNTS]] gate %[[GATE]] up %[[UP]] down %[[DOWN]] {activation = #moe<activation silu>}
// CHECK: %[[R:.*]] = moe.combine %[[Y]], %[[W]], %[[I]] {experts = 4 : i64}
// CHECK: return %[[R]]
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x6x2xf32>
moe.weight_data @w2 : tensor<4x2x3xf32>
func.func @main(%x: tensor<?x2xf32> {moe.dims = ["tokens", ""], moe.name = "x"}) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x6x2xf32>
  %w2 = moe.weight @w2 : tensor<4x2x3xf32>
  %v1 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<?x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %v2 = graph.node "Softmax"(%v1) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v3 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v4:2 = graph.node "TopK"(%v2, %v3) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %v5 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v6 = graph.node "ReduceSum"(%v4#0, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v7 = graph.node "Div"(%v4#0, %v6) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v8 = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<?x2xf32>) -> !graph.unknown
  %v9 = graph.node "ConstantOfShape"(%v8) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v10 = graph.node "Constant"() attributes {value = dense<4> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %v11 = graph.node "Constant"() attributes {value = dense<true> : tensor<i1>} {version = 17 : i64} : () -> !graph.unknown
  %v12 = graph.node "Loop"(%v10, %v11, %v9) bodies {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %acc: tensor<?x?xf32>):
    %v13 = graph.node "Equal"(%v4#1, %i) {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
    %v14 = graph.node "Cast"(%v13) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v15 = graph.node "Mul"(%v7, %v14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v16 = graph.node "ReduceSum"(%v15, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v17 = graph.node "Cast"(%v13) attributes {to = 7 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v18 = graph.node "ReduceSum"(%v17, %v5) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v19 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %v20 = graph.node "Greater"(%v18, %v19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v21 = graph.node "NonZero"(%v20) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v22 = graph.node "Transpose"(%v21) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v23 = graph.node "Squeeze"(%v22, %v5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v24 = graph.node "Shape"(%v23) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v25 = graph.node "ReduceProd"(%v24) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v26 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %v27 = graph.node "Greater"(%v25, %v26) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v28 = graph.node "If"(%v27) bodies {
      %v29 = graph.node "Gather"(%x, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v30 = graph.node "Gather"(%v16, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v31 = graph.node "Gather"(%w1, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x6x2xf32>, tensor<i64>) -> !graph.unknown
      %v32 = graph.node "Transpose"(%v31) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v33 = graph.node "MatMul"(%v29, %v32) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v34:2 = graph.node "Split"(%v33) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
      %v35 = graph.node "Sigmoid"(%v34#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v36 = graph.node "Mul"(%v34#0, %v35) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v37 = graph.node "Mul"(%v36, %v34#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v38 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
      %v39 = graph.node "Transpose"(%v38) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v40 = graph.node "MatMul"(%v37, %v39) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v41 = graph.node "Mul"(%v40, %v30) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v42 = graph.node "Unsqueeze"(%v23, %v5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v43 = graph.node "Shape"(%acc) {version = 17 : i64} : (tensor<?x?xf32>) -> !graph.unknown
      %v44 = graph.node "ConstantOfShape"(%v43) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v45 = graph.node "ScatterND"(%v44, %v42, %v41) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
      %v46 = graph.node "Add"(%acc, %v45) {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown) -> !graph.unknown
      graph.yield %v46 : !graph.unknown
    }, {
      %v47 = graph.node "Identity"(%acc) {version = 17 : i64} : (tensor<?x?xf32>) -> !graph.unknown
      graph.yield %v47 : !graph.unknown
    } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    graph.yield %v11, %v28 : !graph.unknown, !graph.unknown
  } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  return %v12 : !graph.unknown
}

// -----

// Every expert on all tokens, gate and linear part as weights of their own, the
// last product as Gemm. The loop's sum starts with the tokens.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x2xf32>
// CHECK-DAG: %[[WG:.*]] = moe.weight @wg
// CHECK-DAG: %[[WU:.*]] = moe.weight @wu
// CHECK: moe.experts %{{.*}}, %{{.*}} gate %[[WG]] up %[[WU]] down %{{.*}} {activation = #moe<activation silu>}
// CHECK: %[[R:.*]] = moe.combine
// CHECK: moe.add {{.*}}%[[R]]
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @wg : tensor<4x2x3xf32>
moe.weight_data @wu : tensor<4x2x3xf32>
moe.weight_data @w2 : tensor<4x2x3xf32>
func.func @main(%x: tensor<?x2xf32> {moe.dims = ["tokens", ""], moe.name = "x"}) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %wg = moe.weight @wg : tensor<4x2x3xf32>
  %wu = moe.weight @wu : tensor<4x2x3xf32>
  %w2 = moe.weight @w2 : tensor<4x2x3xf32>
  %v1 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<?x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %v2 = graph.node "Softmax"(%v1) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v3 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v4:2 = graph.node "TopK"(%v2, %v3) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %v5 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v6 = graph.node "ReduceSum"(%v4#0, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v7 = graph.node "Div"(%v4#0, %v6) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v8 = graph.node "Constant"() attributes {value = dense<4> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %v9 = graph.node "Constant"() attributes {value = dense<true> : tensor<i1>} {version = 17 : i64} : () -> !graph.unknown
  %v10 = graph.node "Loop"(%v8, %v9, %x) bodies {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %acc: tensor<?x?xf32>):
    %v11 = graph.node "Equal"(%v4#1, %i) {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
    %v12 = graph.node "Cast"(%v11) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v13 = graph.node "Mul"(%v7, %v12) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v14 = graph.node "ReduceSum"(%v13, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v15 = graph.node "Gather"(%wg, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
    %v16 = graph.node "MatMul"(%x, %v15) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
    %v17 = graph.node "Gather"(%wu, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
    %v18 = graph.node "MatMul"(%x, %v17) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
    %v19 = graph.node "Sigmoid"(%v16) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v20 = graph.node "Mul"(%v16, %v19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v21 = graph.node "Mul"(%v20, %v18) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v22 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
    %v23 = graph.node "Gemm"(%v21, %v22) attributes {transB = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v24 = graph.node "Mul"(%v23, %v14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v25 = graph.node "Add"(%acc, %v24) {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown) -> !graph.unknown
    graph.yield %v9, %v25 : !graph.unknown, !graph.unknown
  } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, tensor<?x2xf32>) -> !graph.unknown
  return %v10 : !graph.unknown
}

// -----

// Clamped, interleaved columns with biases. The tokens' rows are added in place,
// and the branch of no tokens comes first.

// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[B2:.*]] = moe.weight @b2
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [4, 2, 3] [1, 1, 2]
// CHECK: moe.experts {{.*}} down_bias %[[B2]] {activation = #moe<activation silu>, alpha = 1.500000e+00 : f64, limit = 7.000000e+00 : f64, linear_offset = 1.000000e+00 : f64}
// CHECK: moe.combine
// CHECK-NOT: moe.add
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @w1 : tensor<4x2x6xf32>
moe.weight_data @w2 : tensor<4x3x2xf32>
moe.weight_data @b1 : tensor<4x6xf32>
moe.weight_data @b2 : tensor<4x2xf32>
func.func @main(%x: tensor<?x2xf32> {moe.dims = ["tokens", ""], moe.name = "x"}) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %w1 = moe.weight @w1 : tensor<4x2x6xf32>
  %w2 = moe.weight @w2 : tensor<4x3x2xf32>
  %b1 = moe.weight @b1 : tensor<4x6xf32>
  %b2 = moe.weight @b2 : tensor<4x2xf32>
  %v1 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<?x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %v2 = graph.node "Softmax"(%v1) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v3 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v4:2 = graph.node "TopK"(%v2, %v3) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %v5 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v6 = graph.node "ReduceSum"(%v4#0, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v7 = graph.node "Div"(%v4#0, %v6) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v8 = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<?x2xf32>) -> !graph.unknown
  %v9 = graph.node "ConstantOfShape"(%v8) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v10 = graph.node "Constant"() attributes {value = dense<4> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %v11 = graph.node "Constant"() attributes {value = dense<true> : tensor<i1>} {version = 17 : i64} : () -> !graph.unknown
  %v12 = graph.node "Loop"(%v10, %v11, %v9) bodies {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %acc: tensor<?x?xf32>):
    %v13 = graph.node "Equal"(%v4#1, %i) {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
    %v14 = graph.node "Cast"(%v13) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v15 = graph.node "Mul"(%v7, %v14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v16 = graph.node "ReduceSum"(%v15, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v17 = graph.node "Cast"(%v13) attributes {to = 7 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v18 = graph.node "ReduceSum"(%v17, %v5) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v19 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %v20 = graph.node "Greater"(%v18, %v19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v21 = graph.node "NonZero"(%v20) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v22 = graph.node "Transpose"(%v21) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v23 = graph.node "Squeeze"(%v22, %v5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v24 = graph.node "Shape"(%v23) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v25 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %v26 = graph.node "Gather"(%v24, %v25) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v27 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %v28 = graph.node "Equal"(%v26, %v27) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v29 = graph.node "If"(%v28) bodies {
      %v30 = graph.node "Identity"(%acc) {version = 17 : i64} : (tensor<?x?xf32>) -> !graph.unknown
      graph.yield %v30 : !graph.unknown
    }, {
      %v31 = graph.node "Gather"(%x, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v32 = graph.node "Gather"(%v16, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v33 = graph.node "Gather"(%w1, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x6xf32>, tensor<i64>) -> !graph.unknown
      %v34 = graph.node "MatMul"(%v31, %v33) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v35 = graph.node "Gather"(%b1, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x6xf32>, tensor<i64>) -> !graph.unknown
      %v36 = graph.node "Add"(%v34, %v35) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v37 = graph.node "Constant"() attributes {value = dense<[2147483647]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
      %v38 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
      %v39 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
      %v40 = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
      %v41 = graph.node "Slice"(%v36, %v40, %v37, %v38, %v39) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
      %v42 = graph.node "Constant"() attributes {value = dense<[1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
      %v43 = graph.node "Slice"(%v36, %v42, %v37, %v38, %v39) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
      %v44 = graph.node "Constant"() attributes {value = dense<7.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
      %v45 = graph.node "Min"(%v41, %v44) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v46 = graph.node "Constant"() attributes {value = dense<-7.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
      %v47 = graph.node "Constant"() attributes {value = dense<7.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
      %v48 = graph.node "Clip"(%v43, %v46, %v47) {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
      %v49 = graph.node "Constant"() attributes {value = dense<1.5> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
      %v50 = graph.node "Mul"(%v45, %v49) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v51 = graph.node "Sigmoid"(%v50) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v52 = graph.node "Constant"() attributes {value = dense<1.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
      %v53 = graph.node "Add"(%v48, %v52) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v54 = graph.node "Mul"(%v45, %v51) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v55 = graph.node "Mul"(%v54, %v53) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v56 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, tensor<i64>) -> !graph.unknown
      %v57 = graph.node "MatMul"(%v55, %v56) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v58 = graph.node "Gather"(%b2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2xf32>, tensor<i64>) -> !graph.unknown
      %v59 = graph.node "Add"(%v57, %v58) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v60 = graph.node "Mul"(%v59, %v32) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v61 = graph.node "Unsqueeze"(%v23, %v5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v62 = graph.node "Shape"(%v60) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v63 = graph.node "Expand"(%v61, %v62) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v64 = graph.node "ScatterElements"(%acc, %v63, %v60) attributes {axis = 0 : i64, reduction = "add"} {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
      graph.yield %v64 : !graph.unknown
    } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    graph.yield %v11, %v29 : !graph.unknown, !graph.unknown
  } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  return %v12 : !graph.unknown
}

// -----

// Rows of the sum are taken out, grown and put back, without a condition.

// CHECK-LABEL: func.func @main
// CHECK: moe.route
// CHECK: moe.experts
// CHECK: moe.combine
// CHECK-NOT: moe.add
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @wg : tensor<4x2x3xf32>
moe.weight_data @wu : tensor<4x2x3xf32>
moe.weight_data @w2 : tensor<4x3x2xf32>
func.func @main(%x: tensor<?x2xf32> {moe.dims = ["tokens", ""], moe.name = "x"}) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %wg = moe.weight @wg : tensor<4x2x3xf32>
  %wu = moe.weight @wu : tensor<4x2x3xf32>
  %w2 = moe.weight @w2 : tensor<4x3x2xf32>
  %v1 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<?x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %v2 = graph.node "Softmax"(%v1) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v3 = graph.node "Constant"() attributes {value = dense<[2]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v4:2 = graph.node "TopK"(%v2, %v3) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
  %v5 = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %v6 = graph.node "ReduceSum"(%v4#0, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v7 = graph.node "Div"(%v4#0, %v6) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %v8 = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<?x2xf32>) -> !graph.unknown
  %v9 = graph.node "ConstantOfShape"(%v8) attributes {value = dense<0.0> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v10 = graph.node "Constant"() attributes {value = dense<4> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %v11 = graph.node "Constant"() attributes {value = dense<true> : tensor<i1>} {version = 17 : i64} : () -> !graph.unknown
  %v12 = graph.node "Loop"(%v10, %v11, %v9) bodies {
  ^bb0(%i: tensor<i64>, %go: tensor<i1>, %acc: tensor<?x?xf32>):
    %v13 = graph.node "Equal"(%v4#1, %i) {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
    %v14 = graph.node "Cast"(%v13) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v15 = graph.node "Mul"(%v7, %v14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v16 = graph.node "ReduceSum"(%v15, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v17 = graph.node "Cast"(%v13) attributes {to = 7 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v18 = graph.node "ReduceSum"(%v17, %v5) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v19 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %v20 = graph.node "Greater"(%v18, %v19) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v21 = graph.node "NonZero"(%v20) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v22 = graph.node "Transpose"(%v21) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v23 = graph.node "Squeeze"(%v22, %v5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v24 = graph.node "Gather"(%x, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
    %v25 = graph.node "Gather"(%v16, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v26 = graph.node "Gather"(%wg, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
    %v27 = graph.node "MatMul"(%v24, %v26) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v28 = graph.node "Gather"(%wu, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
    %v29 = graph.node "MatMul"(%v24, %v28) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v30 = graph.node "Sigmoid"(%v27) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %v31 = graph.node "Mul"(%v27, %v30) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v32 = graph.node "Mul"(%v31, %v29) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v33 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, tensor<i64>) -> !graph.unknown
    %v34 = graph.node "MatMul"(%v32, %v33) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v35 = graph.node "Mul"(%v34, %v25) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v36 = graph.node "Unsqueeze"(%v23, %v5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v37 = graph.node "GatherND"(%acc, %v36) {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown) -> !graph.unknown
    %v38 = graph.node "Add"(%v37, %v35) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %v39 = graph.node "ScatterND"(%acc, %v36, %v38) {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
    graph.yield %v11, %v39 : !graph.unknown, !graph.unknown
  } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  return %v12 : !graph.unknown
}
