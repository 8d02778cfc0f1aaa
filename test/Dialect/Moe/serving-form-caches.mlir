// RUN: portolan-opt -split-input-file -moe-apply-serving-form %s | FileCheck %s

// A model without caches, whose past is made empty, gets a cache per call of
// its layer, with a number of its own.

// CHECK-LABEL: func.func private @layer
// CHECK-SAME: (%{{.*}}: tensor<?x?x4xf32>, %{{.*}}: tensor<?x2x?x2xf32>, %{{.*}}: tensor<?x2x?x2xf32>) -> (tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
// CHECK: %[[A:.*]], %[[K:.*]], %[[V:.*]] = moe.attention
// CHECK: return %[[A]], %[[K]], %[[V]]
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[K0:[^:]*]]: tensor<?x2x?x2xf32> {moe.dims = ["b", "", "past_tokens", ""], moe.name = "past_key_values.0.key"}
// CHECK-SAME: %[[K1:[^:]*]]: tensor<?x2x?x2xf32> {moe.dims = ["b", "", "past_tokens", ""], moe.name = "past_key_values.1.key"}
// CHECK-SAME: %[[V0:[^:]*]]: tensor<?x2x?x2xf32> {moe.dims = ["b", "", "past_tokens", ""], moe.name = "past_key_values.0.value"}
// CHECK-SAME: %[[V1:[^:]*]]: tensor<?x2x?x2xf32> {{.*}} moe.name = "past_key_values.1.value"}
// CHECK-SAME: tensor<?x2x?x2xf32> {moe.dims = ["b", "", "total_tokens", ""], moe.name = "present.0.key"}
// CHECK-NOT: tensor.empty
// CHECK: %[[L0:.*]]:3 = call @layer(%{{.*}}, %[[K0]], %[[V0]])
// CHECK: %[[L1:.*]]:3 = call @layer(%[[L0]]#0, %[[K1]], %[[V1]])
// CHECK: return %[[L1]]#0, %[[L0]]#1, %[[L1]]#1, %[[L0]]#2, %[[L1]]#2
func.func private @layer(%x: tensor<?x?x4xf32>, %k: tensor<?x2x0x2xf32>, %v: tensor<?x2x0x2xf32>) -> tensor<?x?x4xf32> {
  %0:3 = moe.attention %x, %x, %x cache %k, %v {heads = 2, kv_heads = 2, scale = 1.0 : f64}
    : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x2x0x2xf32>, tensor<?x2x0x2xf32>) -> (tensor<?x?x4xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
  return %0#0 : tensor<?x?x4xf32>
}
func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> tensor<?x?x4xf32> {
  %zero = arith.constant 0 : index
  %b = tensor.dim %x, %zero : tensor<?x?x4xf32>
  %past = tensor.empty(%b) : tensor<?x2x0x2xf32>
  %0 = call @layer(%x, %past, %past) : (tensor<?x?x4xf32>, tensor<?x2x0x2xf32>, tensor<?x2x0x2xf32>) -> tensor<?x?x4xf32>
  %1 = call @layer(%0, %past, %past) : (tensor<?x?x4xf32>, tensor<?x2x0x2xf32>, tensor<?x2x0x2xf32>) -> tensor<?x?x4xf32>
  return %1 : tensor<?x?x4xf32>
}
