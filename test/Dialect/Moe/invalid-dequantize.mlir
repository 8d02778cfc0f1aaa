// RUN: portolan-opt %s --split-input-file --verify-diagnostics

// dequantize_c1
func.func @dequantize_c1(%q: tensor<5x3xui8>, %s: tensor<5xf32>) {
  // expected-error @+1 {{expects integers of 2, 4 or 8 bits, e2m1 of 4 or e4m3 of 8, got integer of 3}}
  %0 = moe.dequantize %q scales %s {axis = 1 : i64, bits = 3 : i64, encoding = "integer"} : (tensor<5x3xui8>, tensor<5xf32>) -> tensor<5x6xf32>
  return
}

// -----

// dequantize_c1: a name that is none
func.func @dequantize_c1_name(%q: tensor<5x3xui8>, %s: tensor<5xf32>) {
  // expected-error @+1 {{expects integers of 2, 4 or 8 bits, e2m1 of 4 or e4m3 of 8, got e3m0 of 4}}
  %0 = moe.dequantize %q scales %s {axis = 1 : i64, bits = 4 : i64, encoding = "e3m0"} : (tensor<5x3xui8>, tensor<5xf32>) -> tensor<5x6xf32>
  return
}

// -----

// dequantize_c2
func.func @dequantize_c2(%q: tensor<5x3xui8>, %s: tensor<5xf32>) {
  // expected-error @+1 {{expects a static result of f32, bf16 or f16, got 'tensor<5x6xi32>'}}
  %0 = moe.dequantize %q scales %s {axis = 1 : i64, bits = 4 : i64, encoding = "integer"} : (tensor<5x3xui8>, tensor<5xf32>) -> tensor<5x6xi32>
  return
}

// -----

// dequantize_c3
func.func @dequantize_c3(%q: tensor<5x3xui8>, %s: tensor<5xf32>) {
  // expected-error @+1 {{expects an axis of the 2 dimensions of the result, got 2}}
  %0 = moe.dequantize %q scales %s {axis = 2 : i64, bits = 4 : i64, encoding = "integer"} : (tensor<5x3xui8>, tensor<5xf32>) -> tensor<5x6xf32>
  return
}

// -----

// dequantize_c4: 7 codes of 4 bits need 4 bytes
func.func @dequantize_c4(%q: tensor<5x3xui8>, %s: tensor<5xf32>) {
  // expected-error @+1 {{expects packed bytes with the leading dimensions of 'tensor<5x7xf32>' and at least 4 in the last, got 'tensor<5x3xui8>'}}
  %0 = moe.dequantize %q scales %s {axis = 1 : i64, bits = 4 : i64, encoding = "integer"} : (tensor<5x3xui8>, tensor<5xf32>) -> tensor<5x7xf32>
  return
}

// -----

// dequantize_c5
func.func @dequantize_c5(%q: tensor<5x3xui8>, %s: tensor<5xf32>) {
  // expected-error @+1 {{expects block_size >= 1, got 0}}
  %0 = moe.dequantize %q scales %s {axis = 1 : i64, bits = 4 : i64, block_size = 0 : i64, encoding = "integer"} : (tensor<5x3xui8>, tensor<5xf32>) -> tensor<5x6xf32>
  return
}

// -----

// dequantize_c6: blocks of 4 of 6 are 2
func.func @dequantize_c6(%q: tensor<5x3xui8>, %s: tensor<5x3xf32>) {
  // expected-error @+1 {{expects scales of 'tensor<5x2xf32>', got 'tensor<5x3xf32>'}}
  %0 = moe.dequantize %q scales %s {axis = 1 : i64, bits = 4 : i64, block_size = 4 : i64, encoding = "integer"} : (tensor<5x3xui8>, tensor<5x3xf32>) -> tensor<5x6xf32>
  return
}

// -----

// dequantize_c7: bytes do not say what they are
func.func @dequantize_c7(%q: tensor<5x3xui8>, %s: tensor<5xui8>) {
  // expected-error @+1 {{expects scales of f32, bf16 or f16, or bytes with scale_encoding e4m3 or e8m0, got 'tensor<5xui8>'}}
  %0 = moe.dequantize %q scales %s {axis = 1 : i64, bits = 4 : i64, encoding = "e2m1"} : (tensor<5x3xui8>, tensor<5xui8>) -> tensor<5x6xf32>
  return
}

// -----

// dequantize_c8: 2 zero points of 4 bits are one byte
func.func @dequantize_c8(%q: tensor<5x3xui8>, %s: tensor<5x2xf32>, %z: tensor<5x2xui8>) {
  // expected-error @+1 {{expects zero points of 'tensor<5x1xui8>' in bytes or as f32, bf16 or f16, got 'tensor<5x2xui8>'}}
  %0 = moe.dequantize %q scales %s zero_points %z {axis = 1 : i64, bits = 4 : i64, block_size = 4 : i64, encoding = "integer"} : (tensor<5x3xui8>, tensor<5x2xf32>, tensor<5x2xui8>) -> tensor<5x6xf32>
  return
}

// -----

// dequantize_c9
func.func @dequantize_c9(%q: tensor<5x3xui8>, %s: tensor<5xf32>) {
  // expected-error @+1 {{expects no zero points beside e2m1}}
  %0 = moe.dequantize %q scales %s zero_points %s {axis = 1 : i64, bits = 4 : i64, encoding = "e2m1"} : (tensor<5x3xui8>, tensor<5xf32>, tensor<5xf32>) -> tensor<5x6xf32>
  return
}

// -----

// dequantize_c10
func.func @dequantize_c10(%q: tensor<5x3xui8>, %s: tensor<5xf32>, %g: tensor<2xf32>) {
  // expected-error @+1 {{expects a global scale for each of 5 entries of the first dimension, got 'tensor<2xf32>'}}
  %0 = moe.dequantize %q scales %s global %g {axis = 1 : i64, bits = 4 : i64, encoding = "e2m1"} : (tensor<5x3xui8>, tensor<5xf32>, tensor<2xf32>) -> tensor<5x6xf32>
  return
}
