// A layer that chooses keys, and one that attends to the same ones, on two stages of two ranks. What is chosen passes from stage to stage beside the
// hidden state, whole on every rank.
// RUN: portolan-opt %s --convert-moe-to-spmd="chips=4 plan=instance=4,pipeline=2,attention_tp=2" | FileCheck %s

// CHECK-LABEL: func.func @step.s0.v0
// CHECK: %[[CALL:.*]]:5 = call @chooses.v0
// CHECK: spmd.send %[[CALL]]#0 {{.*}} : tensor<4x1x8xf32>
// CHECK: spmd.send %[[CALL]]#1 {{.*}} : tensor<4x1x2xi32>

// CHECK-LABEL: func.func private @chooses.v0
// CHECK: moe.indexed_latent_attention {{.*}} -> (tensor<4x1x6xf32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>, tensor<4x8x4xf32>, tensor<4x1x2xi32>)

// CHECK-LABEL: func.func @step.s1.v0
// CHECK: %[[HIDDEN:.*]] = spmd.receive {{.*}} : tensor<4x1x8xf32>
// CHECK: %[[CHOSEN:.*]] = spmd.receive {{.*}} : tensor<4x1x2xi32>
// CHECK: call @shares.v0(%[[HIDDEN]], {{.*}}, %[[CHOSEN]], {{.*}}

// CHECK-LABEL: func.func private @shares.v0
// CHECK: moe.chosen_latent_attention {{.*}} chosen {{.*}} -> (tensor<4x1x6xf32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>)
// CHECK: moe.linear
// CHECK: spmd.all_reduce

func.func private @chooses(%x: tensor<4x1x8xf32>, %q: tensor<8x10xf32>, %l: tensor<8x5xf32>, %r: tensor<8x2xf32>,
                           %iq: tensor<8x12xf32>, %ik: tensor<8x4xf32>, %iw: tensor<8x3xf32>, %ku: tensor<2x5x3xf32>,
                           %vu: tensor<2x5x6xf32>, %o: tensor<12x8xf32>, %pl: tensor<4x7x5xf32>, %pr: tensor<4x7x2xf32>,
                           %pi: tensor<4x7x4xf32>)
    -> (tensor<4x1x8xf32>, tensor<4x1x2xi32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>, tensor<4x8x4xf32>) {
  %0 = moe.linear %x, %q : (tensor<4x1x8xf32>, tensor<8x10xf32>) -> tensor<4x1x10xf32>
  %1 = moe.linear %x, %l : (tensor<4x1x8xf32>, tensor<8x5xf32>) -> tensor<4x1x5xf32>
  %2 = moe.linear %x, %r : (tensor<4x1x8xf32>, tensor<8x2xf32>) -> tensor<4x1x2xf32>
  %3 = moe.linear %x, %iq : (tensor<4x1x8xf32>, tensor<8x12xf32>) -> tensor<4x1x12xf32>
  %4 = moe.linear %x, %ik : (tensor<4x1x8xf32>, tensor<8x4xf32>) -> tensor<4x1x4xf32>
  %5 = moe.linear %x, %iw : (tensor<4x1x8xf32>, tensor<8x3xf32>) -> tensor<4x1x3xf32>
  %6:5 = moe.indexed_latent_attention %0, %1, %2 index %3, %4, %5 cache %pl, %pr, %pi up %ku, %vu
    {heads = 2 : i64, scale = 0.5 : f64, index_heads = 3 : i64, top_keys = 2 : i64}
    : (tensor<4x1x10xf32>, tensor<4x1x5xf32>, tensor<4x1x2xf32>, tensor<4x1x12xf32>, tensor<4x1x4xf32>, tensor<4x1x3xf32>,
       tensor<4x7x5xf32>, tensor<4x7x2xf32>, tensor<4x7x4xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<4x1x12xf32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>, tensor<4x8x4xf32>, tensor<4x1x2xi32>)
  %7 = moe.linear %6#0, %o : (tensor<4x1x12xf32>, tensor<12x8xf32>) -> tensor<4x1x8xf32>
  %8 = moe.add %x, %7 : tensor<4x1x8xf32>
  return %8, %6#4, %6#1, %6#2, %6#3
    : tensor<4x1x8xf32>, tensor<4x1x2xi32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>, tensor<4x8x4xf32>
}

