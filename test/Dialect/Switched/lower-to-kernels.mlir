// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 | FileCheck %s --check-prefix=CHECK-WARPGROUP
// RUN: portolan-opt %s --switched-lower-to-kernels=target=gb300-nvl72 | FileCheck %s --check-prefix=CHECK-PAIR
// RUN: portolan-opt %s --switched-lower-to-kernels=target=gb300-nvl72 | portolan-opt --switched-verify-machine=target=gb300-nvl72 | FileCheck %s --check-prefix=CHECK-PAIR

// 32 rows of 2 experts, hidden 512, width 256, gated, in fp8: an instruction
// takes 32 elements, a stage 128, so gate and up take 512 / 128 = 4 steps and
// down 256 / 128 = 2. Everything fits, so there are as many stages as steps.
//
// On 132 units with sums in registers: 64 columns x 16 tokens. A stage of gate
// and up is 128 * (16 + 2 * 64) = 18432 bytes, of down 128 * (16 + 64) = 10240.
// On 148 units in 74 pairs: 128 columns and 16 / 2 tokens in each block. A stage
// of both blocks is 2 * 128 * (8 + 2 * 128) = 67584, then
// 2 * 128 * (8 + 128) = 34816.

// CHECK-WARPGROUP-LABEL: func.func @experts
// CHECK-WARPGROUP: switched.kernel_step(%{{.*}}) covers "moe.experts" {{.*}} {engine = "matmul", issued_operations = 5.000000e+07 : f64, kernels = 2.000000e+00 : f64, token_tile = 16 : i64}
// CHECK-WARPGROUP: %[[HIDDEN:.*]] = switched.kernel({{.*}}) units = 132 cluster = 1 : {{.*}} -> tensor<32x256xbf16>
// CHECK-WARPGROUP: ^bb0(%[[ROWS:.*]]: memref<32x512xbf16>, %[[COUNTS:.*]]: memref<2xi32>, %[[UP:.*]]: memref<2x512x256xbf16>, %[[GATE:.*]]: memref<2x512x256xbf16>, %[[TARGET:.*]]: memref<32x256xbf16>)
// CHECK-WARPGROUP: %[[FULL:.*]] = switched.mbarrier_init arrivals = 1 : <4>
// CHECK-WARPGROUP: %[[FREE:.*]] = switched.mbarrier_init arrivals = 1 : <4>
// CHECK-WARPGROUP: %[[X:.*]] = switched.smem_alloc : <[4, 16, 128], "fp8">
// CHECK-WARPGROUP: %[[WU:.*]] = switched.smem_alloc : <[4, 64, 128], "fp8">
// CHECK-WARPGROUP: %[[SU:.*]] = switched.register_alloc : <[64, 16], "f32">
// CHECK-WARPGROUP: %[[WG:.*]] = switched.smem_alloc : <[4, 64, 128], "fp8">
// CHECK-WARPGROUP: %[[SG:.*]] = switched.register_alloc : <[64, 16], "f32">
// CHECK-WARPGROUP: %[[OUT:.*]] = switched.smem_alloc : <[1, 16, 64], "fp8">
// CHECK-WARPGROUP: switched.for_tiles %[[COUNTS]] token_tile = 16 column_tile = 64 columns = 256
// CHECK-WARPGROUP: ^bb0(%[[EXPERT:.*]]: index, %[[ROW:.*]]: index, %[[LEFT:.*]]: index, %[[COLUMN:.*]]: index)
// CHECK-WARPGROUP: switched.pipeline contraction = 512 block = 128 stages = 4 full(%[[FULL]]) free(%[[FREE]])
// CHECK-WARPGROUP: ^bb0(%[[STEP:.*]]: index, %[[STAGE:.*]]: index)
// CHECK-WARPGROUP-NEXT: switched.mbarrier_wait %[[FREE]][%[[STAGE]]]
// CHECK-WARPGROUP-NEXT: switched.mbarrier_expect %[[FULL]][%[[STAGE]]] bytes = 18432
// CHECK-WARPGROUP-NEXT: switched.tma_load %[[ROWS]][%[[ROW]], %[[STEP]]] to %[[X]][%[[STAGE]]] signals %[[FULL]] :
// CHECK-WARPGROUP-NEXT: switched.tma_load %[[UP]][%[[EXPERT]], %[[STEP]], %[[COLUMN]]] to %[[WU]][%[[STAGE]]] signals %[[FULL]] {transposed}
// CHECK-WARPGROUP-NEXT: switched.tma_load %[[GATE]][%[[EXPERT]], %[[STEP]], %[[COLUMN]]] to %[[WG]][%[[STAGE]]] signals %[[FULL]] {transposed}
// CHECK-WARPGROUP: ^bb0(%{{.*}}: index, %[[STAGE:.*]]: index)
// CHECK-WARPGROUP-NEXT: switched.mbarrier_wait %[[FULL]][%[[STAGE]]]
// CHECK-WARPGROUP-NEXT: switched.wgmma %[[WU]], %[[X]] into %[[SU]][%[[STAGE]]]
// CHECK-WARPGROUP-NEXT: switched.wgmma %[[WG]], %[[X]] into %[[SG]][%[[STAGE]]]
// CHECK-WARPGROUP-NEXT: switched.mbarrier_arrive %[[FREE]][%[[STAGE]]]
// CHECK-WARPGROUP: switched.epilogue %[[SU]] gate %[[SG]] : {{.*}} into %[[OUT]] {activation = #moe<activation silu>}
// CHECK-WARPGROUP-NEXT: switched.tma_store %[[OUT]] to %[[TARGET]][%[[ROW]], %[[COLUMN]]] rows %[[LEFT]]
// CHECK-WARPGROUP: %[[RESULT:.*]] = switched.kernel(%[[HIDDEN]], {{.*}}) units = 132 cluster = 1 : {{.*}} -> tensor<32x512xbf16>
// CHECK-WARPGROUP: columns = 512
// CHECK-WARPGROUP: switched.pipeline contraction = 256 block = 128 stages = 2
// CHECK-WARPGROUP: switched.mbarrier_expect {{.*}} bytes = 10240
// CHECK-WARPGROUP: switched.epilogue {{.*}} : !switched.registers<[64, 16], "f32"> into <[1, 16, 64], "bf16">
// CHECK-WARPGROUP: switched.yield %[[RESULT]] : tensor<32x512xbf16>

