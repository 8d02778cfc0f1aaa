// RUN: portolan-opt %s -split-input-file -verify-diagnostics --wafer-verify-machine=target=cs3:4

// Wafers of 1,172 x 762 PEs. Each module breaks the rule that its function is
// named after.

module attributes {plan.point = {instance = "all"}} {
  func.func @format_c1(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'wafer.region_gemm' op expects a compute format of the matmul engine, got nvfp4 (wafer.format_c1)}}
    %y = wafer.region_gemm(%x, %w) covers "moe.linear" {weight_format = #moe.format<"nvfp4", "nvfp4">} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @format_c2(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'wafer.region_gemm' op expects weights in a storage format of the machine, got nvfp4 (wafer.format_c2)}}
    %y = wafer.region_gemm(%x, %w) covers "moe.linear" {weight_format = #moe.format<"nvfp4", "bf16">} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @tile_c1(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'wafer.region_gemm' op expects a token tile of the matmul engine, got 64 (wafer.tile_c1)}}
    %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64, token_tile = 64 : i64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @memory_c1(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'wafer.region_gemm' op expects one of 1 memory levels, got level 1 (wafer.memory_c1)}}
    %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64, memory_level = 1 : i64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

// 44 GB of which a billionth is 44 bytes; 64 x 64 x 2 bytes are needed.
module attributes {plan.point = {instance = "all"}} {
  func.func @memory_c2(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'wafer.region_gemm' op expects weights of at most 44 bytes on its PEs, got 8192 (wafer.memory_c2)}}
    %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64, share = 1.0e-9 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all", pipeline = "4"}} {
  func.func @link_c1(%x: tensor<64x7168xbf16>) {
    // expected-error @+1 {{'wafer.stream_send' op expects one of 2 link tiers, got tier 2 (wafer.link_c1)}}
    wafer.stream_send(%x) covers "spmd.send" {distance = 1 : i64} {algorithm = "neighbour", starts = 1.0 : f64, hops = 1934.0 : f64, bottleneck_bytes = 1204.1 : f64, link_tier = 2 : i64} : (tensor<64x7168xbf16>) -> ()
    return
  }
}

// -----

module attributes {plan.point = {instance = "all", pipeline = "4"}} {
  func.func @group_c1(%x: tensor<64x7168xbf16>) {
    // expected-error @+1 {{'wafer.stream_send' op expects a peer one rank away, as a stage is one rectangle of PEs, got a distance of 4 (wafer.group_c1)}}
    wafer.stream_send(%x) covers "spmd.send" {distance = 4 : i64} {algorithm = "neighbour", starts = 1.0 : f64, hops = 1934.0 : f64, bottleneck_bytes = 1204.1 : f64} : (tensor<64x7168xbf16>) -> ()
    return
  }
}

// -----

// Eight stages on four wafers: half a wafer each.
module attributes {plan.point = {instance = "all", pipeline = "8"}} {
  func.func @region_c1(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'wafer.region_gemm' op expects a share of at most 0.500000, the region of a stage, got 1.000000 (wafer.region_c1)}}
    %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @route_c1(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'wafer.region_gemm' op expects an algorithm of a wafer, got ring (wafer.route_c1)}}
    %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64, algorithm = "ring"} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @route_c2(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'wafer.region_gemm' op expects links that multicast on tier 1 (wafer.route_c2)}}
    %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64, algorithm = "multicast", link_tier = 1 : i64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

// 64 x 7168 x 2 bytes over 762 links.
module attributes {plan.point = {instance = "all", pipeline = "4"}} {
  func.func @cut_c1(%x: tensor<64x7168xbf16>) {
    // expected-error @+1 {{'wafer.stream_send' op expects at least 1204 bytes on each of the 762 links of the region's cut, got 100 (wafer.cut_c1)}}
    wafer.stream_send(%x) covers "spmd.send" {distance = 1 : i64} {algorithm = "neighbour", starts = 1.0 : f64, hops = 1934.0 : f64, bottleneck_bytes = 100.0 : f64} : (tensor<64x7168xbf16>) -> ()
    return
  }
}

// -----

// Steps that fit pass.
module attributes {plan.point = {instance = "all"}} {
  func.func @fits(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    %y = wafer.region_gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64, algorithm = "k_tree", starts = 38.0 : f64, hops = 761.0 : f64, bottleneck_bytes = 16.0 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all", pipeline = "4"}} {
  func.func @fits_too(%x: tensor<64x7168xbf16>) {
    wafer.stream_send(%x) covers "spmd.send" {distance = 1 : i64} {algorithm = "neighbour", starts = 1.0 : f64, hops = 1934.0 : f64, bottleneck_bytes = 1204.1 : f64, outer_starts = 1.0 : f64, outer_hops = 1.0 : f64, outer_bottleneck_bytes = 917504.0 : f64} : (tensor<64x7168xbf16>) -> ()
    return
  }
}
