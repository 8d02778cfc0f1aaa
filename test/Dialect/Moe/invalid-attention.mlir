// RUN: portolan-opt %s --split-input-file --verify-diagnostics

// rotary_table_c1
func.func @rotary_table_c1() {
  // expected-error @+1 {{expects two tables of one type, got 'tensor<4x2xf32>' and 'tensor<4x3xf32>'}}
  %0, %1 = moe.rotary_table {theta = 1.0e4 : f64} : tensor<4x2xf32>, tensor<4x3xf32>
  return
}

// -----

// rotary_table_c2
func.func @rotary_table_c2() {
  // expected-error @+1 {{expects theta > 0, got 0.0}}
  %0, %1 = moe.rotary_table {theta = 0.0 : f64} : tensor<4x2xf32>, tensor<4x2xf32>
  return
}

// -----

// rotary_table_c3
func.func @rotary_table_c3() {
  // expected-error @+1 {{expects yarn_original_positions, yarn_beta_fast and yarn_beta_slow beside yarn_factor}}
  %0, %1 = moe.rotary_table {theta = 1.0e4 : f64, yarn_factor = 4.0 : f64} : tensor<4x2xf32>, tensor<4x2xf32>
  return
}

// -----

// rope_c1
func.func @rope_c1(%x: tensor<2x3x16xf32>, %p: tensor<2x3xi64>, %c: tensor<9x2xf32>) {
  // expected-error @+1 {{expects a result of the input's type, got 'tensor<2x3x8xf32>'}}
  %0 = moe.rope %x at %p by %c, %c {head_width = 8 : i64}
    : (tensor<2x3x16xf32>, tensor<2x3xi64>, tensor<9x2xf32>, tensor<9x2xf32>) -> tensor<2x3x8xf32>
  return
}

// -----

// rope_c2
func.func @rope_c2(%x: tensor<2x3x16xf32>, %p: tensor<2x3xf32>, %c: tensor<9x2xf32>) {
  // expected-error @+1 {{expects integer positions, got 'tensor<2x3xf32>'}}
  %0 = moe.rope %x at %p by %c, %c {head_width = 8 : i64}
    : (tensor<2x3x16xf32>, tensor<2x3xf32>, tensor<9x2xf32>, tensor<9x2xf32>) -> tensor<2x3x16xf32>
  return
}

// -----

// rope_c3
func.func @rope_c3(%x: tensor<2x3x16xf32>, %p: tensor<2x3xi64>, %c: tensor<9x2xf32>) {
  // expected-error @+1 {{expects a head width that divides 16, got 5}}
  %0 = moe.rope %x at %p by %c, %c {head_width = 5 : i64}
    : (tensor<2x3x16xf32>, tensor<2x3xi64>, tensor<9x2xf32>, tensor<9x2xf32>) -> tensor<2x3x16xf32>
  return
}

// -----

// rope_c4
func.func @rope_c4(%x: tensor<2x3x16xf32>, %p: tensor<2x3xi64>, %c: tensor<9x2xf32>) {
  // expected-error @+1 {{expects offset + 2 * columns <= head width 8, got 5 + 4}}
  %0 = moe.rope %x at %p by %c, %c {head_width = 8 : i64, offset = 5 : i64}
    : (tensor<2x3x16xf32>, tensor<2x3xi64>, tensor<9x2xf32>, tensor<9x2xf32>) -> tensor<2x3x16xf32>
  return
}

// -----

