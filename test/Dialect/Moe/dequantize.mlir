// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --mlir-print-op-generic | portolan-opt | FileCheck %s

// Rows of 6 codes of 4 bits are 3 bytes; blocks of 4 make 2 scales and 2 zero
// points in one byte.

// CHECK-LABEL: @integers
func.func @integers(%q: tensor<5x3xui8>, %s: tensor<5x2xf32>, %z: tensor<5x1xui8>) -> tensor<5x6xf32> {
  // CHECK: moe.dequantize %{{.*}} scales %{{.*}} zero_points %{{.*}} {axis = 1 : i64, bits = 4 : i64, block_size = 4 : i64, encoding = "integer"} : (tensor<5x3xui8>, tensor<5x2xf32>, tensor<5x1xui8>) -> tensor<5x6xf32>
  %0 = moe.dequantize %q scales %s zero_points %z {axis = 1 : i64, bits = 4 : i64, block_size = 4 : i64, encoding = "integer"}
    : (tensor<5x3xui8>, tensor<5x2xf32>, tensor<5x1xui8>) -> tensor<5x6xf32>
  return %0 : tensor<5x6xf32>
}

// Codes lie side by side along the outputs, blocks along the inputs.

// CHECK-LABEL: @floats
func.func @floats(%q: tensor<2x32x4xui8>, %s: tensor<2x8x1xui8>, %g: tensor<2xf32>) -> tensor<2x32x8xbf16> {
  // CHECK: moe.dequantize %{{.*}} scales %{{.*}} global %{{.*}} {axis = 1 : i64, bits = 4 : i64, block_size = 32 : i64, encoding = "e2m1", scale_encoding = "e8m0"}
  %0 = moe.dequantize %q scales %s global %g {axis = 1 : i64, bits = 4 : i64, block_size = 32 : i64, encoding = "e2m1", scale_encoding = "e8m0"}
    : (tensor<2x32x4xui8>, tensor<2x8x1xui8>, tensor<2xf32>) -> tensor<2x32x8xbf16>
  return %0 : tensor<2x32x8xbf16>
}
