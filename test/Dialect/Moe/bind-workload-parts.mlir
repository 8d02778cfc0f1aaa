// A cache with an entry for 4 tokens: its dimensions follow from those of the tokens.
// RUN: portolan-opt %s --moe-bind-workload="batch=2 new-tokens=3 past-tokens=6" | FileCheck %s
// RUN: not portolan-opt %s --moe-bind-workload="batch=2 new-tokens=3 past-tokens=6 bind=past_tokens/4=2" 2>&1 | FileCheck %s --check-prefix=CHECK-OTHER
// RUN: not portolan-opt %s --moe-bind-workload="batch=2 new-tokens=3" 2>&1 | FileCheck %s --check-prefix=CHECK-UNKNOWN

// 6 / 4 = 1 entry before, 9 / 4 = 2 after.
// CHECK: func.func @main({{.*}}: tensor<2x1x6xf32> {{.*}}) -> (tensor<2x2x6xf32>, tensor<2x4x12xf32>)
// CHECK: moe.pool_keys {{.*}} -> (tensor<2x2x6xf32>, tensor<2x4x12xf32>)
// CHECK-OTHER: error: expects 'past_tokens/4' to be 1, got 2
// CHECK-UNKNOWN: error: 'func.func' op expects a size for 'past_tokens/4', dimension 1 of argument 2, got none
func.func @main(%v: tensor<?x?x6xf32> {moe.dims = ["batch", "new_tokens", ""]}, %at: tensor<?x?xi64> {moe.dims = ["batch", "new_tokens"]},
                %e: tensor<?x?x6xf32> {moe.dims = ["batch", "past_tokens/4", ""]}, %r: tensor<?x4x12xf32> {moe.dims = ["batch", "", ""]},
                %b: tensor<4x6xf32>, %g: tensor<6xf32>, %c: tensor<64x2xf32>) -> (tensor<?x?x6xf32>, tensor<?x4x12xf32>) {
  %0:2 = moe.pool_keys %v, %v bias %b norm %g at %at by %c, %c cache %e, %r {epsilon = 1.0e-5 : f64}
    : (tensor<?x?x6xf32>, tensor<?x?x6xf32>, tensor<4x6xf32>, tensor<6xf32>, tensor<?x?xi64>, tensor<64x2xf32>, tensor<64x2xf32>,
       tensor<?x?x6xf32>, tensor<?x4x12xf32>) -> (tensor<?x?x6xf32>, tensor<?x4x12xf32>)
  return %0#0, %0#1 : tensor<?x?x6xf32>, tensor<?x4x12xf32>
}
