// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --mlir-print-op-generic | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --convert-moe-to-linalg | FileCheck %s --check-prefix=CHECK-LINALG

// Groups along the inputs of each expert, whose second scale is its own.

// CHECK-LABEL: @weights
// CHECK-LINALG-LABEL: @weights
func.func @weights(%w: tensor<8x64x32xf32>) -> tensor<8x64x32xf32> {
  // CHECK: moe.fake_quantize %{{.*}} {axis = 1 : i64, format = "nvfp4", tensor_dims = 2 : i64} : tensor<8x64x32xf32>
  // CHECK-LINALG-DAG: tensor.empty() : tensor<16xf32>
  // CHECK-LINALG-DAG: linalg.generic {{.*}} outs(%{{.*}} : tensor<8x4x32xf32>)
  // CHECK-LINALG-DAG: linalg.generic {{.*}} outs(%{{.*}} : tensor<8xf32>)
  // CHECK-LINALG-NOT: moe.
  %0 = moe.fake_quantize %w {axis = 1 : i64, format = "nvfp4", tensor_dims = 2 : i64} : tensor<8x64x32xf32>
  return %0 : tensor<8x64x32xf32>
}

// Rows that are counted at run time.

// CHECK-LABEL: @rows
// CHECK-LINALG-LABEL: @rows
func.func @rows(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: moe.fake_quantize %{{.*}} {axis = 1 : i64, encoding = "e5m2", format = "fp8"} : tensor<?x64xf32>
  // CHECK-LINALG: tensor.dim
  // CHECK-LINALG: outs(%{{.*}} : tensor<?x1xf32>)
  %0 = moe.fake_quantize %x {axis = 1 : i64, encoding = "e5m2", format = "fp8"} : tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// Without a scale no maximum is taken: one loop over the elements.

// CHECK-LABEL: @cache
// CHECK-LINALG-LABEL: @cache
func.func @cache(%x: tensor<2x4x16x64xf32>) -> tensor<2x4x16x64xf32> {
  // CHECK: moe.fake_quantize %{{.*}} {axis = 3 : i64, format = "fp8", unscaled} : tensor<2x4x16x64xf32>
  // CHECK-LINALG-COUNT-1: linalg.generic
  // CHECK-LINALG-NOT: linalg.generic
  // CHECK-LINALG: return
  %0 = moe.fake_quantize %x {axis = 3 : i64, format = "fp8", unscaled} : tensor<2x4x16x64xf32>
  return %0 : tensor<2x4x16x64xf32>
}

// The activations between the projections are rounded inside of the op.

// CHECK-LINALG-LABEL: @inner
func.func @inner(%x: tensor<2x8xf32>, %up: tensor<8x48xf32>, %down: tensor<48x8xf32>) -> tensor<2x8xf32> {
  // CHECK-LINALG: outs(%{{.*}} : tensor<2x2xf32>)
  // CHECK-LINALG-NOT: moe.
  %0 = moe.mlp %x up %up down %down {activation = #moe<activation silu>, moe.inner_formats = ["mxfp8:e5m2"]}
    : (tensor<2x8xf32>, tensor<8x48xf32>, tensor<48x8xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}
