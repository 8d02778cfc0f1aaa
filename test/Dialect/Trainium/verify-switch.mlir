// RUN: portolan-opt %s -split-input-file -verify-diagnostics --trainium-verify-machine=target=trn3-ultraserver

// 144 chips behind a switch, in servers of four. Each module breaks the rule that
// its function is named after.

module attributes {plan.point = {instance = "all"}} {
  func.func @group_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'trainium.cc_all_reduce' op expects a group that is alike for all servers, got 6 ranks 1 apart (trainium.group_c1)}}
    %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<6 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

module attributes {plan.point = {instance = "all"}} {
  func.func @doubling_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'trainium.cc_all_reduce' op expects 2^p chips for recursive doubling, got 12 ranks 1 apart (trainium.doubling_c1)}}
    %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<12 by 1>} {algorithm = "recursive_doubling", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}

// -----

// Seventeen groups.
// expected-error @+1 {{expects at most 16 groups of ranks in a program, got 17 (trainium.communicators_c1)}}
module attributes {plan.point = {instance = "all"}} {
  func.func @communicators_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    %y0 = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<2 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y1 = trainium.cc_all_reduce(%y0) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y2 = trainium.cc_all_reduce(%y1) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y3 = trainium.cc_all_reduce(%y2) covers "spmd.all_reduce" {group = #spmd.group<12 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y4 = trainium.cc_all_reduce(%y3) covers "spmd.all_reduce" {group = #spmd.group<16 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y5 = trainium.cc_all_reduce(%y4) covers "spmd.all_reduce" {group = #spmd.group<24 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y6 = trainium.cc_all_reduce(%y5) covers "spmd.all_reduce" {group = #spmd.group<36 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y7 = trainium.cc_all_reduce(%y6) covers "spmd.all_reduce" {group = #spmd.group<48 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y8 = trainium.cc_all_reduce(%y7) covers "spmd.all_reduce" {group = #spmd.group<72 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y9 = trainium.cc_all_reduce(%y8) covers "spmd.all_reduce" {group = #spmd.group<144 by 1>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y10 = trainium.cc_all_reduce(%y9) covers "spmd.all_reduce" {group = #spmd.group<2 by 4>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y11 = trainium.cc_all_reduce(%y10) covers "spmd.all_reduce" {group = #spmd.group<3 by 4>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y12 = trainium.cc_all_reduce(%y11) covers "spmd.all_reduce" {group = #spmd.group<4 by 4>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y13 = trainium.cc_all_reduce(%y12) covers "spmd.all_reduce" {group = #spmd.group<6 by 4>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y14 = trainium.cc_all_reduce(%y13) covers "spmd.all_reduce" {group = #spmd.group<8 by 4>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y15 = trainium.cc_all_reduce(%y14) covers "spmd.all_reduce" {group = #spmd.group<9 by 4>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    %y16 = trainium.cc_all_reduce(%y15) covers "spmd.all_reduce" {group = #spmd.group<12 by 4>} {algorithm = "mesh", starts = 1.0 : f64, hops = 2.0 : f64, bottleneck_bytes = 0.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y16 : tensor<2x64xbf16>
  }
}
