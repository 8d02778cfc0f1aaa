// A layer after one block of another, on two stages of two ranks: streams are whole on every rank, and all of them pass from stage to stage.
// RUN: portolan-opt %s --convert-moe-to-spmd="chips=4 plan=instance=4,pipeline=2,attention_tp=2" | FileCheck %s

// CHECK-LABEL: func.func @step.s0.v0
// CHECK: spmd.send {{.*}} tensor<4x1x16xf32>

// CHECK-LABEL: func.func @step.s1.v0
// CHECK: spmd.receive {{.*}} tensor<4x1x16xf32>

// Two streams come in, three leave: the layer is the first of its block.
// CHECK-LABEL: func.func private @seals.v0
// CHECK: moe.depth_attention {{.*}} (tensor<4x1x8xf32>, tensor<4x1x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x1x8xf32>
// CHECK: moe.mlp {{.*}} (tensor<4x1x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<4x8xf32>)
// CHECK: spmd.all_reduce {{.*}} over <2 by 1> : tensor<4x1x8xf32>
// CHECK: tensor.concat dim(2) {{.*}} (tensor<4x1x16xf32>, tensor<4x1x8xf32>) -> tensor<4x1x24xf32>

func.func private @first(%x: tensor<4x1x8xf32>, %g: tensor<8x8xf32>, %u: tensor<8x8xf32>, %d: tensor<8x8xf32>)
    -> tensor<4x1x16xf32> {
  %m = moe.mlp %x gate %g up %u down %d {activation = #moe<activation silu>}
    : (tensor<4x1x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<4x1x8xf32>
  %s = tensor.concat dim(2) %x, %m : (tensor<4x1x8xf32>, tensor<4x1x8xf32>) -> tensor<4x1x16xf32>
  return %s : tensor<4x1x16xf32>
}

func.func private @seals(%x: tensor<4x1x16xf32>, %n: tensor<8xf32>, %q: tensor<8xf32>, %g: tensor<8x8xf32>,
                         %u: tensor<8x8xf32>, %d: tensor<8x8xf32>) -> tensor<4x1x24xf32> {
  %b = tensor.extract_slice %x[0, 0, 0] [4, 1, 8] [1, 1, 1] : tensor<4x1x16xf32> to tensor<4x1x8xf32>
  %c = tensor.extract_slice %x[0, 0, 8] [4, 1, 8] [1, 1, 1] : tensor<4x1x16xf32> to tensor<4x1x8xf32>
  %h = moe.depth_attention %b, %c by %n, %q {epsilon = 1.0e-5 : f64}
    : (tensor<4x1x8xf32>, tensor<4x1x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x1x8xf32>
  %m = moe.mlp %h gate %g up %u down %d {activation = #moe<activation silu>}
    : (tensor<4x1x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<4x1x8xf32>
  %s = tensor.concat dim(2) %x, %m : (tensor<4x1x16xf32>, tensor<4x1x8xf32>) -> tensor<4x1x24xf32>
  return %s : tensor<4x1x24xf32>
}

func.func @main(%ids: tensor<4x1xi64>) -> tensor<4x1x24xf32> {
  %t = moe.weight @t : tensor<9x8xf32>
  %x = moe.embedding %ids, %t : (tensor<4x1xi64>, tensor<9x8xf32>) -> tensor<4x1x8xf32>
  %g = moe.weight @g : tensor<8x8xf32>
  %u = moe.weight @u : tensor<8x8xf32>
  %d = moe.weight @d : tensor<8x8xf32>
  %n = moe.weight @n : tensor<8xf32>
  %q = moe.weight @q : tensor<8xf32>
  %0 = call @first(%x, %g, %u, %d) : (tensor<4x1x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<4x1x16xf32>
  %1 = call @seals(%0, %n, %q, %g, %u, %d)
    : (tensor<4x1x16xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<4x1x24xf32>
  return %1 : tensor<4x1x24xf32>
}
moe.weight_data @t : tensor<9x8xf32>
moe.weight_data @g : tensor<8x8xf32>
moe.weight_data @u : tensor<8x8xf32>
moe.weight_data @d : tensor<8x8xf32>
moe.weight_data @n : tensor<8xf32>
moe.weight_data @q : tensor<8xf32>
