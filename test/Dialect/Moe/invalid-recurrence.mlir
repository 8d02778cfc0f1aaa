// RUN: portolan-opt %s --split-input-file --verify-diagnostics

// rms_norm_c4
func.func @rms_norm_c4(%x: tensor<2x8xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{expects groups that divide the gain of size 4, got 3}}
  %0 = moe.rms_norm %x, %g {epsilon = 1.0e-5 : f64, groups = 3 : i64} : (tensor<2x8xf32>, tensor<4xf32>) -> tensor<2x8xf32>
  return
}

// -----

// gate_c1
func.func @gate_c1(%x: tensor<2x8xf32>, %g: tensor<2x3xf32>) {
  // expected-error @+1 {{expects a gate whose width divides 8, got 3}}
  %0 = moe.gate %x by %g {activation = #moe<activation silu>} : (tensor<2x8xf32>, tensor<2x3xf32>) -> tensor<2x8xf32>
  return
}

// -----

// gate_c2
func.func @gate_c2(%x: tensor<2x8xf32>, %g: tensor<3x8xf32>) {
  // expected-error @+1 {{expects gate with the leading dimensions of 'tensor<2x8xf32>' and width 8, got 'tensor<3x8xf32>'}}
  %0 = moe.gate %x by %g {activation = #moe<activation silu>} : (tensor<2x8xf32>, tensor<3x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// gate_c3
func.func @gate_c3(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{expects a result of the input's type, got 'tensor<2x4xf32>'}}
  %0 = moe.gate %x by %x {activation = #moe<activation silu>} : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x4xf32>
  return
}

// -----

// scale_c1
func.func @scale_c1(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{expects a finite factor and soft_cap >= 0, got 1.000000e+00 and -3.000000e+01}}
  %0 = moe.scale %x {soft_cap = -30.0 : f64} : tensor<2x8xf32>
  return
}

// -----

// short_convolution_c1
func.func @short_convolution_c1(%x: tensor<2x3x8xf32>, %w: tensor<8x1xf32>, %p: tensor<2x0x8xf32>) {
  // expected-error @+1 {{expects at least 2 taps, got 1}}
  %0:2 = moe.short_convolution %x, %w state %p {activation = #moe<activation silu>}
    : (tensor<2x3x8xf32>, tensor<8x1xf32>, tensor<2x0x8xf32>) -> (tensor<2x3x8xf32>, tensor<2x0x8xf32>)
  return
}

// -----

// short_convolution_c2
func.func @short_convolution_c2(%x: tensor<2x3x8xf32>, %w: tensor<8x4xf32>, %p: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expects dimension 1 of past to be 3, got 'tensor<2x4x8xf32>'}}
  %0:2 = moe.short_convolution %x, %w state %p {activation = #moe<activation silu>}
    : (tensor<2x3x8xf32>, tensor<8x4xf32>, tensor<2x4x8xf32>) -> (tensor<2x3x8xf32>, tensor<2x4x8xf32>)
  return
}

// -----

// short_convolution_c3
func.func @short_convolution_c3(%x: tensor<2x3x8xf32>, %w: tensor<8x4xf32>, %p: tensor<2x3x8xf32>) {
  // expected-error @+1 {{expects a state that keeps its type, got 'tensor<2x3x8xf32>' and 'tensor<2x6x8xf32>'}}
  %0:2 = moe.short_convolution %x, %w state %p {activation = #moe<activation silu>}
    : (tensor<2x3x8xf32>, tensor<8x4xf32>, tensor<2x3x8xf32>) -> (tensor<2x3x8xf32>, tensor<2x6x8xf32>)
  return
}

// -----

// recurrence_c1
func.func @recurrence_c1(%q: tensor<2x1x6xf32>, %v: tensor<2x1x8xf32>, %a: tensor<4xf32>, %s: tensor<2x4x3x2xf32>) {
  // expected-error @+1 {{expects key_heads that divide heads, got 4 heads and 3 key_heads}}
  %0:2 = moe.recurrence fixed_decay %q, %q, %v decay %a state %s {heads = 4 : i64, key_heads = 3 : i64}
    : (tensor<2x1x6xf32>, tensor<2x1x6xf32>, tensor<2x1x8xf32>, tensor<4xf32>, tensor<2x4x3x2xf32>)
    -> (tensor<2x1x8xf32>, tensor<2x4x3x2xf32>)
  return
}

// -----

// recurrence_c2
func.func @recurrence_c2(%q: tensor<2x1x6xf32>, %v: tensor<2x1x8xf32>, %a: tensor<4xf32>, %s: tensor<2x4x3x2xf32>) {
  // expected-error @+1 {{expects a step for kind state_space}}
  %0:2 = moe.recurrence state_space %q, %q, %v decay %a state %s {heads = 4 : i64, key_heads = 2 : i64}
    : (tensor<2x1x6xf32>, tensor<2x1x6xf32>, tensor<2x1x8xf32>, tensor<4xf32>, tensor<2x4x3x2xf32>)
    -> (tensor<2x1x8xf32>, tensor<2x4x3x2xf32>)
  return
}

// -----

// recurrence_c3
func.func @recurrence_c3(%q: tensor<2x1x6xf32>, %v: tensor<2x1x8xf32>, %g: tensor<2x1x4xf32>, %a: tensor<4xf32>,
                         %s: tensor<2x4x3x2xf32>) {
  // expected-error @+1 {{expects a strength for kind delta}}
  %0:2 = moe.recurrence delta %q, %q, %v step %g decay %a state %s {heads = 4 : i64, key_heads = 2 : i64}
    : (tensor<2x1x6xf32>, tensor<2x1x6xf32>, tensor<2x1x8xf32>, tensor<2x1x4xf32>, tensor<4xf32>, tensor<2x4x3x2xf32>)
    -> (tensor<2x1x8xf32>, tensor<2x4x3x2xf32>)
  return
}

// -----

// recurrence_c4
func.func @recurrence_c4(%q: tensor<2x1x6xf32>, %v: tensor<2x1x8xf32>, %g: tensor<2x1x4xf32>, %a: tensor<4xf32>,
                         %s: tensor<2x4x3x2xf32>) {
  // expected-error @+1 {{expects a lower_bound below 0, of kind channel_delta only, got -5.000000e+00}}
  %0:2 = moe.recurrence state_space %q, %q, %v step %g decay %a state %s
    {heads = 4 : i64, key_heads = 2 : i64, lower_bound = -5.0 : f64}
    : (tensor<2x1x6xf32>, tensor<2x1x6xf32>, tensor<2x1x8xf32>, tensor<2x1x4xf32>, tensor<4xf32>, tensor<2x4x3x2xf32>)
    -> (tensor<2x1x8xf32>, tensor<2x4x3x2xf32>)
  return
}

// -----

// recurrence_c5
func.func @recurrence_c5(%q: tensor<2x1x6xf32>, %v: tensor<2x1x8xf32>, %g: tensor<2x1x4xf32>, %a: tensor<4xf32>,
                         %s: tensor<2x4x3x2xf32>) {
  // expected-error @+1 {{expects dimension 2 of step to be 12, got 'tensor<2x1x4xf32>'}}
  %0:2 = moe.recurrence channel_delta %q, %q, %v step %g strength %g decay %a state %s {heads = 4 : i64, key_heads = 2 : i64}
    : (tensor<2x1x6xf32>, tensor<2x1x6xf32>, tensor<2x1x8xf32>, tensor<2x1x4xf32>, tensor<2x1x4xf32>, tensor<4xf32>,
       tensor<2x4x3x2xf32>) -> (tensor<2x1x8xf32>, tensor<2x4x3x2xf32>)
  return
}

// -----

// recurrence_c6
func.func @recurrence_c6(%q: tensor<2x1x6xf32>, %v: tensor<2x1x8xf32>, %a: tensor<4xf32>, %s: tensor<2x4x3x2xf32>) {
  // expected-error @+1 {{expects a state that keeps its type, got 'tensor<2x4x3x2xf32>' and 'tensor<2x4x3x2xbf16>'}}
  %0:2 = moe.recurrence fixed_decay %q, %q, %v decay %a state %s {heads = 4 : i64, key_heads = 2 : i64}
    : (tensor<2x1x6xf32>, tensor<2x1x6xf32>, tensor<2x1x8xf32>, tensor<4xf32>, tensor<2x4x3x2xf32>)
    -> (tensor<2x1x8xf32>, tensor<2x4x3x2xbf16>)
  return
}

// -----

// recurrence_c7
func.func @recurrence_c7(%q: tensor<2x1x6xf32>, %v: tensor<2x1x8xf32>, %a: tensor<4xf32>, %s: tensor<2x4x3x2xf32>) {
  // expected-error @+1 {{expects a chunk of at least one token, got 0}}
  %0:2 = moe.recurrence fixed_decay %q, %q, %v decay %a state %s {heads = 4 : i64, key_heads = 2 : i64, chunk = 0 : i64}
    : (tensor<2x1x6xf32>, tensor<2x1x6xf32>, tensor<2x1x8xf32>, tensor<4xf32>, tensor<2x4x3x2xf32>)
    -> (tensor<2x1x8xf32>, tensor<2x4x3x2xf32>)
  return
}

// -----

// route_c8
func.func @route_c8(%x: tensor<2x8xf32>, %r: tensor<8x6xf32>, %ids: tensor<2xi64>) {
  // expected-error @+1 {{expects ids and table together}}
  %0, %1 = moe.route %x, %r ids %ids {top_k = 2 : i64, scoring = #moe<scoring softmax>}
    : (tensor<2x8xf32>, tensor<8x6xf32>, tensor<2xi64>) -> (tensor<2x2xf32>, tensor<2x2xi32>)
  return
}

// -----

// route_c9
func.func @route_c9(%x: tensor<2x8xf32>, %r: tensor<8x6xf32>, %c: tensor<6xf32>, %ids: tensor<2xi64>, %t: tensor<9x2xi32>) {
  // expected-error @+1 {{expects no correction and no groups where a table chooses}}
  %0, %1 = moe.route %x, %r correction %c ids %ids table %t {top_k = 2 : i64, scoring = #moe<scoring softmax>}
    : (tensor<2x8xf32>, tensor<8x6xf32>, tensor<6xf32>, tensor<2xi64>, tensor<9x2xi32>) -> (tensor<2x2xf32>, tensor<2x2xi32>)
  return
}

// -----

// sparse_attention_c1
func.func @sparse_attention_c1(%q: tensor<1x1x16xf32>, %k: tensor<1x1x8xf32>, %iq: tensor<1x1x6xf32>, %ik: tensor<1x1x3xf32>,
                               %p: tensor<1x2x5x4xf32>, %pi: tensor<1x5x3xf32>) {
  // expected-error @+1 {{expects blocks of at least one key, and at least one local block among top_blocks, got block 2, top_blocks 1, local_blocks 2}}
  %0:4 = moe.sparse_attention %q, %k, %k index %iq, %ik cache %p, %p, %pi
    {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64, block = 2 : i64, top_blocks = 1 : i64, local_blocks = 2 : i64}
    : (tensor<1x1x16xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x6xf32>, tensor<1x1x3xf32>, tensor<1x2x5x4xf32>,
       tensor<1x2x5x4xf32>, tensor<1x5x3xf32>)
    -> (tensor<1x1x16xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>, tensor<1x6x3xf32>)
  return
}

// -----

// sparse_attention_c2
func.func @sparse_attention_c2(%q: tensor<1x1x16xf32>, %k: tensor<1x1x8xf32>, %iq: tensor<1x1x5xf32>, %ik: tensor<1x1x3xf32>,
                               %p: tensor<1x2x5x4xf32>, %pi: tensor<1x5x3xf32>) {
  // expected-error @+1 {{expects dimension 2 of index_query to be 6, got 'tensor<1x1x5xf32>'}}
  %0:4 = moe.sparse_attention %q, %k, %k index %iq, %ik cache %p, %p, %pi
    {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64, block = 2 : i64, top_blocks = 3 : i64}
    : (tensor<1x1x16xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x5xf32>, tensor<1x1x3xf32>, tensor<1x2x5x4xf32>,
       tensor<1x2x5x4xf32>, tensor<1x5x3xf32>)
    -> (tensor<1x1x16xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>, tensor<1x6x3xf32>)
  return
}