// CHECK-PAIR-LABEL: func.func @experts
// CHECK-PAIR: switched.kernel({{.*}}) units = 148 cluster = 2
// CHECK-PAIR: %[[X:.*]] = switched.smem_alloc : <[4, 8, 128], "fp8">
// CHECK-PAIR: %[[WU:.*]] = switched.smem_alloc : <[4, 128, 128], "fp8">
// CHECK-PAIR: %[[SU:.*]] = switched.tmem_alloc columns = 32 : <[128, 16], "f32">
// CHECK-PAIR: switched.for_tiles {{.*}} token_tile = 16 column_tile = 128 columns = 256
// CHECK-PAIR: switched.mbarrier_expect {{.*}} bytes = 67584
// CHECK-PAIR: switched.tma_load {{.*}} to %[[X]]{{.*}} {spread}
// CHECK-PAIR: switched.tcgen05_mma %[[WU]], %[[X]] into %[[SU]][%{{.*}}] {cta_pair}
// CHECK-PAIR: switched.mbarrier_expect {{.*}} bytes = 34816

module attributes {plan.point = {instance = "all"}} {
  func.func @experts(%rows: tensor<32x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x256xbf16>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<32x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"fp8", "fp8">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"fp8", "fp8">} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<32x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<32x512xbf16>
    return %y : tensor<32x512xbf16>
  }
}
