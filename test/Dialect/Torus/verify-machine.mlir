// RUN: portolan-opt %s -split-input-file -verify-diagnostics --torus-verify-machine=target=tpu7x:2x4x4

// A slice of 2x4x4 does not wrap. Each module breaks the rule that its function is
// named after; the rules that both families share are tested on one of them each.

module attributes {plan.point = {instance = "all"}} {
  func.func @format_c1(%x: tensor<2x64xbf16>, %w: tensor<64x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'torus.matmul' op expects a compute format of the matmul engine, got nvfp4 (torus.format_c1)}}
    %y = torus.matmul(%x, %w) covers "moe.linear" {weight_format = #moe.format<"nvfp4", "nvfp4">} {engine = "matmul", issued_operations = 16384.0 : f64, kernels = 1.0 : f64} : (tensor<2x64xbf16>, tensor<64x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @group_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'torus.all_reduce' op expects a group of whole axes of the slice, got 8 ranks 1 apart (torus.group_c1)}}
    %y = torus.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "bidirectional_ring", starts = 2.0 : f64, hops = 12.0 : f64, bottleneck_bytes = 224.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @wrap_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'torus.all_reduce' op expects a wrapped axis for a ring, got a line of 4 chips (torus.wrap_c1)}}
    %y = torus.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "ring", starts = 2.0 : f64, hops = 6.0 : f64, bottleneck_bytes = 384.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @algorithm_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'torus.all_reduce' op expects an algorithm of a torus, got in_network (torus.algorithm_c1)}}
    %y = torus.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 320.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

// A step that fits passes: the 16 chips of the two inner axes.
module attributes {plan.point = {instance = "all"}} {
  func.func @fits(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    %y = torus.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<16 by 1>} {algorithm = "bidirectional_ring", starts = 4.0 : f64, hops = 12.0 : f64, bottleneck_bytes = 240.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}
