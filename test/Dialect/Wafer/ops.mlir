// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --emit-bytecode | portolan-opt | FileCheck %s

// CHECK-LABEL: func.func @gemm
// CHECK: wafer.region_gemm(%{{.*}}, %{{.*}}) covers "moe.linear" {} {algorithm = "k_tree", bottleneck_bytes = 1.600000e+01 : f64, engine = "matmul", hops = 7.610000e+02 : f64, issued_operations = 2.560000e+02 : f64, kernels = 1.000000e+00 : f64, share = 5.000000e-01 : f64, starts = 3.800000e+01 : f64, streamed}
func.func @gemm(%x: tensor<2x8xbf16>, %w: tensor<8x4xbf16>) -> tensor<2x4xbf16> {
  %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 256.0 : f64, kernels = 1.0 : f64, share = 0.5 : f64, streamed, algorithm = "k_tree", starts = 38.0 : f64, hops = 761.0 : f64, bottleneck_bytes = 16.0 : f64} : (tensor<2x8xbf16>, tensor<8x4xbf16>) -> tensor<2x4xbf16>
  return %y : tensor<2x4xbf16>
}

// CHECK-LABEL: func.func @send
// CHECK: wafer.stream_send(%{{.*}}) covers "spmd.send" {distance = 1 : i64} {algorithm = "neighbour"
func.func @send(%x: tensor<2x8xbf16>) {
  wafer.stream_send(%x) covers "spmd.send" {distance = 1 : i64} {algorithm = "neighbour", starts = 1.0 : f64, hops = 1934.0 : f64, bottleneck_bytes = 1.0 : f64, outer_starts = 0.5 : f64, outer_hops = 0.5 : f64, outer_bottleneck_bytes = 16.0 : f64} : (tensor<2x8xbf16>) -> ()
  return
}

// CHECK-LABEL: func.func @view
// CHECK: wafer.view(%{{.*}}) covers "spmd.slice"
func.func @view(%x: tensor<4x8xbf16>) -> tensor<2x8xbf16> {
  %y = wafer.view(%x) covers "spmd.slice" {dim = 0 : i64} : (tensor<4x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}
