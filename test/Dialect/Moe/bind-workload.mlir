// RUN: portolan-opt %s --moe-bind-workload="batch=4 new-tokens=2 past-tokens=6 phase=decode" | FileCheck %s
// RUN: portolan-opt %s --moe-bind-workload="bind=batch=4,new_tokens=2,past_tokens=6" | FileCheck %s --check-prefix=GENERIC

// CHECK: module attributes {moe.workload = #moe.workload<decode, sequences = 4, context = 6, new_tokens = 2>}
// GENERIC: module {
module {

// CHECK: func.func @main(%{{.*}}: tensor<4x2xi64> {moe.dims = ["batch", "new_tokens"]}, %{{.*}}: tensor<4x1x6x8xf32> {{.*}}, %{{.*}}: tensor<16x8xf32>) -> (tensor<4x1x8xf32>, tensor<4x1x8x8xf32>)
// GENERIC: func.func @main({{.*}}) -> (tensor<4x1x8xf32>, tensor<4x1x8x8xf32>)
func.func @main(%ids: tensor<?x?xi64> {moe.dims = ["batch", "new_tokens"]},
                %past: tensor<?x1x?x8xf32> {moe.dims = ["batch", "", "past_tokens", ""]}, %table: tensor<16x8xf32>)
    -> (tensor<?x1x8xf32>, tensor<?x1x?x8xf32>) {
  // CHECK: moe.embedding {{.*}} -> tensor<4x2x8xf32>
  %x = moe.embedding %ids, %table : (tensor<?x?xi64>, tensor<16x8xf32>) -> tensor<?x?x8xf32>
  // A table without a length gets past plus new tokens.
  // CHECK: moe.rotary_table {{.*}} : tensor<8x4xf32>, tensor<8x4xf32>
  %c, %s = moe.rotary_table {theta = 1.0e4 : f64} : tensor<?x4xf32>, tensor<?x4xf32>
  // CHECK: moe.rope {{.*}} -> tensor<4x2x8xf32>
  %q = moe.rope %x at %ids by %c, %s {head_width = 8 : i64}
    : (tensor<?x?x8xf32>, tensor<?x?xi64>, tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x?x8xf32>
  // CHECK: call @layer({{.*}}) : (tensor<4x2x8xf32>, tensor<4x1x6x8xf32>) -> (tensor<4x2x8xf32>, tensor<4x1x8x8xf32>)
  %y:2 = call @layer(%q, %past) : (tensor<?x?x8xf32>, tensor<?x1x?x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x1x?x8xf32>)
  // The grown cache as the past of a second call makes a variant of the layer.
  // CHECK: call @[[VARIANT:layer_.*]](%{{.*}}) : (tensor<4x2x8xf32>, tensor<4x1x8x8xf32>) -> (tensor<4x2x8xf32>, tensor<4x1x10x8xf32>)
  %z:2 = call @layer(%y#0, %y#1) : (tensor<?x?x8xf32>, tensor<?x1x?x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x1x?x8xf32>)
  %w = arith.constant dense<1.0> : tensor<8x8xf32>
  // CHECK: moe.linear {{.*}} -> tensor<4x1x8xf32>
  %l = moe.linear %z#0, %w {last_position} : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x1x8xf32>
  return %l, %y#1 : tensor<?x1x8xf32>, tensor<?x1x?x8xf32>
}

// CHECK: func.func private @layer(%{{.*}}: tensor<4x2x8xf32>, %{{.*}}: tensor<4x1x6x8xf32>) -> (tensor<4x2x8xf32>, tensor<4x1x8x8xf32>)
func.func private @layer(%x: tensor<?x?x8xf32>, %past: tensor<?x1x?x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x1x?x8xf32>) {
  %0:3 = moe.attention %x, %x, %x cache %past, %past {heads = 1 : i64, kv_heads = 1 : i64, scale = 1.0 : f64}
    : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>)
  return %0#0, %0#1 : tensor<?x?x8xf32>, tensor<?x1x?x8xf32>
}
// CHECK: func.func private @[[VARIANT]](
}
