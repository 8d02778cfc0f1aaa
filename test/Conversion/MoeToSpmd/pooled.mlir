// Two ranks share the heads and the groups behind them; keys, entries and streams are whole on both.
// RUN: portolan-opt %s --convert-moe-to-spmd="chips=2 plan=instance=2,attention_tp=2" | FileCheck %s
// RUN: not portolan-opt %s --convert-moe-to-spmd="chips=4 plan=instance=4,attention_tp=4" 2>&1 | FileCheck %s --check-prefix=CHECK-GROUPS

// CHECK-LABEL: func.func private @layer.v0
// CHECK: moe.read_streams {{.*}} (tensor<4x1x16xf32>, tensor<16x8xf32>, tensor<3xf32>, tensor<8xf32>) -> (tensor<4x1x8xf32>, tensor<4x1x6xf32>)
// CHECK: moe.linear {{.*}} (tensor<4x1x8xf32>, tensor<8x12xf32>) -> tensor<4x1x12xf32>
// CHECK: moe.linear {{.*}} (tensor<4x1x8xf32>, tensor<8x6xf32>) -> tensor<4x1x6xf32>
// CHECK: moe.pool_keys {{.*}} -> (tensor<4x2x6xf32>, tensor<4x4x12xf32>)
// CHECK: moe.pooled_attention {{.*}} {heads = 2 : i64, ratio = 4 : i64, scale = 1.000000e+00 : f64, window = 3 : i64}
// CHECK-SAME: (tensor<4x1x12xf32>, tensor<4x1x6xf32>, tensor<4x7x6xf32>, tensor<4x2x6xf32>, tensor<2xf32>) -> (tensor<4x1x12xf32>, tensor<4x8x6xf32>)
// CHECK: moe.rope {{.*}} {head_width = 6 : i64, interleaved, inverse, offset = 2 : i64} : (tensor<4x1x12xf32>
// CHECK: moe.grouped_linear {{.*}} (tensor<4x1x12xf32>, tensor<1x12x5xf32>) -> tensor<4x1x5xf32>
// CHECK: moe.linear {{.*}} (tensor<4x1x5xf32>, tensor<5x8xf32>) -> tensor<4x1x8xf32>
// CHECK: spmd.all_reduce {{.*}} over <2 by 1> : tensor<4x1x8xf32>
// CHECK: moe.write_streams {{.*}} (tensor<4x1x16xf32>, tensor<4x1x8xf32>, tensor<4x1x6xf32>) -> tensor<4x1x16xf32>

// CHECK-GROUPS: error: 'moe.grouped_linear' op expects groups that attention_tp 4 divides, got 2

func.func private @layer(%x: tensor<4x1x16xf32>, %at: tensor<4x1xi64>, %c: tensor<16x2xf32>, %s: tensor<16x2xf32>, %p: tensor<16x8xf32>,
                         %scale: tensor<3xf32>, %base: tensor<8xf32>, %q: tensor<8x24xf32>, %k: tensor<8x6xf32>, %b: tensor<4x6xf32>,
                         %g: tensor<6xf32>, %sinks: tensor<4xf32>, %og: tensor<2x12x5xf32>, %o: tensor<10x8xf32>,
                         %past: tensor<4x7x6xf32>, %e: tensor<4x1x6xf32>, %r: tensor<4x4x12xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x8x6xf32>, tensor<4x2x6xf32>, tensor<4x4x12xf32>) {
  %in, %mix = moe.read_streams %x by %p scales %scale base %base {epsilon = 1.0e-5 : f64, floor = 1.0e-6 : f64, rounds = 2 : i64}
    : (tensor<4x1x16xf32>, tensor<16x8xf32>, tensor<3xf32>, tensor<8xf32>) -> (tensor<4x1x8xf32>, tensor<4x1x6xf32>)
  %query = moe.linear %in, %q : (tensor<4x1x8xf32>, tensor<8x24xf32>) -> tensor<4x1x24xf32>
  %key = moe.linear %in, %k : (tensor<4x1x8xf32>, tensor<8x6xf32>) -> tensor<4x1x6xf32>
  %entries:2 = moe.pool_keys %key, %key bias %b norm %g at %at by %c, %s cache %e, %r {epsilon = 1.0e-5 : f64}
    : (tensor<4x1x6xf32>, tensor<4x1x6xf32>, tensor<4x6xf32>, tensor<6xf32>, tensor<4x1xi64>, tensor<16x2xf32>, tensor<16x2xf32>,
       tensor<4x1x6xf32>, tensor<4x4x12xf32>) -> (tensor<4x2x6xf32>, tensor<4x4x12xf32>)
  %a:2 = moe.pooled_attention %query, %key cache %past entries %entries#0 sinks %sinks
    {heads = 4 : i64, scale = 1.0 : f64, window = 3 : i64, ratio = 4 : i64}
    : (tensor<4x1x24xf32>, tensor<4x1x6xf32>, tensor<4x7x6xf32>, tensor<4x2x6xf32>, tensor<4xf32>)
    -> (tensor<4x1x24xf32>, tensor<4x8x6xf32>)
  %back = moe.rope %a#0 at %at by %c, %s {head_width = 6 : i64, offset = 2 : i64, interleaved, inverse}
    : (tensor<4x1x24xf32>, tensor<4x1xi64>, tensor<16x2xf32>, tensor<16x2xf32>) -> tensor<4x1x24xf32>
  %low = moe.grouped_linear %back, %og : (tensor<4x1x24xf32>, tensor<2x12x5xf32>) -> tensor<4x1x10xf32>
  %out = moe.linear %low, %o : (tensor<4x1x10xf32>, tensor<10x8xf32>) -> tensor<4x1x8xf32>
  %y = moe.write_streams %x, %out by %mix : (tensor<4x1x16xf32>, tensor<4x1x8xf32>, tensor<4x1x6xf32>) -> tensor<4x1x16xf32>
  return %y, %a#1, %entries#0, %entries#1 : tensor<4x1x16xf32>, tensor<4x8x6xf32>, tensor<4x2x6xf32>, tensor<4x4x12xf32>
}

