// RUN: portolan-opt -split-input-file -verify-diagnostics -moe-apply-serving-form %s | FileCheck %s

// Latent attention over keys and values of each head keeps the latent and the
// shared rotated key instead, and absorbs its projections; the caches of @main
// change with it.

// CHECK-LABEL: func.func private @layer(
// CHECK-SAME: %[[PL:[^ :]*]]: tensor<?x?x8xf32>, %[[PR:[^ :]*]]: tensor<?x?x2xf32>)
// CHECK: moe.latent_attention %{{.*}} cache %[[PL]], %[[PR]] up {{.*}} {absorbed, heads = 3 : i64, scale = 2.500000e-01 : f64}
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[L:[^ :]*]]: tensor<?x?x8xf32> {moe.dims = ["batch", "past_tokens", ""], moe.name = "past_key_values.0.latent"}
// CHECK-SAME: %[[R:[^ :]*]]: tensor<?x?x2xf32> {moe.dims = ["batch", "past_tokens", ""], moe.name = "past_key_values.0.rotary_key"}
// CHECK-SAME: (tensor<?x?x15xf32>, tensor<?x?x8xf32> {moe.dims = ["batch", "total_tokens", ""], moe.name = "present.0.latent"}, tensor<?x?x2xf32> {moe.dims = ["batch", "total_tokens", ""], moe.name = "present.0.rotary_key"})
// CHECK: call @layer(%{{.*}}, %[[L]], %[[R]])
module {
  func.func private @layer(%q: tensor<?x?x18xf32>, %c: tensor<?x?x8xf32>, %r: tensor<?x?x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>, %pk: tensor<?x3x?x6xf32>, %pv: tensor<?x3x?x5xf32>) -> (tensor<?x?x15xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>) {
    %0:3 = moe.latent_attention %q, %c, %r cache %pk, %pv up %ku, %vu {heads = 3 : i64, scale = 0.25 : f64}
      : (tensor<?x?x18xf32>, tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>, tensor<3x8x4xf32>, tensor<3x8x5xf32>) -> (tensor<?x?x15xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>)
    return %0#0, %0#1, %0#2 : tensor<?x?x15xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>
  }
  func.func @main(%q: tensor<?x?x18xf32>, %c: tensor<?x?x8xf32>, %r: tensor<?x?x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>, %pk: tensor<?x3x?x6xf32> {moe.dims = ["batch", "", "past_tokens", ""], moe.name = "past_key_values.0.key"}, %pv: tensor<?x3x?x5xf32> {moe.dims = ["batch", "", "past_tokens", ""], moe.name = "past_key_values.0.value"}) -> (tensor<?x?x15xf32>, tensor<?x3x?x6xf32> {moe.dims = ["batch", "", "total_tokens", ""], moe.name = "present.0.key"}, tensor<?x3x?x5xf32> {moe.dims = ["batch", "", "total_tokens", ""], moe.name = "present.0.value"}) {
    %0:3 = call @layer(%q, %c, %r, %ku, %vu, %pk, %pv) : (tensor<?x?x18xf32>, tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<3x8x4xf32>, tensor<3x8x5xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>) -> (tensor<?x?x15xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>)
    return %0#0, %0#1, %0#2 : tensor<?x?x15xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>
  }
}

// -----

// A cache that something else reads as well cannot change.

module {
  func.func private @layer(%q: tensor<?x?x18xf32>, %c: tensor<?x?x8xf32>, %r: tensor<?x?x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>, %pk: tensor<?x3x?x6xf32>, %pv: tensor<?x3x?x5xf32>) -> (tensor<?x?x15xf32>, tensor<?x3x?x6xf32>) {
    // expected-error @+1 {{expects a cache of its own to be compressed}}
    %0:3 = moe.latent_attention %q, %c, %r cache %pk, %pv up %ku, %vu {heads = 3 : i64, scale = 0.25 : f64}
      : (tensor<?x?x18xf32>, tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>, tensor<3x8x4xf32>, tensor<3x8x5xf32>) -> (tensor<?x?x15xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>)
    return %0#0, %pk : tensor<?x?x15xf32>, tensor<?x3x?x6xf32>
  }
  func.func @main(%q: tensor<?x?x18xf32>, %c: tensor<?x?x8xf32>, %r: tensor<?x?x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>, %pk: tensor<?x3x?x6xf32>, %pv: tensor<?x3x?x5xf32>) -> tensor<?x?x15xf32> {
    %0:2 = call @layer(%q, %c, %r, %ku, %vu, %pk, %pv) : (tensor<?x?x18xf32>, tensor<?x?x8xf32>, tensor<?x?x2xf32>, tensor<3x8x4xf32>, tensor<3x8x5xf32>, tensor<?x3x?x6xf32>, tensor<?x3x?x5xf32>) -> (tensor<?x?x15xf32>, tensor<?x3x?x6xf32>)
    return %0#0 : tensor<?x?x15xf32>
  }
}
