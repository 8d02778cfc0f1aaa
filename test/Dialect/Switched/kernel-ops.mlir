// RUN: portolan-opt %s --switched-lower-to-kernels=target=gb300-nvl72 -o %t.mlir
// RUN: portolan-opt %t.mlir | diff %t.mlir -
// RUN: portolan-opt %t.mlir --emit-bytecode | portolan-opt | diff %t.mlir -
// RUN: portolan-opt %t.mlir --convert-system-to-spmd | FileCheck %s --check-prefix=CHECK-STRATUM
// RUN: portolan-opt %s | FileCheck %s

// A written-out step is not run as the op that it covers: that would say
// nothing of its programs.
// CHECK-STRATUM: switched.kernel_step
// CHECK-STRATUM-NOT: moe.experts %

func.func @experts(%rows: tensor<32x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x256xbf16>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<32x512xbf16> {
  %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"mxfp8", "mxfp8">, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"mxfp8", "mxfp8">} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<32x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<32x512xbf16>
  return %y : tensor<32x512xbf16>
}

// CHECK-LABEL: func.func @transposed
// CHECK: switched.tma_load %{{.*}}[%{{.*}}, %{{.*}}] to %{{.*}}[%{{.*}}] signals %{{.*}} {transposed} :
func.func @transposed(%g: memref<64x16xbf16>, %t: !switched.smem<[2, 8, 64], "bf16">, %b: !switched.mbarrier<2>, %i: index) {
  switched.tma_load %g[%i, %i] to %t[%i] signals %b {transposed} : memref<64x16xbf16> to !switched.smem<[2, 8, 64], "bf16"> signals !switched.mbarrier<2>
  return
}
