// RUN: portolan-opt %s --moe-outline-weights | FileCheck %s

// CHECK: moe.weight_data @a
moe.weight_data @a {file = "w.bin", offset = 0 : i64, length = 32 : i64} : tensor<8xf32>
moe.weight_data @unused {file = "w.bin", offset = 0 : i64, length = 32 : i64} : tensor<8xf32>
moe.weight_data @b {file = "w.bin", offset = 32 : i64, length = 32 : i64} : tensor<8xf32>
moe.weight_data @small {value = dense<2.0> : tensor<8xf32>} : tensor<8xf32>

// In the order of the symbols, not of the uses; one argument per symbol.
// CHECK: func.func @main(%[[X:.*]]: tensor<8xf32>, %[[A:.*]]: tensor<8xf32> {moe.weight = @a}, %[[B:.*]]: tensor<8xf32> {moe.weight = @b}) -> tensor<8xf32>
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %b = moe.weight @b : tensor<8xf32>
  // CHECK: %[[SMALL:.*]] = arith.constant dense<2.000000e+00>
  %c = moe.weight @small : tensor<8xf32>
  %a = moe.weight @a : tensor<8xf32>
  %a2 = moe.weight @a : tensor<8xf32>
  // CHECK: moe.add %[[A]], %[[A]]
  %0 = moe.add %a, %a2 : tensor<8xf32>
  // CHECK: moe.add %[[B]], %[[SMALL]]
  %1 = moe.add %b, %c : tensor<8xf32>
  %2 = moe.add %0, %1 : tensor<8xf32>
  return %2 : tensor<8xf32>
}
