// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --mlir-print-op-generic | portolan-opt | FileCheck %s

// CHECK-LABEL: @shared_attention
func.func @shared_attention(%q: tensor<?x?x16xbf16>, %k: tensor<?x2x?x4xbf16>, %v: tensor<?x2x?x3xbf16>) {
  // CHECK: moe.shared_attention %{{.*}} cache %{{.*}}, %{{.*}} {heads = 4 : i64, kv_heads = 2 : i64, scale = 5.000000e-01 : f64}
  %0 = moe.shared_attention %q cache %k, %v {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<?x?x16xbf16>, tensor<?x2x?x4xbf16>, tensor<?x2x?x3xbf16>) -> tensor<?x?x12xbf16>
  return
}

// CHECK-LABEL: @parts_of_a_context
func.func @parts_of_a_context(%q: tensor<1x2x16xbf16>, %k: tensor<1x2x1x4xbf16>) {
  // CHECK: moe.shared_attention {{.*}} past_only
  // CHECK-SAME: -> (tensor<1x2x16xbf16>, tensor<1x2x4xf32>)
  %0:2 = moe.shared_attention %q cache %k, %k {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64, past_only}
    : (tensor<1x2x16xbf16>, tensor<1x2x1x4xbf16>, tensor<1x2x1x4xbf16>) -> (tensor<1x2x16xbf16>, tensor<1x2x4xf32>)
  return
}

// CHECK-LABEL: @chosen_latent_attention
func.func @chosen_latent_attention(%q: tensor<1x1x10xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                                   %c: tensor<1x1x4xi32>, %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>,
                                   %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) {
  // CHECK: moe.chosen_latent_attention %{{.*}}, %{{.*}}, %{{.*}} chosen %{{.*}} cache %{{.*}}, %{{.*}} up %{{.*}}, %{{.*}} {heads = 2 : i64
  %0:3 = moe.chosen_latent_attention %q, %l, %r chosen %c cache %pl, %pr up %ku, %vu {heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<1x1x10xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x4xi32>, tensor<1x7x5xf32>,
       tensor<1x7x2xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>)
  return
}

// CHECK-LABEL: @indexed_with_choice
func.func @indexed_with_choice(%q: tensor<1x1x10xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                               %iq: tensor<1x1x12xf32>, %ik: tensor<1x1x4xf32>, %iw: tensor<1x1x3xf32>,
                               %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>, %pi: tensor<1x7x4xf32>,
                               %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) {
  // CHECK: %chosen = moe.indexed_latent_attention
  // CHECK-SAME: tensor<1x1x2xi32>)
  %0:5 = moe.indexed_latent_attention %q, %l, %r index %iq, %ik, %iw cache %pl, %pr, %pi up %ku, %vu
    {heads = 2 : i64, scale = 0.5 : f64, index_heads = 3 : i64, top_keys = 2 : i64}
    : (tensor<1x1x10xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x12xf32>,
       tensor<1x1x4xf32>, tensor<1x1x3xf32>, tensor<1x7x5xf32>, tensor<1x7x2xf32>,
       tensor<1x7x4xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>, tensor<1x8x4xf32>, tensor<1x1x2xi32>)
  return
}
