// RUN: portolan-opt -split-input-file -convert-graph-to-moe=strict=true %s | FileCheck %s

// Rows of 40 inputs in blocks of 16: 3 blocks of 8 bytes, the last one half
// full. Scales and zero points (2 bytes for 3 codes) may come as one row.

// CHECK-LABEL: func.func @main
// CHECK: %[[Q:.*]] = tensor.collapse_shape %{{.*}} {{\[}}[0], [1, 2]] : tensor<5x3x8xui8> into tensor<5x24xui8>
// CHECK: %[[S:.*]] = tensor.expand_shape %{{.*}} : tensor<15xf32> into tensor<5x3xf32>
// CHECK: %[[W:.*]] = moe.dequantize %[[Q]] scales %[[S]] zero_points %{{.*}} {axis = 1 : i64, bits = 4 : i64, block_size = 16 : i64, encoding = "integer"} : (tensor<5x24xui8>, tensor<5x3xf32>, tensor<5x2xui8>) -> tensor<5x40xf32>
// CHECK: %[[T:.*]] = linalg.transpose ins(%[[W]] : tensor<5x40xf32>) outs(%{{.*}} : tensor<40x5xf32>)
// CHECK: moe.linear %{{.*}}, %[[T]] bias %{{.*}} {weight_format = #moe.format<"int4", "f32">}
moe.weight_data @w : tensor<5x3x8xui8>
moe.weight_data @s : tensor<15xf32>
moe.weight_data @z : tensor<5x2xui8>
moe.weight_data @b : tensor<5xf32>
func.func @main(%x: tensor<?x40xf32>) -> !graph.unknown {
  %w = moe.weight @w : tensor<5x3x8xui8>
  %s = moe.weight @s : tensor<15xf32>
  %z = moe.weight @z : tensor<5x2xui8>
  %b = moe.weight @b : tensor<5xf32>
  %none = graph.none : none
  %0 = graph.node "MatMulNBits"(%x, %w, %s, %z, %none, %b) attributes {K = 40 : i64, N = 5 : i64, bits = 4 : i64, block_size = 16 : i64, accuracy_level = 4 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<?x40xf32>, tensor<5x3x8xui8>, tensor<15xf32>, tensor<5x2xui8>, none, tensor<5xf32>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

// 2-bit weights ship as the narrowest integers of the catalogue.

// CHECK-LABEL: func.func @main
// CHECK: moe.dequantize {{.*}} bits = 2 : i64
// CHECK: moe.linear {{.*}} {weight_format = #moe.format<"int4", "fp16">}
moe.weight_data @w : tensor<5x1x4xui8>
moe.weight_data @s : tensor<5x1xf16>
func.func @main(%x: tensor<?x16xf16>) -> !graph.unknown {
  %w = moe.weight @w : tensor<5x1x4xui8>
  %s = moe.weight @s : tensor<5x1xf16>
  %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 2 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<?x16xf16>, tensor<5x1x4xui8>, tensor<5x1xf16>) -> !graph.unknown
  return %0 : !graph.unknown
}

// -----

// A product whose parts are split is split in its weight.

// CHECK-LABEL: func.func @main
// CHECK: %[[T:.*]] = linalg.transpose
// CHECK: tensor.extract_slice %[[T]][0, 0] [16, 2] [1, 1]
// CHECK: tensor.extract_slice %[[T]][0, 2] [16, 3] [1, 1]
// CHECK-COUNT-2: moe.linear {{.*}} {weight_format = #moe.format<"int8", "f32">}
moe.weight_data @w : tensor<5x1x16xui8>
moe.weight_data @s : tensor<5x1xf32>
moe.weight_data @sizes {value = dense<[2, 3]> : tensor<2xi64>} : tensor<2xi64>
func.func @main(%x: tensor<?x16xf32>) -> (!graph.unknown, !graph.unknown) {
  %w = moe.weight @w : tensor<5x1x16xui8>
  %s = moe.weight @s : tensor<5x1xf32>
  %sizes = moe.weight @sizes : tensor<2xi64>
  %0 = graph.node "MatMulNBits"(%x, %w, %s) attributes {K = 16 : i64, N = 5 : i64, bits = 8 : i64, block_size = 16 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<?x16xf32>, tensor<5x1x16xui8>, tensor<5x1xf32>) -> !graph.unknown
  %1:2 = graph.node "Split"(%0, %sizes) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
  return %1#0, %1#1 : !graph.unknown, !graph.unknown
}

// -----

// 4 experts of inner width 32 on a hidden width of 16: fc1 is [4, 2*32, 16],
// two codes to a byte.

// CHECK-LABEL: func.func @main
// CHECK: %[[F:.*]] = moe.dequantize {{.*}} {axis = 2 : i64, bits = 4 : i64, block_size = 16 : i64, encoding = "integer"} : (tensor<4x64x8xui8>, tensor<4x64x1xf32>, tensor<4x64x1xui8>) -> tensor<4x64x16xf32>
// CHECK: moe.dequantize {{.*}} : (tensor<4x16x16xui8>, tensor<4x16x2xf32>) -> tensor<4x16x32xf32>
// CHECK: tensor.extract_slice %[[F]][0, 0, 0] [4, 32, 16] [1, 2, 1]
// CHECK: moe.experts {{.*}} weight_format = #moe.format<"int4", "f32">}
moe.weight_data @router : tensor<16x4xf32>
moe.weight_data @fc1 : tensor<4x64x8xui8>
moe.weight_data @s1 : tensor<4x64x1xf32>
moe.weight_data @z1 : tensor<4x64x1xui8>
moe.weight_data @fc2 : tensor<4x16x16xui8>
moe.weight_data @s2 : tensor<4x16x2xf32>
func.func @main(%x: tensor<5x16xf32>) -> !graph.unknown {
  %router = moe.weight @router : tensor<16x4xf32>
  %fc1 = moe.weight @fc1 : tensor<4x64x8xui8>
  %s1 = moe.weight @s1 : tensor<4x64x1xf32>
  %z1 = moe.weight @z1 : tensor<4x64x1xui8>
  %fc2 = moe.weight @fc2 : tensor<4x16x16xui8>
  %s2 = moe.weight @s2 : tensor<4x16x2xf32>
  %none = graph.none : none
  %0 = graph.node "MatMul"(%x, %router) {version = 17 : i64} : (tensor<5x16xf32>, tensor<16x4xf32>) -> !graph.unknown
  %1 = graph.node "QMoE"(%x, %0, %fc1, %s1, %none, %fc2, %s2, %none, %none, %none, %none, %z1) attributes {activation_type = "swiglu", swiglu_fusion = 1 : i64, block_size = 16 : i64, k = 2 : i64, normalize_routing_weights = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<5x16xf32>, !graph.unknown, tensor<4x64x8xui8>, tensor<4x64x1xf32>, none, tensor<4x16x16xui8>, tensor<4x16x2xf32>, none, none, none, none, tensor<4x64x1xui8>) -> !graph.unknown
  return %1 : !graph.unknown
}
