// Each operand that a format speaks of is rounded along its contraction; a
// second run adds nothing.
// RUN: portolan-opt %s --spmd-emulate-formats | FileCheck %s
// RUN: portolan-opt %s --spmd-emulate-formats > %t.once
// RUN: portolan-opt %t.once --spmd-emulate-formats | diff %t.once -
// RUN: portolan-opt %s --spmd-emulate-formats=fp8=e4m3b11fnuz | FileCheck %s --check-prefix=CHECK-B11
// RUN: portolan-opt %s --spmd-emulate-formats --convert-moe-to-linalg | FileCheck %s --check-prefix=CHECK-LINALG
// CHECK-LINALG-NOT: moe.

spmd.mesh @mesh {stage = 1 : i64, data = 1 : i64, context = 1 : i64, tensor = 2 : i64, expert = 2 : i64, expert_tensor = 1 : i64}

// The storage format of the weight; the rows are kept in bf16 and computed in
// nvfp4, token by token.

// CHECK-LABEL: @linear
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x64xf32>, %[[W:.*]]: tensor<64x32xf32>
// CHECK: %[[KEPT:.*]] = moe.fake_quantize %[[X]] {axis = 2 : i64, format = "bf16"}
// CHECK: %[[READ:.*]] = moe.fake_quantize %[[KEPT]] {axis = 2 : i64, format = "nvfp4", tensor_dims = 1 : i64}
// CHECK: %[[NARROW:.*]] = moe.fake_quantize %[[W]] {axis = 0 : i64, format = "nvfp4"} : tensor<64x32xf32>
// CHECK: moe.linear %[[READ]], %[[NARROW]] bias %{{.*}} {activation_format
func.func @linear(%x: tensor<2x3x64xf32>, %w: tensor<64x32xf32>, %b: tensor<32xf32>) -> tensor<2x3x32xf32> {
  %0 = moe.linear %x, %w bias %b {activation_format = #moe.format<"bf16", "nvfp4">, weight_format = #moe.format<"nvfp4", "nvfp4">}
    : (tensor<2x3x64xf32>, tensor<64x32xf32>, tensor<32xf32>) -> tensor<2x3x32xf32>
  return %0 : tensor<2x3x32xf32>
}

// Codes are exact in a wider compute format. Rows without a format of their own
// are computed in that of the weight; two readers share what is rounded.

// CHECK-LABEL: @shared_rows
// CHECK-COUNT-1: moe.fake_quantize %{{.*}} {axis = 1 : i64, format = "bf16"}
// CHECK: moe.fake_quantize %{{.*}} {axis = 0 : i64, format = "int4"}
// CHECK-NOT: format = "bf16"
// CHECK: return
func.func @shared_rows(%x: tensor<3x64xf32>, %w: tensor<64x32xf32>, %v: tensor<64x32xf32>) -> (tensor<3x32xf32>, tensor<3x32xf32>) {
  %0 = moe.linear %x, %w {weight_format = #moe.format<"int4", "bf16">} : (tensor<3x64xf32>, tensor<64x32xf32>) -> tensor<3x32xf32>
  %1 = moe.linear %x, %v {weight_format = #moe.format<"int4", "bf16">} : (tensor<3x64xf32>, tensor<64x32xf32>) -> tensor<3x32xf32>
  return %0, %1 : tensor<3x32xf32>, tensor<3x32xf32>
}

// CHECK-LABEL: @mlp
// CHECK-SAME: (%[[X:.*]]: tensor<3x64xf32>, %[[G:.*]]: tensor<64x32xf32>, %[[U:.*]]: tensor<64x32xf32>, %[[D:.*]]: tensor<32x64xf32>
// CHECK-DAG: moe.fake_quantize %[[X]] {axis = 1 : i64, format = "fp8"}
// CHECK-DAG: moe.fake_quantize %[[G]] {axis = 0 : i64, format = "fp8"}
// CHECK-DAG: moe.fake_quantize %[[U]] {axis = 0 : i64, format = "fp8"}
// CHECK-DAG: moe.fake_quantize %[[D]] {axis = 0 : i64, format = "fp8"}
// CHECK: moe.mlp {{.*}} moe.inner_formats = ["fp8"]
// CHECK-B11-LABEL: @mlp
// CHECK-B11-COUNT-4: encoding = "e4m3b11fnuz", format = "fp8"
// CHECK-B11: moe.inner_formats = ["fp8:e4m3b11fnuz"]
func.func @mlp(%x: tensor<3x64xf32>, %g: tensor<64x32xf32>, %u: tensor<64x32xf32>, %d: tensor<32x64xf32>) -> tensor<3x64xf32> {
  %0 = moe.mlp %x gate %g up %u down %d {activation = #moe<activation silu>, activation_format = #moe.format<"fp8", "fp8">, weight_format = #moe.format<"fp8", "fp8">}
    : (tensor<3x64xf32>, tensor<64x32xf32>, tensor<64x32xf32>, tensor<32x64xf32>) -> tensor<3x64xf32>
  return %0 : tensor<3x64xf32>
}

// Rows that are counted at run time; each expert is a tensor of its own.

// CHECK-LABEL: @experts
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>, %{{.*}}: tensor<4xi32>, %[[U:.*]]: tensor<4x64x32xf32>, %[[D:.*]]: tensor<4x32x64xf32>
// CHECK-DAG: moe.fake_quantize %[[X]] {axis = 1 : i64, format = "fp8"} : tensor<?x64xf32>
// CHECK-DAG: moe.fake_quantize %[[U]] {axis = 1 : i64, format = "nvfp4", tensor_dims = 2 : i64}
// CHECK-DAG: moe.fake_quantize %[[D]] {axis = 1 : i64, format = "nvfp4", tensor_dims = 2 : i64}
// CHECK: moe.experts {{.*}} moe.inner_formats = ["fp8", "nvfp4"]
func.func @experts(%x: tensor<?x64xf32>, %c: tensor<4xi32>, %u: tensor<4x64x32xf32>, %d: tensor<4x32x64xf32>) -> tensor<?x64xf32> {
  %0 = moe.experts %x, %c up %u down %d {activation = #moe<activation relu>, activation_format = #moe.format<"fp8", "nvfp4">, weight_format = #moe.format<"nvfp4", "nvfp4">}
    : (tensor<?x64xf32>, tensor<4xi32>, tensor<4x64x32xf32>, tensor<4x32x64xf32>) -> tensor<?x64xf32>
  return %0 : tensor<?x64xf32>
}

// CHECK-LABEL: @dispatch
// CHECK: moe.fake_quantize %{{.*}} {axis = 1 : i64, format = "mxfp8"}
// CHECK: moe.dispatch
func.func @dispatch(%x: tensor<3x64xf32>, %i: tensor<3x2xi32>) -> (tensor<?x64xf32>, tensor<4xi32>) {
  %0, %1 = moe.dispatch %x, %i {activation_format = #moe.format<"mxfp8", "bf16">} : (tensor<3x64xf32>, tensor<3x2xi32>) -> (tensor<?x64xf32>, tensor<4xi32>)
  return %0, %1 : tensor<?x64xf32>, tensor<4xi32>
}

// Per head: 2 of keys and values, 4 of queries, which are computed in bf16.

// CHECK-LABEL: @attention
// CHECK: %[[HEADS:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] output_shape [3, 1, 4, 16]
// CHECK: %[[QUERY:.*]] = moe.fake_quantize %[[HEADS]] {axis = 3 : i64, format = "bf16"}
// CHECK: tensor.collapse_shape %[[QUERY]]
// CHECK: %[[KEYS:.*]] = tensor.expand_shape %{{.*}} output_shape [3, 1, 2, 16]
// CHECK: moe.fake_quantize %[[KEYS]] {axis = 3 : i64, format = "fp8", unscaled} : tensor<3x1x2x16xf32>
// CHECK: moe.fake_quantize %{{.*}} {axis = 3 : i64, format = "fp8", unscaled} : tensor<3x1x2x16xf32>
// CHECK: moe.fake_quantize %{{.*}} {axis = 3 : i64, format = "fp8", unscaled} : tensor<3x2x5x16xf32>
// CHECK: moe.fake_quantize %{{.*}} {axis = 3 : i64, format = "fp8", unscaled} : tensor<3x2x5x16xf32>
// CHECK: moe.attention
func.func @attention(%q: tensor<3x1x64xf32>, %k: tensor<3x1x32xf32>, %v: tensor<3x1x32xf32>, %pk: tensor<3x2x5x16xf32>, %pv: tensor<3x2x5x16xf32>) -> tensor<3x1x64xf32> {
  %0:3 = moe.attention %q, %k, %v cache %pk, %pv {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, cache_format = #moe.format<"fp8", "bf16">}
    : (tensor<3x1x64xf32>, tensor<3x1x32xf32>, tensor<3x1x32xf32>, tensor<3x2x5x16xf32>, tensor<3x2x5x16xf32>)
    -> (tensor<3x1x64xf32>, tensor<3x2x6x16xf32>, tensor<3x2x6x16xf32>)
  return %0#0 : tensor<3x1x64xf32>
}

// Absorbed, key_up is contracted along the width of a head.

// CHECK-LABEL: @latent
// CHECK-SAME: %{{.*}}: tensor<2x1x48xf32>, %[[L:[a-z0-9]*]]: tensor<2x1x32xf32>, %[[R:[a-z0-9]*]]: tensor<2x1x8xf32>, %[[PL:[a-z0-9]*]]: tensor<2x5x32xf32>, %[[PR:[a-z0-9]*]]: tensor<2x5x8xf32>, %[[KU:[a-z0-9]*]]: tensor<2x32x16xf32>, %[[VU:[a-z0-9]*]]: tensor<2x32x16xf32>
// CHECK: moe.fake_quantize %[[L]] {axis = 2 : i64, format = "int8"}
// CHECK: moe.fake_quantize %[[R]] {axis = 2 : i64, format = "int8"}
// CHECK: moe.fake_quantize %[[PL]] {axis = 2 : i64, format = "int8"}
// CHECK: moe.fake_quantize %[[PR]] {axis = 2 : i64, format = "int8"}
// CHECK: moe.fake_quantize %[[KU]] {axis = 2 : i64, format = "mxfp4"}
// CHECK: moe.fake_quantize %[[VU]] {axis = 1 : i64, format = "mxfp4"}
// CHECK: moe.latent_attention
func.func @latent(%q: tensor<2x1x48xf32>, %l: tensor<2x1x32xf32>, %r: tensor<2x1x8xf32>, %pl: tensor<2x5x32xf32>, %pr: tensor<2x5x8xf32>, %ku: tensor<2x32x16xf32>, %vu: tensor<2x32x16xf32>) -> tensor<2x1x32xf32> {
  %0:3 = moe.latent_attention %q, %l, %r cache %pl, %pr up %ku, %vu {heads = 2 : i64, scale = 0.2 : f64, absorbed, cache_format = #moe.format<"int8", "f32">, weight_format = #moe.format<"mxfp4", "bf16">}
    : (tensor<2x1x48xf32>, tensor<2x1x32xf32>, tensor<2x1x8xf32>, tensor<2x5x32xf32>, tensor<2x5x8xf32>, tensor<2x32x16xf32>, tensor<2x32x16xf32>)
    -> (tensor<2x1x32xf32>, tensor<2x6x32xf32>, tensor<2x6x8xf32>)
  return %0#0 : tensor<2x1x32xf32>
}

// Keys and values of each head are made inside of the op: those of the past are
// rounded as they are read, per entry, and no latent is.
// CHECK-LABEL: @expanded_caches
// CHECK-SAME: %[[Q:[a-z0-9]+]]: tensor<2x1x48xf32>, %[[L:[a-z0-9]+]]: tensor<2x1x32xf32>, %[[R:[a-z0-9]+]]: tensor<2x1x8xf32>, %[[PK:[a-z0-9]+]]: tensor<2x2x5x24xf32>, %[[PV:[a-z0-9]+]]: tensor<2x2x5x16xf32>
// CHECK-DAG: %[[K:.*]] = moe.fake_quantize %[[PK]] {{.*}} : tensor<2x2x5x24xf32>
// CHECK-DAG: %[[V:.*]] = moe.fake_quantize %[[PV]] {{.*}} : tensor<2x2x5x16xf32>
// CHECK: moe.latent_attention %{{.*}}, %[[L]], %[[R]] cache %[[K]], %[[V]] up
func.func @expanded_caches(%q: tensor<2x1x48xf32>, %l: tensor<2x1x32xf32>, %r: tensor<2x1x8xf32>, %pk: tensor<2x2x5x24xf32>, %pv: tensor<2x2x5x16xf32>, %ku: tensor<2x32x16xf32>, %vu: tensor<2x32x16xf32>) -> tensor<2x1x32xf32> {
  %0:3 = moe.latent_attention %q, %l, %r cache %pk, %pv up %ku, %vu {heads = 2 : i64, scale = 0.2 : f64, cache_format = #moe.format<"fp8", "bf16">}
    : (tensor<2x1x48xf32>, tensor<2x1x32xf32>, tensor<2x1x8xf32>, tensor<2x2x5x24xf32>, tensor<2x2x5x16xf32>, tensor<2x32x16xf32>, tensor<2x32x16xf32>)
    -> (tensor<2x1x32xf32>, tensor<2x2x6x24xf32>, tensor<2x2x6x16xf32>)
  return %0#0 : tensor<2x1x32xf32>
}