// attention_c1
func.func @attention_c1(%q: tensor<2x3x16xf32>, %k: tensor<2x3x8xf32>, %p: tensor<2x2x5x4xf32>) {
  // expected-error @+1 {{expects kv_heads that divide heads, got 4 heads and 3 kv_heads}}
  %0:3 = moe.attention %q, %k, %k cache %p, %p {heads = 4 : i64, kv_heads = 3 : i64, scale = 0.5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>) -> (tensor<2x3x16xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
  return
}

// -----

// attention_c2
func.func @attention_c2(%q: tensor<2x3x18xf32>, %k: tensor<2x3x8xf32>, %p: tensor<2x2x5x4xf32>) {
  // expected-error @+1 {{expects a query width that heads divide, got 18 and 4}}
  %0:3 = moe.attention %q, %k, %k cache %p, %p {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x3x18xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>) -> (tensor<2x3x16xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
  return
}

// -----

// attention_c3
func.func @attention_c3(%q: tensor<2x3x16xf32>, %k: tensor<2x3x10xf32>, %p: tensor<2x2x5x4xf32>) {
  // expected-error @+1 {{expects dimension 2 of key to be 8, got 'tensor<2x3x10xf32>'}}
  %0:3 = moe.attention %q, %k, %k cache %p, %p {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x10xf32>, tensor<2x3x10xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>) -> (tensor<2x3x16xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
  return
}

// -----

// attention_c4
func.func @attention_c4(%q: tensor<2x3x16xf32>, %k: tensor<2x3x8xf32>, %p: tensor<2x2x5x4xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{expects dimension 0 of sinks to be 4, got 'tensor<3xf32>'}}
  %0:3 = moe.attention %q, %k, %k cache %p, %p sinks %s {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<3xf32>) -> (tensor<2x3x16xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
  return
}

// -----

// attention_c5
func.func @attention_c5(%q: tensor<2x3x16xf32>, %k: tensor<2x3x8xf32>, %p: tensor<2x2x5x4xf32>, %l: tensor<2xf32>) {
  // expected-error @+1 {{expects integer total_lengths, got 'tensor<2xf32>'}}
  %0:3 = moe.attention %q, %k, %k cache %p, %p lengths %l {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2xf32>) -> (tensor<2x3x16xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
  return
}

// -----

// attention_c6
func.func @attention_c6(%q: tensor<2x3x16xf32>, %k: tensor<2x3x8xf32>, %p: tensor<2x2x5x4xf32>) {
  // expected-error @+1 {{expects present_key to be 'tensor<2x2x5x4xf32>' grown by 3 tokens, got 'tensor<2x2x7x4xf32>'}}
  %0:3 = moe.attention %q, %k, %k cache %p, %p {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>) -> (tensor<2x3x16xf32>, tensor<2x2x7x4xf32>, tensor<2x2x7x4xf32>)
  return
}

// -----

// attention_c7
func.func @attention_c7(%q: tensor<2x3x16xf32>, %k: tensor<2x3x8xf32>, %p: tensor<2x2x5x4xf32>) {
  // expected-error @+1 {{expects result with the leading dimensions of 'tensor<2x3x16xf32>' and width 16, got 'tensor<2x3x8xf32>'}}
  %0:3 = moe.attention %q, %k, %k cache %p, %p {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>) -> (tensor<2x3x8xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
  return
}

// -----

// attention_c8
func.func @attention_c8(%q: tensor<2x3x16xf32>, %k: tensor<2x3x8xf32>, %p: tensor<2x2x5x4xf32>, %l: tensor<2x7xi64>) {
  // 5 past and 3 new keys are 8.
  // expected-error @+1 {{expects dimension 1 of total_lengths to be 8, got 'tensor<2x7xi64>'}}
  %0:3 = moe.attention %q, %k, %k cache %p, %p lengths %l {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x7xi64>) -> (tensor<2x3x16xf32>, tensor<2x2x8x4xf32>, tensor<2x2x8x4xf32>)
  return
}

// -----

// latent_attention_c1
func.func @latent_attention_c1(%q: tensor<2x3x18xf32>, %c: tensor<2x3x8xf32>, %r: tensor<2x3x2xf32>, %pc: tensor<2x5x8xf32>, %pr: tensor<2x5x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>) {
  // expected-error @+1 {{expects heads > 0, got 0}}
  %0:3 = moe.latent_attention %q, %c, %r cache %pc, %pr up %ku, %vu {heads = 0 : i64, scale = 0.25 : f64}
    : (tensor<2x3x18xf32>, tensor<2x3x8xf32>, tensor<2x3x2xf32>, tensor<2x5x8xf32>, tensor<2x5x2xf32>, tensor<3x8x4xf32>, tensor<3x8x5xf32>) -> (tensor<2x3x15xf32>, tensor<2x8x8xf32>, tensor<2x8x2xf32>)
  return
}

// -----

// latent_attention_c2
func.func @latent_attention_c2(%q: tensor<2x3x18xf32>, %c: tensor<2x3x8xf32>, %r: tensor<2x3x2xf32>, %pc: tensor<2x8xf32>, %pr: tensor<2x5x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>) {
  // expected-error @+1 {{expects past_latent of rank 3, got 'tensor<2x8xf32>'}}
  %0:3 = moe.latent_attention %q, %c, %r cache %pc, %pr up %ku, %vu {heads = 3 : i64, scale = 0.25 : f64}
    : (tensor<2x3x18xf32>, tensor<2x3x8xf32>, tensor<2x3x2xf32>, tensor<2x8xf32>, tensor<2x5x2xf32>, tensor<3x8x4xf32>, tensor<3x8x5xf32>) -> (tensor<2x3x15xf32>, tensor<2x8x8xf32>, tensor<2x8x2xf32>)
  return
}

// -----

// latent_attention_c3
func.func @latent_attention_c3(%q: tensor<2x3x12xf32>, %c: tensor<2x3x8xf32>, %r: tensor<2x3x2xf32>, %pc: tensor<2x5x8xf32>, %pr: tensor<2x5x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>) {
  // expected-error @+1 {{expects dimension 2 of query to be 18, got 'tensor<2x3x12xf32>'}}
  %0:3 = moe.latent_attention %q, %c, %r cache %pc, %pr up %ku, %vu {heads = 3 : i64, scale = 0.25 : f64}
    : (tensor<2x3x12xf32>, tensor<2x3x8xf32>, tensor<2x3x2xf32>, tensor<2x5x8xf32>, tensor<2x5x2xf32>, tensor<3x8x4xf32>, tensor<3x8x5xf32>) -> (tensor<2x3x15xf32>, tensor<2x8x8xf32>, tensor<2x8x2xf32>)
  return
}

// -----

// latent_attention_c4
func.func @latent_attention_c4(%q: tensor<2x3x18xf32>, %c: tensor<2x3x8xf32>, %r: tensor<2x3x2xf32>, %pc: tensor<2x5x8xf32>, %pr: tensor<2x5x2xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>) {
  // expected-error @+1 {{expects present_latent to be 'tensor<2x5x8xf32>' grown by 3 tokens, got 'tensor<2x9x8xf32>'}}
  %0:3 = moe.latent_attention %q, %c, %r cache %pc, %pr up %ku, %vu {heads = 3 : i64, scale = 0.25 : f64}
    : (tensor<2x3x18xf32>, tensor<2x3x8xf32>, tensor<2x3x2xf32>, tensor<2x5x8xf32>, tensor<2x5x2xf32>, tensor<3x8x4xf32>, tensor<3x8x5xf32>) -> (tensor<2x3x15xf32>, tensor<2x9x8xf32>, tensor<2x8x2xf32>)
  return
}

// -----

// latent_attention_c5
func.func @latent_attention_c5(%q: tensor<2x3x18xf32>, %c: tensor<2x3x8xf32>, %r: tensor<2x3x2xf32>, %pk: tensor<2x3x5x6xf32>, %pv: tensor<2x3x5x5xf32>, %ku: tensor<3x8x4xf32>, %vu: tensor<3x8x5xf32>) {
  // expected-error @+1 {{expects latent caches where it is absorbed or sees the past only}}
  %0:3 = moe.latent_attention %q, %c, %r cache %pk, %pv up %ku, %vu {heads = 3 : i64, scale = 0.25 : f64, absorbed}
    : (tensor<2x3x18xf32>, tensor<2x3x8xf32>, tensor<2x3x2xf32>, tensor<2x3x5x6xf32>, tensor<2x3x5x5xf32>, tensor<3x8x4xf32>, tensor<3x8x5xf32>) -> (tensor<2x3x15xf32>, tensor<2x3x8x6xf32>, tensor<2x3x8x5xf32>)
  return
}
