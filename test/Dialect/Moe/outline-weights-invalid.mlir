// RUN: portolan-opt %s --verify-diagnostics --moe-outline-weights

moe.weight_data @a {file = "w.bin", offset = 0 : i64, length = 32 : i64} : tensor<8xf32>
func.func @layer() -> tensor<8xf32> {
  // expected-error @+1 {{expects to be in @main, got @layer}}
  %a = moe.weight @a : tensor<8xf32>
  return %a : tensor<8xf32>
}
