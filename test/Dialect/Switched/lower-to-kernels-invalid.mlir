// RUN: portolan-opt %s -split-input-file -verify-diagnostics --switched-lower-to-kernels=target=gb300-nvl72

// Each function is refused with the reason that it is named after.

func.func @lower_c1(%rows: tensor<16x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<16x512xbf16> {
  // expected-error @+1 {{'switched.grouped_gemm' op expects a token tile of a matmul engine (switched.lower_c1)}}
  %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<16x512xbf16>
  return %y : tensor<16x512xbf16>
}

// -----

func.func @lower_c2(%rows: tensor<16x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>, %bias: tensor<2x512xbf16>) -> tensor<16x512xbf16> {
  // expected-error @+1 {{'switched.grouped_gemm' op expects experts without biases (switched.lower_c2)}}
  %y = switched.grouped_gemm(%rows, %counts, %up, %down, %bias) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 1>} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>, tensor<2x512xbf16>) -> tensor<16x512xbf16>
  return %y : tensor<16x512xbf16>
}

// -----

func.func @lower_c3(%rows: tensor<16x512xf32>, %counts: tensor<2xi32>, %up: tensor<2x512x256xf32>, %down: tensor<2x256x512xf32>) -> tensor<16x512xf32> {
  // expected-error @+1 {{'switched.grouped_gemm' op expects a compute format with sums in f32, got f32 (switched.lower_c3)}}
  %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<16x512xf32>, tensor<2xi32>, tensor<2x512x256xf32>, tensor<2x256x512xf32>) -> tensor<16x512xf32>
  return %y : tensor<16x512xf32>
}

// -----

func.func @lower_c4(%rows: tensor<16x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<16x512xbf16> {
  // expected-error @+1 {{'switched.grouped_gemm' op expects weights and activations stored in nvfp4, whose block scales a kernel does not make, got nvfp4 and bf16 (switched.lower_c4)}}
  %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, activation_format = #moe.format<"bf16", "nvfp4">, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>, weight_format = #moe.format<"nvfp4", "nvfp4">} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<16x512xbf16>
  return %y : tensor<16x512xbf16>
}

// -----

// Without block scales 128 rows take tokens by 16.
func.func @lower_c5(%rows: tensor<16x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<16x512xbf16> {
  // expected-error @+1 {{'switched.grouped_gemm' op expects a shape of the matrix unit, got 128 columns x 8 tokens of bf16 (switched.lower_c5)}}
  %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<16x512xbf16>
  return %y : tensor<16x512xbf16>
}

// -----

// 0.01 of 148 units is one, and a pair has two.
func.func @lower_c6(%rows: tensor<16x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<16x512xbf16> {
  // expected-error @+1 {{'switched.grouped_gemm' op expects a share of at least 2 units, got 0 (switched.lower_c6)}}
  %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, share = 0.01 : f64, token_tile = 16 : i64} : (tensor<16x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<16x512xbf16>
  return %y : tensor<16x512xbf16>
}

// -----

// Sums of gate and up take 2 * 256 columns, their scales 2 * 32 and those of 256
// tokens 32 more: 608 columns of 512 bytes.
func.func @kernel_tmem_c1(%rows: tensor<512x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x256xbf16>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<512x512xbf16> {
  // expected-error @+1 {{'switched.kernel' op expects at most 262144 bytes of tensor memory, got 311296 (switched.kernel_tmem_c1)}}
  %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"mxfp4", "mxfp4">, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"mxfp4", "mxfp4">} {engine = "matmul", issued_operations = 5.0e9 : f64, kernels = 2.0 : f64, token_tile = 256 : i64} : (tensor<512x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<512x512xbf16>
  return %y : tensor<512x512xbf16>
}

// -----

// 504 elements of 4 bits are 252 bytes.
func.func @lower_c8(%rows: tensor<16x504xbf16>, %counts: tensor<2xi32>, %up: tensor<2x504x256xbf16>, %down: tensor<2x256x504xbf16>) -> tensor<16x504xbf16> {
  // expected-error @+1 {{'switched.grouped_gemm' op expects rows of a multiple of 16 bytes in global memory, got 504 elements of mxfp4 (switched.lower_c8)}}
  %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, activation_format = #moe.format<"mxfp4", "mxfp4">, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>, weight_format = #moe.format<"mxfp4", "mxfp4">} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<16x504xbf16>, tensor<2xi32>, tensor<2x504x256xbf16>, tensor<2x256x504xbf16>) -> tensor<16x504xbf16>
  return %y : tensor<16x504xbf16>
}
