// Context parallelism in decode: 3 past tokens over 2 ranks are 2 and 1; the
// new token belongs to the last rank.
// RUN: portolan-opt %S/Inputs/mixtral.mlir --convert-moe-to-spmd="chips=2 plan=instance=2,attention_cp=2" | FileCheck %s

// CHECK-LABEL: func.func private @layer.v0
// The first rank sees its 2 past keys only, and keeps its cache.
// CHECK: moe.attention {{.*}} past_only, scale = 5.000000e-01 : f64} {{.*}} -> (tensor<5x1x16xf32>, tensor<5x2x3x4xf32>, tensor<5x2x3x4xf32>, tensor<5x1x4xf32>)
// CHECK-NEXT: spmd.all_gather {{.*}} over <2 by 1> {dim = 0 : i64, sizes = array<i64: 5, 5>} : (tensor<5x1x16xf32>, tensor<5x1x4xf32>) -> (tensor<10x1x16xf32>, tensor<10x1x4xf32>)
// CHECK-NEXT: spmd.merge_partials {{.*}} {parts = 2 : i64}
// CHECK: return %{{.*}}, %arg{{.*}}, %arg
// CHECK-LABEL: func.func private @layer.v1
// The last rank sees its 1 past key and the new one.
// CHECK-NOT: past_only
// CHECK: moe.attention {{.*}} -> (tensor<5x1x16xf32>, tensor<5x2x2x4xf32>, tensor<5x2x2x4xf32>, tensor<5x1x4xf32>)
