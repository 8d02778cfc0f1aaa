// RUN: portolan-opt %s --split-input-file --verify-diagnostics

func.func @shared_attention_c1(%q: tensor<1x2x12xf32>, %k: tensor<1x2x5x4xf32>) {
  // expected-error @+1 {{expects kv_heads that divide heads, got 3 heads and 2 kv_heads}}
  %0 = moe.shared_attention %q cache %k, %k {heads = 3 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<1x2x12xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x12xf32>
  return
}

// -----

func.func @shared_attention_c2(%q: tensor<1x2x16xf32>, %k: tensor<1x2x5x3xf32>) {
  // expected-error @+1 {{expects dimension 3 of keys to be 4, got 'tensor<1x2x5x3xf32>'}}
  %0 = moe.shared_attention %q cache %k, %k {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<1x2x16xf32>, tensor<1x2x5x3xf32>, tensor<1x2x5x3xf32>) -> tensor<1x2x16xf32>
  return
}

// -----

func.func @shared_attention_c3(%q: tensor<1x3x16xf32>, %k: tensor<1x2x2x4xf32>) {
  // expected-error @+1 {{expects caches that hold the new tokens, got 2 for 3 of them}}
  %0 = moe.shared_attention %q cache %k, %k {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<1x3x16xf32>, tensor<1x2x2x4xf32>, tensor<1x2x2x4xf32>) -> tensor<1x3x16xf32>
  return
}

// -----

func.func @shared_attention_c4(%q: tensor<1x3x16xf32>, %k: tensor<1x2x5x4xf32>) {
  // expected-error @+1 {{expects log_sum_exp with the leading dimensions of 'tensor<1x3x16xf32>' and width 4, got 'tensor<1x3x2xf32>'}}
  %0:2 = moe.shared_attention %q cache %k, %k {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<1x3x16xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> (tensor<1x3x16xf32>, tensor<1x3x2xf32>)
  return
}

// -----

func.func @chosen_latent_attention_c1(%q: tensor<1x1x10xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                                      %c: tensor<1x1x4xi32>, %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>,
                                      %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) {
  // expected-error @+1 {{expects heads > 0, got 0}}
  %0:3 = moe.chosen_latent_attention %q, %l, %r chosen %c cache %pl, %pr up %ku, %vu {heads = 0 : i64, scale = 0.5 : f64}
    : (tensor<1x1x10xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x4xi32>, tensor<1x7x5xf32>,
       tensor<1x7x2xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>)
  return
}

// -----

func.func @chosen_latent_attention_c2(%q: tensor<1x1x10xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                                      %c: tensor<1x1x4xf32>, %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>,
                                      %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) {
  // expected-error @+1 {{expects positions (i32) of at least one key, got 'tensor<1x1x4xf32>'}}
  %0:3 = moe.chosen_latent_attention %q, %l, %r chosen %c cache %pl, %pr up %ku, %vu {heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<1x1x10xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x4xf32>, tensor<1x7x5xf32>,
       tensor<1x7x2xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>)
  return
}

// -----

func.func @chosen_latent_attention_c3(%q: tensor<1x1x8xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                                      %c: tensor<1x1x4xi32>, %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>,
                                      %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) {
  // expected-error @+1 {{expects dimension 2 of query to be 10, got 'tensor<1x1x8xf32>'}}
  %0:3 = moe.chosen_latent_attention %q, %l, %r chosen %c cache %pl, %pr up %ku, %vu {heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<1x1x8xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x4xi32>, tensor<1x7x5xf32>,
       tensor<1x7x2xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>)
  return
}

// -----

func.func @indexed_latent_attention_c4(%q: tensor<1x1x10xf32>, %l: tensor<1x1x5xf32>, %r: tensor<1x1x2xf32>,
                                       %iq: tensor<1x1x12xf32>, %ik: tensor<1x1x4xf32>, %iw: tensor<1x1x3xf32>,
                                       %pl: tensor<1x7x5xf32>, %pr: tensor<1x7x2xf32>, %pi: tensor<1x7x4xf32>,
                                       %ku: tensor<2x5x3xf32>, %vu: tensor<2x5x6xf32>) {
  // expected-error @+1 {{expects chosen with the leading dimensions of 'tensor<1x1x10xf32>' and width 2, got 'tensor<1x1x3xi32>'}}
  %0:5 = moe.indexed_latent_attention %q, %l, %r index %iq, %ik, %iw cache %pl, %pr, %pi up %ku, %vu
    {heads = 2 : i64, scale = 0.5 : f64, index_heads = 3 : i64, top_keys = 2 : i64}
    : (tensor<1x1x10xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x12xf32>,
       tensor<1x1x4xf32>, tensor<1x1x3xf32>, tensor<1x7x5xf32>, tensor<1x7x2xf32>,
       tensor<1x7x4xf32>, tensor<2x5x3xf32>, tensor<2x5x6xf32>)
    -> (tensor<1x1x12xf32>, tensor<1x8x5xf32>, tensor<1x8x2xf32>, tensor<1x8x4xf32>, tensor<1x1x3xi32>)
  return
}

// -----

func.func @rotary_table_c4() {
  // expected-error @+1 {{expects one of factors for each column, got 3 for 'tensor<8x4xf32>'}}
  %c, %s = moe.rotary_table {theta = 1.0e4 : f64, factors = array<f64: 1.0, 0.5, 0.5>} : tensor<8x4xf32>, tensor<8x4xf32>
  return
}
