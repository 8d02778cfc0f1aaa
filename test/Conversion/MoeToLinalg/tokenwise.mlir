// RUN: portolan-opt %s --convert-moe-to-linalg | FileCheck %s

// CHECK-LABEL: @embedding
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}} : tensor<2x3xi64>) outs(%{{.*}} : tensor<2x3x8xbf16>)
// An id is limited to the table before the access.
// CHECK: arith.minsi
// CHECK: arith.maxsi
// CHECK: tensor.extract %{{.*}} : tensor<16x8xbf16>
func.func @embedding(%ids: tensor<2x3xi64>, %table: tensor<16x8xbf16>) -> tensor<2x3x8xbf16> {
  %0 = moe.embedding %ids, %table : (tensor<2x3xi64>, tensor<16x8xbf16>) -> tensor<2x3x8xbf16>
  return %0 : tensor<2x3x8xbf16>
}

// The squares of each run of 4 elements are summed in f32.
// CHECK-LABEL: @rms_norm
// CHECK: tensor.expand_shape %{{.*}} output_shape [6, 2, 1, 4]
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// CHECK-SAME: outs(%{{.*}} : tensor<6x2x1xf32>)
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: math.sqrt
// CHECK: arith.truncf %{{.*}} : f32 to bf16
func.func @rms_norm(%x: tensor<2x3x8xbf16>, %g: tensor<4xbf16>) -> tensor<2x3x8xbf16> {
  %0 = moe.rms_norm %x, %g {epsilon = 1.0e-5 : f64} : (tensor<2x3x8xbf16>, tensor<4xbf16>) -> tensor<2x3x8xbf16>
  return %0 : tensor<2x3x8xbf16>
}

// CHECK-LABEL: @linear
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]
// CHECK-SAME: ins(%{{.*}}, %{{.*}} : tensor<6x8xf32>, tensor<8x4xf32>) outs(%{{.*}} : tensor<6x4xf32>)
// CHECK-NOT: arith.truncf
// CHECK: tensor.expand_shape %{{.*}} output_shape [2, 3, 4]
func.func @linear(%x: tensor<2x3x8xf32>, %w: tensor<8x4xf32>) -> tensor<2x3x4xf32> {
  %0 = moe.linear %x, %w : (tensor<2x3x8xf32>, tensor<8x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// CHECK-LABEL: @last_position
// CHECK: tensor.extract_slice %{{.*}}[0, %{{.*}}, 0] [2, 1, 8] [1, 1, 1]
func.func @last_position(%x: tensor<2x3x8xf32>, %w: tensor<8x4xf32>) -> tensor<2x1x4xf32> {
  %0 = moe.linear %x, %w {last_position} : (tensor<2x3x8xf32>, tensor<8x4xf32>) -> tensor<2x1x4xf32>
  return %0 : tensor<2x1x4xf32>
}

// The number of rows may be dynamic.
// CHECK-LABEL: @ragged_mlp
// CHECK: tensor.dim
// CHECK-COUNT-3: ["parallel", "reduction", "parallel"]
func.func @ragged_mlp(%x: tensor<?x8xf32>, %g: tensor<8x4xf32>, %d: tensor<4x8xf32>) -> tensor<?x8xf32> {
  %0 = moe.mlp %x gate %g up %g down %d {activation = #moe<activation silu>}
    : (tensor<?x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// The frequencies theta^(-2i/4) = 100^0, 100^(-1/2) are constants; angles are f64.
// CHECK-LABEL: @rotary_table
// CHECK: arith.constant dense<[1.000000e+00, 1.000000e-01]> : tensor<2xf64>
// CHECK: math.cos %{{.*}} : f64
// CHECK: math.sin %{{.*}} : f64
func.func @rotary_table() -> (tensor<9x2xf32>, tensor<9x2xf32>) {
  %c, %s = moe.rotary_table {theta = 100.0 : f64} : tensor<9x2xf32>, tensor<9x2xf32>
  return %c, %s : tensor<9x2xf32>, tensor<9x2xf32>
}

// CHECK-LABEL: @rope
// CHECK: tensor.expand_shape %{{.*}} output_shape [2, 3, 2, 8]
// CHECK: linalg.generic
// CHECK-COUNT-3: tensor.extract %
func.func @rope(%x: tensor<2x3x16xf32>, %p: tensor<2x3xi64>, %t: tensor<9x2xf32>) -> tensor<2x3x16xf32> {
  %0 = moe.rope %x at %p by %t, %t {head_width = 8 : i64}
    : (tensor<2x3x16xf32>, tensor<2x3xi64>, tensor<9x2xf32>, tensor<9x2xf32>) -> tensor<2x3x16xf32>
  return %0 : tensor<2x3x16xf32>
}

// Weights are left to moe-outline-weights.
// CHECK: moe.weight_data @w
moe.weight_data @w : tensor<2xf32>
// CHECK-LABEL: @weight
func.func @weight() -> tensor<2xf32> {
  // CHECK: moe.weight @w
  %0 = moe.weight @w : tensor<2xf32>
  return %0 : tensor<2xf32>
}
