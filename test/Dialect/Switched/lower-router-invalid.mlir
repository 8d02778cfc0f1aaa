// RUN: portolan-opt %s -split-input-file -verify-diagnostics --switched-lower-to-kernels=target=hgx-h100

// Each function is refused with the reason that it is named after.

func.func @lower_route_c1(%x: tensor<512xbf16>, %router: tensor<512x8xbf16>) -> (tensor<2xf32>, tensor<2xi32>) {
  // expected-error @+1 {{'switched.router_topk' op expects a known number of tokens, got 0 dimensions of them (switched.lower_route_c1)}}
  %r:2 = switched.router_topk(%x, %router) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 1.0 : f64, token_tile = 16 : i64} : (tensor<512xbf16>, tensor<512x8xbf16>) -> (tensor<2xf32>, tensor<2xi32>)
  return %r#0, %r#1 : tensor<2xf32>, tensor<2xi32>
}

// -----

// 4 tiles of 64 x 128 are 32768 sums, 256 of each thread.
func.func @lower_route_c2(%x: tensor<512x512xbf16>, %router: tensor<512x256xbf16>) -> (tensor<512x2xf32>, tensor<512x2xi32>) {
  // expected-error @+1 {{'switched.router_topk' op expects sums of 256 experts x 128 tokens in at most 255 registers of 128 threads, got 256 (switched.lower_route_c2)}}
  %r:2 = switched.router_topk(%x, %router) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e9 : f64, kernels = 1.0 : f64, token_tile = 128 : i64} : (tensor<512x512xbf16>, tensor<512x256xbf16>) -> (tensor<512x2xf32>, tensor<512x2xi32>)
  return %r#0, %r#1 : tensor<512x2xf32>, tensor<512x2xi32>
}

// -----

func.func @lower_c1(%x: tensor<16x512xbf16>, %router: tensor<512x8xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  // expected-error @+1 {{'switched.router_topk' op expects a token tile of a matmul engine (switched.lower_c1)}}
  %r:2 = switched.router_topk(%x, %router) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 1.0 : f64} : (tensor<16x512xbf16>, tensor<512x8xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>)
  return %r#0, %r#1 : tensor<16x2xf32>, tensor<16x2xi32>
}

// -----

func.func @lower_c3(%x: tensor<16x512xf32>, %router: tensor<512x8xf32>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  // expected-error @+1 {{'switched.router_topk' op expects a compute format with sums in f32, got f32 (switched.lower_c3)}}
  %r:2 = switched.router_topk(%x, %router) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 1.0 : f64, token_tile = 16 : i64} : (tensor<16x512xf32>, tensor<512x8xf32>) -> (tensor<16x2xf32>, tensor<16x2xi32>)
  return %r#0, %r#1 : tensor<16x2xf32>, tensor<16x2xi32>
}

// -----

func.func @lower_c6(%x: tensor<16x512xbf16>, %router: tensor<512x8xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  // expected-error @+1 {{'switched.router_topk' op expects a share of at least 1 units, got 0 (switched.lower_c6)}}
  %r:2 = switched.router_topk(%x, %router) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 1.0 : f64, share = 0.005 : f64, token_tile = 16 : i64} : (tensor<16x512xbf16>, tensor<512x8xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>)
  return %r#0, %r#1 : tensor<16x2xf32>, tensor<16x2xi32>
}

// -----

// 25 tiles of 64 columns: two stages of 1024 + 25 * 8192 bytes are more than
// shared memory.
func.func @lower_c7(%x: tensor<64x512xbf16>, %router: tensor<512x1600xbf16>) -> (tensor<64x2xf32>, tensor<64x2xi32>) {
  // expected-error @+1 {{'switched.router_topk' op expects shared memory of two stages, got 232448 bytes (switched.lower_c7)}}
  %r:2 = switched.router_topk(%x, %router) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 1.0 : f64, token_tile = 8 : i64} : (tensor<64x512xbf16>, tensor<512x1600xbf16>) -> (tensor<64x2xf32>, tensor<64x2xi32>)
  return %r#0, %r#1 : tensor<64x2xf32>, tensor<64x2xi32>
}

// -----

// 60 elements of 16 bits are 120 bytes.
func.func @lower_c8(%x: tensor<16x60xbf16>, %router: tensor<60x8xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  // expected-error @+1 {{'switched.router_topk' op expects rows of a multiple of 16 bytes in global memory, got 60 elements of bf16 (switched.lower_c8)}}
  %r:2 = switched.router_topk(%x, %router) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 1.0 : f64, token_tile = 16 : i64} : (tensor<16x60xbf16>, tensor<60x8xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>)
  return %r#0, %r#1 : tensor<16x2xf32>, tensor<16x2xi32>
}
