// RUN: portolan-opt %s -split-input-file --convert-spmd-to-wafer=target=cs3:2 | FileCheck %s

// Four stages on two wafers: each on a half of 762 x 586 PEs, and one in two
// sends through the system I/O.
module attributes {plan.point = {instance = "all", pipeline = "4"}} {
  // CHECK-LABEL: func.func @body
  // CHECK: %[[SUM:.*]] = wafer.add(%arg0, %arg0) covers "moe.add" {lhs_scale = 1.000000e+00 : f64, rhs_scale = 1.000000e+00 : f64}
  // CHECK-SAME: engine = "vector", kernels = 1.000000e+00 : f64, share = 5.000000e-01 : f64
  // 64 PEs of a line hold a row of weights each: 5 groups of at most 7 in each half
  // of 32, 6 + 4 + 1 + 1 starts. One column of 4 rows, 2 bytes each, in 4 phases.
  // CHECK: wafer.region_gemm(%[[SUM]], %arg1) covers "moe.linear" {bias_share = 1 : i64}
  // CHECK-SAME: algorithm = "k_tree", bottleneck_bytes = 3.200000e+01
  // CHECK-SAME: hops = 6.300000e+01
  // CHECK-SAME: starts = 1.200000e+01 : f64, streamed
  // 4 x 64 x 2 bytes over 586 links; half of them through the system I/O.
  // CHECK: wafer.stream_send
  // CHECK-SAME: algorithm = "neighbour"
  // CHECK-SAME: hops = 1.348000e+03
  // CHECK-SAME: outer_bottleneck_bytes = 2.560000e+02
  // CHECK-SAME: outer_starts = 5.000000e-01
  func.func @body(%x: tensor<4x64xbf16>, %w: tensor<64x64xbf16>) {
    %sum = moe.add %x, %x : tensor<4x64xbf16>
    %y = moe.linear %sum, %w : (tensor<4x64xbf16>, tensor<64x64xbf16>) -> tensor<4x64xbf16>
    spmd.send %y {distance = 1 : i64} : tensor<4x64xbf16>
    return
  }
}
