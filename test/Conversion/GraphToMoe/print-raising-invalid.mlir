// RUN: portolan-opt -split-input-file -verify-diagnostics -moe-print-raising %s

// What was raised already does not say which nodes it came from.

// expected-error@+1 {{expects nodes of an imported graph in @main, got none}}
module {
  func.func @main(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
    %0 = moe.add %x, %x : tensor<2x3x4xf32>
    return %0 : tensor<2x3x4xf32>
  }
}

// -----

// expected-error@+1 {{expects a function @main, got none}}
module {
}
