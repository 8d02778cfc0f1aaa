// Overlap two_batch: the halves (3 and 2 of 5 sequences) take turns, each of which ends with a communication.
// RUN: portolan-opt %S/Inputs/mixtral.mlir --convert-moe-to-spmd="chips=2 plan=instance=2,attention_tp=2,overlap=two_batch" | FileCheck %s

// CHECK-LABEL: func.func private @layer.v0
// CHECK: moe.rms_norm {{.*}} micro_batch = 0 : i64} : (tensor<3x1x16xf32>
// CHECK-NOT: micro_batch = 1
// CHECK: spmd.all_reduce {{.*}} {micro_batch = 0 : i64} : tensor<3x1x16xf32>
// CHECK-NOT: micro_batch = 0
// CHECK: moe.rms_norm {{.*}} micro_batch = 1 : i64} : (tensor<2x1x16xf32>
// CHECK-NOT: micro_batch = 0
// CHECK: spmd.all_reduce {{.*}} {micro_batch = 1 : i64} : tensor<2x1x16xf32>
// CHECK-NOT: micro_batch = 1
// CHECK: moe.rms_norm {{.*}} micro_batch = 0 : i64} : (tensor<3x1x16xf32>
// CHECK: tensor.insert_slice {{.*}} : tensor<3x1x16xf32> into tensor<5x1x16xf32>
// CHECK: tensor.insert_slice {{.*}} : tensor<2x1x16xf32> into tensor<5x1x16xf32>
