// RUN: portolan-opt %s --split-input-file --verify-diagnostics --spmd-emulate-formats
// RUN: not portolan-opt %s --spmd-emulate-formats=fp8=e8m0fnu 2>&1 | FileCheck %s
// CHECK: error: fp8: expects e4m3fn, e5m2, e4m3, e4m3fnuz or e4m3b11fnuz, got 'e8m0fnu'

func.func @wider_than_f32(%x: tensor<4x8xf64>) {
  // expected-error @+1 {{expects f32, bf16 or f16 to round to fp8, got 'tensor<4x8xf64>'}}
  %0 = spmd.all_reduce %x over <2 by 1> {format = #moe.format<"fp8", "fp8">} : tensor<4x8xf64>
  return
}

// -----

func.func @width_unknown(%x: tensor<4x?xf32>) {
  // expected-error @+1 {{expects a static dimension 1 to round along, got 'tensor<4x?xf32>'}}
  %0 = spmd.all_reduce %x over <2 by 1> {format = #moe.format<"fp8", "fp8">} : tensor<4x?xf32>
  return
}

// -----

func.func @heads_of_unknown_rows(%q: tensor<?x1x64xf32>, %k: tensor<?x1x32xf32>, %v: tensor<?x1x32xf32>, %pk: tensor<?x2x5x16xf32>, %pv: tensor<?x2x5x16xf32>) {
  // expected-error @+1 {{expects static shapes to round heads, got 'tensor<?x1x64xf32>'}}
  %0:3 = moe.attention %q, %k, %v cache %pk, %pv {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, cache_format = #moe.format<"f32", "bf16">}
    : (tensor<?x1x64xf32>, tensor<?x1x32xf32>, tensor<?x1x32xf32>, tensor<?x2x5x16xf32>, tensor<?x2x5x16xf32>)
    -> (tensor<?x1x64xf32>, tensor<?x2x6x16xf32>, tensor<?x2x6x16xf32>)
  return
}
