// RUN: portolan-opt %s --split-input-file --verify-diagnostics --convert-moe-to-linalg

// fake_quantize_c1
func.func @fake_quantize_c1(%x: tensor<4x8xi32>) {
  // expected-error @+1 {{expects a tensor of f32, bf16 or f16, got 'tensor<4x8xi32>'}}
  %0 = moe.fake_quantize %x {axis = 1 : i64, format = "fp8"} : tensor<4x8xi32>
  return
}

// -----

// fake_quantize_c2
func.func @fake_quantize_c2(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects a number format narrower than f32, got 'f32'}}
  %0 = moe.fake_quantize %x {axis = 1 : i64, format = "f32"} : tensor<4x8xf32>
  return
}

// -----

// fake_quantize_c2: a name that is none
func.func @fake_quantize_c2_name(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects a number format narrower than f32, got 'fp6'}}
  %0 = moe.fake_quantize %x {axis = 1 : i64, format = "fp6"} : tensor<4x8xf32>
  return
}

// -----

// fake_quantize_c3
func.func @fake_quantize_c3(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects an encoding of mxfp8, got 'e4m3b11fnuz'}}
  %0 = moe.fake_quantize %x {axis = 1 : i64, format = "mxfp8", encoding = "e4m3b11fnuz"} : tensor<4x8xf32>
  return
}

// -----

// fake_quantize_c3: a name that is none
func.func @fake_quantize_c3_name(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects an encoding of fp8, got 'e3m4'}}
  %0 = moe.fake_quantize %x {axis = 1 : i64, format = "fp8", encoding = "e3m4"} : tensor<4x8xf32>
  return
}

// -----

// fake_quantize_c4
func.func @fake_quantize_c4(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects fp8 to be unscaled, got int8}}
  %0 = moe.fake_quantize %x {axis = 1 : i64, format = "int8", unscaled} : tensor<4x8xf32>
  return
}

// -----

// fake_quantize_c5
func.func @fake_quantize_c5(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{expects a static dimension of 'tensor<4x8xf32>' as axis, got 2}}
  %0 = moe.fake_quantize %x {axis = 2 : i64, format = "fp8"} : tensor<4x8xf32>
  return
}

// -----

// fake_quantize_c5: nothing says how many groups there are
func.func @fake_quantize_c5_dynamic(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expects a static dimension of 'tensor<?x8xf32>' as axis, got 0}}
  %0 = moe.fake_quantize %x {axis = 0 : i64, format = "fp8"} : tensor<?x8xf32>
  return
}

// -----

// fake_quantize_c6
func.func @fake_quantize_c6(%x: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expects tensor_dims from 2 to 3, got 1}}
  %0 = moe.fake_quantize %x {axis = 1 : i64, format = "nvfp4", tensor_dims = 1 : i64} : tensor<2x4x8xf32>
  return
}

// -----

// fake_quantize_c7
func.func @fake_quantize_c7(%x: tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x8xf32>) {
  // expected-error @+1 {{expects at most 16 dimensions, got 'tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x8xf32>'}}
  %0 = moe.fake_quantize %x {axis = 16 : i64, format = "fp8"} : tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x8xf32>
  return
}

// -----

// A name that is none of a format, met when the op is lowered.
func.func @inner_formats(%x: tensor<2x8xf32>, %up: tensor<8x4xf32>, %down: tensor<4x8xf32>) {
  // expected-error @+1 {{expects number formats narrower than f32 in moe.inner_formats, got "fp8:int8"}}
  %0 = moe.mlp %x up %up down %down {activation = #moe<activation silu>, moe.inner_formats = ["fp8:int8"]}
    : (tensor<2x8xf32>, tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @inner_formats_not_names(%x: tensor<2x8xf32>, %up: tensor<8x4xf32>, %down: tensor<4x8xf32>) {
  // expected-error @+1 {{expects an array of names as moe.inner_formats, got "fp8"}}
  %0 = moe.mlp %x up %up down %down {activation = #moe<activation silu>, moe.inner_formats = "fp8"}
    : (tensor<2x8xf32>, tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  return
}
