// Formats of the plan: experts as planned, projections at 8 bits or wider,
// caches as planned; rows travel to the experts in the activation format.
// RUN: portolan-opt %S/Inputs/mixtral.mlir \
// RUN:   --convert-moe-to-spmd="chips=2 plan=weight_format=nvfp4/nvfp4,activation_format=fp8/fp8,kv_format=fp8/bf16,instance=2,dispatch_exchange=all_to_all,combine_exchange=all_to_all" | FileCheck %s

// CHECK-LABEL: func.func private @layer.v0
// CHECK: moe.linear {{.*}} {activation_format = #moe.format<"fp8", "fp8">, weight_format = #moe.format<"fp8", "fp8">
// CHECK: moe.attention {{.*}} {cache_format = #moe.format<"fp8", "bf16">
// CHECK: spmd.all_to_all_v {{.*}}format = #moe.format<"fp8", "fp8">
// CHECK: moe.experts {{.*}}activation_format = #moe.format<"fp8", "fp8">{{.*}} weight_format = #moe.format<"nvfp4", "nvfp4">
// The results come back as they are summed.
// CHECK: spmd.all_to_all_v
// CHECK-NOT: format =
// CHECK-SAME: tensor<2xi32>
