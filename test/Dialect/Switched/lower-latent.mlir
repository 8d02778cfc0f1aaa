// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 | FileCheck %s --check-prefix=CHECK-WARPGROUP
// RUN: portolan-opt %s --switched-lower-to-kernels=target=gb300-nvl72 | portolan-opt --switched-verify-machine=target=gb300-nvl72 | FileCheck %s --check-prefix=CHECK-TENSOR
// RUN: portolan-opt %s --switched-lower-to-kernels=target=gb300-nvl72 -o %t.mlir
// RUN: portolan-opt %t.mlir --emit-bytecode | portolan-opt | diff %t.mlir -

// 2 sequences, 3 heads, 70 + 1 keys, latents of 64, rotated parts of 16, in bf16.
// Sums in registers: 64 keys x 16 queries, so 2 tiles of keys, each
// 64 * (64 + 16) * 2 = 10240 bytes. In tensor memory: 128 keys, one tile of
// 128 * (128 + 16) * 2 = 36864 bytes, half of its latents outside of the cache.

// CHECK-WARPGROUP: switched.kernel_step({{.*}}) covers "moe.latent_attention"
// CHECK-WARPGROUP: tensor.insert_slice %{{.*}}[0, 70, 0] [2, 1, 64]
// CHECK-WARPGROUP: switched.kernel({{.*}}) units = 132 cluster = 1 : (tensor<2x3x32xf32>, tensor<3x64x16xf32>) -> tensor<2x3x64xf32>
// CHECK-WARPGROUP: switched.for_heads 3 rows = 2 token_tile = 16 column_tile = 64 columns = 64 do
// CHECK-WARPGROUP: switched.pipeline contraction = 16
// CHECK-WARPGROUP: switched.kernel({{.*}} -> (tensor<2x3x64xf32>, tensor<6xf32>)
// CHECK-WARPGROUP: %[[OUT:[0-9a-z_]+]] = switched.register_alloc : <[64, 16], "f32">
// CHECK-WARPGROUP: switched.for_sequences 2 queries = 3 tile = 16 do
// CHECK-WARPGROUP: switched.for_cache_tiles keys = 71 tile = 64 stages = 2
// CHECK-WARPGROUP: switched.mbarrier_expect {{.*}} bytes = 10240
// CHECK-WARPGROUP: switched.tma_load {{.*}} to %[[LATENT:[0-9a-z_]+]][%{{.*}}] signals
// CHECK-WARPGROUP: switched.wgmma %[[LATENT]], %{{.*}} into %[[SCORES:[0-9a-z_]+]][
// CHECK-WARPGROUP-NEXT: switched.wgmma %{{.*}} into %[[SCORES]][
// CHECK-WARPGROUP-NEXT: switched.softmax_step %[[SCORES]][%{{.*}}] state %[[STATE:[0-9a-z_]+]] rescales(%[[OUT]]) to %[[POWERS:[0-9a-z_]+]] {heads = 3 : i64, past = 70 : i64, scale = 2.500000e-01 : f64}
// CHECK-WARPGROUP-NEXT: switched.attend %[[LATENT]], %[[POWERS]] into %[[OUT]][
// CHECK-WARPGROUP: switched.normalize %[[OUT]] state %[[STATE]]
// CHECK-WARPGROUP: switched.store_log_sum_exp %[[STATE]]
// CHECK-WARPGROUP: switched.for_heads 3 rows = 2 token_tile = 16 column_tile = 64 columns = 24 do
// CHECK-WARPGROUP: switched.pipeline contraction = 64
// CHECK-WARPGROUP: {transposed}

// CHECK-TENSOR: switched.for_cache_tiles keys = 71 tile = 128 stages = 1
// CHECK-TENSOR: switched.mbarrier_expect {{.*}} bytes = 36864
// CHECK-TENSOR: switched.tcgen05_mma
// CHECK-TENSOR: switched.attend {{.*}} into !switched.tmem<[128, 16], "f32">

module attributes {plan.point = {instance = "all"}} {
func.func @decode(%q: tensor<2x1x96xf32>, %c: tensor<2x1x64xf32>, %r: tensor<2x1x16xf32>, %pc: tensor<2x70x64xf32>, %pr: tensor<2x70x16xf32>, %ku: tensor<3x64x16xf32>, %vu: tensor<3x64x24xf32>) -> (tensor<2x1x72xf32>, tensor<2x71x64xf32>, tensor<2x71x16xf32>, tensor<2x1x3xf32>) {
  %y:4 = switched.latent_attention(%q, %c, %r, %pc, %pr, %ku, %vu) covers "moe.latent_attention" {absorbed, cache_format = #moe.format<"bf16", "bf16">, heads = 3 : i64, scale = 0.25 : f64, weight_format = #moe.format<"bf16", "bf16">} {engine = "matmul", issued_operations = 1.0e12 : f64, kernels = 3.0 : f64, token_tile = 16 : i64} : (tensor<2x1x96xf32>, tensor<2x1x64xf32>, tensor<2x1x16xf32>, tensor<2x70x64xf32>, tensor<2x70x16xf32>, tensor<3x64x16xf32>, tensor<3x64x24xf32>) -> (tensor<2x1x72xf32>, tensor<2x71x64xf32>, tensor<2x71x16xf32>, tensor<2x1x3xf32>)
  return %y#0, %y#1, %y#2, %y#3 : tensor<2x1x72xf32>, tensor<2x71x64xf32>, tensor<2x71x16xf32>, tensor<2x1x3xf32>
}
}
