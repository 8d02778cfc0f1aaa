// RUN: portolan-opt %s --split-input-file --verify-diagnostics

// depth_attention_c1
func.func @depth_attention_c1(%s: tensor<2x3x12xf32>, %c: tensor<2x3x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expects sealed streams of width 8, at least one, got 'tensor<2x3x12xf32>'}}
  %0 = moe.depth_attention %s, %c by %g, %g {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x12xf32>, tensor<2x3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  return
}

// -----

// depth_attention_c2
func.func @depth_attention_c2(%s: tensor<2x4x16xf32>, %c: tensor<2x3x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expects sealed with the leading dimensions of 'tensor<2x3x8xf32>' and width 16, got 'tensor<2x4x16xf32>'}}
  %0 = moe.depth_attention %s, %c by %g, %g {epsilon = 1.0e-5 : f64}
    : (tensor<2x4x16xf32>, tensor<2x3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  return
}

// -----

// depth_attention_c3
func.func @depth_attention_c3(%s: tensor<2x3x16xf32>, %c: tensor<2x3x8xf32>, %g: tensor<8xf32>, %q: tensor<16xf32>) {
  // expected-error @+1 {{expects dimension 0 of query to be 8, got 'tensor<16xf32>'}}
  %0 = moe.depth_attention %s, %c by %g, %q {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<8xf32>, tensor<16xf32>) -> tensor<2x3x8xf32>
  return
}

// -----

// depth_attention_c4
func.func @depth_attention_c4(%s: tensor<2x3x16xf32>, %c: tensor<2x3x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expects a result of the type of current, got 'tensor<2x3x16xf32>'}}
  %0 = moe.depth_attention %s, %c by %g, %g {epsilon = 1.0e-5 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x3x16xf32>
  return
}

// -----

// depth_attention_c5
func.func @depth_attention_c5(%s: tensor<2x3x16xf32>, %c: tensor<2x3x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expects epsilon >= 0, got -1.000000e+00}}
  %0 = moe.depth_attention %s, %c by %g, %g {epsilon = -1.0 : f64}
    : (tensor<2x3x16xf32>, tensor<2x3x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x3x8xf32>
  return
}

// -----

// mlp_c4
func.func @mlp_c4(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>, %d: tensor<4x8xf32>) {
  // expected-error @+1 {{expects finite caps >= 0, got 4.000000e+00 and -1.000000e+00}}
  %0 = moe.mlp %x gate %w up %w down %d {activation = #moe<activation silu>, gate_cap = 4.0 : f64, linear_cap = -1.0 : f64}
    : (tensor<2x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// mlp_c5
func.func @mlp_c5(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>, %d: tensor<4x8xf32>) {
  // expected-error @+1 {{expects a gate_cap beside silu only}}
  %0 = moe.mlp %x gate %w up %w down %d {activation = #moe<activation gelu>, gate_cap = 4.0 : f64}
    : (tensor<2x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// mlp_c6
func.func @mlp_c6(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>, %d: tensor<4x8xf32>) {
  // expected-error @+1 {{expects a gate beside linear_cap}}
  %0 = moe.mlp %x up %w down %d {activation = #moe<activation silu>, linear_cap = 4.0 : f64}
    : (tensor<2x8xf32>, tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// experts_c7
func.func @experts_c7(%x: tensor<6x8xf32>, %n: tensor<2xi32>, %w: tensor<2x8x4xf32>, %d: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expects finite caps >= 0, got -4.000000e+00 and 0.000000e+00}}
  %0 = moe.experts %x, %n gate %w up %w down %d {activation = #moe<activation silu>, gate_cap = -4.0 : f64}
    : (tensor<6x8xf32>, tensor<2xi32>, tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<2x4x8xf32>) -> tensor<6x8xf32>
  return
}

// -----

// experts_c8
func.func @experts_c8(%x: tensor<6x8xf32>, %n: tensor<2xi32>, %w: tensor<2x8x4xf32>, %d: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expects a gate_cap beside silu only}}
  %0 = moe.experts %x, %n gate %w up %w down %d {activation = #moe<activation relu>, gate_cap = 4.0 : f64}
    : (tensor<6x8xf32>, tensor<2xi32>, tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<2x4x8xf32>) -> tensor<6x8xf32>
  return
}

// -----

// experts_c9
func.func @experts_c9(%x: tensor<6x8xf32>, %n: tensor<2xi32>, %w: tensor<2x8x4xf32>, %d: tensor<2x4x8xf32>) {
  // expected-error @+1 {{expects a gate beside linear_cap}}
  %0 = moe.experts %x, %n up %w down %d {activation = #moe<activation silu>, linear_cap = 4.0 : f64}
    : (tensor<6x8xf32>, tensor<2xi32>, tensor<2x8x4xf32>, tensor<2x4x8xf32>) -> tensor<6x8xf32>
  return
}
