// RUN: portolan-opt %s --split-input-file --verify-diagnostics

func.func @rms_norm_c5(%x: tensor<2x8xf32>, %g: tensor<8xf32>, %s: tensor<4xf32>) -> tensor<2x8xf32> {
  // expected-error @+1 {{expects dimension 0 of shift to be 8, got 'tensor<4xf32>'}}
  %y = moe.rms_norm %x, %g shift %s {epsilon = 1.0e-5 : f64, centered}
    : (tensor<2x8xf32>, tensor<8xf32>, tensor<4xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

func.func @rms_norm_c6(%x: tensor<2x8xf32>, %g: tensor<8xf32>) -> tensor<2x8xf32> {
  // expected-error @+1 {{expects a shift beside centered only}}
  %y = moe.rms_norm %x, %g shift %g {epsilon = 1.0e-5 : f64}
    : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

func.func @scale_c2(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // expected-error @+1 {{expects limit >= 0, and no soft_cap beside one, got 8.000000e+00 and 3.000000e+01}}
  %y = moe.scale %x {limit = 8.0 : f64, soft_cap = 30.0 : f64} : tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

func.func @linear_c6(%x: tensor<2x8xf32>, %w: tensor<8x6xf32>, %b: tensor<6xf32>) -> tensor<2x6xf32> {
  // expected-error @+1 {{expects bias_share >= 1, got 0}}
  %y = moe.linear %x, %w bias %b {bias_share = 0 : i64}
    : (tensor<2x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<2x6xf32>
  return %y : tensor<2x6xf32>
}

// -----

func.func @attention_c9(%q: tensor<1x1x8xf32>, %p: tensor<1x2x5x4xf32>) {
  // expected-error @+1 {{expects a chunk >= 0, and no window beside one, got 4 and 2}}
  %0:3 = moe.attention %q, %q, %q cache %p, %p
    {heads = 2 : i64, kv_heads = 2 : i64, scale = 0.5 : f64, chunk = 4 : i64, window = 2 : i64}
    : (tensor<1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>,
       tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>)
    -> (tensor<1x1x8xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>)
  return
}

// -----

func.func @attention_c10(%q: tensor<1x1x8xf32>, %p: tensor<1x2x5x4xf32>) {
  // expected-error @+1 {{expects temperature_floor >= 0, got -1}}
  %0:3 = moe.attention %q, %q, %q cache %p, %p
    {heads = 2 : i64, kv_heads = 2 : i64, scale = 0.5 : f64, temperature_floor = -1 : i64}
    : (tensor<1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>,
       tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>)
    -> (tensor<1x1x8xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>)
  return
}

// -----

func.func @indexed_latent_attention_c1(%q: tensor<1x1x10xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                   %iq: tensor<1x1x12xf32>, %ik: tensor<1x1x4xf32>, %iw: tensor<1x1x3xf32>,
                   %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>, %pi: tensor<1x7x4xf32>,
                   %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) {
  // expected-error @+1 {{expects heads, index_heads and top_keys > 0, got 2, 3 and 0}}
  %0:4 = moe.indexed_latent_attention %q, %l, %r index %iq, %ik, %iw cache %pl, %pr, %pi up %ku, %vu
    {heads = 2 : i64, scale = 0.5 : f64, index_heads = 3 : i64, top_keys = 0 : i64}
    : (tensor<1x1x10xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x12xf32>,
       tensor<1x1x4xf32>, tensor<1x1x3xf32>, tensor<1x7x5xf32>, tensor<1x7x2xf32>,
       tensor<1x7x4xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>, tensor<1x8x4xf32>)
  return
}

// -----

func.func @indexed_latent_attention_c2(%q: tensor<1x1x10xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                   %iq: tensor<1x1x8xf32>, %ik: tensor<1x1x4xf32>, %iw: tensor<1x1x3xf32>,
                   %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>, %pi: tensor<1x7x4xf32>,
                   %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) {
  // expected-error @+1 {{expects dimension 2 of index_query to be 12, got 'tensor<1x1x8xf32>'}}
  %0:4 = moe.indexed_latent_attention %q, %l, %r index %iq, %ik, %iw cache %pl, %pr, %pi up %ku, %vu
    {heads = 2 : i64, scale = 0.5 : f64, index_heads = 3 : i64, top_keys = 2 : i64}
    : (tensor<1x1x10xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x8xf32>,
       tensor<1x1x4xf32>, tensor<1x1x3xf32>, tensor<1x7x5xf32>, tensor<1x7x2xf32>,
       tensor<1x7x4xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>, tensor<1x8x4xf32>)
  return
}

// -----

func.func @indexed_latent_attention_c3(%q: tensor<1x1x10xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                   %iq: tensor<1x1x12xf32>, %ik: tensor<1x1x4xf32>, %iw: tensor<1x1x3xf32>,
                   %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>, %pi: tensor<1x7x4xf32>,
                   %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) {
  // expected-error @+1 {{expects present_index to be 'tensor<1x7x4xf32>' grown by 1 tokens, got 'tensor<1x7x4xf32>'}}
  %0:4 = moe.indexed_latent_attention %q, %l, %r index %iq, %ik, %iw cache %pl, %pr, %pi up %ku, %vu
    {heads = 2 : i64, scale = 0.5 : f64, index_heads = 3 : i64, top_keys = 2 : i64}
    : (tensor<1x1x10xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x12xf32>,
       tensor<1x1x4xf32>, tensor<1x1x3xf32>, tensor<1x7x5xf32>, tensor<1x7x2xf32>,
       tensor<1x7x4xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>, tensor<1x7x4xf32>)
  return
}

// -----

func.func @route_c10(%x: tensor<3x8xf32>, %r: tensor<8x4xf32>) {
  // expected-error @+1 {{expects group_rank 1 or 2, got 3}}
  %w, %i = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring softmax>, group_rank = 3 : i64}
    : (tensor<3x8xf32>, tensor<8x4xf32>) -> (tensor<3x2xf32>, tensor<3x2xi32>)
  return
}

// -----

func.func @route_c11(%x: tensor<3x8xf32>, %r: tensor<8x4xf32>) {
  // expected-error @+1 {{expects jitter >= 0, of sparse_mixer only, got 1.000000e-02}}
  %w, %i = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring softmax>, jitter = 0.01 : f64}
    : (tensor<3x8xf32>, tensor<8x4xf32>) -> (tensor<3x2xf32>, tensor<3x2xi32>)
  return
}

// -----

func.func @route_c12(%x: tensor<3x8xf32>, %r: tensor<8x4xf32>) {
  // expected-error @+1 {{expects no groups, correction or table with sparse_mixer}}
  %w, %i = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring sparse_mixer>, groups = 2 : i64, top_groups = 1 : i64}
    : (tensor<3x8xf32>, tensor<8x4xf32>) -> (tensor<3x2xf32>, tensor<3x2xi32>)
  return
}

// -----

func.func @dispatch_c5(%x: tensor<3x8xf32>, %w: tensor<3x1xf32>, %i: tensor<3x2xi32>) {
  // expected-error @+1 {{expects weights and indices of one shape, got 'tensor<3x1xf32>' and 'tensor<3x2xi32>'}}
  %r, %c = moe.dispatch %x, %i weights %w
    : (tensor<3x8xf32>, tensor<3x2xi32>, tensor<3x1xf32>) -> (tensor<6x8xf32>, tensor<4xi32>)
  return
}

// -----

func.func @experts_c6(%x: tensor<3x4xf32>, %c: tensor<2xi32>, %u: tensor<2x4x6xf32>, %d: tensor<2x6x4xf32>) {
  // expected-error @+1 {{expects bias_share >= 1, got -2}}
  %y = moe.experts %x, %c up %u down %d {activation = #moe<activation relu>, bias_share = -2 : i64}
    : (tensor<3x4xf32>, tensor<2xi32>, tensor<2x4x6xf32>, tensor<2x6x4xf32>) -> tensor<3x4xf32>
  return
}
