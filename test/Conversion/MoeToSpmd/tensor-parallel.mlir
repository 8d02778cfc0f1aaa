// Tensor parallelism over heads and experts without an exchange.
// RUN: portolan-opt %S/Inputs/mixtral.mlir --convert-moe-to-spmd="chips=2 plan=instance=2,attention_tp=2" | FileCheck %s

// Both ranks run one variant: 6 experts and 4 heads divide evenly.
// CHECK: module @mixtral attributes {spmd.programs = [@step.s0.v0], spmd.ranks = array<i64: 0, 0>}
// CHECK: spmd.mesh @mesh {context = 1 : i64, data = 1 : i64, expert = 2 : i64, expert_tensor = 1 : i64, stage = 1 : i64, tensor = 2 : i64}

// A rank holds whole heads: columns of wq in units of 4, rows of wo too.
// CHECK-LABEL: func.func @step.s0.v0
// CHECK-SAME: tensor<16x8xf32> {spmd.shard = #spmd.shard<parts = [1, 2], strides = [1, 1], units = [1, 4]>, spmd.weight = @wq, spmd.whole = tensor<16x16xf32>}
// CHECK-SAME: tensor<8x16xf32> {spmd.shard = #spmd.shard<parts = [2, 1], strides = [1, 1], units = [4, 1]>, spmd.weight = @wo, spmd.whole = tensor<16x16xf32>}
// CHECK-SAME: tensor<3x16x8xf32> {spmd.shard = #spmd.shard<parts = [2, 1, 1], strides = [1, 1, 1], units = [1, 1, 1]>, spmd.weight = @gate, spmd.whole = tensor<6x16x8xf32>}

// CHECK-LABEL: func.func private @layer.v0
// CHECK: moe.attention {{.*}} {heads = 2 : i64, kv_heads = 1 : i64
// CHECK-NEXT: moe.linear {{.*}} -> tensor<5x1x16xf32>
// CHECK-NEXT: spmd.all_reduce {{.*}} over <2 by 1> : tensor<5x1x16xf32>
// CHECK: moe.route {{.*}} (tensor<5x1x16xf32>
// CHECK-NEXT: spmd.localize {{.*}} over <2 by 1> {experts = 6 : i64}
// CHECK-NEXT: moe.dispatch {{.*}} -> (tensor<?x16xf32>, tensor<3xi32>)
// CHECK: moe.combine
// CHECK-NEXT: spmd.all_reduce {{.*}} over <2 by 1> : tensor<5x1x16xf32>
// CHECK-NEXT: moe.add

// The logits' columns are gathered; what depends on no activation is prepared.
// CHECK-NOT: @main
// CHECK-LABEL: func.func @prepare
// CHECK-NEXT: moe.rotary_table
