// RUN: portolan-opt %s -split-input-file -verify-diagnostics --switched-lower-to-kernels=target=gb300-nvl72

// Each function is refused with the reason that it is named after.

func.func @lower_rows_c1(%x: tensor<2x?x64xbf16>, %i: tensor<2x?x4xi32>) -> tensor<3xi32> {
  // expected-error @+1 {{'switched.permute' op expects one dimension of tokens or a known number of them, got 2 dimensions (switched.lower_rows_c1)}}
  %r:2 = switched.permute(%x, %i) covers "moe.dispatch" {load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 3.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<2x?x64xbf16>, tensor<2x?x4xi32>) -> (tensor<?x64xbf16>, tensor<3xi32>)
  return %r#1 : tensor<3xi32>
}

// -----

func.func @lower_rows_c2(%x: tensor<16x64xbf16>, %i: tensor<16x4xi32>, %w: tensor<16x4xf32>) -> tensor<3xi32> {
  // expected-error @+1 {{'switched.permute' op expects rows that are not multiplied with weights (switched.lower_rows_c2)}}
  %r:2 = switched.permute(%x, %i, %w) covers "moe.dispatch" {load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 3.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x64xbf16>, tensor<16x4xi32>, tensor<16x4xf32>) -> (tensor<?x64xbf16>, tensor<3xi32>)
  return %r#1 : tensor<3xi32>
}

// -----

// 60 elements of 16 bits are 120 bytes.
func.func @lower_rows_c3(%x: tensor<16x60xbf16>, %i: tensor<16x4xi32>) -> tensor<3xi32> {
  // expected-error @+1 {{'switched.permute' op expects rows of a multiple of 16 bytes, got 60 elements of bf16 (switched.lower_rows_c3)}}
  %r:2 = switched.permute(%x, %i) covers "moe.dispatch" {load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 3.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x60xbf16>, tensor<16x4xi32>) -> (tensor<?x60xbf16>, tensor<3xi32>)
  return %r#1 : tensor<3xi32>
}

// -----

// 65536 elements of 4 bytes are more than a block may have.
func.func @lower_rows_c4(%x: tensor<16x65536xf32>, %i: tensor<16x4xi32>) -> tensor<3xi32> {
  // expected-error @+1 {{'switched.permute' op expects rows that fit into 232448 bytes of shared memory, got 262144 (switched.lower_rows_c4)}}
  %r:2 = switched.permute(%x, %i) covers "moe.dispatch" {load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 3.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x65536xf32>, tensor<16x4xi32>) -> (tensor<?x65536xf32>, tensor<3xi32>)
  return %r#1 : tensor<3xi32>
}

// -----

func.func @lower_rows_c5(%x: tensor<16x64xbf16>, %i: tensor<16x4xi64>) -> tensor<3xi32> {
  // expected-error @+1 {{'switched.permute' op expects indices of 32 bits (switched.lower_rows_c5)}}
  %r:2 = switched.permute(%x, %i) covers "moe.dispatch" {load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 3.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x64xbf16>, tensor<16x4xi64>) -> (tensor<?x64xbf16>, tensor<3xi32>)
  return %r#1 : tensor<3xi32>
}

// -----

func.func @lower_rows_c6(%x: tensor<16x64xbf16>, %i: tensor<16x4xi32>) -> tensor<70000xi32> {
  // expected-error @+1 {{'switched.permute' op expects at most 65536 experts and ranks (switched.lower_rows_c6)}}
  %r:2 = switched.permute(%x, %i) covers "moe.dispatch" {load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 3.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x64xbf16>, tensor<16x4xi32>) -> (tensor<?x64xbf16>, tensor<70000xi32>)
  return %r#1 : tensor<70000xi32>
}

// -----

// A domain has 72 chips.
func.func @lower_transfer_c1(%x: tensor<?x64xbf16>, %s: tensor<144xi32>, %r: tensor<144xi32>) -> tensor<?x64xbf16> {
  // expected-error @+1 {{'switched.row_put' op expects a group inside of a domain of 72 chips, got one of 144 (switched.lower_transfer_c1)}}
  %y = switched.row_put(%x, %s, %r) covers "spmd.all_to_all_v" {group = #spmd.group<144 by 1>, load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 0.0>} {algorithm = "direct", bottleneck_bytes = 1.0e4 : f64, hops = 1.0 : f64, link_tier = 1 : i64, starts = 1.0 : f64} : (tensor<?x64xbf16>, tensor<144xi32>, tensor<144xi32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

func.func @lower_transfer_c3(%x: tensor<?x64xbf16>, %s: tensor<8xi32>, %r: tensor<8xi32>) -> tensor<?x64xbf16> {
  // expected-error @+1 {{'switched.row_put' op expects rows that go directly to their rank, got hierarchical (switched.lower_transfer_c3)}}
  %y = switched.row_put(%x, %s, %r) covers "spmd.all_to_all_v" {group = #spmd.group<8 by 1>, load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 0.0>} {algorithm = "hierarchical", bottleneck_bytes = 1.0e4 : f64, hops = 1.0 : f64, starts = 1.0 : f64} : (tensor<?x64xbf16>, tensor<8xi32>, tensor<8xi32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

func.func @lower_transfer_c3_sums(%x: tensor<64xbf16>) -> tensor<64xbf16> {
  // expected-error @+1 {{'switched.all_reduce' op expects an all-reduce in_network or one_shot, got ring (switched.lower_transfer_c3)}}
  %y = switched.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "ring", bottleneck_bytes = 1.0e4 : f64, hops = 1.0 : f64, starts = 1.0 : f64} : (tensor<64xbf16>) -> tensor<64xbf16>
  return %y : tensor<64xbf16>
}

// -----

func.func @lower_transfer_c4(%x: tensor<64xbf16>) -> tensor<64xbf16> {
  // expected-error @+1 {{'switched.all_reduce' op expects the tensor to be sent in its format bf16, got fp8 (switched.lower_transfer_c4)}}
  %y = switched.all_reduce(%x) covers "spmd.all_reduce" {format = #moe.format<"fp8", "fp8">, group = #spmd.group<8 by 1>} {algorithm = "one_shot", bottleneck_bytes = 1.0e4 : f64, hops = 1.0 : f64, starts = 1.0 : f64} : (tensor<64xbf16>) -> tensor<64xbf16>
  return %y : tensor<64xbf16>
}
