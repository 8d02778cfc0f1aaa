// As experts-tensor.mlir, with block scales.
module attributes {plan.point = {instance = "all"}} {
  func.func @mxfp8_pair(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x256xbf16>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"mxfp8", "mxfp8">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"mxfp8", "mxfp8">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 64 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
  func.func @mxfp8_single(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x384xbf16>, %up: tensor<2x512x384xbf16>, %down: tensor<2x384x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"mxfp8", "mxfp8">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"mxfp8", "mxfp8">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 24 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x384xbf16>, tensor<2x512x384xbf16>, tensor<2x384x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
  func.func @mxfp4_pair(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x256xbf16>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"mxfp4", "mxfp4">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"mxfp4", "mxfp4">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 128 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
  func.func @mxfp4_single(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x384xbf16>, %down: tensor<2x384x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, activation_format = #moe.format<"mxfp4", "mxfp4">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>, weight_format = #moe.format<"mxfp4", "mxfp4">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x384xbf16>, tensor<2x384x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
  func.func @nvfp4_pair(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %gate: tensor<2x512x256xbf16>, %up: tensor<2x512x256xbf16>, %down: tensor<2x256x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %gate, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"nvfp4", "nvfp4">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0>, weight_format = #moe.format<"nvfp4", "nvfp4">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 128 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x256xbf16>, tensor<2x512x256xbf16>, tensor<2x256x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
  func.func @nvfp4_single(%rows: tensor<64x512xbf16>, %counts: tensor<2xi32>, %up: tensor<2x512x384xbf16>, %down: tensor<2x384x512xbf16>) -> tensor<64x512xbf16> {
    %y = switched.grouped_gemm(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation silu>, activation_format = #moe.format<"nvfp4", "nvfp4">, alpha = 1.0 : f64, limit = 0.0 : f64, linear_offset = 0.0 : f64, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>, weight_format = #moe.format<"nvfp4", "nvfp4">} {engine = "matmul", issued_operations = 5.0e8 : f64, kernels = 2.0 : f64, token_tile = 200 : i64} : (tensor<64x512xbf16>, tensor<2xi32>, tensor<2x512x384xbf16>, tensor<2x384x512xbf16>) -> tensor<64x512xbf16>
    return %y : tensor<64x512xbf16>
  }
}
