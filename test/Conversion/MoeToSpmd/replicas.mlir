// A redundant expert per rank: 6 experts over 4 ranks are 2, 2, 1 and 1, and
// one slot more on each. Weights are cut by the slots, rows go to one of the
// copies, and what follows knows slots only.
// RUN: portolan-opt %S/Inputs/mixtral.mlir \
// RUN:   --convert-moe-to-spmd="chips=4 plan=instance=4,placement_form=distributed,replicas=1,dispatch_exchange=all_to_all,combine_exchange=all_to_all" | FileCheck %s
// CHECK: func.func @step.s0.v0
// CHECK-SAME: spmd.shard = #spmd.shard<parts = [4, 1, 1], strides = [1, 1, 1], units = [1, 1, 1], slots = [1, 0, 4, 1, 0, 5, 2, 0, 0, 3]>
// CHECK: func.func private @{{.*}}.v0
// CHECK: %[[SLOTS:.*]] = spmd.choose_copy %{{.*}} {experts = 6 : i64, slots = array<i64: 1, 0, 4, 1, 0, 5, 2, 0, 0, 3>} : tensor<2x2xi32>
// CHECK: spmd.pack %{{.*}}, %{{.*}}, %[[SLOTS]] over <4 by 1> {experts = 10 : i64
// CHECK: moe.experts {{.*}}tensor<3x16x8xf32>, tensor<3x16x8xf32>, tensor<3x8x16xf32>
