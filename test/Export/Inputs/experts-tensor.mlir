// 64 rows of 2 experts on tensor memory: pairs of blocks where 256 columns divide
// both products, single blocks where they do not.
module attributes {plan.point = {instance = "all"}} {
  func.func @bf16_pair(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x256xbf16>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"bf16", "bf16">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"bf16", "bf16">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 64 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
  func.func @fp8_pair(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation gelu_tanh>, activation_format = #moe.format<"fp8", "fp8">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>, weight_format = #moe.format<"fp8", "fp8">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 16 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
  func.func @bf16_single(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x384xbf16>, %up: tensor<2x512x384xbf16>, %down: tensor<2x384x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"bf16", "bf16">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"bf16", "bf16">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 32 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x384xbf16>, tensor<2x512x384xbf16>, tensor<2x384x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
  func.func @fp8_single(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x384xbf16>, %down: tensor<2x384x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu_squared>, activation_format = #moe.format<"fp8", "fp8">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>, weight_format = #moe.format<"fp8", "fp8">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 208 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x384xbf16>, tensor<2x384x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
}
