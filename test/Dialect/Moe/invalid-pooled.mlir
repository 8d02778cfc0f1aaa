// RUN: portolan-opt %s --split-input-file --verify-diagnostics

// pool_keys_c1
func.func @pool_keys_c1(%v: tensor<2x3x11xf32>, %b: tensor<4x11xf32>, %g: tensor<6xf32>, %at: tensor<2x3xi64>, %c: tensor<64x2xf32>,
                        %e: tensor<2x0x6xf32>, %r: tensor<2x8x24xf32>) {
  // expected-error @+1 {{expects values of whole entries and a bias of whole windows, got 'tensor<2x3x11xf32>', 'tensor<6xf32>' and 'tensor<4x11xf32>'}}
  %0:2 = moe.pool_keys %v, %v bias %b norm %g at %at by %c, %c cache %e, %r {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x11xf32>, tensor<2x3x11xf32>, tensor<4x11xf32>, tensor<6xf32>, tensor<2x3xi64>, tensor<64x2xf32>, tensor<64x2xf32>,
       tensor<2x0x6xf32>, tensor<2x8x24xf32>) -> (tensor<2x0x6xf32>, tensor<2x8x24xf32>)
  return
}

// -----

// pool_keys_c2
func.func @pool_keys_c2(%v: tensor<2x3x6xf32>, %b: tensor<4x6xf32>, %g: tensor<6xf32>, %at: tensor<2x3xi64>, %c: tensor<64x4xf32>,
                        %e: tensor<2x0x6xf32>, %r: tensor<2x4x12xf32>) {
  // expected-error @+1 {{expects tables that rotate at most 6 elements, got 'tensor<64x4xf32>'}}
  %0:2 = moe.pool_keys %v, %v bias %b norm %g at %at by %c, %c cache %e, %r {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x6xf32>, tensor<2x3x6xf32>, tensor<4x6xf32>, tensor<6xf32>, tensor<2x3xi64>, tensor<64x4xf32>, tensor<64x4xf32>,
       tensor<2x0x6xf32>, tensor<2x4x12xf32>) -> (tensor<2x0x6xf32>, tensor<2x4x12xf32>)
  return
}

// -----

// pool_keys_c3
func.func @pool_keys_c3(%v: tensor<2x3x6xbf16>, %b: tensor<4x6xf32>, %g: tensor<6xf32>, %at: tensor<2x3xi64>, %c: tensor<64x2xf32>,
                        %e: tensor<2x0x6xf32>, %r: tensor<2x4x12xbf16>) {
  // expected-error @+1 {{expects kept rows of the element type of the bias, got 'tensor<2x4x12xbf16>' and 'tensor<4x6xf32>'}}
  %0:2 = moe.pool_keys %v, %v bias %b norm %g at %at by %c, %c cache %e, %r {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x6xbf16>, tensor<2x3x6xbf16>, tensor<4x6xf32>, tensor<6xf32>, tensor<2x3xi64>, tensor<64x2xf32>, tensor<64x2xf32>,
       tensor<2x0x6xf32>, tensor<2x4x12xbf16>) -> (tensor<2x0x6xf32>, tensor<2x4x12xbf16>)
  return
}

// -----

// pool_keys_c4
func.func @pool_keys_c4(%v: tensor<2x3x12xf32>, %b: tensor<4x12xf32>, %g: tensor<6xf32>, %at: tensor<2x3xi64>, %c: tensor<64x2xf32>,
                        %e: tensor<2x0x6xf32>, %r: tensor<2x4x24xf32>) {
  // expected-error @+1 {{expects dimension 1 of past_rows to be 8, got 'tensor<2x4x24xf32>'}}
  %0:2 = moe.pool_keys %v, %v bias %b norm %g at %at by %c, %c cache %e, %r {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x12xf32>, tensor<2x3x12xf32>, tensor<4x12xf32>, tensor<6xf32>, tensor<2x3xi64>, tensor<64x2xf32>, tensor<64x2xf32>,
       tensor<2x0x6xf32>, tensor<2x4x24xf32>) -> (tensor<2x0x6xf32>, tensor<2x4x24xf32>)
  return
}

// -----

// pool_keys_c5
func.func @pool_keys_c5(%v: tensor<2x3x6xf32>, %b: tensor<4x6xf32>, %g: tensor<6xf32>, %at: tensor<2x3xi64>, %c: tensor<64x2xf32>,
                        %e: tensor<2x1x6xf32>, %r: tensor<2x4x12xf32>) {
  // expected-error @+1 {{expects present to have the entries that 3 tokens can complete, got 'tensor<2x3x6xf32>' after 'tensor<2x1x6xf32>'}}
  %0:2 = moe.pool_keys %v, %v bias %b norm %g at %at by %c, %c cache %e, %r {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x6xf32>, tensor<2x3x6xf32>, tensor<4x6xf32>, tensor<6xf32>, tensor<2x3xi64>, tensor<64x2xf32>, tensor<64x2xf32>,
       tensor<2x1x6xf32>, tensor<2x4x12xf32>) -> (tensor<2x3x6xf32>, tensor<2x4x12xf32>)
  return
}

// -----

// pool_keys_c6
func.func @pool_keys_c6(%v: tensor<2x3x6xf32>, %b: tensor<4x6xf32>, %g: tensor<6xf32>, %at: tensor<2x3xi64>, %c: tensor<64x2xf32>,
                        %e: tensor<2x1x6xf32>, %r: tensor<2x4x12xf32>) {
  // expected-error @+1 {{expects epsilon >= 0 and finite, got -1.000000e+00}}
  %0:2 = moe.pool_keys %v, %v bias %b norm %g at %at by %c, %c cache %e, %r {epsilon = -1.0 : f64}
    : (tensor<2x3x6xf32>, tensor<2x3x6xf32>, tensor<4x6xf32>, tensor<6xf32>, tensor<2x3xi64>, tensor<64x2xf32>, tensor<64x2xf32>,
       tensor<2x1x6xf32>, tensor<2x4x12xf32>) -> (tensor<2x1x6xf32>, tensor<2x4x12xf32>)
  return
}

