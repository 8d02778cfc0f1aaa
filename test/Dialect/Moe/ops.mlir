// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --mlir-print-op-generic | portolan-opt | FileCheck %s

// CHECK: module attributes {moe.workload = #moe.workload<decode, sequences = 64, context = 4096, new_tokens = 1>}
module attributes {moe.workload = #moe.workload<decode, sequences = 64, context = 4096, new_tokens = 1>} {

// CHECK: moe.weight_data @filed {file = "w.bin", length = 64 : i64, offset = 128 : i64} : tensor<4x4xf32>
moe.weight_data @filed {file = "w.bin", offset = 128 : i64, length = 64 : i64} : tensor<4x4xf32>
// CHECK: moe.weight_data @stacked {files = ["a.bin", "b.bin"], length = 128 : i64, offsets = array<i64: 64, 0>} : tensor<2x4x4xf32>
moe.weight_data @stacked {files = ["a.bin", "b.bin"], offsets = array<i64: 64, 0>, length = 128 : i64} : tensor<2x4x4xf32>
// CHECK: moe.weight_data @small {value = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>} : tensor<2xf32>
moe.weight_data @small {value = dense<[1.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>
// CHECK: moe.weight_data @absent : tensor<8xbf16>
moe.weight_data @absent : tensor<8xbf16>

// CHECK-LABEL: @weight
func.func @weight() -> tensor<4x4xf32> {
  // CHECK: moe.weight @filed : tensor<4x4xf32>
  %0 = moe.weight @filed : tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// CHECK-LABEL: @tokenwise
func.func @tokenwise(%ids: tensor<?x?xi64>, %table: tensor<16x8xbf16>, %gain: tensor<4xbf16>, %w: tensor<8x8xbf16>,
                     %b: tensor<8xbf16>) {
  // CHECK: moe.embedding %{{.*}}, %{{.*}} : (tensor<?x?xi64>, tensor<16x8xbf16>) -> tensor<?x?x8xbf16>
  %0 = moe.embedding %ids, %table : (tensor<?x?xi64>, tensor<16x8xbf16>) -> tensor<?x?x8xbf16>
  // CHECK: moe.rms_norm %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64}
  %1 = moe.rms_norm %0, %gain {epsilon = 1.0e-5 : f64} : (tensor<?x?x8xbf16>, tensor<4xbf16>) -> tensor<?x?x8xbf16>
  // CHECK: moe.linear %{{.*}}, %{{.*}} bias %{{.*}} {activation_format = #moe.format<"fp8", "fp8">, weight_format = #moe.format<"nvfp4", "fp8">}
  %2 = moe.linear %1, %w bias %b {weight_format = #moe.format<"nvfp4", "fp8">, activation_format = #moe.format<"fp8", "fp8">}
    : (tensor<?x?x8xbf16>, tensor<8x8xbf16>, tensor<8xbf16>) -> tensor<?x?x8xbf16>
  // CHECK: moe.linear %{{.*}}, %{{.*}} {last_position}
  %3 = moe.linear %1, %w {last_position} : (tensor<?x?x8xbf16>, tensor<8x8xbf16>) -> tensor<?x1x8xbf16>
  // CHECK: moe.add %{{.*}}, %{{.*}} : tensor<?x?x8xbf16>
  %4 = moe.add %0, %2 : tensor<?x?x8xbf16>
  // CHECK: moe.mlp %{{.*}} gate %{{.*}} up %{{.*}} down %{{.*}} {activation = #moe<activation gelu_tanh>}
  %5 = moe.mlp %4 gate %w up %w down %w {activation = #moe<activation gelu_tanh>}
    : (tensor<?x?x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>) -> tensor<?x?x8xbf16>
  // CHECK: moe.mlp %{{.*}} up %{{.*}} down %{{.*}} {activation = #moe<activation relu>}
  %6 = moe.mlp %4 up %w down %w {activation = #moe<activation relu>}
    : (tensor<?x?x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>) -> tensor<?x?x8xbf16>
  return
}

// CHECK-LABEL: @rotary
func.func @rotary(%x: tensor<2x3x16xf32>, %p: tensor<2x3xi64>) {
  // CHECK: moe.rotary_table {theta = 1.000000e+04 : f64} : tensor<?x2xf32>, tensor<?x2xf32>
  %c, %s = moe.rotary_table {theta = 1.0e4 : f64} : tensor<?x2xf32>, tensor<?x2xf32>
  // CHECK: moe.rotary_table {magnitude = 2.000000e+00 : f64, theta = 1.000000e+04 : f64, yarn_beta_fast = 3.200000e+01 : f64, yarn_beta_slow = 1.000000e+00 : f64, yarn_exact_bounds, yarn_factor = 4.000000e+00 : f64, yarn_original_positions = 4096 : i64}
  %c2, %s2 = moe.rotary_table {theta = 1.0e4 : f64, yarn_factor = 4.0 : f64, yarn_original_positions = 4096 : i64,
    yarn_beta_fast = 32.0 : f64, yarn_beta_slow = 1.0 : f64, magnitude = 2.0 : f64, yarn_exact_bounds}
    : tensor<9x2xf32>, tensor<9x2xf32>
  // CHECK: moe.rope %{{.*}} at %{{.*}} by %{{.*}}, %{{.*}} {head_width = 8 : i64, interleaved, offset = 4 : i64}
  %0 = moe.rope %x at %p by %c2, %s2 {head_width = 8 : i64, offset = 4 : i64, interleaved}
    : (tensor<2x3x16xf32>, tensor<2x3xi64>, tensor<9x2xf32>, tensor<9x2xf32>) -> tensor<2x3x16xf32>
  return
}

// CHECK-LABEL: @attention
func.func @attention(%q: tensor<2x3x16xbf16>, %k: tensor<2x3x8xbf16>, %p: tensor<2x2x5x4xbf16>, %len: tensor<2xi32>,
                     %sinks: tensor<4xf32>) {
  // CHECK: moe.attention %{{.*}}, %{{.*}}, %{{.*}} cache %{{.*}}, %{{.*}} {heads = 4 : i64, kv_heads = 2 : i64, scale = 5.000000e-01 : f64}
  %0:3 = moe.attention %q, %k, %k cache %p, %p {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x3x16xbf16>, tensor<2x3x8xbf16>, tensor<2x3x8xbf16>, tensor<2x2x5x4xbf16>, tensor<2x2x5x4xbf16>)
    -> (tensor<2x3x16xbf16>, tensor<2x2x8x4xbf16>, tensor<2x2x8x4xbf16>)
  // CHECK: moe.attention {{.*}} lengths %{{.*}} sinks %{{.*}} {cache_format = #moe.format<"fp8", "bf16">, heads = 4 : i64, kv_heads = 2 : i64, scale = 5.000000e-01 : f64, soft_cap = 5.000000e+01 : f64, window = 128 : i64}
  // CHECK-SAME: tensor<2x3x4xf32>)
  %1:4 = moe.attention %q, %k, %k cache %p, %p lengths %len sinks %sinks
    {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64, window = 128 : i64, soft_cap = 50.0 : f64,
     cache_format = #moe.format<"fp8", "bf16">}
    : (tensor<2x3x16xbf16>, tensor<2x3x8xbf16>, tensor<2x3x8xbf16>, tensor<2x2x5x4xbf16>, tensor<2x2x5x4xbf16>,
       tensor<2xi32>, tensor<4xf32>)
    -> (tensor<2x3x16xbf16>, tensor<2x2x8x4xbf16>, tensor<2x2x8x4xbf16>, tensor<2x3x4xf32>)
  return
}

// CHECK-LABEL: @latent_attention
func.func @latent_attention(%q: tensor<2x3x18xbf16>, %c: tensor<2x3x8xbf16>, %r: tensor<2x3x2xbf16>, %pc: tensor<2x5x8xbf16>,
                            %pr: tensor<2x5x2xbf16>, %ku: tensor<3x8x4xbf16>, %vu: tensor<3x8x5xbf16>, %len: tensor<2xi32>) {
  // CHECK: moe.latent_attention %{{.*}}, %{{.*}}, %{{.*}} cache %{{.*}}, %{{.*}} up %{{.*}}, %{{.*}} lengths %{{.*}} {absorbed, heads = 3 : i64, scale = 2.500000e-01 : f64}
  %0:3 = moe.latent_attention %q, %c, %r cache %pc, %pr up %ku, %vu lengths %len {heads = 3 : i64, scale = 0.25 : f64, absorbed}
    : (tensor<2x3x18xbf16>, tensor<2x3x8xbf16>, tensor<2x3x2xbf16>, tensor<2x5x8xbf16>, tensor<2x5x2xbf16>,
       tensor<3x8x4xbf16>, tensor<3x8x5xbf16>, tensor<2xi32>)
    -> (tensor<2x3x15xbf16>, tensor<2x8x8xbf16>, tensor<2x8x2xbf16>)
  return
}

// CHECK-LABEL: @experts
func.func @experts(%x: tensor<2x3x8xf32>, %r: tensor<8x6xf32>, %e: tensor<6xf32>, %w: tensor<6x8x5xf32>,
                   %d: tensor<6x5x8xf32>, %b: tensor<6x5xf32>, %db: tensor<6x8xf32>) {
  // CHECK: moe.route %{{.*}}, %{{.*}} bias %{{.*}} correction %{{.*}} {groups = 3 : i64, normalize, scale = 2.500000e+00 : f64, scoring = #moe<scoring sigmoid>, top_groups = 2 : i64, top_k = 2 : i64}
  %0, %1 = moe.route %x, %r bias %e correction %e
    {top_k = 2 : i64, scoring = #moe<scoring sigmoid>, groups = 3 : i64, top_groups = 2 : i64, normalize, scale = 2.5 : f64}
    : (tensor<2x3x8xf32>, tensor<8x6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<2x3x2xf32>, tensor<2x3x2xi32>)
  // The load is a sum of doubles and must read back exactly: 0.1 + 0.2.
  // CHECK: moe.dispatch %{{.*}}, %{{.*}} {first_expert = 3 : i64, load = #moe.load<mean = 0.30000000000000004, max = 1.500000e+00, capacity = 12, hit = 1.250000e+00>}
  %2, %3 = moe.dispatch %x, %1 {first_expert = 3 : i64, load = #moe.load<mean = 0.30000000000000004, max = 1.5, capacity = 12, hit = 1.25>}
    : (tensor<2x3x8xf32>, tensor<2x3x2xi32>) -> (tensor<?x8xf32>, tensor<6xi32>)
  // CHECK: moe.experts %{{.*}}, %{{.*}} gate %{{.*}} up %{{.*}} down %{{.*}} gate_bias %{{.*}} up_bias %{{.*}} down_bias %{{.*}} {activation = #moe<activation silu>, alpha = 1.702000e+00 : f64, limit = 7.000000e+00 : f64, linear_offset = 1.000000e+00 : f64}
  %4 = moe.experts %2, %3 gate %w up %w down %d gate_bias %b up_bias %b down_bias %db
    {activation = #moe<activation silu>, limit = 7.0 : f64, alpha = 1.702 : f64, linear_offset = 1.0 : f64}
    : (tensor<?x8xf32>, tensor<6xi32>, tensor<6x8x5xf32>, tensor<6x8x5xf32>, tensor<6x5x8xf32>, tensor<6x5xf32>,
       tensor<6x5xf32>, tensor<6x8xf32>) -> tensor<?x8xf32>
  // CHECK: moe.combine %{{.*}}, %{{.*}}, %{{.*}} {experts = 6 : i64, first_expert = 3 : i64}
  %5 = moe.combine %4, %0, %1 {experts = 6 : i64, first_expert = 3 : i64}
    : (tensor<?x8xf32>, tensor<2x3x2xf32>, tensor<2x3x2xi32>) -> tensor<2x3x8xf32>
  return
}
}
