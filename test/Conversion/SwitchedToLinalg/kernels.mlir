// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 --convert-switched-to-linalg | FileCheck %s
// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 --convert-system-to-spmd | FileCheck %s --check-prefix=CHECK-STAYS
// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 --convert-switched-to-linalg=formats | FileCheck %s --check-prefix=CHECK-FORMATS

// 256 x 384 experts in fp8: 64 columns x 16 tokens, stages of 128 elements. The
// first product takes 256 / 128 = 2 steps in 2 stages, so loads run 1 ahead in
// 3 iterations, the second 384 / 128 = 3 steps in 3 stages and 5 iterations.

// CHECK-LABEL: func.func @experts
// CHECK-SAME: %[[X:.*]]: tensor<24x256xf32>, %[[N:.*]]: tensor<2xi32>
// CHECK-DAG: %[[ROWS:.*]] = bufferization.to_buffer %[[X]] read_only
// CHECK-DAG: %[[HIDDEN:.*]] = memref.alloc() : memref<24x384xf32>
// CHECK-DAG: %[[TOKENS:.*]] = memref.alloc() : memref<2x16x128xf32>
// CHECK-DAG: %[[SUMS:.*]] = memref.alloc() : memref<1x64x16xf32>
// CHECK: linalg.fill ins(%{{.*}}) outs(%[[SUMS]]
// CHECK: %[[THREE:.*]] = arith.constant 3 : index
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[THREE]]
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: memref.store %{{.*}}, %[[HIDDEN]]
// CHECK: memref.alloc() : memref<3x64x128xf32>
// CHECK: %[[FIVE:.*]] = arith.constant 5 : index
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[FIVE]]
// CHECK: %[[Y:.*]] = bufferization.to_tensor
// CHECK: return %[[Y]]
// CHECK-NOT: switched.

// Kernels are not the op that they cover.
// CHECK-STAYS: switched.kernel_step
// CHECK-STAYS-NOT: moe.experts %

// The rows between the kernels are fp8, one scale per row of a tile.
// CHECK-FORMATS: scf.for %{{.*}} to %[[THREE:.*]] step
// CHECK-FORMATS: %[[TILE:.*]] = bufferization.to_tensor %{{.*}} restrict : memref<16x64xf32
// CHECK-FORMATS: bufferization.materialize_in_destination

func.func @experts(%rows: tensor<24x256xf32>, %counts: tensor<2xi32>, %up: tensor<2x256x384xf32>, %down: tensor<2x384x256xf32>) -> tensor<24x256xf32> {
  %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, activation_format = #moe.format<"fp8", "fp8">, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>, weight_format = #moe.format<"fp8", "fp8">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<24x256xf32>, tensor<2xi32>, tensor<2x256x384xf32>, tensor<2x384x256xf32>) -> tensor<24x256xf32>
  return %y : tensor<24x256xf32>
}
