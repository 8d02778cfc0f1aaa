// RUN: portolan-opt %s -split-input-file -verify-diagnostics --switched-lower-to-kernels=target=hgx-h100

// Each function is refused with the reason that it is named after.

func.func @lower_latent_c1(%a0: tensor<2x1x96xbf16>, %a1: tensor<2x1x64xbf16>, %a2: tensor<2x1x16xbf16>, %a3: tensor<2x70x64xbf16>, %a4: tensor<2x70x16xbf16>, %a5: tensor<3x64x16xbf16>, %a6: tensor<3x64x24xbf16>) -> (tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>) {
  // expected-error @+1 {{'switched.latent_attention' op expects an absorbed attention over all latents of a static cache (switched.lower_latent_c1)}}
  %y:3 = switched.latent_attention(%a0, %a1, %a2, %a3, %a4, %a5, %a6) covers "moe.latent_attention" {cache_format = #moe.format<"bf16", "bf16">, heads = 3 : i64, scale = 0.25 : f64, weight_format = #moe.format<"bf16", "bf16">} {engine = "matmul", issued_operations = 1.0e12 : f64, kernels = 3.0 : f64, token_tile = 16 : i64} : (tensor<2x1x96xbf16>, tensor<2x1x64xbf16>, tensor<2x1x16xbf16>, tensor<2x70x64xbf16>, tensor<2x70x16xbf16>, tensor<3x64x16xbf16>, tensor<3x64x24xbf16>) -> (tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>)
  return %y#0, %y#1, %y#2 : tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>
}

// -----

func.func @lower_latent_c2(%a0: tensor<2x1x96xbf16>, %a1: tensor<2x1x64xbf16>, %a2: tensor<2x1x16xbf16>, %a3: tensor<2x70x64xbf16>, %a4: tensor<2x70x16xbf16>, %a5: tensor<3x64x16xbf16>, %a6: tensor<3x64x24xbf16>, %a7: tensor<2xi32>) -> (tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>) {
  // expected-error @+1 {{'switched.latent_attention' op expects sequences of one length (switched.lower_latent_c2)}}
  %y:3 = switched.latent_attention(%a0, %a1, %a2, %a3, %a4, %a5, %a6, %a7) covers "moe.latent_attention" {absorbed, cache_format = #moe.format<"bf16", "bf16">, heads = 3 : i64, scale = 0.25 : f64, weight_format = #moe.format<"bf16", "bf16">} {engine = "matmul", issued_operations = 1.0e12 : f64, kernels = 3.0 : f64, token_tile = 16 : i64} : (tensor<2x1x96xbf16>, tensor<2x1x64xbf16>, tensor<2x1x16xbf16>, tensor<2x70x64xbf16>, tensor<2x70x16xbf16>, tensor<3x64x16xbf16>, tensor<3x64x24xbf16>, tensor<2xi32>) -> (tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>)
  return %y#0, %y#1, %y#2 : tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>
}

// -----

func.func @lower_latent_c3(%a0: tensor<2x1x96xbf16>, %a1: tensor<2x1x64xbf16>, %a2: tensor<2x1x16xbf16>, %a3: tensor<2x70x64xbf16>, %a4: tensor<2x70x16xbf16>, %a5: tensor<3x64x16xbf16>, %a6: tensor<3x64x24xbf16>) -> (tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>) {
  // expected-error @+1 {{'switched.latent_attention' op expects a cache that is computed as it is stored, got fp8 and bf16 (switched.lower_latent_c3)}}
  %y:3 = switched.latent_attention(%a0, %a1, %a2, %a3, %a4, %a5, %a6) covers "moe.latent_attention" {absorbed, cache_format = #moe.format<"fp8", "bf16">, heads = 3 : i64, scale = 0.25 : f64, weight_format = #moe.format<"bf16", "bf16">} {engine = "matmul", issued_operations = 1.0e12 : f64, kernels = 3.0 : f64, token_tile = 16 : i64} : (tensor<2x1x96xbf16>, tensor<2x1x64xbf16>, tensor<2x1x16xbf16>, tensor<2x70x64xbf16>, tensor<2x70x16xbf16>, tensor<3x64x16xbf16>, tensor<3x64x24xbf16>) -> (tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>)
  return %y#0, %y#1, %y#2 : tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>
}

// -----

func.func @lower_latent_c4(%a0: tensor<2x1x96xbf16>, %a1: tensor<2x1x64xbf16>, %a2: tensor<2x1x16xbf16>, %a3: tensor<2x70x64xbf16>, %a4: tensor<2x70x16xbf16>, %a5: tensor<3x64x16xbf16>, %a6: tensor<3x64x24xbf16>) -> (tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>) {
  // expected-error @+1 {{'switched.latent_attention' op expects latents of 16 bits, which alone are transposed from shared memory, got fp8 (switched.lower_latent_c4)}}
  %y:3 = switched.latent_attention(%a0, %a1, %a2, %a3, %a4, %a5, %a6) covers "moe.latent_attention" {absorbed, cache_format = #moe.format<"fp8", "fp8">, heads = 3 : i64, scale = 0.25 : f64, weight_format = #moe.format<"fp8", "fp8">} {engine = "matmul", issued_operations = 1.0e12 : f64, kernels = 3.0 : f64, token_tile = 16 : i64} : (tensor<2x1x96xbf16>, tensor<2x1x64xbf16>, tensor<2x1x16xbf16>, tensor<2x70x64xbf16>, tensor<2x70x16xbf16>, tensor<3x64x16xbf16>, tensor<3x64x24xbf16>) -> (tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>)
  return %y#0, %y#1, %y#2 : tensor<2x1x72xbf16>, tensor<2x71x64xbf16>, tensor<2x71x16xbf16>
}

// -----

// 9 tiles of 64 columns x 256 queries on 256 threads.
func.func @lower_latent_c5(%a0: tensor<2x1x96xbf16>, %a1: tensor<2x1x512xbf16>, %a2: tensor<2x1x16xbf16>, %a3: tensor<2x70x512xbf16>, %a4: tensor<2x70x16xbf16>, %a5: tensor<3x512x16xbf16>, %a6: tensor<3x512x24xbf16>) -> (tensor<2x1x72xbf16>, tensor<2x71x512xbf16>, tensor<2x71x16xbf16>) {
  // expected-error @+1 {{'switched.latent_attention' op expects outputs and scores in at most 255 registers of 256 threads, got 576 (switched.lower_latent_c5)}}
  %y:3 = switched.latent_attention(%a0, %a1, %a2, %a3, %a4, %a5, %a6) covers "moe.latent_attention" {absorbed, cache_format = #moe.format<"bf16", "bf16">, heads = 3 : i64, scale = 0.25 : f64, weight_format = #moe.format<"bf16", "bf16">} {engine = "matmul", issued_operations = 1.0e12 : f64, kernels = 3.0 : f64, token_tile = 256 : i64} : (tensor<2x1x96xbf16>, tensor<2x1x512xbf16>, tensor<2x1x16xbf16>, tensor<2x70x512xbf16>, tensor<2x70x16xbf16>, tensor<3x512x16xbf16>, tensor<3x512x24xbf16>) -> (tensor<2x1x72xbf16>, tensor<2x71x512xbf16>, tensor<2x71x16xbf16>)
  return %y#0, %y#1, %y#2 : tensor<2x1x72xbf16>, tensor<2x71x512xbf16>, tensor<2x71x16xbf16>
}
