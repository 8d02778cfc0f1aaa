// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// step_c1
func.func @step_c1(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.nc_matmul' op expects to cover linear, got add}}
  %y = trainium.nc_matmul(%x, %x) covers "moe.add" {} {engine = "matmul", kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// step_c2
func.func @step_c2_engine(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.tensor_add' op expects an engine kind, got 'abacus'}}
  %y = trainium.tensor_add(%x, %x) covers "moe.add" {} {engine = "abacus", kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

func.func @step_c2_algorithm(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.cc_all_reduce' op expects a collective algorithm, got 'magic'}}
  %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "magic", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 36.0 : f64} : (tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// step_c3
func.func @step_c3(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.cc_all_reduce' op expects "hops" >= 0, got -2}}
  %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "ring", starts = 1.0 : f64, hops = -2.0 : f64, bottleneck_bytes = 36.0 : f64} : (tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// step_c4: 2 * 2 * 8 * 4 = 128 operations are useful.
func.func @step_c4(%x: tensor<2x8xbf16>, %w: tensor<8x4xbf16>) -> tensor<2x4xbf16> {
  // expected-error @+1 {{'trainium.nc_matmul' op expects issued_operations >= 1.280000e+02 of the covered op, got 1.270000e+02}}
  %y = trainium.nc_matmul(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 127.0 : f64, kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<8x4xbf16>) -> tensor<2x4xbf16>
  return %y : tensor<2x4xbf16>
}

// -----

// step_c5
func.func @step_c5(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.tensor_add' op expects micro_batch 0 or 1, got 2}}
  %y = trainium.tensor_add(%x, %x) covers "moe.add" {} {engine = "vector", kernels = 1.0 : f64, micro_batch = 2 : i64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// step_c6
func.func @step_c6_share(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.tensor_add' op expects a share above 0 and at most 1, got 2}}
  %y = trainium.tensor_add(%x, %x) covers "moe.add" {} {engine = "vector", kernels = 1.0 : f64, share = 2.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// step_c6: two operands and a result of 2 * 8 * 2 bytes are 96.
func.func @step_c6_resident(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.tensor_add' op expects resident_bytes <= 9.600000e+01 of the covered op, got 9.700000e+01}}
  %y = trainium.tensor_add(%x, %x) covers "moe.add" {} {engine = "vector", kernels = 1.0 : f64, resident_bytes = 97.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

func.func @covers_nothing_known(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.tensor_add' op expects to cover an op that states its work, got 'moe.nothing'}}
  %y = trainium.tensor_add(%x, %x) covers "moe.nothing" {} {engine = "vector", kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// A shape that the covered op refuses.
func.func @covered_verifier(%x: tensor<2x8xbf16>, %w: tensor<7x4xbf16>) -> tensor<2x4xbf16> {
  // expected-error @+1 {{'moe.linear' op expects dimension 0 of weight to be 8, got 'tensor<7x4xbf16>'}}
  %y = trainium.nc_matmul(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 128.0 : f64, kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<7x4xbf16>) -> tensor<2x4xbf16>
  return %y : tensor<2x4xbf16>
}

// -----

// step_c7
func.func @step_c7_axes(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.cc_all_reduce' op expects axis_bytes of 3 axes, got 2}}
  %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<16 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64, axis_bytes = array<f64: 1.0, 2.0>} : (tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

func.func @step_c7_sign(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'trainium.cc_all_reduce' op expects axis_bytes >= 0, got -1}}
  %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<16 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64, axis_bytes = array<f64: 1.0, -1.0, 0.0>} : (tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}
