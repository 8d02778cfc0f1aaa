// RUN: portolan-opt %s --split-input-file --verify-diagnostics

// format_c1
func.func @format_c1(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{expects a number format, got 'fp7'}}
  %0 = moe.linear %x, %w {weight_format = #moe.format<fp7, fp8>}
    : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

// workload_c1
// expected-error @+1 {{expects sequences >= 0, context >= 0 and new_tokens >= 1, got 4, 16 and 0}}
module attributes {moe.workload = #moe.workload<decode, sequences = 4, context = 16, new_tokens = 0>} {}

// -----

// route_c1
func.func @route_c1(%x: tensor<2x8xf32>, %r: tensor<7x6xf32>) {
  // expected-error @+1 {{expects dimension 0 of router to be 8, got 'tensor<7x6xf32>'}}
  %0, %1 = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring softmax>}
    : (tensor<2x8xf32>, tensor<7x6xf32>) -> (tensor<2x2xf32>, tensor<2x2xi32>)
  return
}

// -----

// route_c2
func.func @route_c2(%x: tensor<2x8xf32>, %r: tensor<8x6xf32>) {
  // expected-error @+1 {{expects 1 <= top_k <= 6 experts, got 7}}
  %0, %1 = moe.route %x, %r {top_k = 7 : i64, scoring = #moe<scoring softmax>}
    : (tensor<2x8xf32>, tensor<8x6xf32>) -> (tensor<2x2xf32>, tensor<2x2xi32>)
  return
}

// -----

// route_c3
func.func @route_c3(%x: tensor<2x8xf32>, %r: tensor<8x6xf32>) {
  // expected-error @+1 {{expects groups that divide 6 experts, got 4}}
  %0, %1 = moe.route %x, %r {top_k = 2 : i64, groups = 4 : i64, scoring = #moe<scoring softmax>}
    : (tensor<2x8xf32>, tensor<8x6xf32>) -> (tensor<2x2xf32>, tensor<2x2xi32>)
  return
}

// -----

// route_c4
func.func @route_c4(%x: tensor<2x8xf32>, %r: tensor<8x6xf32>) {
  // expected-error @+1 {{expects 1 <= top_groups <= 3 groups, got 4}}
  %0, %1 = moe.route %x, %r {top_k = 2 : i64, groups = 3 : i64, top_groups = 4 : i64, scoring = #moe<scoring softmax>}
    : (tensor<2x8xf32>, tensor<8x6xf32>) -> (tensor<2x2xf32>, tensor<2x2xi32>)
  return
}

// -----

// route_c5
func.func @route_c5(%x: tensor<2x8xf32>, %r: tensor<8x6xf32>) {
  // expected-error @+1 {{expects top_k experts within top_groups, got 3 of 2}}
  %0, %1 = moe.route %x, %r {top_k = 3 : i64, groups = 3 : i64, top_groups = 1 : i64, scoring = #moe<scoring softmax>}
    : (tensor<2x8xf32>, tensor<8x6xf32>) -> (tensor<2x2xf32>, tensor<2x2xi32>)
  return
}

// -----

// route_c6
func.func @route_c6(%x: tensor<2x8xf32>, %r: tensor<8x6xf32>) {
  // expected-error @+1 {{expects weights with the leading dimensions of 'tensor<2x8xf32>' and width 2, got 'tensor<2x3xf32>'}}
  %0, %1 = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring softmax>}
    : (tensor<2x8xf32>, tensor<8x6xf32>) -> (tensor<2x3xf32>, tensor<2x2xi32>)
  return
}

// -----

// route_c7
func.func @route_c7(%x: tensor<2x8xf32>, %r: tensor<8x6xf32>) {
  // expected-error @+1 {{expects integer indices, got 'tensor<2x2xf32>'}}
  %0, %1 = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring softmax>}
    : (tensor<2x8xf32>, tensor<8x6xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>)
  return
}

// -----

// dispatch_c1
func.func @dispatch_c1(%x: tensor<3x8xf32>, %i: tensor<3x2xi32>) {
  // expected-error @+1 {{expects dimension 1 of rows to be 8, got 'tensor<?x4xf32>'}}
  %0, %1 = moe.dispatch %x, %i : (tensor<3x8xf32>, tensor<3x2xi32>) -> (tensor<?x4xf32>, tensor<4xi32>)
  return
}

// -----

// dispatch_c2
func.func @dispatch_c2(%x: tensor<3x8xf32>, %i: tensor<3x2xi32>) {
  // expected-error @+1 {{expects a static number of experts, got 'tensor<?xi32>'}}
  %0, %1 = moe.dispatch %x, %i : (tensor<3x8xf32>, tensor<3x2xi32>) -> (tensor<?x8xf32>, tensor<?xi32>)
  return
}

// -----

// dispatch_c3
func.func @dispatch_c3(%x: tensor<3x8xf32>, %i: tensor<3x2xi32>) {
  // expected-error @+1 {{expects as many rows as indices, 6, or a dynamic number, got 'tensor<5x8xf32>'}}
  %0, %1 = moe.dispatch %x, %i : (tensor<3x8xf32>, tensor<3x2xi32>) -> (tensor<5x8xf32>, tensor<4xi32>)
  return
}

// -----

// dispatch_c4
func.func @dispatch_c4(%x: tensor<3x8xf32>, %i: tensor<4x2xi32>) {
  // expected-error @+1 {{expects indices with the leading dimensions of 'tensor<3x8xf32>' and width 2, got 'tensor<4x2xi32>'}}
  %0, %1 = moe.dispatch %x, %i : (tensor<3x8xf32>, tensor<4x2xi32>) -> (tensor<?x8xf32>, tensor<4xi32>)
  return
}

// -----

// load_c1
func.func @load_c1(%x: tensor<3x8xf32>, %i: tensor<3x2xi32>) {
  // expected-error @+1 {{expects 0 <= mean <= max <= capacity and hit >= 0, got mean 2.0}}
  %0, %1 = moe.dispatch %x, %i {load = #moe.load<mean = 2.0, max = 1.0, capacity = 4, hit = 1.0>}
    : (tensor<3x8xf32>, tensor<3x2xi32>) -> (tensor<?x8xf32>, tensor<4xi32>)
  return
}

// -----

// experts_c1
func.func @experts_c1(%x: tensor<?x8xf32>, %c: tensor<3xi32>, %u: tensor<4x8x5xf32>, %d: tensor<4x5x8xf32>) {
  // expected-error @+1 {{expects dimension 0 of up to be 3, got 'tensor<4x8x5xf32>'}}
  %0 = moe.experts %x, %c up %u down %d {activation = #moe<activation relu>}
    : (tensor<?x8xf32>, tensor<3xi32>, tensor<4x8x5xf32>, tensor<4x5x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

// experts_c2
func.func @experts_c2(%x: tensor<?x8xf32>, %c: tensor<4xi32>, %u: tensor<4x8x5xf32>, %d: tensor<4x6x8xf32>) {
  // expected-error @+1 {{expects dimension 1 of down to be 5, got 'tensor<4x6x8xf32>'}}
  %0 = moe.experts %x, %c up %u down %d {activation = #moe<activation relu>}
    : (tensor<?x8xf32>, tensor<4xi32>, tensor<4x8x5xf32>, tensor<4x6x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

// experts_c3
func.func @experts_c3(%x: tensor<?x8xf32>, %c: tensor<4xi32>, %u: tensor<4x8x5xf32>, %d: tensor<4x5x8xf32>, %b: tensor<4x8xf32>) {
  // expected-error @+1 {{expects dimension 1 of up_bias to be 5, got 'tensor<4x8xf32>'}}
  %0 = moe.experts %x, %c up %u down %d up_bias %b {activation = #moe<activation relu>}
    : (tensor<?x8xf32>, tensor<4xi32>, tensor<4x8x5xf32>, tensor<4x5x8xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

// experts_c4
func.func @experts_c4(%x: tensor<?x8xf32>, %c: tensor<4xi32>, %u: tensor<4x8x5xf32>, %d: tensor<4x5x8xf32>) {
  // expected-error @+1 {{expects a gate beside gate_bias, limit and linear_offset}}
  %0 = moe.experts %x, %c up %u down %d {activation = #moe<activation relu>, limit = 7.0 : f64}
    : (tensor<?x8xf32>, tensor<4xi32>, tensor<4x8x5xf32>, tensor<4x5x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

// experts_c5
func.func @experts_c5(%x: tensor<?x8xf32>, %c: tensor<4xf32>, %u: tensor<4x8x5xf32>, %d: tensor<4x5x8xf32>) {
  // expected-error @+1 {{expects integer counts, got 'tensor<4xf32>'}}
  %0 = moe.experts %x, %c up %u down %d {activation = #moe<activation relu>}
    : (tensor<?x8xf32>, tensor<4xf32>, tensor<4x8x5xf32>, tensor<4x5x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

// combine_c1
func.func @combine_c1(%y: tensor<?x8xf32>, %w: tensor<3x2xf32>, %i: tensor<3x2xi32>) {
  // expected-error @+1 {{expects experts >= 1, got 0}}
  %0 = moe.combine %y, %w, %i {experts = 0 : i64}
    : (tensor<?x8xf32>, tensor<3x2xf32>, tensor<3x2xi32>) -> tensor<3x8xf32>
  return
}

// -----

// combine_c2
func.func @combine_c2(%y: tensor<?x8xf32>, %w: tensor<3x1xf32>, %i: tensor<3x2xi32>) {
  // expected-error @+1 {{expects weights and indices of one shape, got 'tensor<3x1xf32>' and 'tensor<3x2xi32>'}}
  %0 = moe.combine %y, %w, %i {experts = 4 : i64}
    : (tensor<?x8xf32>, tensor<3x1xf32>, tensor<3x2xi32>) -> tensor<3x8xf32>
  return
}

// -----

// combine_c3
func.func @combine_c3(%y: tensor<?x8xf32>, %w: tensor<3x2xf32>, %i: tensor<3x2xi32>) {
  // expected-error @+1 {{expects result with the leading dimensions of 'tensor<3x2xi32>' and width 8, got 'tensor<4x8xf32>'}}
  %0 = moe.combine %y, %w, %i {experts = 4 : i64}
    : (tensor<?x8xf32>, tensor<3x2xf32>, tensor<3x2xi32>) -> tensor<4x8xf32>
  return
}
