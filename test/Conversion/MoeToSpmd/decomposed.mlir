// RUN: not portolan-opt -split-input-file %s --convert-moe-to-spmd="chips=4 plan=instance=4,attention_tp=2" 2> %t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=CHECK-HEADS < %t.err

// Nodes that were not raised work on the sequences of a rank, 2 of 4, with all
// of their weights: the ranks that share the sequences repeat it.

// CHECK-LABEL: func.func @step.s0.v0
// CHECK-SAME: tensor<16x8xf32> {spmd.shard = #spmd.shard<parts = [1, 1], strides = [1, 1], units = [1, 1]>, spmd.weight = @w
// CHECK-LABEL: func.func private @layer.v0
// CHECK: moe.decomposed(%{{.*}}) weights(%{{.*}}) {bytes_read = 64 : i64
// CHECK-SAME: (tensor<2x1x16xf32>, tensor<16x8xf32>) -> tensor<2x1x16xf32>
// CHECK-NEXT: moe.add
// CHECK-NOT: spmd.all_reduce

func.func private @layer(%x: tensor<4x1x16xf32>, %w: tensor<16x8xf32>) -> tensor<4x1x16xf32> {
  %d = moe.decomposed(%x) weights(%w) {matmul_operations = 256 : i64, vector_operations = 16 : i64, transcendental_operations = 0 : i64,
    bytes_read = 64 : i64, bytes_written = 64 : i64, widest_bytes = 128 : i64, kernels = 1 : i64}
    : (tensor<4x1x16xf32>, tensor<16x8xf32>) -> tensor<4x1x16xf32>
  %r = moe.add %x, %d : tensor<4x1x16xf32>
  return %r : tensor<4x1x16xf32>
}

func.func @main(%ids: tensor<4x1xi64>) -> tensor<4x1x16xf32> {
  %t = moe.weight @t : tensor<9x16xf32>
  %w = moe.weight @w : tensor<16x8xf32>
  %x = moe.embedding %ids, %t : (tensor<4x1xi64>, tensor<9x16xf32>) -> tensor<4x1x16xf32>
  %y = call @layer(%x, %w) : (tensor<4x1x16xf32>, tensor<16x8xf32>) -> tensor<4x1x16xf32>
  return %y : tensor<4x1x16xf32>
}
moe.weight_data @t : tensor<9x16xf32>
moe.weight_data @w : tensor<16x8xf32>

// -----

// Between a projection and the heads of attention they need all of them.

// CHECK-HEADS: 'moe.decomposed' op expects all heads on one rank, got attention_tp 2

func.func private @layer(%x: tensor<4x1x16xf32>, %w: tensor<16x16xf32>, %k: tensor<4x2x3x8xf32>, %v: tensor<4x2x3x8xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x2x4x8xf32>, tensor<4x2x4x8xf32>) {
  %p = moe.linear %x, %w : (tensor<4x1x16xf32>, tensor<16x16xf32>) -> tensor<4x1x16xf32>
  %q = moe.decomposed(%p) {matmul_operations = 0 : i64, vector_operations = 16 : i64, transcendental_operations = 0 : i64,
    bytes_read = 64 : i64, bytes_written = 64 : i64, widest_bytes = 128 : i64, kernels = 1 : i64} : (tensor<4x1x16xf32>) -> tensor<4x1x16xf32>
  %a, %nk, %nv = moe.attention %q, %p, %p cache %k, %v {heads = 2 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<4x1x16xf32>, tensor<4x1x16xf32>, tensor<4x1x16xf32>, tensor<4x2x3x8xf32>, tensor<4x2x3x8xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x2x4x8xf32>, tensor<4x2x4x8xf32>)
  %r = moe.add %x, %a : tensor<4x1x16xf32>
  return %r, %nk, %nv : tensor<4x1x16xf32>, tensor<4x2x4x8xf32>, tensor<4x2x4x8xf32>
}

func.func @main(%ids: tensor<4x1xi64>, %k: tensor<4x2x3x8xf32>, %v: tensor<4x2x3x8xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x2x4x8xf32>, tensor<4x2x4x8xf32>) {
  %t = moe.weight @t : tensor<9x16xf32>
  %w = moe.weight @w : tensor<16x16xf32>
  %x = moe.embedding %ids, %t : (tensor<4x1xi64>, tensor<9x16xf32>) -> tensor<4x1x16xf32>
  %y, %nk, %nv = call @layer(%x, %w, %k, %v) : (tensor<4x1x16xf32>, tensor<16x16xf32>, tensor<4x2x3x8xf32>, tensor<4x2x3x8xf32>)
    -> (tensor<4x1x16xf32>, tensor<4x2x4x8xf32>, tensor<4x2x4x8xf32>)
  return %y, %nk, %nv : tensor<4x1x16xf32>, tensor<4x2x4x8xf32>, tensor<4x2x4x8xf32>
}
moe.weight_data @t : tensor<9x16xf32>
moe.weight_data @w : tensor<16x16xf32>
