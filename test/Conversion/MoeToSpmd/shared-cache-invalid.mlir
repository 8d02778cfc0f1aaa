// A cache that no attention of the function keeps is nobody's: which ranks hold which part of it is not known.
// RUN: not portolan-opt %s --convert-moe-to-spmd="chips=2 plan=instance=2,pipeline=1,attention_tp=2" 2>&1 | FileCheck %s

// CHECK: 'moe.shared_attention' op expects caches that an attention of the same function keeps
func.func private @layer(%x: tensor<4x1x8xf32>, %q: tensor<8x16xf32>, %o: tensor<16x8xf32>, %k: tensor<4x2x7x4xf32>,
                         %v: tensor<4x2x7x4xf32>) -> tensor<4x1x8xf32> {
  %0 = moe.linear %x, %q : (tensor<4x1x8xf32>, tensor<8x16xf32>) -> tensor<4x1x16xf32>
  %1 = moe.shared_attention %0 cache %k, %v {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<4x1x16xf32>, tensor<4x2x7x4xf32>, tensor<4x2x7x4xf32>) -> tensor<4x1x16xf32>
  %2 = moe.linear %1, %o : (tensor<4x1x16xf32>, tensor<16x8xf32>) -> tensor<4x1x8xf32>
  return %2 : tensor<4x1x8xf32>
}

func.func @main(%ids: tensor<4x1xi64>, %k: tensor<4x2x7x4xf32>, %v: tensor<4x2x7x4xf32>) -> tensor<4x1x8xf32> {
  %t = moe.weight @t : tensor<9x8xf32>
  %q = moe.weight @q : tensor<8x16xf32>
  %o = moe.weight @o : tensor<16x8xf32>
  %x = moe.embedding %ids, %t : (tensor<4x1xi64>, tensor<9x8xf32>) -> tensor<4x1x8xf32>
  %0 = call @layer(%x, %q, %o, %k, %v)
    : (tensor<4x1x8xf32>, tensor<8x16xf32>, tensor<16x8xf32>, tensor<4x2x7x4xf32>, tensor<4x2x7x4xf32>) -> tensor<4x1x8xf32>
  return %0 : tensor<4x1x8xf32>
}
moe.weight_data @t : tensor<9x8xf32>
moe.weight_data @q : tensor<8x16xf32>
moe.weight_data @o : tensor<16x8xf32>
