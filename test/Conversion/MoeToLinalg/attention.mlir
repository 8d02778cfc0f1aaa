// RUN: portolan-opt %s --convert-moe-to-linalg | FileCheck %s

// Without lengths a cache grows by two insertions; scores are [B, S, kv_heads, group, T].
// CHECK-LABEL: @attention
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, 0, 0] [2, 2, 5, 4]
// CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, 5, 0] [2, 2, 3, 4]
// CHECK: outs(%{{.*}} : tensor<2x3x2x2x8xf32>)
// CHECK-NOT: math.tanh
// CHECK: math.exp
// CHECK: return
func.func @attention(%q: tensor<2x3x16xf32>, %k: tensor<2x3x8xf32>, %p: tensor<2x2x5x4xf32>) -> tensor<2x3x16xf32> {
  %0:3 = moe.attention %q, %k, %k cache %p, %p {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>)
    -> (tensor<2x3x16xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
  return %0#0 : tensor<2x3x16xf32>
}

// With lengths each sequence has its own start: a gather.
// CHECK-LABEL: @lengths
// CHECK-NOT: tensor.insert_slice
// CHECK: ins(%{{.*}} : tensor<2xi32>) outs(%{{.*}} : tensor<2x2x8x4xf32>)
// CHECK: math.tanh
func.func @lengths(%q: tensor<2x3x16xf32>, %k: tensor<2x3x8xf32>, %p: tensor<2x2x5x4xf32>, %l: tensor<2xi32>)
    -> tensor<2x3x16xf32> {
  %0:3 = moe.attention %q, %k, %k cache %p, %p lengths %l
    {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64, soft_cap = 30.0 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2xi32>)
    -> (tensor<2x3x16xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
  return %0#0 : tensor<2x3x16xf32>
}

// Absorbed: the query moves to the latent space [B, S, heads, L]; no key [B, T, heads, Dn] is made.
// CHECK-LABEL: @absorbed
// CHECK: outs(%{{.*}} : tensor<2x3x3x8xf32>)
// CHECK-NOT: tensor<2x8x3x4xf32>
// CHECK: return
func.func @absorbed(%q: tensor<2x3x18xf32>, %c: tensor<2x3x8xf32>, %r: tensor<2x3x2xf32>, %pc: tensor<2x5x8xf32>,
                    %pr: tensor<2x5x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>) -> tensor<2x3x15xf32> {
  %0:3 = moe.latent_attention %q, %c, %r cache %pc, %pr up %ku, %vu {heads = 3 : i64, scale = 0.25 : f64, absorbed}
    : (tensor<2x3x18xf32>, tensor<2x3x8xf32>, tensor<2x3x2xf32>, tensor<2x5x8xf32>, tensor<2x5x2xf32>,
       tensor<3x8x4xf32>, tensor<3x8x5xf32>) -> (tensor<2x3x15xf32>, tensor<2x8x8xf32>, tensor<2x8x2xf32>)
  return %0#0 : tensor<2x3x15xf32>
}

// Expanded: keys [B, T, heads, Dn] and values [B, T, heads, Dv] come from the cache.
// CHECK-LABEL: @expanded
// CHECK: outs(%{{.*}} : tensor<2x8x3x4xf32>)
// CHECK: outs(%{{.*}} : tensor<2x8x3x5xf32>)
func.func @expanded(%q: tensor<2x3x18xf32>, %c: tensor<2x3x8xf32>, %r: tensor<2x3x2xf32>, %pc: tensor<2x5x8xf32>,
                    %pr: tensor<2x5x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>) -> tensor<2x3x15xf32> {
  %0:3 = moe.latent_attention %q, %c, %r cache %pc, %pr up %ku, %vu {heads = 3 : i64, scale = 0.25 : f64}
    : (tensor<2x3x18xf32>, tensor<2x3x8xf32>, tensor<2x3x2xf32>, tensor<2x5x8xf32>, tensor<2x5x2xf32>,
       tensor<3x8x4xf32>, tensor<3x8x5xf32>) -> (tensor<2x3x15xf32>, tensor<2x8x8xf32>, tensor<2x8x2xf32>)
  return %0#0 : tensor<2x3x15xf32>
}
