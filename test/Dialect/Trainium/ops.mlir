// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --emit-bytecode | portolan-opt | FileCheck %s

// CHECK-LABEL: func.func @matmul
// CHECK: trainium.nc_matmul(%{{.*}}, %{{.*}}) covers "moe.linear" {} {engine = "matmul", issued_operations = 2.560000e+02 : f64, kernels = 1.000000e+00 : f64, token_tile = 64 : i64}
func.func @matmul(%x: tensor<2x8xbf16>, %w: tensor<8x4xbf16>) -> tensor<2x4xbf16> {
  %y = trainium.nc_matmul(%x, %w) covers "moe.linear" {} {engine = "matmul", token_tile = 64 : i64, issued_operations = 256.0 : f64, kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<8x4xbf16>) -> tensor<2x4xbf16>
  return %y : tensor<2x4xbf16>
}

// CHECK-LABEL: func.func @reduce
// CHECK: trainium.cc_all_reduce(%{{.*}}) covers "spmd.all_reduce" {group = #spmd.group<64 by 1>} {algorithm = "recursive_doubling", axis_bytes = array<f64: 1.500000e+01, 0.000000e+00, 1.500000e+00>
func.func @reduce(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<64 by 1>} {algorithm = "recursive_doubling", starts = 1.0 : f64, hops = 14.0 : f64, bottleneck_bytes = 0.0 : f64, axis_bytes = array<f64: 15.0, 0.0, 1.5>} : (tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// CHECK-LABEL: func.func @load
// CHECK: trainium.embedding_load(%{{.*}}, %{{.*}}) covers "moe.embedding" {} {engine = "gather", kernels = 1.000000e+00 : f64, transfer_bytes = 1.600000e+01 : f64}
func.func @load(%ids: tensor<2xi64>, %table: tensor<100x8xbf16>) -> tensor<2x8xbf16> {
  %y = trainium.embedding_load(%ids, %table) covers "moe.embedding" {} {engine = "gather", transfer_bytes = 16.0 : f64, kernels = 1.0 : f64} : (tensor<2xi64>, tensor<100x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// CHECK-LABEL: func.func @view
// CHECK: trainium.view(%{{.*}}) covers "spmd.slice"
func.func @view(%x: tensor<4x8xbf16>) -> tensor<2x8xbf16> {
  %y = trainium.view(%x) covers "spmd.slice" {dim = 0 : i64} : (tensor<4x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}
