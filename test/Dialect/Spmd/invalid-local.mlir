// RUN: portolan-opt %s --split-input-file --verify-diagnostics

func.func @pack_c1(%x: tensor<6x8xf32>, %w: tensor<6x2xf32>, %i: tensor<6x2xi32>) {
  // expected-error @+1 {{expects an expert_tensor that divides the group of 4, got 3}}
  %0:5 = spmd.pack %x, %w, %i over <4 by 1> {experts = 8 : i64, expert_tensor = 3 : i64}
    : (tensor<6x8xf32>, tensor<6x2xf32>, tensor<6x2xi32>)
    -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>)
  return
}

// -----

func.func @pack_c2(%x: tensor<6x8xf32>, %w: tensor<6x2xf32>, %i: tensor<6x2xi32>) {
  // expected-error @+1 {{expects at least one expert for each of 1 holders behind 4 blocks of ranks, got 3}}
  %0:5 = spmd.pack %x, %w, %i over <4 by 1> {experts = 3 : i64}
    : (tensor<6x8xf32>, tensor<6x2xf32>, tensor<6x2xi32>)
    -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>)
  return
}

// -----

func.func @pack_c3(%x: tensor<6x8xf32>, %w: tensor<6x2xf32>, %i: tensor<5x2xi32>) {
  // expected-error @+1 {{expects input [T,H], weights [T,K] and indices [T,K], got 'tensor<6x8xf32>', 'tensor<6x2xf32>' and 'tensor<5x2xi32>'}}
  %0:5 = spmd.pack %x, %w, %i over <4 by 1> {experts = 8 : i64}
    : (tensor<6x8xf32>, tensor<6x2xf32>, tensor<5x2xi32>)
    -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>)
  return
}

// -----

func.func @pack_c4(%x: tensor<6x8xf32>, %w: tensor<6x2xf32>, %i: tensor<6x2xi32>) {
  // expected-error @+1 {{expects rows, row_weights and row_indices of the widths of input, weights and indices, got 'tensor<?x7xf32>', 'tensor<?x2xf32>' and 'tensor<?x2xi32>'}}
  %0:5 = spmd.pack %x, %w, %i over <4 by 1> {experts = 8 : i64}
    : (tensor<6x8xf32>, tensor<6x2xf32>, tensor<6x2xi32>)
    -> (tensor<?x7xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>)
  return
}

// -----

func.func @unpack_c1(%x: tensor<?x8xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{expects rows [R,H] and a result [T,H], got 'tensor<?x8xf32>' and 'tensor<6x9xf32>'}}
  %0 = spmd.unpack %x, %t : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<6x9xf32>
  return
}

// -----

func.func @unpack_c2(%x: tensor<7x8xf32>, %t: tensor<6xi32>) {
  // expected-error @+1 {{expects one token per row, got 'tensor<6xi32>'}}
  %0 = spmd.unpack %x, %t : (tensor<7x8xf32>, tensor<6xi32>) -> tensor<6x8xf32>
  return
}

// -----

func.func @unpack_c3(%x: tensor<?x8xf32>, %t: tensor<?xi32>) {
  // expected-error @+1 {{expects what was packed beside a ragged result}}
  %0 = spmd.unpack %x, %t : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @unpack_c4(%x: tensor<?x8xf32>, %t: tensor<?xi32>, %p: tensor<5x2xf32>) {
  // expected-error @+1 {{expects as many results as were packed, got 'tensor<6x8xf32>' of 'tensor<5x2xf32>'}}
  %0 = spmd.unpack %x, %t of %p : (tensor<?x8xf32>, tensor<?xi32>, tensor<5x2xf32>) -> tensor<6x8xf32>
  return
}

// -----

func.func @merge_partials_c1(%v: tensor<4x1x8xf32>, %l: tensor<3x1x2xf32>) {
  // expected-error @+1 {{expects values [N*B,S,W], log_sum_exp [N*B,S,heads] and a result [B,S,W]}}
  %0 = spmd.merge_partials %v, %l {parts = 2 : i64}
    : (tensor<4x1x8xf32>, tensor<3x1x2xf32>) -> tensor<2x1x8xf32>
  return
}

// -----

func.func @merge_partials_c2(%v: tensor<4x1x8xf32>, %l: tensor<4x1x2xf32>) {
  // expected-error @+1 {{expects parts * B rows of values, got 3 parts and}}
  %0 = spmd.merge_partials %v, %l {parts = 3 : i64}
    : (tensor<4x1x8xf32>, tensor<4x1x2xf32>) -> tensor<2x1x8xf32>
  return
}

// -----

func.func @merge_partials_c3(%v: tensor<4x1x8xf32>, %l: tensor<4x1x3xf32>) {
  // expected-error @+1 {{expects heads that divide the width 8, got 3}}
  %0 = spmd.merge_partials %v, %l {parts = 2 : i64}
    : (tensor<4x1x8xf32>, tensor<4x1x3xf32>) -> tensor<2x1x8xf32>
  return
}