func.func @main(%ids: tensor<4x1xi64>, %at: tensor<4x1xi64>, %past: tensor<4x7x6xf32>, %e: tensor<4x1x6xf32>, %r: tensor<4x4x12xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x8x6xf32>, tensor<4x2x6xf32>, tensor<4x4x12xf32>) {
  %t = moe.weight @t : tensor<9x8xf32>
  %h = moe.embedding %ids, %t : (tensor<4x1xi64>, tensor<9x8xf32>) -> tensor<4x1x8xf32>
  %x = tensor.concat dim(2) %h, %h : (tensor<4x1x8xf32>, tensor<4x1x8xf32>) -> tensor<4x1x16xf32>
  %c, %s = moe.rotary_table {theta = 1.0e4 : f64} : tensor<16x2xf32>, tensor<16x2xf32>
  %p = moe.weight @p : tensor<16x8xf32>
  %scale = moe.weight @scale : tensor<3xf32>
  %base = moe.weight @base : tensor<8xf32>
  %q = moe.weight @q : tensor<8x24xf32>
  %k = moe.weight @k : tensor<8x6xf32>
  %b = moe.weight @b : tensor<4x6xf32>
  %g = moe.weight @g : tensor<6xf32>
  %sinks = moe.weight @sinks : tensor<4xf32>
  %og = moe.weight @og : tensor<2x12x5xf32>
  %o = moe.weight @o : tensor<10x8xf32>
  %y:4 = call @layer(%x, %at, %c, %s, %p, %scale, %base, %q, %k, %b, %g, %sinks, %og, %o, %past, %e, %r)
    : (tensor<4x1x16xf32>, tensor<4x1xi64>, tensor<16x2xf32>, tensor<16x2xf32>, tensor<16x8xf32>, tensor<3xf32>, tensor<8xf32>,
       tensor<8x24xf32>, tensor<8x6xf32>, tensor<4x6xf32>, tensor<6xf32>, tensor<4xf32>, tensor<2x12x5xf32>, tensor<10x8xf32>,
       tensor<4x7x6xf32>, tensor<4x1x6xf32>, tensor<4x4x12xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x8x6xf32>, tensor<4x2x6xf32>, tensor<4x4x12xf32>)
  return %y#0, %y#1, %y#2, %y#3 : tensor<4x1x16xf32>, tensor<4x8x6xf32>, tensor<4x2x6xf32>, tensor<4x4x12xf32>
}
moe.weight_data @t : tensor<9x8xf32>
moe.weight_data @p : tensor<16x8xf32>
moe.weight_data @scale : tensor<3xf32>
moe.weight_data @base : tensor<8xf32>
moe.weight_data @q : tensor<8x24xf32>
moe.weight_data @k : tensor<8x6xf32>
moe.weight_data @b : tensor<4x6xf32>
moe.weight_data @g : tensor<6xf32>
moe.weight_data @sinks : tensor<4xf32>
moe.weight_data @og : tensor<2x12x5xf32>
moe.weight_data @o : tensor<10x8xf32>