func.func private @shares(%x: tensor<4x1x8xf32>, %c: tensor<4x1x2xi32>, %q: tensor<8x10xf32>, %l: tensor<8x5xf32>,
                          %r: tensor<8x2xf32>, %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>, %o: tensor<12x8xf32>,
                          %pl: tensor<4x7x5xf32>, %pr: tensor<4x7x2xf32>)
    -> (tensor<4x1x8xf32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>) {
  %0 = moe.linear %x, %q : (tensor<4x1x8xf32>, tensor<8x10xf32>) -> tensor<4x1x10xf32>
  %1 = moe.linear %x, %l : (tensor<4x1x8xf32>, tensor<8x5xf32>) -> tensor<4x1x5xf32>
  %2 = moe.linear %x, %r : (tensor<4x1x8xf32>, tensor<8x2xf32>) -> tensor<4x1x2xf32>
  %3:3 = moe.chosen_latent_attention %0, %1, %2 chosen %c cache %pl, %pr up %ku, %vu {heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<4x1x10xf32>, tensor<4x1x5xf32>, tensor<4x1x2xf32>, tensor<4x1x2xi32>, tensor<4x7x5xf32>, tensor<4x7x2xf32>,
       tensor<2x5x3xf32>, tensor<2x5x6xf32>) -> (tensor<4x1x12xf32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>)
  %4 = moe.linear %3#0, %o : (tensor<4x1x12xf32>, tensor<12x8xf32>) -> tensor<4x1x8xf32>
  %5 = moe.add %x, %4 : tensor<4x1x8xf32>
  return %5, %3#1, %3#2 : tensor<4x1x8xf32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>
}

func.func @main(%ids: tensor<4x1xi64>, %pl0: tensor<4x7x5xf32>, %pr0: tensor<4x7x2xf32>, %pi0: tensor<4x7x4xf32>,
                %pl1: tensor<4x7x5xf32>, %pr1: tensor<4x7x2xf32>) -> tensor<4x1x8xf32> {
  %t = moe.weight @t : tensor<9x8xf32>
  %q = moe.weight @q : tensor<8x10xf32>
  %l = moe.weight @l : tensor<8x5xf32>
  %r = moe.weight @r : tensor<8x2xf32>
  %iq = moe.weight @iq : tensor<8x12xf32>
  %ik = moe.weight @ik : tensor<8x4xf32>
  %iw = moe.weight @iw : tensor<8x3xf32>
  %ku = moe.weight @ku : tensor<2x5x3xf32>
  %vu = moe.weight @vu : tensor<2x5x6xf32>
  %o = moe.weight @o : tensor<12x8xf32>
  %x = moe.embedding %ids, %t : (tensor<4x1xi64>, tensor<9x8xf32>) -> tensor<4x1x8xf32>
  %0:5 = call @chooses(%x, %q, %l, %r, %iq, %ik, %iw, %ku, %vu, %o, %pl0, %pr0, %pi0)
    : (tensor<4x1x8xf32>, tensor<8x10xf32>, tensor<8x5xf32>, tensor<8x2xf32>, tensor<8x12xf32>, tensor<8x4xf32>, tensor<8x3xf32>,
       tensor<2x5x3xf32>, tensor<2x5x6xf32>, tensor<12x8xf32>, tensor<4x7x5xf32>, tensor<4x7x2xf32>, tensor<4x7x4xf32>)
    -> (tensor<4x1x8xf32>, tensor<4x1x2xi32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>, tensor<4x8x4xf32>)
  %1:3 = call @shares(%0#0, %0#1, %q, %l, %r, %ku, %vu, %o, %pl1, %pr1)
    : (tensor<4x1x8xf32>, tensor<4x1x2xi32>, tensor<8x10xf32>, tensor<8x5xf32>, tensor<8x2xf32>, tensor<2x5x3xf32>,
       tensor<2x5x6xf32>, tensor<12x8xf32>, tensor<4x7x5xf32>, tensor<4x7x2xf32>)
    -> (tensor<4x1x8xf32>, tensor<4x8x5xf32>, tensor<4x8x2xf32>)
  return %1#0 : tensor<4x1x8xf32>
}
moe.weight_data @t : tensor<9x8xf32>
moe.weight_data @q : tensor<8x10xf32>
moe.weight_data @l : tensor<8x5xf32>
moe.weight_data @r : tensor<8x2xf32>
moe.weight_data @iq : tensor<8x12xf32>
moe.weight_data @ik : tensor<8x4xf32>
moe.weight_data @iw : tensor<8x3xf32>
moe.weight_data @ku : tensor<2x5x3xf32>
moe.weight_data @vu : tensor<2x5x6xf32>
moe.weight_data @o : tensor<12x8xf32>
