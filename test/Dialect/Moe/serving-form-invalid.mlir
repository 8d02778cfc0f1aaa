// RUN: portolan-opt -split-input-file -verify-diagnostics -moe-apply-serving-form %s

// expected-error@+1 {{expects a function @main of one block, got none}}
module {
}

// -----

func.func private @layer(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
func.func @main(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  // expected-error@+1 {{expects a function of one block, got @layer}}
  %0 = call @layer(%x) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}
