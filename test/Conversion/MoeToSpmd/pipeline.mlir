// Two stages of one layer each.
// RUN: portolan-opt %S/Inputs/mixtral.mlir --convert-moe-to-spmd="chips=4 plan=instance=4,pipeline=2,attention_tp=2" | FileCheck %s

// Ranks 0 and 1 run the first stage, 2 and 3 the second.
// CHECK: spmd.programs = [@step.s0.v0, @step.s1.v0], spmd.ranks = array<i64: 0, 0, 1, 1>
// CHECK-LABEL: func.func @step.s0.v0
// CHECK: moe.embedding
// CHECK-NEXT: call @layer.v0
// CHECK-NEXT: spmd.send {{.*}} {distance = 2 : i64} : tensor<5x1x16xf32>
// CHECK-NEXT: return
// CHECK-LABEL: func.func @step.s1.v0
// CHECK-NEXT: spmd.receive {distance = 2 : i64} : tensor<5x1x16xf32>
// CHECK-NEXT: call @layer.v0
// CHECK: moe.linear
