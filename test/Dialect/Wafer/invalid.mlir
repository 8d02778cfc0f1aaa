// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// step_c1
func.func @step_c1(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'wafer.region_gemm' op expects to cover linear, got add}}
  %y = wafer.region_gemm(%x, %x) covers "moe.add" {} {engine = "matmul", kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// step_c2
func.func @step_c2_engine(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'wafer.add' op expects an engine kind, got 'abacus'}}
  %y = wafer.add(%x, %x) covers "moe.add" {} {engine = "abacus", kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

func.func @step_c2_algorithm(%x: tensor<2x8xbf16>) {
  // expected-error @+1 {{'wafer.stream_send' op expects a collective algorithm, got 'magic'}}
  wafer.stream_send(%x) covers "spmd.send" {distance = 1 : i64} {algorithm = "magic", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 36.0 : f64} : (tensor<2x8xbf16>) -> ()
  return
}

// -----

// step_c3
func.func @step_c3(%x: tensor<2x8xbf16>) {
  // expected-error @+1 {{'wafer.stream_send' op expects "hops" >= 0, got -2}}
  wafer.stream_send(%x) covers "spmd.send" {distance = 1 : i64} {algorithm = "ring", starts = 1.0 : f64, hops = -2.0 : f64, bottleneck_bytes = 36.0 : f64} : (tensor<2x8xbf16>) -> ()
  return
}

// -----

// step_c4: 2 * 2 * 8 * 4 = 128 operations are useful.
func.func @step_c4(%x: tensor<2x8xbf16>, %w: tensor<8x4xbf16>) -> tensor<2x4xbf16> {
  // expected-error @+1 {{'wafer.region_gemm' op expects issued_operations >= 1.280000e+02 of the covered op, got 1.270000e+02}}
  %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 127.0 : f64, kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<8x4xbf16>) -> tensor<2x4xbf16>
  return %y : tensor<2x4xbf16>
}

// -----

// step_c5
func.func @step_c5(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'wafer.add' op expects micro_batch 0 or 1, got 2}}
  %y = wafer.add(%x, %x) covers "moe.add" {} {engine = "vector", kernels = 1.0 : f64, micro_batch = 2 : i64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// step_c6
func.func @step_c6_share(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'wafer.add' op expects a share above 0 and at most 1, got 2}}
  %y = wafer.add(%x, %x) covers "moe.add" {} {engine = "vector", kernels = 1.0 : f64, share = 2.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// step_c6: two operands and a result of 2 * 8 * 2 bytes are 96.
func.func @step_c6_resident(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'wafer.add' op expects resident_bytes <= 9.600000e+01 of the covered op, got 9.700000e+01}}
  %y = wafer.add(%x, %x) covers "moe.add" {} {engine = "vector", kernels = 1.0 : f64, resident_bytes = 97.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

func.func @covers_nothing_known(%x: tensor<2x8xbf16>) -> tensor<2x8xbf16> {
  // expected-error @+1 {{'wafer.add' op expects to cover an op that states its work, got 'moe.nothing'}}
  %y = wafer.add(%x, %x) covers "moe.nothing" {} {engine = "vector", kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x8xbf16>
  return %y : tensor<2x8xbf16>
}

// -----

// A shape that the covered op refuses.
func.func @covered_verifier(%x: tensor<2x8xbf16>, %w: tensor<7x4xbf16>) -> tensor<2x4xbf16> {
  // expected-error @+1 {{'moe.linear' op expects dimension 0 of weight to be 8, got 'tensor<7x4xbf16>'}}
  %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 128.0 : f64, kernels = 1.0 : f64} : (tensor<2x8xbf16>, tensor<7x4xbf16>) -> tensor<2x4xbf16>
  return %y : tensor<2x4xbf16>
}
