// RUN: portolan-opt %s -split-input-file -verify-diagnostics --convert-switched-to-linalg

// A result of ragged rows takes its size from an operand that has it too.
func.func @no_size(%rows: tensor<0x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<0x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<0x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<0x128xbf16> {
  ^bb0(%x: tensor<0x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    // expected-error @+1 {{'switched.kernel' op expects an operand with the size of dimension 0 of its result, got none}}
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 1 : (tensor<0x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<?x64xbf16> {
    ^bb0(%gx: memref<0x128xbf16>, %gn: memref<2xi32>, %gu: memref<2x128x64xbf16>, %gh: memref<?x64xbf16>):
      switched.yield
    }
    switched.yield %x : tensor<0x128xbf16>
  }
  return %y : tensor<0x128xbf16>
}
