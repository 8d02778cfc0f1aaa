// A layer with a recurrence over two ranks: heads are split, the sequence is not.
// RUN: portolan-opt %s --convert-moe-to-spmd="chips=2 plan=instance=2,attention_tp=2" | FileCheck %s
// RUN: not portolan-opt %s --convert-moe-to-spmd="chips=2 plan=instance=2,attention_cp=2" 2>&1 | FileCheck %s --check-prefix=CHECK-CONTEXT

// A rank has 2 of 4 heads, the key that they share, and their states.
// CHECK-LABEL: func.func @step.s0.v0
// CHECK-SAME: tensor<16x3xf32> {spmd.shard = #spmd.shard<parts = [1, 2], strides = [1, 1], units = [1, 3]>, spmd.weight = @k
// CHECK-SAME: tensor<4x2x3x2xf32> {spmd.argument = 3 : i64, spmd.shard = #spmd.shard<parts = [1, 2, 1, 1], strides = [2, 1, 1, 1], units = [1, 1, 1, 1]>

// CHECK-LABEL: func.func private @layer.v0
// CHECK: moe.short_convolution {{.*}} (tensor<4x1x4xf32>, tensor<4x3xf32>, tensor<4x2x4xf32>)
// CHECK: moe.recurrence state_space {{.*}} {heads = 2 : i64, key_heads = 1 : i64}
// CHECK: moe.gate {{.*}} (tensor<4x1x4xf32>, tensor<4x1x4xf32>)
// CHECK: moe.rms_norm {{.*}} (tensor<4x1x4xf32>, tensor<2xf32>)
// CHECK: moe.linear {{.*}} -> tensor<4x1x16xf32>
// CHECK-NEXT: spmd.all_reduce {{.*}} over <2 by 1> : tensor<4x1x16xf32>

// CHECK-CONTEXT: expects whole sequences, got attention_cp 2

func.func private @layer(%x: tensor<4x1x16xf32>, %wq: tensor<16x6xf32>, %wk: tensor<16x6xf32>, %wv: tensor<16x8xf32>,
                         %wz: tensor<16x8xf32>, %ws: tensor<16x4xf32>, %c: tensor<8x3xf32>, %a: tensor<4xf32>,
                         %n: tensor<2xf32>, %wo: tensor<8x16xf32>, %pc: tensor<4x2x8xf32>, %ps: tensor<4x4x3x2xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x2x8xf32>, tensor<4x4x3x2xf32>) {
  %q = moe.linear %x, %wq : (tensor<4x1x16xf32>, tensor<16x6xf32>) -> tensor<4x1x6xf32>
  %k = moe.linear %x, %wk : (tensor<4x1x16xf32>, tensor<16x6xf32>) -> tensor<4x1x6xf32>
  %v = moe.linear %x, %wv : (tensor<4x1x16xf32>, tensor<16x8xf32>) -> tensor<4x1x8xf32>
  %u, %nc = moe.short_convolution %v, %c state %pc {activation = #moe<activation silu>}
    : (tensor<4x1x8xf32>, tensor<8x3xf32>, tensor<4x2x8xf32>) -> (tensor<4x1x8xf32>, tensor<4x2x8xf32>)
  %s = moe.linear %x, %ws : (tensor<4x1x16xf32>, tensor<16x4xf32>) -> tensor<4x1x4xf32>
  %y, %ns = moe.recurrence state_space %q, %k, %u step %s decay %a state %ps {heads = 4 : i64, key_heads = 2 : i64}
    : (tensor<4x1x6xf32>, tensor<4x1x6xf32>, tensor<4x1x8xf32>, tensor<4x1x4xf32>, tensor<4xf32>, tensor<4x4x3x2xf32>)
    -> (tensor<4x1x8xf32>, tensor<4x4x3x2xf32>)
  %z = moe.linear %x, %wz : (tensor<4x1x16xf32>, tensor<16x8xf32>) -> tensor<4x1x8xf32>
  %g = moe.gate %y by %z {activation = #moe<activation silu>} : (tensor<4x1x8xf32>, tensor<4x1x8xf32>) -> tensor<4x1x8xf32>
  %m = moe.rms_norm %g, %n {epsilon = 1.0e-5 : f64} : (tensor<4x1x8xf32>, tensor<2xf32>) -> tensor<4x1x8xf32>
  %o = moe.linear %m, %wo : (tensor<4x1x8xf32>, tensor<8x16xf32>) -> tensor<4x1x16xf32>
  %r = moe.add %x, %o : tensor<4x1x16xf32>
  return %r, %nc, %ns : tensor<4x1x16xf32>, tensor<4x2x8xf32>, tensor<4x4x3x2xf32>
}

func.func @main(%ids: tensor<4x1xi64>, %pos: tensor<4x1xi64>, %pc: tensor<4x2x8xf32>, %ps: tensor<4x4x3x2xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x2x8xf32>, tensor<4x4x3x2xf32>) {
  %t = moe.weight @t : tensor<9x16xf32>
  %x = moe.embedding %ids, %t : (tensor<4x1xi64>, tensor<9x16xf32>) -> tensor<4x1x16xf32>
  %wq = moe.weight @q : tensor<16x6xf32>
  %wk = moe.weight @k : tensor<16x6xf32>
  %wv = moe.weight @v : tensor<16x8xf32>
  %wz = moe.weight @z : tensor<16x8xf32>
  %ws = moe.weight @s : tensor<16x4xf32>
  %c = moe.weight @c : tensor<8x3xf32>
  %a = moe.weight @a : tensor<4xf32>
  %n = moe.weight @n : tensor<2xf32>
  %wo = moe.weight @o : tensor<8x16xf32>
  %0:3 = call @layer(%x, %wq, %wk, %wv, %wz, %ws, %c, %a, %n, %wo, %pc, %ps)
    : (tensor<4x1x16xf32>, tensor<16x6xf32>, tensor<16x6xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x4xf32>,
       tensor<8x3xf32>, tensor<4xf32>, tensor<2xf32>, tensor<8x16xf32>, tensor<4x2x8xf32>, tensor<4x4x3x2xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x2x8xf32>, tensor<4x4x3x2xf32>)
  return %0#0, %0#1, %0#2 : tensor<4x1x16xf32>, tensor<4x2x8xf32>, tensor<4x4x3x2xf32>
}
moe.weight_data @t : tensor<9x16xf32>
moe.weight_data @q : tensor<16x6xf32>
moe.weight_data @k : tensor<16x6xf32>
moe.weight_data @v : tensor<16x8xf32>
moe.weight_data @z : tensor<16x8xf32>
moe.weight_data @s : tensor<16x4xf32>
moe.weight_data @c : tensor<8x3xf32>
moe.weight_data @a : tensor<4xf32>
moe.weight_data @n : tensor<2xf32>
moe.weight_data @o : tensor<8x16xf32>
