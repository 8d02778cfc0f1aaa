// Programs that were written for one machine, changed so that each breaks the
// rule that its check is named after.
// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 -o %t.mlir
// RUN: portolan-opt %t.mlir --switched-verify-machine=target=hgx-h100 | FileCheck %s --check-prefix=CHECK-FITS
// RUN: sed 's/units = 132 cluster = 1/units = 133 cluster = 1/' %t.mlir > %t.units.mlir
// RUN: not portolan-opt %t.units.mlir --switched-verify-machine=target=hgx-h100 2>&1 | FileCheck %s --check-prefix=CHECK-UNITS
// RUN: sed 's/units = 132 cluster = 1/units = 128 cluster = 16/' %t.mlir > %t.cluster.mlir
// RUN: not portolan-opt %t.cluster.mlir --switched-verify-machine=target=hgx-h100 2>&1 | FileCheck %s --check-prefix=CHECK-CLUSTER
// RUN: sed 's/^ *switched.for_tiles/%%more = switched.smem_alloc : !switched.smem<[256, 8, 64], "bf16">\n&/' %t.mlir > %t.smem.mlir
// RUN: not portolan-opt %t.smem.mlir --switched-verify-machine=target=hgx-h100 2>&1 | FileCheck %s --check-prefix=CHECK-SMEM
// RUN: sed 's/^ *switched.for_tiles/%%more = switched.tmem_alloc columns = 32 : !switched.tmem<[128, 8], "f32">\n&/' %t.mlir > %t.tmem.mlir
// RUN: not portolan-opt %t.tmem.mlir --switched-verify-machine=target=hgx-h100 2>&1 | FileCheck %s --check-prefix=CHECK-TMEM
// RUN: not portolan-opt %t.mlir --switched-verify-machine=target=gb300-nvl72 2>&1 | FileCheck %s --check-prefix=CHECK-UNIT
// RUN: not portolan-opt %t.mlir --switched-verify-machine=target=vera-rubin-nvl72 2>&1 | FileCheck %s --check-prefix=CHECK-CORE
// RUN: not portolan-opt %s --switched-lower-to-kernels=target=vera-rubin-nvl72 2>&1 | FileCheck %s --check-prefix=CHECK-CORE
// RUN: sed '/machine.rate fp16/,+2d' %source/dialects/Machine/Specs/hgx-h100.mlir > %t.machine.mlir
// RUN: sed 's/\], "bf16">/], "fp16">/g' %t.mlir > %t.format.mlir
// RUN: not portolan-opt %t.format.mlir --switched-verify-machine=target=%t.machine.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-FORMAT
// RUN: sed 's/<232448 /<20000 /' %source/dialects/Machine/Specs/hgx-h100.mlir > %t.small.mlir
// RUN: not portolan-opt %s --switched-lower-to-kernels=target=%t.small.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-SMALL

// CHECK-FITS: switched.kernel_step
// kernel_units_c1
// CHECK-UNITS: 'switched.kernel' op expects at most 132 units, got 133 (switched.kernel_units_c1)
// kernel_cluster_c1
// CHECK-CLUSTER: 'switched.kernel' op expects a cluster of at most 8 blocks, got 16 (switched.kernel_cluster_c1)
// kernel_smem_c1: 8 stages of 1024 + 2 * 8192 bytes and 16 of barriers, a result
// of 1024, and 256 KiB more.
// CHECK-SMEM: 'switched.kernel' op expects at most 232448 bytes of shared memory, got 402560 (switched.kernel_smem_c1)
// kernel_tmem_c1: 32 columns of 128 * 4 bytes.
// CHECK-TMEM: 'switched.kernel' op expects at most 0 bytes of tensor memory, got 16384 (switched.kernel_tmem_c1)
// mma_unit_c1
// CHECK-UNIT: 'switched.wgmma' op expects sums in registers, got a machine that keeps them in tensor memory (switched.mma_unit_c1)
// kernel_core_c1
// CHECK-CORE: op expects a machine with a kernel stratum: machine 'vera-rubin-nvl72': machine.core is unknown (switched.kernel_core_c1)
// mma_format_c1
// CHECK-FORMAT: 'switched.wgmma' op expects a format of the matmul engine, got fp16 (switched.mma_format_c1)
// lower_c7: 2 stages of 1024 + 2 * 8192 + 16 bytes and the result are 35872.
// CHECK-SMALL: 'switched.grouped_gemm' op expects shared memory of two stages, got 20000 bytes (switched.lower_c7)

module attributes {plan.point = {instance = "all"}} {
  func.func @experts(%rows: tensor<16x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x256xbf16>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<16x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<16x512xbf16>
    return %y : tensor<16x512xbf16>
  }
}
