// Rows cross once per domain, on the rail of their sender, and are packed again
// inside. 6 experts over 4 ranks are 2, 2, 1 and 1: the domains hold 4 and 2.
// RUN: portolan-opt %S/Inputs/mixtral.mlir \
// RUN:   --convert-moe-to-spmd="chips=4 domain=2 plan=instance=4,attention_tp=2,dispatch_exchange=hierarchical,combine_exchange=hierarchical" | FileCheck %s

// CHECK: spmd.programs = [@step.s0.v0, @step.s0.v1, @step.s0.v2], spmd.ranks = array<i64: 0, 1, 2, 2>

// CHECK-LABEL: func.func private @layer.v0
// CHECK: %[[ACROSS:.*]], %[[AW:.*]], %[[AI:.*]], %[[AT:.*]], %[[ASENT:.*]] = spmd.pack {{.*}} over <2 by 2> {experts = 6 : i64, {{.*}}holders = 2 : i64
// CHECK-NEXT: %[[AGOT:.*]] = spmd.all_to_all %[[ASENT]] over <2 by 2> : tensor<2xi32>
// CHECK-NEXT: %[[ROWS:.*]]:3 = spmd.all_to_all_v %[[ACROSS]], %[[AW]], %[[AI]] send %[[ASENT]] receive %[[AGOT]] over <2 by 2>
// CHECK-NEXT: %[[INSIDE:.*]], %{{.*}}, %{{.*}}, %[[IT:.*]], %[[ISENT:.*]] = spmd.pack %[[ROWS]]#0, %[[ROWS]]#1, %[[ROWS]]#2 over <2 by 1> {experts = 4 : i64
// CHECK-NEXT: %[[IGOT:.*]] = spmd.all_to_all %[[ISENT]] over <2 by 1> : tensor<2xi32>
// CHECK-NEXT: spmd.all_to_all_v %[[INSIDE]]
// CHECK-NEXT: moe.dispatch {{.*}} -> (tensor<?x16xf32>, tensor<2xi32>)
// CHECK-NEXT: moe.experts
// CHECK-NEXT: moe.combine
// CHECK-NEXT: %[[BACK:.*]] = spmd.all_to_all_v {{.*}} send %[[IGOT]] receive %[[ISENT]] over <2 by 1>
// CHECK-NEXT: %[[SUMS:.*]] = spmd.unpack %[[BACK]], %[[IT]] of %[[ROWS]]#1 {{.*}} -> tensor<?x16xf32>
// CHECK-NEXT: %[[HOME:.*]] = spmd.all_to_all_v %[[SUMS]] send %[[AGOT]] receive %[[ASENT]] over <2 by 2>
// CHECK-NEXT: spmd.unpack %[[HOME]], %[[AT]] {{.*}} -> tensor<2x16xf32>

// The other domain.
// CHECK-LABEL: func.func private @layer.v2
// CHECK: spmd.pack {{.*}} over <2 by 2> {experts = 6 : i64
// CHECK: spmd.pack {{.*}} over <2 by 1> {experts = 2 : i64
// CHECK: moe.dispatch {{.*}} -> (tensor<?x16xf32>, tensor<1xi32>)
