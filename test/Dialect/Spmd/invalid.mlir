// RUN: portolan-opt %s --split-input-file --verify-diagnostics

// group_c1
func.func @group_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects size >= 1 and stride >= 1, got 0 and 1}}
  %0 = spmd.all_reduce %x over <0 by 1> : tensor<4xf32>
  return
}

// -----

// shard_c1
// expected-error @+1 {{expects parts, strides and units of one length, got 2, 1 and 2}}
func.func @shard_c1(%w: tensor<4x4xf32> {spmd.shard = #spmd.shard<parts = [1, 4], strides = [1], units = [1, 1]>}) {
  return
}

// -----

// shard_c2
// expected-error @+1 {{expects values >= 1, got 0}}
func.func @shard_c2(%w: tensor<4xf32> {spmd.shard = #spmd.shard<parts = [0], strides = [1], units = [1]>}) {
  return
}

// -----

// shard_c3
// expected-error @+1 {{expects a #spmd.shard of as many dimensions as argument 0, got #spmd.shard<parts = [2], strides = [1], units = [1]>}}
func.func @shard_c3(%w: tensor<4x4xf32> {spmd.shard = #spmd.shard<parts = [2], strides = [1], units = [1]>}) {
  return
}

// -----

// mesh_c1
// expected-error @+1 {{expects axes >= 1, got 0}}
spmd.mesh @mesh_c1 {stage = 0 : i64, data = 1 : i64, context = 1 : i64, tensor = 4 : i64,
                    expert = 4 : i64, expert_tensor = 1 : i64}

// -----

// mesh_c2
// expected-error @+1 {{expects data * context * tensor = expert * expert_tensor, got 8 and 6}}
spmd.mesh @mesh_c2 {stage = 1 : i64, data = 2 : i64, context = 1 : i64, tensor = 4 : i64,
                    expert = 6 : i64, expert_tensor = 1 : i64}

// -----

func.func @all_reduce_c1(%x: tensor<4xi32>) {
  // expected-error @+1 {{expects a tensor of floats, got 'tensor<4xi32>'}}
  %0 = spmd.all_reduce %x over <4 by 1> : tensor<4xi32>
  return
}

// -----

func.func @all_gather_c1(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{expects as many results as inputs, at least one, got 2 inputs and 1 results}}
  %0 = spmd.all_gather %x, %x over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2>}
    : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @pieces_c1(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{expects a dim of two tensors of one rank, got 2 of 'tensor<4x8xf32>' and 'tensor<2x8xf32>'}}
  %0 = spmd.all_gather %x over <2 by 1> {dim = 2 : i64, sizes = array<i64: 2, 2>}
    : (tensor<2x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @pieces_c2(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{expects one size per rank of the group of 2, got 3}}
  %0 = spmd.all_gather %x over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 1, 1>}
    : (tensor<2x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @pieces_c3(%x: tensor<18x8xf32>) {
  // Two of the 18 rows would be lost: 4 * 4 = 16.
  // expected-error @+1 {{expects sizes that sum to 18, got 16}}
  %0 = spmd.slice %x over <4 by 1> {dim = 0 : i64, sizes = array<i64: 4, 4, 4, 4>}
    : (tensor<18x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @pieces_c4(%x: tensor<18x8xf32>) {
  // expected-error @+1 {{expects a piece of one of the sizes, got 3}}
  %0 = spmd.reduce_scatter %x over <4 by 1> {dim = 0 : i64, sizes = array<i64: 5, 5, 4, 4>}
    : (tensor<18x8xf32>) -> tensor<3x8xf32>
  return
}

// -----

func.func @pieces_c5(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{expects tensors that agree but for dimension 0, got 'tensor<4x7xf32>' and 'tensor<2x8xf32>'}}
  %0 = spmd.all_gather %x over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2>}
    : (tensor<2x8xf32>) -> tensor<4x7xf32>
  return
}

// -----

func.func @pieces_c6(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{expects sizes >= 0, got -2}}
  %0 = spmd.all_gather %x over <2 by 1> {dim = 0 : i64, sizes = array<i64: 6, -2>}
    : (tensor<2x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @format_c1(%x: tensor<2x8xi32>) {
  // expected-error @+1 {{expects a format on values only, got 'tensor<2x8xi32>'}}
  %0 = spmd.all_gather %x over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2>, format = #moe.format<"fp8", "fp8">}
    : (tensor<2x8xi32>) -> tensor<4x8xi32>
  return
}

// -----

func.func @reduce_scatter_c1(%x: tensor<4xi32>) {
  // expected-error @+1 {{expects a tensor of floats, got 'tensor<4xi32>'}}
  %0 = spmd.reduce_scatter %x over <2 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2>}
    : (tensor<4xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @all_to_all_c1(%x: tensor<6xi32>) {
  // expected-error @+1 {{expects a first dimension that the group of 4 divides, got 'tensor<6xi32>'}}
  %0 = spmd.all_to_all %x over <4 by 1> : tensor<6xi32>
  return
}

// -----

func.func @all_to_all_v_c1(%x: tensor<?x8xf32>, %c: tensor<4xi32>) {
  // expected-error @+1 {{expects as many results as inputs, at least one, got 2 inputs and 1 results}}
  %0 = spmd.all_to_all_v %x, %x send %c receive %c over <4 by 1>
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<4xi32>, tensor<4xi32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @all_to_all_v_c2(%x: tensor<?x8xf32>, %c: tensor<4xi32>) {
  // expected-error @+1 {{expects results with the rows of their inputs, got 'tensor<?x8xf32>' and 'tensor<?x9xf32>'}}
  %0 = spmd.all_to_all_v %x send %c receive %c over <4 by 1>
    : (tensor<?x8xf32>, tensor<4xi32>, tensor<4xi32>) -> tensor<?x9xf32>
  return
}

// -----

func.func @all_to_all_v_c3(%x: tensor<5x8xf32>, %w: tensor<6x2xf32>, %c: tensor<4xi32>) {
  // expected-error @+1 {{expects inputs of one row count, got 'tensor<5x8xf32>' and 'tensor<6x2xf32>'}}
  %0:2 = spmd.all_to_all_v %x, %w send %c receive %c over <4 by 1>
    : (tensor<5x8xf32>, tensor<6x2xf32>, tensor<4xi32>, tensor<4xi32>) -> (tensor<?x8xf32>, tensor<?x2xf32>)
  return
}

// -----

func.func @counts_c1(%x: tensor<?x8xf32>, %c: tensor<3xi32>) {
  // expected-error @+1 {{expects send_counts of type tensor<4xi32>, got 'tensor<3xi32>'}}
  %0 = spmd.all_to_all_v %x send %c receive %c over <4 by 1>
    : (tensor<?x8xf32>, tensor<3xi32>, tensor<3xi32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @send_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects distance >= 1, got 0}}
  spmd.send %x {distance = 0 : i64} : tensor<4xf32>
  return
}

// -----

func.func @receive_c1() {
  // expected-error @+1 {{expects distance >= 1, got -1}}
  %0 = spmd.receive {distance = -1 : i64} : tensor<4xf32>
  return
}

// -----

func.func @receive_c2() {
  // expected-error @+1 {{expects a static shape, got 'tensor<?xf32>'}}
  %0 = spmd.receive {distance = 1 : i64} : tensor<?xf32>
  return
}

// -----

func.func @localize_c1(%i: tensor<4xi64>) {
  // expected-error @+1 {{expects i32 indices, got 'tensor<4xi64>'}}
  %0 = spmd.localize %i over <2 by 1> {experts = 4 : i64} : tensor<4xi64>
  return
}

// -----

func.func @localize_c2(%i: tensor<4xi32>) {
  // expected-error @+1 {{expects at least one expert per rank of 8, got 4}}
  %0 = spmd.localize %i over <8 by 1> {experts = 4 : i64} : tensor<4xi32>
  return
}

// -----

// expected-error @+1 {{expects slots >= 0 of a first dimension in units of 1, got 3}}
func.func @shard_c4(%w: tensor<4xf32> {spmd.shard = #spmd.shard<parts = [2], strides = [1], units = [2], slots = [3]>}) {
  return
}

// -----

func.func @choose_copy_c1(%i: tensor<4xi32>) {
  // expected-error @+1 {{expects i32 indices [..,K], got 'tensor<4xi32>'}}
  %0 = spmd.choose_copy %i {experts = 2 : i64, slots = array<i64: 0, 1, 0>} : tensor<4xi32>
  return
}

// -----

func.func @choose_copy_c2(%i: tensor<4x2xi32>) {
  // expected-error @+1 {{expects a slot of every expert, got none of 1}}
  %0 = spmd.choose_copy %i {experts = 3 : i64, slots = array<i64: 0, 2, 0>} : tensor<4x2xi32>
  return
}
