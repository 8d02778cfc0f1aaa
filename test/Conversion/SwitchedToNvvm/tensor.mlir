// RUN: portolan-opt %S/../../Export/Inputs/experts-tensor.mlir --switched-lower-to-kernels=target=gb300-nvl72 --convert-switched-kernels-to-nvvm=target=gb300-nvl72 --canonicalize | FileCheck %s
// RUN: portolan-opt %S/../../Export/Inputs/experts-scaled.mlir --switched-lower-to-kernels=target=gb300-nvl72 --convert-switched-kernels-to-nvvm=target=gb300-nvl72 --canonicalize | FileCheck %s --check-prefix=CHECK-SCALED

// Gate and up of 64 tokens in bf16 on a pair: each block has 128 columns and 32
// tokens, 64 elements of contraction a stage. Warp 4 loads, warp 5 issues.

// CHECK: gpu.module @kernels [#nvvm.target<chip = "sm_103a"
// CHECK: llvm.func @bf16_pair_0(
// CHECK-SAME: nvvm.cluster_dim = array<i32: 2>
// CHECK-SAME: nvvm.reqntid = array<i32: 192>
// CHECK-SAME: grid = 148 : i64
// CHECK-SAME: box = array<i64: 64, 32>
// CHECK-SAME: box = array<i64: 64, 128, 1>

// The barriers of sums: one arrival fills them, 2 * 128 threads free them.
// CHECK: nvvm.mbarrier.init %{{.*}}, %c256_i32
// CHECK: nvvm.fence.mbarrier.init
// CHECK-COUNT-2: nvvm.tcgen05.alloc %{{.*}}, %c64_i32 {group = #nvvm.cta_group<cta_2>}
// CHECK: nvvm.cluster.arrive
// CHECK: nvvm.cluster.wait

// Both blocks signal the barrier of the first, which expects the bytes of both:
// 2 * 128 * (32 + 2 * 128) = 73728.
// CHECK: nvvm.mbarrier.arrive.expect_tx %{{.*}}, %c73728_i32
// CHECK: nvvm.mapa
// CHECK: nvvm.cp.async.bulk.tensor.shared.cluster.global {{.*}} {group = #nvvm.cta_group<cta_2>}

// 256 x 64, bf16 (1) on both sides, sums in f32:
// 1 << 4 | 1 << 7 | 1 << 10 | 64 / 8 << 17 | 256 / 16 << 24 = 269485200.
// CHECK: nvvm.tcgen05.fence{{.*}}<after>
// CHECK-COUNT-8: nvvm.tcgen05.mma %{{.*}}, %{{.*}}, %{{.*}}, %c269485200_i32, %{{.*}} {ctaGroup = #nvvm.cta_group<cta_2>, kind = #nvvm.tcgen05_mma_kind<f16>}
// CHECK: nvvm.tcgen05.commit %{{.*}}, multicast_mask = %c3_i16 {group = #nvvm.cta_group<cta_2>}

// CHECK-COUNT-2: nvvm.tcgen05.ld %{{.*}} {shape = #nvvm.tcgen05_ldst_shape<shape_32x32b>} : vector<16xi32>
// CHECK-NEXT: llvm.extractelement
// CHECK: llvm.inline_asm has_side_effects "tcgen05.wait::ld.sync.aligned;"
// CHECK: nvvm.tcgen05.fence{{.*}}<before>
// CHECK: nvvm.tcgen05.dealloc {{.*}} {group = #nvvm.cta_group<cta_2>}

// mxfp8: 128 elements are 4 blocks of 32, one word of scales. A tensor map of
// each operand's scales: tokens by rows, weights by units of 128 rows.
// CHECK-SCALED: llvm.func @mxfp8_pair_0(
// CHECK-SCALED-SAME: nvvm.reqntid = array<i32: 224>
// CHECK-SCALED-SAME: {argument = 0 : i64, box = array<i64: 64, 1>, format = "mxfp8", kind = "tensor_map", of_scales, sizes = array<i64: 64, 4>, swizzle_bytes = 0 : i64}
// CHECK-SCALED-SAME: {argument = 2 : i64, box = array<i64: 128, 1, 1, 1>, format = "mxfp8", kind = "tensor_map", of_scales, sizes = array<i64: 128, 4, 2, 2>, swizzle_bytes = 0 : i64}
// CHECK-SCALED-SAME: {argument = 4 : i64, format = "mxfp8", kind = "pointer", of_scales}
// Each block waits for its own: 128 * (32 + 2 * 128) + 4 * 64 + 2 * 512 = 38144.
// CHECK-SCALED: nvvm.mbarrier.arrive.expect_tx %{{.*}}, %c38144_i32
// CHECK-SCALED: nvvm.tcgen05.cp {{.*}} {group = #nvvm.cta_group<cta_2>, multicast = #nvvm.tcgen05_cp_multicast<warpx4>, shape = #nvvm.tcgen05_cp_shape<shape_32x128b>}
// 256 x 64, e4m3 (0), ue8m0 (1): 64 / 8 << 17 | 1 << 23 | 256 / 128 << 27 =
// 277872640, and the byte of the part in bits 4 and 29: 0, 1, 2, 3.
// CHECK-SCALED: nvvm.tcgen05.mma.block_scale {{.*}}, %c277872640_i32,
// CHECK-SCALED: nvvm.tcgen05.mma.block_scale {{.*}}, %c814743568_i32,
