// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// expected-error@+1 {{(op 'Loop', domain '') cannot be raised to moe: expects an iteration for each of the router's 4 experts, got 3}}
module {
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
    %v10 = graph.node "Constant"() attributes {value = dense<3> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
    %v11 = graph.node "Constant"() attributes {value = dense<true> : tensor<i1>} {version = 17 : i64} : () -> !graph.unknown
    %v12 = graph.node "Loop"(%v10, %v11, %v9) bodies {
    ^bb0(%i: tensor<i64>, %go: tensor<i1>, %acc: tensor<?x?xf32>):
      %v13 = graph.node "Equal"(%v4#1, %i) {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
      %v14 = graph.node "Cast"(%v13) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v15 = graph.node "Mul"(%v7, %v14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v16 = graph.node "ReduceSum"(%v15, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v17 = graph.node "Gather"(%wg, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
      %v18 = graph.node "MatMul"(%x, %v17) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v19 = graph.node "Gather"(%wu, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
      %v20 = graph.node "MatMul"(%x, %v19) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v21 = graph.node "Sigmoid"(%v18) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v22 = graph.node "Mul"(%v18, %v21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v23 = graph.node "Mul"(%v22, %v20) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v24 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, tensor<i64>) -> !graph.unknown
      %v25 = graph.node "MatMul"(%v23, %v24) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v26 = graph.node "Mul"(%v25, %v16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v27 = graph.node "Add"(%acc, %v26) {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown) -> !graph.unknown
      graph.yield %v11, %v27 : !graph.unknown, !graph.unknown
    } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v12 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects a loop that carries one sum and has no other results, got 2 results}}
module {
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
    %v12:2 = graph.node "Loop"(%v10, %v11, %v9) bodies {
    ^bb0(%i: tensor<i64>, %go: tensor<i1>, %acc: tensor<?x?xf32>):
      %v13 = graph.node "Equal"(%v4#1, %i) {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
      %v14 = graph.node "Cast"(%v13) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v15 = graph.node "Mul"(%v7, %v14) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v16 = graph.node "ReduceSum"(%v15, %v5) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v17 = graph.node "Gather"(%wg, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
      %v18 = graph.node "MatMul"(%x, %v17) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v19 = graph.node "Gather"(%wu, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
      %v20 = graph.node "MatMul"(%x, %v19) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v21 = graph.node "Sigmoid"(%v18) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v22 = graph.node "Mul"(%v18, %v21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v23 = graph.node "Mul"(%v22, %v20) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v24 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, tensor<i64>) -> !graph.unknown
      %v25 = graph.node "MatMul"(%v23, %v24) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v26 = graph.node "Mul"(%v25, %v16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v27 = graph.node "Add"(%acc, %v26) {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown) -> !graph.unknown
      graph.yield %v11, %v27, %v16 : !graph.unknown, !graph.unknown, !graph.unknown
    } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> (!graph.unknown, !graph.unknown)
    return %v12#0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects a loop that only its trip count ends}}
module {
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
      %v17 = graph.node "Constant"() attributes {value = dense<3> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
      %v18 = graph.node "Less"(%i, %v17) {version = 17 : i64} : (tensor<i64>, !graph.unknown) -> !graph.unknown
      %v19 = graph.node "Gather"(%wg, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
      %v20 = graph.node "MatMul"(%x, %v19) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v21 = graph.node "Gather"(%wu, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
      %v22 = graph.node "MatMul"(%x, %v21) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v23 = graph.node "Sigmoid"(%v20) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v24 = graph.node "Mul"(%v20, %v23) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v25 = graph.node "Mul"(%v24, %v22) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v26 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, tensor<i64>) -> !graph.unknown
      %v27 = graph.node "MatMul"(%v25, %v26) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v28 = graph.node "Mul"(%v27, %v16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v29 = graph.node "Add"(%acc, %v28) {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown) -> !graph.unknown
      graph.yield %v18, %v29 : !graph.unknown, !graph.unknown
    } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v12 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects weights of the router's 4 experts, got 5}}
module {
  moe.weight_data @router : tensor<2x4xf32>
  moe.weight_data @wg : tensor<5x2x3xf32>
  moe.weight_data @wu : tensor<5x2x3xf32>
  moe.weight_data @w2 : tensor<4x3x2xf32>
  func.func @main(%x: tensor<?x2xf32> {moe.dims = ["tokens", ""], moe.name = "x"}) -> !graph.unknown {
    %router = moe.weight @router : tensor<2x4xf32>
    %wg = moe.weight @wg : tensor<5x2x3xf32>
    %wu = moe.weight @wu : tensor<5x2x3xf32>
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
      %v17 = graph.node "Gather"(%wg, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<5x2x3xf32>, tensor<i64>) -> !graph.unknown
      %v18 = graph.node "MatMul"(%x, %v17) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v19 = graph.node "Gather"(%wu, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<5x2x3xf32>, tensor<i64>) -> !graph.unknown
      %v20 = graph.node "MatMul"(%x, %v19) {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
      %v21 = graph.node "Sigmoid"(%v18) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v22 = graph.node "Mul"(%v18, %v21) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v23 = graph.node "Mul"(%v22, %v20) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v24 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, tensor<i64>) -> !graph.unknown
      %v25 = graph.node "MatMul"(%v23, %v24) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v26 = graph.node "Mul"(%v25, %v16) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v27 = graph.node "Add"(%acc, %v26) {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown) -> !graph.unknown
      graph.yield %v11, %v27 : !graph.unknown, !graph.unknown
    } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v12 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{in its body, a node (op 'If') expects an expert without tokens to add nothing}}
module {
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
      %v24 = graph.node "Shape"(%v23) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v25 = graph.node "ReduceProd"(%v24) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v26 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
      %v27 = graph.node "Greater"(%v25, %v26) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v28 = graph.node "If"(%v27) bodies {
        %v29 = graph.node "Gather"(%x, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
        %v30 = graph.node "Gather"(%v16, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v31 = graph.node "Gather"(%wg, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
        %v32 = graph.node "MatMul"(%v29, %v31) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v33 = graph.node "Gather"(%wu, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
        %v34 = graph.node "MatMul"(%v29, %v33) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v35 = graph.node "Sigmoid"(%v32) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
        %v36 = graph.node "Mul"(%v32, %v35) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v37 = graph.node "Mul"(%v36, %v34) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v38 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, tensor<i64>) -> !graph.unknown
        %v39 = graph.node "MatMul"(%v37, %v38) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v40 = graph.node "Mul"(%v39, %v30) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v41 = graph.node "Unsqueeze"(%v23, %v5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v42 = graph.node "Shape"(%v40) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
        %v43 = graph.node "Expand"(%v41, %v42) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v44 = graph.node "ScatterElements"(%acc, %v43, %v40) attributes {axis = 0 : i64, reduction = "add"} {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
        graph.yield %v44 : !graph.unknown
      }, {
        %v45 = graph.node "Add"(%acc, %acc) {version = 17 : i64} : (tensor<?x?xf32>, tensor<?x?xf32>) -> !graph.unknown
        graph.yield %v45 : !graph.unknown
      } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      graph.yield %v11, %v28 : !graph.unknown, !graph.unknown
    } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v12 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{in its body, a node (op 'If') expects a condition on the number of the expert's tokens}}
module {
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
      %v24 = graph.node "Shape"(%v23) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v25 = graph.node "ReduceProd"(%v24) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v26 = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
      %v27 = graph.node "Greater"(%v25, %v26) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v28 = graph.node "ReduceProd"(%v24) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v29 = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
      %v30 = graph.node "Greater"(%v28, %v29) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v31 = graph.node "If"(%v30) bodies {
        %v32 = graph.node "Gather"(%x, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<?x2xf32>, !graph.unknown) -> !graph.unknown
        %v33 = graph.node "Gather"(%v16, %v23) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v34 = graph.node "Gather"(%wg, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
        %v35 = graph.node "MatMul"(%v32, %v34) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v36 = graph.node "Gather"(%wu, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x2x3xf32>, tensor<i64>) -> !graph.unknown
        %v37 = graph.node "MatMul"(%v32, %v36) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v38 = graph.node "Sigmoid"(%v35) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
        %v39 = graph.node "Mul"(%v35, %v38) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v40 = graph.node "Mul"(%v39, %v37) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v41 = graph.node "Gather"(%w2, %i) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<4x3x2xf32>, tensor<i64>) -> !graph.unknown
        %v42 = graph.node "MatMul"(%v40, %v41) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v43 = graph.node "Mul"(%v42, %v33) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v44 = graph.node "Unsqueeze"(%v23, %v5) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v45 = graph.node "Shape"(%v43) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
        %v46 = graph.node "Expand"(%v44, %v45) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
        %v47 = graph.node "ScatterElements"(%acc, %v46, %v43) attributes {axis = 0 : i64, reduction = "add"} {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
        graph.yield %v47 : !graph.unknown
      }, {
        %v48 = graph.node "Identity"(%acc) {version = 17 : i64} : (tensor<?x?xf32>) -> !graph.unknown
        graph.yield %v48 : !graph.unknown
      } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      graph.yield %v11, %v31 : !graph.unknown, !graph.unknown
    } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v12 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{in its body, a node (op 'ScatterElements') attribute 'reduction' expects 'add', got 'mul'}}
module {
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
      %v37 = graph.node "Shape"(%v35) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
      %v38 = graph.node "Expand"(%v36, %v37) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
      %v39 = graph.node "ScatterElements"(%acc, %v38, %v35) attributes {axis = 0 : i64, reduction = "mul"} {version = 17 : i64} : (tensor<?x?xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
      graph.yield %v11, %v39 : !graph.unknown, !graph.unknown
    } {body_names = ["body"], version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v12 : !graph.unknown
  }
}