// -----

// pooled_attention_c1
func.func @pooled_attention_c1(%q: tensor<2x1x12xf32>, %k: tensor<2x1x6xf32>, %p: tensor<2x7x6xf32>) {
  // expected-error @+1 {{expects heads and a window >= 1, got 2 and 0}}
  %0:2 = moe.pooled_attention %q, %k cache %p {heads = 2 : i64, scale = 0.5 : f64, window = 0 : i64}
    : (tensor<2x1x12xf32>, tensor<2x1x6xf32>, tensor<2x7x6xf32>) -> (tensor<2x1x12xf32>, tensor<2x8x6xf32>)
  return
}

// -----

// pooled_attention_c2
func.func @pooled_attention_c2(%q: tensor<2x1x12xf32>, %k: tensor<2x1x6xf32>, %p: tensor<2x7x6xf32>) {
  // expected-error @+1 {{expects no ratio where there are no entries, got 4}}
  %0:2 = moe.pooled_attention %q, %k cache %p {heads = 2 : i64, scale = 0.5 : f64, window = 4 : i64, ratio = 4 : i64}
    : (tensor<2x1x12xf32>, tensor<2x1x6xf32>, tensor<2x7x6xf32>) -> (tensor<2x1x12xf32>, tensor<2x8x6xf32>)
  return
}

// -----

// pooled_attention_c3
func.func @pooled_attention_c3(%q: tensor<2x1x12xf32>, %k: tensor<2x1x6xf32>, %p: tensor<2x7x6xf32>, %iq: tensor<2x1x9xf32>,
                               %iw: tensor<2x1x3xf32>, %ie: tensor<2x2x3xf32>) {
  // expected-error @+1 {{expects queries, weights and entries of an index beside entries, or none of them}}
  %0:2 = moe.pooled_attention %q, %k cache %p index %iq, %iw, %ie
    {heads = 2 : i64, scale = 0.5 : f64, window = 4 : i64, top_entries = 1 : i64}
    : (tensor<2x1x12xf32>, tensor<2x1x6xf32>, tensor<2x7x6xf32>, tensor<2x1x9xf32>, tensor<2x1x3xf32>, tensor<2x2x3xf32>)
    -> (tensor<2x1x12xf32>, tensor<2x8x6xf32>)
  return
}

// -----

// pooled_attention_c4
func.func @pooled_attention_c4(%q: tensor<2x1x12xf32>, %k: tensor<2x1x6xf32>, %p: tensor<2x7x6xf32>, %e: tensor<2x2x6xf32>) {
  // expected-error @+1 {{expects no top_entries without an index, got 3}}
  %0:2 = moe.pooled_attention %q, %k cache %p entries %e
    {heads = 2 : i64, scale = 0.5 : f64, window = 4 : i64, ratio = 4 : i64, top_entries = 3 : i64}
    : (tensor<2x1x12xf32>, tensor<2x1x6xf32>, tensor<2x7x6xf32>, tensor<2x2x6xf32>) -> (tensor<2x1x12xf32>, tensor<2x8x6xf32>)
  return
}

// -----

// pooled_attention_c5
func.func @pooled_attention_c5(%q: tensor<2x1x12xf32>, %k: tensor<2x1x6xf32>, %p: tensor<2x7x6xf32>, %e: tensor<2x3x6xf32>) {
  // expected-error @+1 {{expects dimension 1 of entries to be 2, got 'tensor<2x3x6xf32>'}}
  %0:2 = moe.pooled_attention %q, %k cache %p entries %e {heads = 2 : i64, scale = 0.5 : f64, window = 4 : i64, ratio = 4 : i64}
    : (tensor<2x1x12xf32>, tensor<2x1x6xf32>, tensor<2x7x6xf32>, tensor<2x3x6xf32>) -> (tensor<2x1x12xf32>, tensor<2x8x6xf32>)
  return
}

// -----

// pooled_attention_c6
func.func @pooled_attention_c6(%q: tensor<2x1x10xf32>, %k: tensor<2x1x6xf32>, %p: tensor<2x7x6xf32>) {
  // expected-error @+1 {{expects query with the leading dimensions of 'tensor<2x1x6xf32>' and width 12, got 'tensor<2x1x10xf32>'}}
  %0:2 = moe.pooled_attention %q, %k cache %p {heads = 2 : i64, scale = 0.5 : f64, window = 4 : i64}
    : (tensor<2x1x10xf32>, tensor<2x1x6xf32>, tensor<2x7x6xf32>) -> (tensor<2x1x10xf32>, tensor<2x8x6xf32>)
  return
}

// -----

// grouped_linear_c1
func.func @grouped_linear_c1(%x: tensor<2x6xf32>, %w: tensor<?x2x4xf32>) {
  // expected-error @+1 {{expects a static weight, got 'tensor<?x2x4xf32>'}}
  %0 = moe.grouped_linear %x, %w : (tensor<2x6xf32>, tensor<?x2x4xf32>) -> tensor<2x12xf32>
  return
}

// -----

// grouped_linear_c2
func.func @grouped_linear_c2(%x: tensor<2x7xf32>, %w: tensor<3x2x4xf32>) {
  // expected-error @+1 {{expects dimension 1 of input to be 6, got 'tensor<2x7xf32>'}}
  %0 = moe.grouped_linear %x, %w : (tensor<2x7xf32>, tensor<3x2x4xf32>) -> tensor<2x12xf32>
  return
}
