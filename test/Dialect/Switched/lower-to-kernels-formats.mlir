// RUN: portolan-opt %s -split-input-file --switched-lower-to-kernels=target=gb300-nvl72 | FileCheck %s --check-prefix=CHECK-SCALED
// RUN: portolan-opt %s -split-input-file --switched-lower-to-kernels=target=hgx-h100 -verify-diagnostics

// Block scales go to tensor memory: 128 rows of 256 / 32 = 8 blocks take
// 4 * 8 / 4 = 8 columns, allocated as 32. A product with block scales takes 8
// tokens, and a pair of blocks does not.
// CHECK-SCALED-LABEL: func.func @scaled
// CHECK-SCALED: switched.kernel({{.*}}) units = 148 cluster = 1
// CHECK-SCALED: %[[X:.*]] = switched.smem_alloc : <[2, 8, 256], "mxfp4">
// CHECK-SCALED: %[[XS:.*]] = switched.tmem_alloc columns = 32 : <[8, 8], "scale">
// CHECK-SCALED: %[[W:.*]] = switched.smem_alloc : <[2, 128, 256], "mxfp4">
// CHECK-SCALED: %[[WS:.*]] = switched.tmem_alloc columns = 32 : <[128, 8], "scale">
// CHECK-SCALED: %[[S:.*]] = switched.tmem_alloc columns = 32 : <[128, 8], "f32">
// CHECK-SCALED: switched.mbarrier_wait
// CHECK-SCALED: switched.mbarrier_wait
// CHECK-SCALED-NEXT: switched.tcgen05_copy_scales %[[X]][%[[STAGE:.*]]] to %[[XS]]
// CHECK-SCALED-NEXT: switched.tcgen05_copy_scales %[[W]][%[[STAGE]]] to %[[WS]]
// CHECK-SCALED-NEXT: switched.tcgen05_mma %[[W]], %[[X]] into %[[S]][%[[STAGE]]] scales(%[[WS]] : !switched.tmem<[128, 8], "scale">, %[[XS]] : !switched.tmem<[8, 8], "scale">)
// CHECK-SCALED-NEXT: switched.mbarrier_arrive
// CHECK-SCALED: switched.epilogue %[[S]] into %{{.*}} {activation = #moe<activation relu>}

func.func @scaled(%rows: tensor<16x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<16x512xbf16> {
  // expected-error @+1 {{'switched.grouped_gemm' op expects a compute format with sums in f32, got mxfp4 (switched.lower_c3)}}
  %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, activation_format = #moe.format<"mxfp4", "mxfp4">, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>, weight_format = #moe.format<"mxfp4", "mxfp4">} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<16x512xbf16>
  return %y : tensor<16x512xbf16>
}
