// RUN: portolan-opt %s -split-input-file -verify-diagnostics --trainium-verify-machine=target=trn2-ultraserver

// A torus of 4x4x4. Each module breaks the rule that its function is named after;
// the rules that families share are tested on one of them each.

module attributes {plan.point = {instance = "all"}} {
  func.func @group_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'trainium.cc_all_reduce' op expects a group of whole axes that close to rings, got 8 ranks 1 apart (trainium.group_c1)}}
    %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64, axis_bytes = array<f64: 64.0, 0.0, 0.0>} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @algorithm_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'trainium.cc_all_reduce' op expects an algorithm of the runtime, got in_network (trainium.algorithm_c1)}}
    %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<16 by 1>} {algorithm = "in_network", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64, axis_bytes = array<f64: 64.0, 0.0, 0.0>} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @level_c1(%x: tensor<4x64xbf16>, %c: tensor<16xi32>) -> tensor<16xi32> {
    // expected-error @+1 {{'trainium.cc_all_to_all' op expects links of two speeds for two levels, got 16 ranks 1 apart (trainium.level_c1)}}
    %y = trainium.cc_all_to_all(%c) covers "spmd.all_to_all" {group = #spmd.group<16 by 1>} {algorithm = "hierarchical", starts = 2.0 : f64, hops = 4.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<16xi32>) -> tensor<16xi32>
    return %y : tensor<16xi32>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @transfer_c1(%ids: tensor<2xi64>, %table: tensor<100x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'trainium.embedding_load' op expects transfer_bytes for an engine whose speed depends on them, got none (trainium.transfer_c1)}}
    %y = trainium.embedding_load(%ids, %table) covers "moe.embedding" {} {engine = "gather", kernels = 1.0 : f64} : (tensor<2xi64>, tensor<100x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @format_c1(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'trainium.nc_matmul' op expects a compute format of the matmul engine, got nvfp4 (trainium.format_c1)}}
    %y = trainium.nc_matmul(%x, %w) covers "moe.linear" {weight_format = #moe.format<"nvfp4", "nvfp4">} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

// A step that fits passes: all chips, and the four servers of a place.
module attributes {plan.point = {instance = "all"}} {
  func.func @fits(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<64 by 1>} {algorithm = "recursive_doubling", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64, axis_bytes = array<f64: 64.0, 0.0, 0.0>} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %z = trainium.cc_all_reduce(%y) covers "spmd.all_reduce" {group = #spmd.group<4 by 16>} {algorithm = "kanga_ring", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64, axis_bytes = array<f64: 64.0, 0.0, 0.0>} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %z : tensor<2x64xbf16>
  }
}
