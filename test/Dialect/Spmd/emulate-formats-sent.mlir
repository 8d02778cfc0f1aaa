// What is sent is rounded to the format on the wire, metadata and index
// exchanges are not; and what holds such numbers already is left alone.
// RUN: portolan-opt %s --spmd-emulate-formats | FileCheck %s
// RUN: portolan-opt %s --spmd-emulate-formats > %t.once
// RUN: portolan-opt %t.once --spmd-emulate-formats | diff %t.once -

// CHECK-LABEL: @sums
// CHECK: %[[SUM:.*]] = moe.fake_quantize %{{.*}} {axis = 1 : i64, format = "bf16"}
// CHECK: spmd.all_reduce %[[SUM]]
// CHECK: %[[PART:.*]] = moe.fake_quantize %{{.*}} {axis = 1 : i64, format = "fp8"}
// CHECK: spmd.reduce_scatter %[[PART]]
// CHECK: %[[SENT:.*]] = moe.fake_quantize %{{.*}} {axis = 1 : i64, format = "bf16"} : tensor<2x8xf32>
// CHECK: spmd.send %[[SENT]]
func.func @sums(%x: tensor<4x8xf32>) {
  %0 = spmd.all_reduce %x over <2 by 1> {format = #moe.format<"bf16", "bf16">} : tensor<4x8xf32>
  %1 = spmd.reduce_scatter %0 over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2>, format = #moe.format<"fp8", "fp8">} : (tensor<4x8xf32>) -> tensor<2x8xf32>
  spmd.send %1 {distance = 2 : i64, format = #moe.format<"bf16", "bf16">} : tensor<2x8xf32>
  return
}

// CHECK-LABEL: @rows
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<?x2xf32>
// CHECK: %[[ROWS:.*]] = moe.fake_quantize %[[X]] {axis = 1 : i64, format = "fp8"} : tensor<?x8xf32>
// CHECK: spmd.all_to_all_v %[[ROWS]], %[[W]]
func.func @rows(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %n: tensor<2xi32>) -> tensor<?x8xf32> {
  %0:2 = spmd.all_to_all_v %x, %w send %n receive %n over <2 by 1> {format = #moe.format<"fp8", "fp8">}
    : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<2xi32>, tensor<2xi32>) -> (tensor<?x8xf32>, tensor<?x2xf32>)
  return %0#0 : tensor<?x8xf32>
}

// CHECK-LABEL: @gathered
// CHECK: moe.fake_quantize {{.*}} format = "mxfp8"
// CHECK: spmd.all_gather
func.func @gathered(%x: tensor<2x8xf32>) -> tensor<4x8xf32> {
  %0 = spmd.all_gather %x over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2>, format = #moe.format<"mxfp8", "mxfp8">} : (tensor<2x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// No format, a format of f32, a format that is the type of the values, counts.

// CHECK-LABEL: @nothing
// CHECK-NOT: moe.fake_quantize
// CHECK: return
func.func @nothing(%x: tensor<4x8xf32>, %y: tensor<4x8xbf16>, %n: tensor<2xi32>, %w: tensor<8x8xf32>) {
  %0 = spmd.all_reduce %x over <2 by 1> : tensor<4x8xf32>
  %1 = spmd.all_reduce %0 over <2 by 1> {format = #moe.format<"f32", "f32">} : tensor<4x8xf32>
  %2 = spmd.all_reduce %y over <2 by 1> {format = #moe.format<"bf16", "bf16">} : tensor<4x8xbf16>
  %3 = spmd.all_to_all %n over <2 by 1> : tensor<2xi32>
  %4 = moe.linear %1, %w {weight_format = #moe.format<"f32", "f32">} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return
}

// Codes of int4 that @prepare dequantizes: the layer's weight holds what int4
// holds, in the blocks that the model ships.

// CHECK-LABEL: @prepare
// CHECK-LABEL: @layer
// CHECK-NOT: format = "int4"}
// CHECK: return
func.func @prepare(%q: tensor<8x4xui8>, %s: tensor<8x1xf32>) -> tensor<8x8xf32> {
  %0 = moe.dequantize %q scales %s {bits = 4 : i64, axis = 1 : i64, block_size = 8 : i64, encoding = "integer"} : (tensor<8x4xui8>, tensor<8x1xf32>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}
func.func private @layer(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %0 = moe.linear %x, %w {weight_format = #moe.format<"int4", "bf16">} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
func.func @step(%x: tensor<4x8xf32>, %w: tensor<8x8xf32> {spmd.prepared = 0 : i64}) -> tensor<4x8xf32> {
  %0 = func.call @layer(%x, %w) : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
