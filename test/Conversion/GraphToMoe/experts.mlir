// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// 4 experts of inner width 3 on a hidden width of 2: fc1 is [4, 2*3, 2].
// Interleaved: rows 0, 2, 4 are the gate, rows 1, 3, 5 the linear part.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<5x2xf32>
// CHECK-DAG: %[[FC1:.*]] = moe.weight @fc1
// CHECK-DAG: %[[B1:.*]] = moe.weight @b1
// CHECK-DAG: %[[B2:.*]] = moe.weight @b2
// CHECK: %[[G:.*]] = tensor.extract_slice %[[FC1]][0, 0, 0] [4, 3, 2] [1, 2, 1]
// CHECK: %[[U:.*]] = tensor.extract_slice %[[FC1]][0, 1, 0] [4, 3, 2] [1, 2, 1]
// CHECK: %[[GB:.*]] = tensor.extract_slice %[[B1]][0, 0] [4, 3] [1, 2]
// CHECK: %[[UB:.*]] = tensor.extract_slice %[[B1]][0, 1] [4, 3] [1, 2]
// CHECK: %[[GT:.*]] = linalg.transpose ins(%[[G]] {{.*}} permutation = [0, 2, 1]
// CHECK: %[[UT:.*]] = linalg.transpose ins(%[[U]]
// CHECK: %[[DT:.*]] = linalg.transpose ins(%{{.*}} : tensor<4x2x3xf32>) outs(%{{.*}} : tensor<4x3x2xf32>)
// CHECK: %[[W:.*]], %[[I:.*]] = moe.route %[[X]], %{{.*}} bias %{{.*}} {normalize, scoring = #moe<scoring softmax>, top_k = 2 : i64}
// 5 tokens to 2 experts each are 10 rows.
// CHECK: moe.dispatch {{.*}} -> (tensor<10x2xf32>, tensor<4xi32>)
// CHECK: moe.experts {{.*}} gate %[[GT]] up %[[UT]] down %[[DT]] gate_bias %[[GB]] up_bias %[[UB]] down_bias %[[B2]] {activation = #moe<activation silu>, alpha = 1.702000e+00 : f64, limit = 7.000000e+00 : f64, linear_offset = 1.000000e+00 : f64}
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @rb : tensor<4xf32>
moe.weight_data @fc1 : tensor<4x6x2xf32>
moe.weight_data @b1 : tensor<4x6xf32>
moe.weight_data @fc2 : tensor<4x2x3xf32>
moe.weight_data @b2 : tensor<4x2xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %rb = moe.weight @rb : tensor<4xf32>
  %fc1 = moe.weight @fc1 : tensor<4x6x2xf32>
  %b1 = moe.weight @b1 : tensor<4x6xf32>
  %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
  %b2 = moe.weight @b2 : tensor<4x2xf32>
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %1 = graph.node "Add"(%0, %rb) {version = 17 : i64} : (!graph.unknown, tensor<4xf32>) -> !graph.unknown
  %2 = graph.node "MoE"(%x, %1, %fc1, %b1, %fc2, %b2) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, swiglu_limit = 7.0 : f32, activation_alpha = 1.702 : f32, activation_beta = 1.0 : f32, k = 2 : i64, normalize_routing_weights = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<5x2xf32>, !graph.unknown, tensor<4x6x2xf32>, tensor<4x6xf32>, tensor<4x2x3xf32>, tensor<4x2xf32>) -> !graph.unknown
  return %2 : !graph.unknown
}

// -----

// Concatenated: rows 0-2 are the gate, rows 3-5 the linear part.

// CHECK-LABEL: func.func @main
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [4, 3, 2] [1, 1, 1]
// CHECK: tensor.extract_slice %{{.*}}[0, 3, 0] [4, 3, 2] [1, 1, 1]
// CHECK: moe.route {{.*}} {scoring = #moe<scoring softmax>, top_k = 1 : i64}
// CHECK: moe.experts {{.*}} {activation = #moe<activation silu>}
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @fc1 : tensor<4x6x2xf32>
moe.weight_data @fc2 : tensor<4x2x3xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %fc1 = moe.weight @fc1 : tensor<4x6x2xf32>
  %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
  %none = graph.none : none
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) attributes {activation_type = "swiglu", swiglu_fusion = 2 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<5x2xf32>, !graph.unknown, tensor<4x6x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
  return %1 : !graph.unknown
}

// -----

// The first version of the op keeps [experts, in, out]: nothing to transpose.

// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[FC1:.*]] = moe.weight @fc1
// CHECK-DAG: %[[FC2:.*]] = moe.weight @fc2
// CHECK-DAG: %[[FC3:.*]] = moe.weight @fc3
// CHECK-NOT: transpose
// CHECK: moe.experts {{.*}} gate %[[FC1]] up %[[FC3]] down %[[FC2]] {activation = #moe<activation silu>}
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @fc1 : tensor<4x2x3xf32>
moe.weight_data @fc2 : tensor<4x3x2xf32>
moe.weight_data @fc3 : tensor<4x2x3xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %fc1 = moe.weight @fc1 : tensor<4x2x3xf32>
  %fc2 = moe.weight @fc2 : tensor<4x3x2xf32>
  %fc3 = moe.weight @fc3 : tensor<4x2x3xf32>
  %none = graph.none : none
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2, %none, %fc3) attributes {activation_type = "silu"} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<5x2xf32>, !graph.unknown, tensor<4x2x3xf32>, none, tensor<4x3x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
  return %1 : !graph.unknown
}

// -----

// Without a third matrix there is no gate.

// CHECK-LABEL: func.func @main
// CHECK: moe.experts
// CHECK-NOT: gate
// CHECK-SAME: {activation = #moe<activation relu>}
moe.weight_data @router : tensor<2x4xf32>
moe.weight_data @fc1 : tensor<4x3x2xf32>
moe.weight_data @fc2 : tensor<4x2x3xf32>
func.func @main(%x: tensor<5x2xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<2x4xf32>
  %fc1 = moe.weight @fc1 : tensor<4x3x2xf32>
  %fc2 = moe.weight @fc2 : tensor<4x2x3xf32>
  %none = graph.none : none
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x2xf32>, tensor<2x4xf32>) -> !graph.unknown
  %1 = graph.node "MoE"(%x, %0, %fc1, %none, %fc2) {domain = "com.microsoft", version = 1 : i64}
    : (tensor<5x2xf32>, !graph.unknown, tensor<4x3x2xf32>, none, tensor<4x2x3xf32>) -> !graph.unknown
  return %1 : !graph.unknown
}
