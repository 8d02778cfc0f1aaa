// RUN: portolan-opt -split-input-file -convert-graph-to-moe=strict=true %s | FileCheck %s

// The bias of a sum is the one of the projection that was fused into it.

// CHECK-LABEL: func.func @main
// CHECK: %[[P:.*]] = moe.linear %{{.*}}, %{{.*}} bias %{{.*}}
// CHECK: %[[S:.*]] = moe.add %{{.*}}, %[[P]]
// CHECK: moe.rms_norm %[[S]]
moe.weight_data @w : tensor<8x8xf32>
moe.weight_data @g : tensor<8xf32>
moe.weight_data @b : tensor<8xf32>
func.func @main(%x: tensor<3x8xf32>, %s: tensor<3x8xf32>) -> (!graph.unknown, !graph.unknown) {
  %w = moe.weight @w : tensor<8x8xf32>
  %g = moe.weight @g : tensor<8xf32>
  %b = moe.weight @b : tensor<8xf32>
  %0 = graph.node "MatMul"(%x, %w) {version = 17 : i64} : (tensor<3x8xf32>, tensor<8x8xf32>) -> !graph.unknown
  %1:4 = graph.node "SkipSimplifiedLayerNormalization"(%s, %0, %g, %b) {domain = "com.microsoft", version = 1 : i64} : (tensor<3x8xf32>, !graph.unknown, tensor<8xf32>, tensor<8xf32>) -> (!graph.unknown, none, none, !graph.unknown)
  return %1#0, %1#3 : !graph.unknown, !graph.unknown
}

// -----

// Without a number of heads, tables of 4 columns are of heads of 8.

// CHECK-LABEL: func.func @main
// CHECK: moe.rope %{{.*}} at %{{.*}} by %{{.*}}, %{{.*}} {head_width = 8 : i64, interleaved}
moe.weight_data @w : tensor<16x16xf32>
moe.weight_data @c : tensor<9x4xf32>
moe.weight_data @s : tensor<9x4xf32>
func.func @main(%x: tensor<?x?x16xf32>, %p: tensor<?x?xi64>) -> !graph.unknown {
  %w = moe.weight @w : tensor<16x16xf32>
  %c = moe.weight @c : tensor<9x4xf32>
  %s = moe.weight @s : tensor<9x4xf32>
  %0 = graph.node "MatMul"(%x, %w) {version = 17 : i64} : (tensor<?x?x16xf32>, tensor<16x16xf32>) -> !graph.unknown
  %1 = graph.node "RotaryEmbedding"(%0, %p, %c, %s) attributes {interleaved = 1 : i64} {domain = "com.microsoft", version = 1 : i64} : (!graph.unknown, tensor<?x?xi64>, tensor<9x4xf32>, tensor<9x4xf32>) -> !graph.unknown
  return %1 : !graph.unknown
}

// -----

// Router weights that are sigmoids of logits; the choice is corrected.

// CHECK-LABEL: func.func @main
// CHECK: moe.route %{{.*}}, %{{.*}} correction %{{.*}} {scoring = #moe<scoring sigmoid>, top_k = 2 : i64}
moe.weight_data @router : tensor<16x4xf32>
moe.weight_data @correction : tensor<4xf32>
moe.weight_data @fc1 : tensor<4x64x8xui8>
moe.weight_data @s1 : tensor<4x64x1xf32>
moe.weight_data @fc2 : tensor<4x16x16xui8>
moe.weight_data @s2 : tensor<4x16x2xf32>
func.func @main(%x: tensor<5x16xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<16x4xf32>
  %correction = moe.weight @correction : tensor<4xf32>
  %fc1 = moe.weight @fc1 : tensor<4x64x8xui8>
  %s1 = moe.weight @s1 : tensor<4x64x1xf32>
  %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
  %s2 = moe.weight @s2 : tensor<4x16x2xf32>
  %none = graph.none : none
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x16xf32>, tensor<16x4xf32>) -> !graph.unknown
  %1 = graph.node "Sigmoid"(%0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %2 = graph.node "Add"(%1, %correction) {version = 17 : i64} : (!graph.unknown, tensor<4xf32>) -> !graph.unknown
  %3 = graph.node "QMoE"(%x, %2, %fc1, %s1, %none, %fc2, %s2, %none, %none, %none, %none, %none, %none, %none, %1) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, block_size = 16 : i64, k = 2 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<5x16xf32>, !graph.unknown, tensor<4x64x8xui8>, tensor<4x64x1xf32>, none, tensor<4x16x16xui8>, tensor<4x16x2xf32>, none, none, none, none, none, none, none, !graph.unknown) -> !graph.unknown
  return %3 : !graph.unknown
}

// -----

// Floats of 4 bits lie side by side along the outputs: fc1 is [4, 32, 2*16 / 2].

// CHECK-LABEL: func.func @main
// CHECK: moe.dequantize %{{.*}} scales %{{.*}} global %{{.*}} {axis = 1 : i64, bits = 4 : i64, block_size = 32 : i64, encoding = "e2m1", scale_encoding = "e8m0"} : (tensor<4x32x16xui8>, tensor<4x32x1xui8>, tensor<4xf32>) -> tensor<4x32x32xf32>
// CHECK: moe.dequantize {{.*}} -> tensor<4x16x32xf32>
// CHECK-NOT: linalg.transpose
// CHECK: moe.experts {{.*}} weight_format = #moe.format<"mxfp4", "f32">}
moe.weight_data @router : tensor<32x4xf32>
moe.weight_data @fc1 : tensor<4x32x16xui8>
moe.weight_data @s1 : tensor<4x32x1xui8>
moe.weight_data @fc2 : tensor<4x16x16xui8>
moe.weight_data @s2 : tensor<4x32x1xui8>
moe.weight_data @g : tensor<4xf32>
func.func @main(%x: tensor<5x32xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<32x4xf32>
  %fc1 = moe.weight @fc1 : tensor<4x32x16xui8>
  %s1 = moe.weight @s1 : tensor<4x32x1xui8>
  %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
  %s2 = moe.weight @s2 : tensor<4x32x1xui8>
  %g = moe.weight @g : tensor<4xf32>
  %none = graph.none : none
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x32xf32>, tensor<32x4xf32>) -> !graph.unknown
  %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2, %none, %none, %none, %none, %none, %none, %none, %none, %g, %g) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, quant_type = "fp4"} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<5x32xf32>, !graph.unknown, tensor<4x32x16xui8>, tensor<4x32x1xui8>, none, tensor<4x16x16xui8>, tensor<4x32x1xui8>, none, none, none, none, none, none, none, none, tensor<4xf32>, tensor<4xf32>) -> !graph.unknown
  return %1 : !graph.unknown
}
