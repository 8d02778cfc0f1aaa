// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --emit-bytecode | portolan-opt | FileCheck %s

// CHECK-LABEL: func.func @gemm
// CHECK: torus.matmul(%{{.*}}, %{{.*}}) covers "moe.linear" {} {engine = "matmul", issued_operations = 2.560000e+02 : f64, kernels = 1.000000e+00 : f64, token_tile = 8 : i64}
func.func @gemm(%x: tensor<2x8xbf16>, %w: tensor<8x4xbf16>) -> tensor<2x4xbf16> {
  %y = torus.matmul(%x, %w) covers "moe.linear" {} {engine = "matmul", token_tile = 8 : i64, issued_operations = 256.0 : f64, kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<8x4xbf16>) -> tensor<2x4xbf16>
  return %y : tensor<2x4xbf16>
}

// CHECK-LABEL: func.func @reduce
// CHECK: torus.all_reduce(%{{.*}}) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "bidirectional_ring"
func.func @reduce(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  %y = torus.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "bidirectional_ring", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 36.0 : f64} : (tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// CHECK-LABEL: func.func @view
// CHECK: torus.view(%{{.*}}) covers "spmd.slice"
func.func @view(%x: tensor<4x8xbf16>) -> tensor<2x8xbf16> {
  %y = torus.view(%x) covers "spmd.slice" {dim = 0 : i64} : (tensor<4x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}
