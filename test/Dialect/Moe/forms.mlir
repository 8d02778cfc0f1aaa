// RUN: portolan-opt %s | portolan-opt | FileCheck %s

// Forms of ops that only some families of models have.

// CHECK-LABEL: func.func @norm
// CHECK: moe.rms_norm %{{.*}}, %{{.*}} shift %{{.*}} {centered, epsilon = 1.000000e-05 : f64}
func.func @norm(%x: tensor<2x8xf32>, %g: tensor<8xf32>, %s: tensor<8xf32>) -> tensor<2x8xf32> {
  %y = moe.rms_norm %x, %g shift %s {epsilon = 1.0e-5 : f64, centered}
    : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// CHECK-LABEL: func.func @limit
// CHECK: moe.scale %{{.*}} {limit = 8.000000e+00 : f64} : tensor<2x8xf32>
func.func @limit(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %y = moe.scale %x {limit = 8.0 : f64} : tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// CHECK-LABEL: func.func @share
// CHECK: moe.linear {{.*}} bias %{{.*}} {bias_share = 4 : i64}
func.func @share(%x: tensor<2x8xf32>, %w: tensor<8x6xf32>, %b: tensor<6xf32>) -> tensor<2x6xf32> {
  %y = moe.linear %x, %w bias %b {bias_share = 4 : i64}
    : (tensor<2x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<2x6xf32>
  return %y : tensor<2x6xf32>
}

// CHECK-LABEL: func.func @chunks
// CHECK: moe.attention {{.*}}{chunk = 4 : i64, heads = 2 : i64, {{.*}}temperature_floor = 3 : i64, temperature_scale = 1.000000e-01 : f64
func.func @chunks(%q: tensor<1x1x8xf32>, %p: tensor<1x2x5x4xf32>)
    -> (tensor<1x1x8xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>) {
  %0:3 = moe.attention %q, %q, %q cache %p, %p
    {heads = 2 : i64, kv_heads = 2 : i64, scale = 0.5 : f64, chunk = 4 : i64,
     temperature_floor = 3 : i64, temperature_scale = 0.1 : f64}
    : (tensor<1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>,
       tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>)
    -> (tensor<1x1x8xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>)
  return %0#0, %0#1, %0#2 : tensor<1x1x8xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>
}

// CHECK-LABEL: func.func @mixer
// CHECK: moe.route {{.*}} {jitter = 1.000000e-02 : f64, scoring = #moe<scoring sparse_mixer>, top_k = 2 : i64}
func.func @mixer(%x: tensor<3x8xf32>, %r: tensor<8x4xf32>) -> (tensor<3x2xf32>, tensor<3x2xi32>) {
  %w, %i = moe.route %x, %r
    {top_k = 2 : i64, scoring = #moe<scoring sparse_mixer>, jitter = 0.01 : f64}
    : (tensor<3x8xf32>, tensor<8x4xf32>) -> (tensor<3x2xf32>, tensor<3x2xi32>)
  return %w, %i : tensor<3x2xf32>, tensor<3x2xi32>
}

// CHECK-LABEL: func.func @weighted
// CHECK: moe.dispatch %{{.*}}, %{{.*}} weights %{{.*}} :
// CHECK: moe.combine {{.*}} {experts = 4 : i64, weights_applied}
func.func @weighted(%x: tensor<3x8xf32>, %w: tensor<3x2xf32>, %i: tensor<3x2xi32>) -> tensor<3x8xf32> {
  %r, %c = moe.dispatch %x, %i weights %w
    : (tensor<3x8xf32>, tensor<3x2xi32>, tensor<3x2xf32>) -> (tensor<6x8xf32>, tensor<4xi32>)
  %y = moe.combine %r, %w, %i {experts = 4 : i64, weights_applied}
    : (tensor<6x8xf32>, tensor<3x2xf32>, tensor<3x2xi32>) -> tensor<3x8xf32>
  return %y : tensor<3x8xf32>
}

// CHECK-LABEL: func.func @indexed
// CHECK: moe.indexed_latent_attention %{{.*}} index %{{.*}} cache %{{.*}} up %{{.*}} {heads = 2 : i64, index_heads = 3 : i64, scale = 5.000000e-01 : f64, top_keys = 2 : i64}
func.func @indexed(%q: tensor<1x1x10xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                   %iq: tensor<1x1x12xf32>, %ik: tensor<1x1x4xf32>, %iw: tensor<1x1x3xf32>,
                   %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>, %pi: tensor<1x7x4xf32>,
                   %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) -> tensor<1x1x12xf32> {
  %0:4 = moe.indexed_latent_attention %q, %l, %r index %iq, %ik, %iw cache %pl, %pr, %pi up %ku, %vu
    {heads = 2 : i64, scale = 0.5 : f64, index_heads = 3 : i64, top_keys = 2 : i64}
    : (tensor<1x1x10xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x12xf32>,
       tensor<1x1x4xf32>, tensor<1x1x3xf32>, tensor<1x7x5xf32>, tensor<1x7x2xf32>,
       tensor<1x7x4xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>, tensor<1x8x4xf32>)
  return %0#0 : tensor<1x1x12xf32>
}
