// RUN: portolan-opt %s --split-input-file --verify-diagnostics

// weight_data_c1
// expected-error @+1 {{expects a statically shaped tensor type, got 'tensor<?xf32>'}}
moe.weight_data @weight_data_c1 : tensor<?xf32>

// -----

// weight_data_c2
// expected-error @+1 {{expects file, offset and length together}}
moe.weight_data @weight_data_c2 {file = "w.bin", offset = 0 : i64} : tensor<2xf32>

// -----

// weight_data_c3
// expected-error @+1 {{expects either file or value, got both}}
moe.weight_data @weight_data_c3 {file = "w.bin", offset = 0 : i64, length = 8 : i64, value = dense<0.0> : tensor<2xf32>} : tensor<2xf32>

// -----

// weight_data_c4
// expected-error @+1 {{expects offset and length >= 0, got -8 and 8}}
moe.weight_data @weight_data_c4 {file = "w.bin", offset = -8 : i64, length = 8 : i64} : tensor<2xf32>

// -----

// weight_data_c5
// expected-error @+1 {{expects a value of type 'tensor<2xf32>', got 'tensor<1xf32>'}}
moe.weight_data @weight_data_c5 {value = dense<0.0> : tensor<1xf32>} : tensor<2xf32>

// -----

// weight_data_c6
// 2^62 x 2 elements.
// expected-error @+1 {{expects fewer than 2^63 elements, got 'tensor<4611686018427387904x2xf32>'}}
moe.weight_data @weight_data_c6 : tensor<4611686018427387904x2xf32>

// -----

// weight_data_c7
// expected-error @+1 {{expects offsets with a length and either a file or files}}
moe.weight_data @weight_data_c7 {file = "w.bin", offsets = array<i64: 0, 8>} : tensor<2x2xf32>

// -----

// weight_data_c8
// expected-error @+1 {{expects either offsets or value, got both}}
moe.weight_data @weight_data_c8 {file = "w.bin", length = 8 : i64, offsets = array<i64: 0, 8>, value = dense<0.0> : tensor<2xf32>} : tensor<2xf32>

// -----

// weight_data_c9
// expected-error @+1 {{expects an offset for each part of the first dimension, 2, got 1}}
moe.weight_data @weight_data_c9 {file = "w.bin", length = 16 : i64, offsets = array<i64: 0>} : tensor<2x2xf32>

// -----

// weight_data_c10
// expected-error @+1 {{expects a file for each part of the first dimension, 2, got 1}}
moe.weight_data @weight_data_c10 {files = ["w.bin"], length = 16 : i64, offsets = array<i64: 0, 8>} : tensor<2x2xf32>

// -----

// weight_data_c11: -1 is a part that the model lacks.
// expected-error @+1 {{expects offsets >= -1, got -2}}
moe.weight_data @weight_data_c11 {file = "w.bin", length = 16 : i64, offsets = array<i64: -1, -2>} : tensor<2x2xf32>

// -----

// weight_data_c12
// expected-error @+1 {{expects a length that the parts share, got 15 for 2}}
moe.weight_data @weight_data_c12 {file = "w.bin", length = 15 : i64, offsets = array<i64: 0, 8>} : tensor<2x2xf32>

// -----

// weight_data_c13
// expected-error @+1 {{expects files beside offsets only}}
moe.weight_data @weight_data_c13 {files = ["w.bin"]} : tensor<1x2xf32>

// -----

// weight_c1
func.func @weight_c1() {
  // expected-error @+1 {{expects a moe.weight_data symbol, got @weight_c1}}
  %0 = moe.weight @weight_c1 : tensor<2xf32>
  return
}

// -----

// weight_c2
moe.weight_data @w : tensor<2xf32>
func.func @weight_c2() {
  // expected-error @+1 {{expects the type of @w, 'tensor<2xf32>', got 'tensor<3xf32>'}}
  %0 = moe.weight @w : tensor<3xf32>
  return
}

// -----

// embedding_c1
func.func @embedding_c1(%i: tensor<2xi64>, %t: tensor<16xf32>) {
  // expected-error @+1 {{expects table of rank 2, got 'tensor<16xf32>'}}
  %0 = moe.embedding %i, %t : (tensor<2xi64>, tensor<16xf32>) -> tensor<2x16xf32>
  return
}

// -----

