// RUN: portolan-opt %s --split-input-file --verify-diagnostics

// read_streams_c1
func.func @read_streams_c1(%x: tensor<2x12xf32>, %p: tensor<12x1xf32>, %s: tensor<1xf32>) {
  // expected-error @+1 {{expects at least two streams of the width of the result, got 'tensor<2x12xf32>' and 'tensor<2x8xf32>'}}
  %r = moe.read_streams %x by %p scales %s base %s {epsilon = 1.0e-5 : f64, floor = 0.0 : f64}
    : (tensor<2x12xf32>, tensor<12x1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x8xf32>
  return
}

// -----

// read_streams_c2
func.func @read_streams_c2(%x: tensor<2x12xf32>, %p: tensor<12x7xf32>, %s: tensor<3xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{expects dimension 1 of projection to be 8, got 'tensor<12x7xf32>'}}
  %r, %m = moe.read_streams %x by %p scales %s base %b {epsilon = 1.0e-5 : f64, floor = 0.0 : f64, rounds = 1 : i64}
    : (tensor<2x12xf32>, tensor<12x7xf32>, tensor<3xf32>, tensor<8xf32>) -> (tensor<2x6xf32>, tensor<2x6xf32>)
  return
}

// -----

// read_streams_c3
func.func @read_streams_c3(%x: tensor<2x12xf32>, %p: tensor<12x8xf32>, %s: tensor<1xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{expects dimension 0 of scales to be 3, got 'tensor<1xf32>'}}
  %r, %m = moe.read_streams %x by %p scales %s base %b {epsilon = 1.0e-5 : f64, floor = 0.0 : f64, rounds = 1 : i64}
    : (tensor<2x12xf32>, tensor<12x8xf32>, tensor<1xf32>, tensor<8xf32>) -> (tensor<2x6xf32>, tensor<2x6xf32>)
  return
}

// -----

// read_streams_c4
func.func @read_streams_c4(%x: tensor<2x12xf32>, %p: tensor<12x8xf32>, %s: tensor<3xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{expects at least one round to balance its matrix, got 0}}
  %r, %m = moe.read_streams %x by %p scales %s base %b {epsilon = 1.0e-5 : f64, floor = 0.0 : f64}
    : (tensor<2x12xf32>, tensor<12x8xf32>, tensor<3xf32>, tensor<8xf32>) -> (tensor<2x6xf32>, tensor<2x6xf32>)
  return
}

// -----

// read_streams_c5
func.func @read_streams_c5(%x: tensor<2x12xf32>, %p: tensor<12x2xf32>, %s: tensor<1xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{expects floor >= 0 and finite, got -1.000000e+00}}
  %r = moe.read_streams %x by %p scales %s base %b {epsilon = 1.0e-5 : f64, floor = -1.0 : f64}
    : (tensor<2x12xf32>, tensor<12x2xf32>, tensor<1xf32>, tensor<2xf32>) -> tensor<2x6xf32>
  return
}

// -----

// write_streams_c1
func.func @write_streams_c1(%x: tensor<2x12xf32>, %u: tensor<2x12xf32>, %m: tensor<2x2xf32>) {
  // expected-error @+1 {{expects at least two streams of the width of the update, got 'tensor<2x12xf32>' and 'tensor<2x12xf32>'}}
  %w = moe.write_streams %x, %u by %m : (tensor<2x12xf32>, tensor<2x12xf32>, tensor<2x2xf32>) -> tensor<2x12xf32>
  return
}

// -----

// write_streams_c2
func.func @write_streams_c2(%x: tensor<2x12xf32>, %u: tensor<2x6xf32>, %m: tensor<2x6xf32>) {
  // expected-error @+1 {{expects a result of the type of the streams, got 'tensor<2x6xf32>'}}
  %w = moe.write_streams %x, %u by %m : (tensor<2x12xf32>, tensor<2x6xf32>, tensor<2x6xf32>) -> tensor<2x6xf32>
  return
}

// -----

// write_streams_c3
func.func @write_streams_c3(%x: tensor<2x12xf32>, %u: tensor<2x6xf32>, %m: tensor<2x4xf32>) {
  // expected-error @+1 {{expects mix with the leading dimensions of 'tensor<2x12xf32>' and width 6, got 'tensor<2x4xf32>'}}
  %w = moe.write_streams %x, %u by %m : (tensor<2x12xf32>, tensor<2x6xf32>, tensor<2x4xf32>) -> tensor<2x12xf32>
  return
}
