// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 | FileCheck %s

// Weights of 4 bits that the matrix unit does not take are widened in the
// kernel, into registers, from which a warpgroup reads them; rows kept in bf16
// are narrowed in shared memory. A stage of 128 elements is
// 8 * 128 * 2 + 64 * 128 * 4.25 / 8 = 2048 + 4352 = 6400 bytes.
// CHECK-LABEL: func.func @converted
// CHECK: %[[X:.*]] = switched.smem_alloc : <[4, 8, 128], "bf16">
// CHECK: %[[WX:.*]] = switched.smem_alloc : <[1, 8, 128], "fp8">
// CHECK: %[[W:.*]] = switched.smem_alloc : <[4, 64, 128], "mxfp4">
// CHECK: %[[WW:.*]] = switched.register_alloc : <[64, 128], "fp8">
// CHECK: switched.mbarrier_expect {{.*}} bytes = 6400
// CHECK: switched.convert %[[X]][%[[STAGE:.*]]] to %[[WX]]
// CHECK-NEXT: switched.convert %[[W]][%[[STAGE]]] to %[[WW]]
// CHECK-NEXT: switched.wgmma %[[WW]], %[[WX]] into
func.func @converted(%rows: tensor<16x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<16x512xbf16> {
  %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, activation_format = #moe.format<"bf16", "fp8">, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>, weight_format = #moe.format<"mxfp4", "fp8">} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<16x512xbf16>
  return %y : tensor<16x512xbf16>
}
