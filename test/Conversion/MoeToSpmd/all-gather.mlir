// Rows gathered by all ranks, partial sums scattered; expert_tp splits the
// intermediate width 8 into 4 and 4.
// RUN: portolan-opt %S/Inputs/mixtral.mlir \
// RUN:   --convert-moe-to-spmd="chips=4 plan=instance=4,attention_tp=2,expert_tp=2,dispatch_exchange=all_gather,combine_exchange=reduce_scatter" | FileCheck %s

// Replicas with 3 and 2 rows, sliced over 2 ranks each: 2, 1, 1, 1.
// CHECK-LABEL: func.func private @layer.v0
// CHECK: spmd.all_gather {{.*}}, {{.*}}, {{.*}} over <4 by 1> {dim = 0 : i64, sizes = array<i64: 2, 1, 1, 1>} : (tensor<2x16xf32>, tensor<2x2xf32>, tensor<2x2xi32>) -> (tensor<5x16xf32>, tensor<5x2xf32>, tensor<5x2xi32>)
// CHECK-NEXT: spmd.localize {{.*}} over <2 by 2> {experts = 6 : i64}
// CHECK: moe.experts {{.*}} tensor<3x16x4xf32>, tensor<3x16x4xf32>, tensor<3x4x16xf32>
// CHECK-NEXT: moe.combine {{.*}} -> tensor<5x16xf32>
// CHECK-NEXT: spmd.reduce_scatter {{.*}} over <4 by 1> {dim = 0 : i64, sizes = array<i64: 2, 1, 1, 1>} : (tensor<5x16xf32>) -> tensor<2x16xf32>
// CHECK-NEXT: spmd.all_gather {{.*}} over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 1>}
