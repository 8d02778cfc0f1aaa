// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 --convert-switched-kernels-to-nvvm=target=hgx-h100 --canonicalize | FileCheck %s

// The programs of test/Dialect/Switched/lower-to-kernels.mlir: 64 columns x 16
// tokens in fp8, gate and up in 4 steps of 128 elements. In shared memory lie
// the tokens (4 stages of 16 x 128 bytes), up and gate (4 of 64 x 128 each), the
// results (16 x 64 bytes) and two rings of 4 barriers:
// 8192 + 2 * 32768 + 1024 + 2 * 4 * 8 = 74816 bytes. Warps 0 to 3 compute,
// warp 4 loads.

// CHECK: gpu.module @kernels [#nvvm.target<chip = "sm_90a"
// CHECK: llvm.mlir.global external @shared_memory() {addr_space = 3 : i32, alignment = 1024 : i64}
// CHECK: llvm.func @experts_0(%[[ROWS:.*]]: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}, %[[UP:.*]]: !llvm.ptr {{.*}}, %[[GATE:.*]]: !llvm.ptr {{.*}}, %[[OUT:.*]]: !llvm.ptr {{.*}}, %[[TARGET:.*]]: !llvm.ptr<1>, %[[COUNTS:.*]]: !llvm.ptr<1>)
// CHECK-SAME: nvvm.kernel
// CHECK-SAME: nvvm.reqntid = array<i32: 160>
// CHECK-SAME: block = 160 : i64, cluster = 1 : i64, grid = 132 : i64, parameters = [
// CHECK-SAME: {argument = 0 : i64, box = array<i64: 128, 16>, format = "fp8", kind = "tensor_map", sizes = array<i64: 512, 32>, swizzle_bytes = 128 : i64}
// CHECK-SAME: {argument = 2 : i64, box = array<i64: 128, 64, 1>, format = "fp8", kind = "tensor_map", sizes = array<i64: 512, 256, 2>, swizzle_bytes = 128 : i64}
// CHECK-SAME: {argument = 4 : i64, box = array<i64: 64, 16>, format = "fp8", kind = "tensor_map", sizes = array<i64: 256, 32>, swizzle_bytes = 0 : i64}
// CHECK-SAME: {argument = 4 : i64, kind = "pointer"}, {argument = 1 : i64, kind = "pointer"}], shared_memory_bytes = 74816 : i64}

// One arrival fills a stage, that of each of four warps frees it.
// CHECK: nvvm.mbarrier.init %{{.*}}, %c1_i32
// CHECK-COUNT-3: nvvm.mbarrier.init %{{.*}}, %c1_i32
// CHECK-COUNT-4: nvvm.mbarrier.init %{{.*}}, %c4_i32
// CHECK: nvvm.fence.mbarrier.init
// CHECK: nvvm.barrier0

// The loads of a stage are 128 * (16 + 2 * 64) = 18432 bytes.
// CHECK: nvvm.elect.sync
// CHECK: scf.for %[[EXPERT:.*]] = %c0_i32 to %c2_i32
// CHECK: llvm.load %{{.*}} : !llvm.ptr<1> -> i32
// CHECK: scf.while
// CHECK: scf.for %{{.*}} = %c0_i32 to %c4_i32
// CHECK: nvvm.mbarrier.try_wait
// CHECK: nvvm.mbarrier.arrive.expect_tx %{{.*}}, %c18432_i32
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.*}}, %[[ROWS]], %{{.*}}, box[%[[ELEMENT:.*]], %{{.*}}] :
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.*}}, %[[UP]], %{{.*}}, box[%[[ELEMENT]], %[[COLUMN:.*]], %[[EXPERT]]] :
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global %{{.*}}, %[[GATE]], %{{.*}}, box[%[[ELEMENT]], %[[COLUMN]], %[[EXPERT]]] :

// 128 bytes are four instructions of 32 for each of up and gate; one group is in
// flight while the next one is waited for.
// CHECK: nvvm.mbarrier.try_wait
// CHECK: nvvm.wgmma.fence.aligned
// CHECK-COUNT-8: nvvm.wgmma.mma_async {{.*}}, <m = 64, n = 16, k = 32>, D[<f32>, <one>], A[<e4m3>, <one>, <row>], B[<e4m3>, <one>, <col>]
// CHECK-NEXT: nvvm.wgmma.commit.group.sync.aligned
// CHECK-NEXT: nvvm.wgmma.wait.group.sync.aligned 1
// CHECK: nvvm.inline_ptx "mbarrier.arrive.shared::cta.b64 _, [$0];"
// CHECK: nvvm.wgmma.wait.group.sync.aligned 0

// Sums of 2 * 8 tokens: 8 in a thread, silu(gate) * up in pairs.
// CHECK: nvvm.cp.async.bulk.wait_group 0 {read}
// CHECK: nvvm.barrier id = %c1_i32 number_of_threads = %c128_i32
// CHECK-COUNT-4: nvvm.convert.f32x2.to.f8x2 {{.*}} {rnd = #nvvm.fp_rnd_mode<rn>, sat = #nvvm.sat_mode<satfinite>}
// CHECK-NOT: nvvm.convert.f32x2.to.f8x2
// CHECK: nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
// CHECK: nvvm.barrier id = %c1_i32 number_of_threads = %c128_i32

// A whole tile by one copy, a part of one row by row.
// CHECK: nvvm.cp.async.bulk.tensor.global.shared.cta %[[OUT]]
// CHECK: nvvm.cp.async.bulk.global.shared.cta
// CHECK: nvvm.cp.async.bulk.commit.group
// CHECK: nvvm.cp.async.bulk.wait_group 0
// CHECK: llvm.func @experts_1(
// CHECK-SAME: {argument = 0 : i64, box = array<i64: 128, 16>, format = "fp8", kind = "tensor_map", sizes = array<i64: 256, 32>,

module attributes {plan.point = {instance = "all"}} {
  func.func @experts(%rows: tensor<32x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x256xbf16>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<32x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"fp8", "fp8">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"fp8", "fp8">} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<32x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<32x512xbf16>
    return %y : tensor<32x512xbf16>
  }
}
