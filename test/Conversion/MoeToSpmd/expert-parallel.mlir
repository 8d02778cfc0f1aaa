// Experts spread over all ranks with a ragged exchange. 5 sequences over 2
// replicas are 3 and 2; 6 experts over 4 ranks are 2, 2, 1 and 1.
// RUN: portolan-opt %S/Inputs/mixtral.mlir \
// RUN:   --convert-moe-to-spmd="chips=4 plan=instance=4,attention_tp=2,dispatch_exchange=all_to_all,combine_exchange=all_to_all" | FileCheck %s

// Rank 0: 3 sequences, 2 rows, 2 experts. Rank 1: 3, 1, 2. Ranks 2 and 3: 2, 1, 1.
// CHECK: spmd.programs = [@step.s0.v0, @step.s0.v1, @step.s0.v2], spmd.ranks = array<i64: 0, 1, 2, 2>

// CHECK-LABEL: func.func private @layer.v0
// CHECK: spmd.slice {{.*}} over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 1>} : (tensor<3x16xf32>) -> tensor<2x16xf32>
// CHECK-NEXT: moe.route {{.*}} -> (tensor<2x2xf32>, tensor<2x2xi32>)
// CHECK-NEXT: spmd.pack {{.*}} over <4 by 1> {experts = 6 : i64
// CHECK-NEXT: spmd.all_to_all {{.*}} over <4 by 1> : tensor<4xi32>
// CHECK-NEXT: spmd.all_to_all_v {{.*}} over <4 by 1>
// CHECK-NEXT: moe.dispatch {{.*}} -> (tensor<?x16xf32>, tensor<2xi32>)
// CHECK-NEXT: moe.experts
// CHECK-NEXT: moe.combine
// CHECK-NEXT: spmd.all_to_all_v
// CHECK-NEXT: spmd.unpack {{.*}} -> tensor<2x16xf32>
// CHECK-NEXT: spmd.all_gather {{.*}} over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 1>}
// CHECK-LABEL: func.func private @layer.v2
// CHECK: moe.dispatch {{.*}} -> (tensor<?x16xf32>, tensor<1xi32>)
