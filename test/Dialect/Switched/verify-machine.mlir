// RUN: portolan-opt %s -split-input-file -verify-diagnostics --switched-verify-machine=target=hgx-h100:2

// Two boards of 8: tensor cores without fp4, domains of 8, two memory levels and
// two link tiers. Each module breaks the rule that its function is named after.

module attributes {plan.point = {instance = "all"}} {
  func.func @format_c1(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'switched.gemm' op expects a compute format of the matmul engine, got nvfp4 (switched.format_c1)}}
    %y = switched.gemm(%x, %w) covers "moe.linear" {weight_format = #moe.format<"fp8", "nvfp4">} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @format_c2(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'switched.gemm' op expects weights in a storage format of the machine, got mxfp8 (switched.format_c2)}}
    %y = switched.gemm(%x, %w) covers "moe.linear" {weight_format = #moe.format<"mxfp8", "bf16">} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @tile_c1(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'switched.gemm' op expects a token tile of the matmul engine, got 7 (switched.tile_c1)}}
    %y = switched.gemm(%x, %w) covers "moe.linear" {} {engine = "matmul", token_tile = 7 : i64, issued_operations = 16384.0 : f64, kernels = 1.0 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @memory_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'switched.add' op expects one of 2 memory levels, got level 2 (switched.memory_c1)}}
    %y = switched.add(%x, %x) covers "moe.add" {} {engine = "vector", kernels = 1.0 : f64, memory_level = 2 : i64} : (tensor<2x64xbf16>, tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @link_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'switched.all_reduce' op expects one of 2 link tiers, got tier 2 (switched.link_c1)}}
    %y = switched.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "ring", link_tier = 2 : i64, starts = 1.0 : f64, hops = 14.0 : f64, bottleneck_bytes = 448.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @group_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'switched.all_reduce' op expects a group inside a domain of 8 chips on tier 0, got 16 ranks (switched.group_c1)}}
    %y = switched.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<16 by 1>} {algorithm = "ring", starts = 1.0 : f64, hops = 30.0 : f64, bottleneck_bytes = 480.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @reduction_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'switched.all_reduce' op expects an algorithm that links without in-network reduction carry out, got in_network (switched.reduction_c1)}}
    %y = switched.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<16 by 1>} {algorithm = "in_network", link_tier = 1 : i64, starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 272.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @algorithm_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'switched.all_reduce' op expects an algorithm of a switch, got bidirectional_ring (switched.algorithm_c1)}}
    %y = switched.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "bidirectional_ring", starts = 1.0 : f64, hops = 14.0 : f64, bottleneck_bytes = 448.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

// expected-error @+1 {{module: expects the attribute plan.point, got none}}
module {}

// -----

// A step that fits passes: 8 ranks, in the switch, on tier 0.
module attributes {plan.point = {instance = "all"}} {
  func.func @fits(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    %y = switched.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "in_network", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 288.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}
