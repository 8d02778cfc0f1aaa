// RUN: portolan-opt %s --split-input-file --verify-diagnostics --convert-moe-to-linalg

func.func @element_type(%x: tensor<2x8xf8E4M3FN>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{expects f32, bf16 or f16 tensors to be lowered, got 'tensor<2x8xf8E4M3FN>'}}
  %0 = moe.linear %x, %w : (tensor<2x8xf8E4M3FN>, tensor<8x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @integers(%x: tensor<2x8xi32>) {
  // expected-error @+1 {{expects f32, bf16 or f16 tensors to be lowered, got 'tensor<2x8xi32>'}}
  %0 = moe.add %x, %x : tensor<2x8xi32>
  return
}

// -----

func.func @unbound_attention(%q: tensor<2x?x4xf32>, %p: tensor<2x1x5x4xf32>) {
  // expected-error @+1 {{expects static shapes to be lowered, got 'tensor<2x?x4xf32>' (run moe-bind-workload)}}
  %0:3 = moe.attention %q, %q, %q cache %p, %p {heads = 1 : i64, kv_heads = 1 : i64, scale = 1.0 : f64}
    : (tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<2x?x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>)
    -> (tensor<2x?x4xf32>, tensor<2x1x?x4xf32>, tensor<2x1x?x4xf32>)
  return
}

// -----

func.func @unbound_table() {
  // expected-error @+1 {{expects static shapes to be lowered, got 'tensor<?x2xf32>' (run moe-bind-workload)}}
  %0, %1 = moe.rotary_table {theta = 1.0e4 : f64} : tensor<?x2xf32>, tensor<?x2xf32>
  return
}

// -----

func.func @dynamic_width(%x: tensor<2x?xf32>, %w: tensor<?x4xf32>) {
  // expected-error @+1 {{expects static widths to be lowered, got 'tensor<2x?xf32>'}}
  %0 = moe.linear %x, %w : (tensor<2x?xf32>, tensor<?x4xf32>) -> tensor<2x4xf32>
  return
}
