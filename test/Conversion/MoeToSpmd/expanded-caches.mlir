// Latent attention whose cache holds the keys and values of each head: a rank
// has those of its heads, where latents are everyone's.
// RUN: portolan-opt %s --convert-moe-to-spmd="chips=2 plan=instance=2,attention_tp=2" | FileCheck %s
// RUN: not portolan-opt %s --convert-moe-to-spmd="chips=2 plan=instance=2,attention_tp=1,attention_cp=2" 2>&1 | FileCheck %s --check-prefix=CHECK-CONTEXT

// CHECK-CONTEXT: 'moe.latent_attention' op expects latent caches where attention_cp spreads the context, got 'tensor<3x4x5x12xf32>'

// CHECK-LABEL: func.func private @layer.v0
// CHECK: moe.latent_attention {{.*}} {heads = 2 : i64,
// CHECK-SAME: (tensor<3x1x24xf32>, tensor<3x1x16xf32>, tensor<3x1x4xf32>, tensor<3x2x5x12xf32>, tensor<3x2x5x8xf32>, tensor<2x16x8xf32>, tensor<2x16x8xf32>) -> (tensor<3x1x16xf32>, tensor<3x2x6x12xf32>, tensor<3x2x6x8xf32>)
module @expanded {
  moe.weight_data @embed : tensor<20x16xf32>
  moe.weight_data @q : tensor<16x48xf32>
  moe.weight_data @l : tensor<16x16xf32>
  moe.weight_data @r : tensor<16x4xf32>
  moe.weight_data @ku : tensor<4x16x8xf32>
  moe.weight_data @vu : tensor<4x16x8xf32>
  moe.weight_data @o : tensor<32x16xf32>
  func.func private @layer(%x: tensor<3x1x16xf32>, %q: tensor<16x48xf32>, %l: tensor<16x16xf32>, %r: tensor<16x4xf32>, %pk: tensor<3x4x5x12xf32>, %pv: tensor<3x4x5x8xf32>, %ku: tensor<4x16x8xf32>, %vu: tensor<4x16x8xf32>, %o: tensor<32x16xf32>) -> (tensor<3x1x16xf32>, tensor<3x4x6x12xf32>, tensor<3x4x6x8xf32>) {
    %query = moe.linear %x, %q : (tensor<3x1x16xf32>, tensor<16x48xf32>) -> tensor<3x1x48xf32>
    %latent = moe.linear %x, %l : (tensor<3x1x16xf32>, tensor<16x16xf32>) -> tensor<3x1x16xf32>
    %rotary = moe.linear %x, %r : (tensor<3x1x16xf32>, tensor<16x4xf32>) -> tensor<3x1x4xf32>
    %y:3 = moe.latent_attention %query, %latent, %rotary cache %pk, %pv up %ku, %vu {heads = 4 : i64, scale = 0.3 : f64}
      : (tensor<3x1x48xf32>, tensor<3x1x16xf32>, tensor<3x1x4xf32>, tensor<3x4x5x12xf32>, tensor<3x4x5x8xf32>, tensor<4x16x8xf32>, tensor<4x16x8xf32>)
      -> (tensor<3x1x32xf32>, tensor<3x4x6x12xf32>, tensor<3x4x6x8xf32>)
    %z = moe.linear %y#0, %o : (tensor<3x1x32xf32>, tensor<32x16xf32>) -> tensor<3x1x16xf32>
    %s = moe.add %x, %z : tensor<3x1x16xf32>
    return %s, %y#1, %y#2 : tensor<3x1x16xf32>, tensor<3x4x6x12xf32>, tensor<3x4x6x8xf32>
  }
  func.func @main(%ids: tensor<3x1xi64>, %pk: tensor<3x4x5x12xf32>, %pv: tensor<3x4x5x8xf32>) -> (tensor<3x1x16xf32>, tensor<3x4x6x12xf32>, tensor<3x4x6x8xf32>) {
    %table = moe.weight @embed : tensor<20x16xf32>
    %q = moe.weight @q : tensor<16x48xf32>
    %l = moe.weight @l : tensor<16x16xf32>
    %r = moe.weight @r : tensor<16x4xf32>
    %ku = moe.weight @ku : tensor<4x16x8xf32>
    %vu = moe.weight @vu : tensor<4x16x8xf32>
    %o = moe.weight @o : tensor<32x16xf32>
    %x = moe.embedding %ids, %table : (tensor<3x1xi64>, tensor<20x16xf32>) -> tensor<3x1x16xf32>
    %y:3 = call @layer(%x, %q, %l, %r, %pk, %pv, %ku, %vu, %o) : (tensor<3x1x16xf32>, tensor<16x48xf32>, tensor<16x16xf32>, tensor<16x4xf32>, tensor<3x4x5x12xf32>, tensor<3x4x5x8xf32>, tensor<4x16x8xf32>, tensor<4x16x8xf32>, tensor<32x16xf32>) -> (tensor<3x1x16xf32>, tensor<3x4x6x12xf32>, tensor<3x4x6x8xf32>)
    return %y#0, %y#1, %y#2 : tensor<3x1x16xf32>, tensor<3x4x6x12xf32>, tensor<3x4x6x8xf32>
  }
}
