// RUN: portolan-opt %s --convert-spmd-to-runtime --split-input-file --verify-diagnostics

func.func @narrow_elements(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  // expected-error @+1 {{expects f32, f64, i32 or i64 to be run, got 'bf16'}}
  %0 = spmd.all_reduce %x over <4 by 1> : tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// -----

func.func @halves(%x: tensor<4xf16>) {
  // expected-error @+1 {{expects f32, f64, i32 or i64 to be run, got 'f16'}}
  spmd.send %x {distance = 1 : i64} : tensor<4xf16>
  return
}
