// RUN: portolan-opt -split-input-file -moe-apply-serving-form %s | FileCheck %s

// Only the last position's logits are made.

// CHECK-LABEL: func.func @main
// CHECK-SAME: -> tensor<?x1x9xf32>
// CHECK: moe.linear {{.*}} {last_position} : (tensor<?x?x4xf32>, tensor<4x9xf32>) -> tensor<?x1x9xf32>
moe.weight_data @head : tensor<4x9xf32>
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x9xf32> {
  %head = moe.weight @head : tensor<4x9xf32>
  %0 = moe.linear %x, %head : (tensor<?x?x4xf32>, tensor<4x9xf32>) -> tensor<?x?x9xf32>
  return %0 : tensor<?x?x9xf32>
}

// -----

// Sequences are packed: no lengths, and an argument that only made them goes.

// CHECK-LABEL: func.func private @layer
// CHECK: moe.attention %{{.*}}, %{{.*}}, %{{.*}} cache %{{.*}}, %{{.*}} {heads
// CHECK-LABEL: func.func @main
// CHECK-SAME: moe.name = "x"
// CHECK-NOT: mask
// CHECK: call @layer(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
func.func private @layer(%x: tensor<?x?x4xf32>, %mask: tensor<?x?xi64>, %k: tensor<?x2x?x2xf32>, %v: tensor<?x2x?x2xf32>) -> (tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) {
  %0:3 = moe.attention %x, %x, %x cache %k, %v lengths %mask {heads = 2, kv_heads = 2, scale = 1.0 : f64}
    : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x?xi64>) -> (tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
  return %0#0, %0#1, %0#2 : tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>
}
func.func @main(%x: tensor<?x?x4xf32> {moe.name = "x"}, %mask: tensor<?x?xi64> {moe.name = "mask"}, %k: tensor<?x2x?x2xf32>, %v: tensor<?x2x?x2xf32>) -> (tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) {
  %0:3 = call @layer(%x, %mask, %k, %v) : (tensor<?x?x4xf32>, tensor<?x?xi64>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> (tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
  return %0#0, %0#1, %0#2 : tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>
}

// -----

// Positions that were counted from a mask are an argument of their own.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %{{.*}}: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}, %[[P:.*]]: tensor<?x?xi64> {moe.dims = ["b", "s"], moe.name = "position_ids"}, %{{.*}}: tensor<3x1xf32>
// CHECK: call @layer(%{{.*}}, %[[P]], %{{.*}})
func.func private @layer(%x: tensor<?x?x4xf32>, %p: tensor<?x?xi64>, %t: tensor<3x1xf32>) -> tensor<?x?x4xf32> {
  %0 = moe.rope %x at %p by %t, %t {head_width = 2 : i64} : (tensor<?x?x4xf32>, tensor<?x?xi64>, tensor<3x1xf32>, tensor<3x1xf32>) -> tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}
func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}, %mask: tensor<?x?xi64>, %t: tensor<3x1xf32>) -> tensor<?x?x4xf32> {
  %p = arith.addi %mask, %mask : tensor<?x?xi64>
  %0 = call @layer(%x, %p, %t) : (tensor<?x?x4xf32>, tensor<?x?xi64>, tensor<3x1xf32>) -> tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

// -----

// The ops of a layer stand as its result needs them: the first operand's before
// the second's, and a sum starts from what the layer got.

// CHECK-LABEL: func.func private @layer
// CHECK-SAME: %[[X:.*]]: tensor<2x3x4xf32>, %[[G:.*]]: tensor<4xf32>, %[[W:.*]]: tensor<4x4xf32>
// CHECK: %[[N:.*]] = moe.rms_norm %[[X]], %[[G]]
// CHECK: %[[L:.*]] = moe.linear %[[N]], %[[W]]
// CHECK: %[[S:.*]] = moe.add %[[X]], %[[L]]
// CHECK: %[[M:.*]] = moe.rms_norm %[[S]], %[[G]]
// CHECK: %[[K:.*]] = moe.linear %[[M]], %[[W]]
// CHECK: moe.add %[[S]], %[[K]]
func.func private @layer(%x: tensor<2x3x4xf32>, %g: tensor<4xf32>, %w: tensor<4x4xf32>) -> tensor<2x3x4xf32> {
  %0 = moe.rms_norm %x, %g {epsilon = 1.0e-5 : f64} : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %dead = moe.linear %x, %w : (tensor<2x3x4xf32>, tensor<4x4xf32>) -> tensor<2x3x4xf32>
  %1 = moe.linear %0, %w : (tensor<2x3x4xf32>, tensor<4x4xf32>) -> tensor<2x3x4xf32>
  %2 = moe.add %1, %x : tensor<2x3x4xf32>
  %3 = moe.rms_norm %2, %g {epsilon = 1.0e-5 : f64} : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %4 = moe.linear %3, %w : (tensor<2x3x4xf32>, tensor<4x4xf32>) -> tensor<2x3x4xf32>
  %5 = moe.add %4, %2 : tensor<2x3x4xf32>
  return %5 : tensor<2x3x4xf32>
}
func.func @main(%x: tensor<2x3x4xf32>, %g: tensor<4xf32>, %w: tensor<4x4xf32>) -> tensor<2x3x4xf32> {
  %0 = call @layer(%x, %g, %w) : (tensor<2x3x4xf32>, tensor<4xf32>, tensor<4x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}