// embedding_c2
func.func @embedding_c2(%i: tensor<2xf32>, %t: tensor<4x8xf32>) {
  // expected-error @+1 {{expects integer ids, got 'tensor<2xf32>'}}
  %0 = moe.embedding %i, %t : (tensor<2xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// embedding_c3
func.func @embedding_c3(%i: tensor<2xi64>, %t: tensor<4x8xf32>) {
  // expected-error @+1 {{expects a result of one dimension more than ids, got 'tensor<2xf32>'}}
  %0 = moe.embedding %i, %t : (tensor<2xi64>, tensor<4x8xf32>) -> tensor<2xf32>
  return
}

// -----

// embedding_c4
func.func @embedding_c4(%i: tensor<2xi64>, %t: tensor<4x8xf32>) {
  // expected-error @+1 {{expects dimension 1 of result to be 8, got 'tensor<2x9xf32>'}}
  %0 = moe.embedding %i, %t : (tensor<2xi64>, tensor<4x8xf32>) -> tensor<2x9xf32>
  return
}

// -----

// rms_norm_c1
func.func @rms_norm_c1(%x: tensor<2x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expects a result of the input's type, got 'tensor<2x4xf32>'}}
  %0 = moe.rms_norm %x, %g {epsilon = 1.0e-5 : f64} : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x4xf32>
  return
}

// -----

// rms_norm_c2
func.func @rms_norm_c2(%x: tensor<2x8xf32>, %g: tensor<1x8xf32>) {
  // expected-error @+1 {{expects gain of rank 1, got 'tensor<1x8xf32>'}}
  %0 = moe.rms_norm %x, %g {epsilon = 1.0e-5 : f64} : (tensor<2x8xf32>, tensor<1x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// rms_norm_c3
func.func @rms_norm_c3(%x: tensor<2x8xf32>, %g: tensor<3xf32>) {
  // expected-error @+1 {{expects a gain whose size divides the width 8, got 3}}
  %0 = moe.rms_norm %x, %g {epsilon = 1.0e-5 : f64} : (tensor<2x8xf32>, tensor<3xf32>) -> tensor<2x8xf32>
  return
}

// -----

// linear_c1
func.func @linear_c1(%x: tensor<2x8xf32>, %w: tensor<8xf32>) {
  // expected-error @+1 {{expects weight of rank 2, got 'tensor<8xf32>'}}
  %0 = moe.linear %x, %w : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// linear_c2
func.func @linear_c2(%x: tensor<2x8xf32>, %w: tensor<7x4xf32>) {
  // expected-error @+1 {{expects dimension 0 of weight to be 8, got 'tensor<7x4xf32>'}}
  %0 = moe.linear %x, %w : (tensor<2x8xf32>, tensor<7x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// linear_c3
func.func @linear_c3(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{expects dimension 0 of bias to be 4, got 'tensor<8xf32>'}}
  %0 = moe.linear %x, %w bias %b : (tensor<2x8xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<2x4xf32>
  return
}

// -----

// linear_c4
func.func @linear_c4(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{expects result with the leading dimensions of 'tensor<2x8xf32>' and width 4, got 'tensor<3x4xf32>'}}
  %0 = moe.linear %x, %w : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

// linear_c5
func.func @linear_c5(%x: tensor<2x3x8xf32>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{expects at least one and at most all positions in dimension 1 of the result, got 'tensor<2x4x4xf32>'}}
  %0 = moe.linear %x, %w {last_position} : (tensor<2x3x8xf32>, tensor<8x4xf32>) -> tensor<2x4x4xf32>
  return
}

// -----

// mlp_c1
func.func @mlp_c1(%x: tensor<2x8xf32>, %u: tensor<8xf32>, %d: tensor<5x8xf32>) {
  // expected-error @+1 {{expects up of rank 2, got 'tensor<8xf32>'}}
  %0 = moe.mlp %x up %u down %d {activation = #moe<activation silu>}
    : (tensor<2x8xf32>, tensor<8xf32>, tensor<5x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// mlp_c2
func.func @mlp_c2(%x: tensor<2x8xf32>, %u: tensor<8x5xf32>, %d: tensor<6x8xf32>) {
  // expected-error @+1 {{expects dimension 0 of down to be 5, got 'tensor<6x8xf32>'}}
  %0 = moe.mlp %x up %u down %d {activation = #moe<activation silu>}
    : (tensor<2x8xf32>, tensor<8x5xf32>, tensor<6x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// mlp_c3
func.func @mlp_c3(%x: tensor<2x8xf32>, %u: tensor<8x5xf32>, %d: tensor<5x8xf32>) {
  // expected-error @+1 {{expects result with the leading dimensions of 'tensor<2x8xf32>' and width 8, got 'tensor<2x5xf32>'}}
  %0 = moe.mlp %x up %u down %d {activation = #moe<activation silu>}
    : (tensor<2x8xf32>, tensor<8x5xf32>, tensor<5x8xf32>) -> tensor<2x5xf32>
  return
}
