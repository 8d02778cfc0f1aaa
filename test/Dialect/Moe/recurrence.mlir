// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --mlir-print-op-generic | portolan-opt | FileCheck %s

// CHECK-LABEL: @short_convolution
func.func @short_convolution(%x: tensor<?x?x8xbf16>, %w: tensor<8x4xbf16>, %b: tensor<8xbf16>, %p: tensor<?x3x8xbf16>) {
  // CHECK: moe.short_convolution %{{.*}}, %{{.*}} bias %{{.*}} state %{{.*}} {activation = #moe<activation silu>}
  %0:2 = moe.short_convolution %x, %w bias %b state %p {activation = #moe<activation silu>}
    : (tensor<?x?x8xbf16>, tensor<8x4xbf16>, tensor<8xbf16>, tensor<?x3x8xbf16>) -> (tensor<?x?x8xbf16>, tensor<?x3x8xbf16>)
  // CHECK: moe.short_convolution %{{.*}}, %{{.*}} state %{{.*}} {activation = #moe<activation identity>}
  %1:2 = moe.short_convolution %x, %w state %p {activation = #moe<activation identity>}
    : (tensor<?x?x8xbf16>, tensor<8x4xbf16>, tensor<?x3x8xbf16>) -> (tensor<?x?x8xbf16>, tensor<?x3x8xbf16>)
  return
}

// CHECK-LABEL: @recurrence
func.func @recurrence(%q: tensor<?x?x6xbf16>, %v: tensor<?x?x8xbf16>, %g: tensor<?x?x4xbf16>, %a: tensor<4xbf16>,
                      %s: tensor<?x4x3x2xf32>) {
  // CHECK: moe.recurrence state_space %{{.*}}, %{{.*}}, %{{.*}} step %{{.*}} decay %{{.*}} step_bias %{{.*}} skip %{{.*}} state %{{.*}} {chunk = 128 : i64, heads = 4 : i64, key_heads = 2 : i64}
  %0:2 = moe.recurrence state_space %q, %q, %v step %g decay %a step_bias %a skip %a state %s
    {heads = 4 : i64, key_heads = 2 : i64, chunk = 128 : i64}
    : (tensor<?x?x6xbf16>, tensor<?x?x6xbf16>, tensor<?x?x8xbf16>, tensor<?x?x4xbf16>, tensor<4xbf16>, tensor<4xbf16>,
       tensor<4xbf16>, tensor<?x4x3x2xf32>) -> (tensor<?x?x8xbf16>, tensor<?x4x3x2xf32>)
  // CHECK: moe.recurrence delta %{{.*}}, %{{.*}}, %{{.*}} step %{{.*}} strength %{{.*}} decay %{{.*}} state %{{.*}} {heads = 4 : i64, key_heads = 2 : i64, normalize, scale = 5.000000e-01 : f64}
  %1:2 = moe.recurrence delta %q, %q, %v step %g strength %g decay %a state %s
    {heads = 4 : i64, key_heads = 2 : i64, normalize, scale = 0.5 : f64}
    : (tensor<?x?x6xbf16>, tensor<?x?x6xbf16>, tensor<?x?x8xbf16>, tensor<?x?x4xbf16>, tensor<?x?x4xbf16>, tensor<4xbf16>,
       tensor<?x4x3x2xf32>) -> (tensor<?x?x8xbf16>, tensor<?x4x3x2xf32>)
  // CHECK: moe.recurrence fixed_decay %{{.*}}, %{{.*}}, %{{.*}} decay %{{.*}} state %{{.*}} {heads = 4 : i64, key_heads = 2 : i64}
  %2:2 = moe.recurrence fixed_decay %q, %q, %v decay %a state %s {heads = 4 : i64, key_heads = 2 : i64}
    : (tensor<?x?x6xbf16>, tensor<?x?x6xbf16>, tensor<?x?x8xbf16>, tensor<4xbf16>, tensor<?x4x3x2xf32>)
    -> (tensor<?x?x8xbf16>, tensor<?x4x3x2xf32>)
  return
}

// CHECK-LABEL: @tokenwise
func.func @tokenwise(%x: tensor<?x?x8xbf16>, %g: tensor<?x?x2xbf16>, %w: tensor<8xbf16>, %m: tensor<8x8xbf16>) {
  // CHECK: moe.gate %{{.*}} by %{{.*}} {activation = #moe<activation sigmoid>}
  %0 = moe.gate %x by %g {activation = #moe<activation sigmoid>} : (tensor<?x?x8xbf16>, tensor<?x?x2xbf16>) -> tensor<?x?x8xbf16>
  // CHECK: moe.scale %{{.*}} {factor = 2.000000e+00 : f64, soft_cap = 3.000000e+01 : f64} : tensor<?x?x8xbf16>
  %1 = moe.scale %0 {factor = 2.0 : f64, soft_cap = 30.0 : f64} : tensor<?x?x8xbf16>
  // CHECK: moe.rms_norm %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64, gain_offset = 1.000000e+00 : f64, groups = 4 : i64}
  %2 = moe.rms_norm %1, %w {epsilon = 1.0e-5 : f64, groups = 4 : i64, gain_offset = 1.0 : f64}
    : (tensor<?x?x8xbf16>, tensor<8xbf16>) -> tensor<?x?x8xbf16>
  // CHECK: moe.add %{{.*}}, %{{.*}} {lhs_scale = 3.500000e+00 : f64} : tensor<?x?x8xbf16>
  %3 = moe.add %1, %2 {lhs_scale = 3.5 : f64} : tensor<?x?x8xbf16>
  // CHECK: moe.mlp {{.*}} {activation = #moe<activation relu_squared>}
  %4 = moe.mlp %3 up %m down %m {activation = #moe<activation relu_squared>}
    : (tensor<?x?x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>) -> tensor<?x?x8xbf16>
  // CHECK: moe.mlp {{.*}} {activation = #moe<activation silu>, alpha = 1.702000e+00 : f64, limit = 7.000000e+00 : f64, linear_offset = 1.000000e+00 : f64}
  %5 = moe.mlp %4 gate %m up %m down %m
    {activation = #moe<activation silu>, alpha = 1.702 : f64, limit = 7.0 : f64, linear_offset = 1.0 : f64}
    : (tensor<?x?x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>) -> tensor<?x?x8xbf16>
  return
}

// CHECK-LABEL: @route_by_table
func.func @route_by_table(%x: tensor<?x?x8xbf16>, %r: tensor<8x6xbf16>, %ids: tensor<?x?xi64>, %t: tensor<16x2xi32>) {
  // CHECK: moe.route %{{.*}}, %{{.*}} ids %{{.*}} table %{{.*}} {scoring = #moe<scoring sqrt_softplus>, top_k = 2 : i64}
  %0:2 = moe.route %x, %r ids %ids table %t {top_k = 2 : i64, scoring = #moe<scoring sqrt_softplus>}
    : (tensor<?x?x8xbf16>, tensor<8x6xbf16>, tensor<?x?xi64>, tensor<16x2xi32>) -> (tensor<?x?x2xf32>, tensor<?x?x2xi32>)
  return
}

// CHECK-LABEL: @sparse_attention
func.func @sparse_attention(%q: tensor<?x?x16xbf16>, %k: tensor<?x?x8xbf16>, %iq: tensor<?x?x6xbf16>, %ik: tensor<?x?x3xbf16>,
                            %p: tensor<?x2x?x4xbf16>, %pi: tensor<?x?x3xbf16>) {
  // CHECK: moe.sparse_attention %{{.*}}, %{{.*}}, %{{.*}} index %{{.*}}, %{{.*}} cache %{{.*}}, %{{.*}}, %{{.*}} {block = 2 : i64, heads = 4 : i64, kv_heads = 2 : i64, scale = 5.000000e-01 : f64, top_blocks = 3 : i64}
  %0:4 = moe.sparse_attention %q, %k, %k index %iq, %ik cache %p, %p, %pi
    {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64, block = 2 : i64, top_blocks = 3 : i64}
    : (tensor<?x?x16xbf16>, tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?x?x6xbf16>, tensor<?x?x3xbf16>,
       tensor<?x2x?x4xbf16>, tensor<?x2x?x4xbf16>, tensor<?x?x3xbf16>)
    -> (tensor<?x?x16xbf16>, tensor<?x2x?x4xbf16>, tensor<?x2x?x4xbf16>, tensor<?x?x3xbf16>)
  return
}
