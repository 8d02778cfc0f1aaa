// Two attentions over one cache, in one function. Heads are split, and where the context is spread too, each rank attends to the part that its own
// attention keeps: the last one has the new token, the first one none.
// RUN: portolan-opt %s --convert-moe-to-spmd="chips=4 plan=instance=4,pipeline=1,attention_tp=2,attention_cp=2" | FileCheck %s

// CHECK-LABEL: func.func private @pair.v0
// CHECK: moe.attention {{.*}} cache %[[KEYS:.*]], %[[VALUES:.*]] {{{.*}}past_only
// CHECK: spmd.merge_partials
// CHECK: moe.shared_attention {{.*}} cache %[[KEYS]], %[[VALUES]] {heads = 2 : i64, kv_heads = 1 : i64, past_only
// CHECK-SAME: (tensor<4x1x8xf32>, tensor<4x1x3x4xf32>, tensor<4x1x3x4xf32>) -> (tensor<4x1x8xf32>, tensor<4x1x2xf32>)
// CHECK: spmd.merge_partials

// CHECK-LABEL: func.func private @pair.v1
// CHECK: moe.shared_attention {{.*}} cache %present_key, %present_value {heads = 2 : i64, kv_heads = 1 : i64, scale
// CHECK-SAME: (tensor<4x1x8xf32>, tensor<4x1x4x4xf32>, tensor<4x1x4x4xf32>) -> (tensor<4x1x8xf32>, tensor<4x1x2xf32>)

func.func private @pair(%x: tensor<4x1x8xf32>, %q: tensor<8x16xf32>, %k: tensor<8x8xf32>, %v: tensor<8x8xf32>,
                        %o: tensor<16x8xf32>, %pk: tensor<4x2x6x4xf32>, %pv: tensor<4x2x6x4xf32>)
    -> (tensor<4x1x8xf32>, tensor<4x2x7x4xf32>, tensor<4x2x7x4xf32>) attributes {moe.depth = 2 : i64} {
  %0 = moe.linear %x, %q : (tensor<4x1x8xf32>, tensor<8x16xf32>) -> tensor<4x1x16xf32>
  %1 = moe.linear %x, %k : (tensor<4x1x8xf32>, tensor<8x8xf32>) -> tensor<4x1x8xf32>
  %2 = moe.linear %x, %v : (tensor<4x1x8xf32>, tensor<8x8xf32>) -> tensor<4x1x8xf32>
  %3:3 = moe.attention %0, %1, %2 cache %pk, %pv {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<4x1x16xf32>, tensor<4x1x8xf32>, tensor<4x1x8xf32>, tensor<4x2x6x4xf32>, tensor<4x2x6x4xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x2x7x4xf32>, tensor<4x2x7x4xf32>)
  %4 = moe.linear %3#0, %o : (tensor<4x1x16xf32>, tensor<16x8xf32>) -> tensor<4x1x8xf32>
  %5 = moe.add %x, %4 : tensor<4x1x8xf32>
  %6 = moe.linear %5, %q : (tensor<4x1x8xf32>, tensor<8x16xf32>) -> tensor<4x1x16xf32>
  %7 = moe.shared_attention %6 cache %3#1, %3#2 {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<4x1x16xf32>, tensor<4x2x7x4xf32>, tensor<4x2x7x4xf32>) -> tensor<4x1x16xf32>
  %8 = moe.linear %7, %o : (tensor<4x1x16xf32>, tensor<16x8xf32>) -> tensor<4x1x8xf32>
  %9 = moe.add %5, %8 : tensor<4x1x8xf32>
  return %9, %3#1, %3#2 : tensor<4x1x8xf32>, tensor<4x2x7x4xf32>, tensor<4x2x7x4xf32>
}

func.func @main(%ids: tensor<4x1xi64>, %pk: tensor<4x2x6x4xf32>, %pv: tensor<4x2x6x4xf32>) -> tensor<4x1x8xf32> {
  %t = moe.weight @t : tensor<9x8xf32>
  %q = moe.weight @q : tensor<8x16xf32>
  %k = moe.weight @k : tensor<8x8xf32>
  %v = moe.weight @v : tensor<8x8xf32>
  %o = moe.weight @o : tensor<16x8xf32>
  %x = moe.embedding %ids, %t : (tensor<4x1xi64>, tensor<9x8xf32>) -> tensor<4x1x8xf32>
  %0:3 = call @pair(%x, %q, %k, %v, %o, %pk, %pv)
    : (tensor<4x1x8xf32>, tensor<8x16xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<16x8xf32>, tensor<4x2x6x4xf32>,
       tensor<4x2x6x4xf32>) -> (tensor<4x1x8xf32>, tensor<4x2x7x4xf32>, tensor<4x2x7x4xf32>)
  return %0#0 : tensor<4x1x8xf32>
}
moe.weight_data @t : tensor<9x8xf32>
moe.weight_data @q : tensor<8x16xf32>
moe.weight_data @k : tensor<8x8xf32>
moe.weight_data @v : tensor<8x8xf32>
moe.weight_data @o : tensor<16x8xf32>
