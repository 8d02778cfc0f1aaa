// RUN: portolan-opt %s --switched-lower-to-kernels="target=gb300-nvl72 keep-refused" 2>&1 | FileCheck %s
// RUN: portolan-opt %s --switched-lower-to-kernels="target=mi300x keep-refused" 2>&1 | FileCheck %s --check-prefix=CHECK-NONE

// A step without program stays, and a remark says why; the one beside it is
// written out. On a machine without a core that is known all steps stay.

// CHECK: remark: 'switched.grouped_gemm' op has no kernel program: expects a shape of the matrix unit, got 128 columns x 8 tokens of bf16 (switched.lower_c5)
// CHECK-LABEL: func.func @both
// CHECK: switched.grouped_gemm({{.*}} token_tile = 8
// CHECK: switched.kernel_step({{.*}} token_tile = 16

// CHECK-NONE-COUNT-2: remark: 'switched.grouped_gemm' op has no kernel program: expects a machine with a kernel stratum: {{.*}} (switched.kernel_core_c1)
// CHECK-NONE-NOT: switched.kernel_step

func.func @both(%rows: tensor<16x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<16x512xbf16> {
  %h = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<16x512xbf16>
  %y = switched.grouped_gemm(%h, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<16x512xbf16>
  return %y : tensor<16x512xbf16>
}
