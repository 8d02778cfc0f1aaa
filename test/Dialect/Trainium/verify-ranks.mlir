// A chip with three ranks has no every other one.
// RUN: sed 's/ranks = 4/ranks = 3/' %source/dialects/Machine/Specs/trn2.mlir > %t.mlir
// RUN: portolan-opt %s -verify-diagnostics --trainium-verify-machine=target=%t.mlir

module attributes {plan.point = {instance = "all"}} {
  func.func @kanga_c1(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
    // expected-error @+1 {{'trainium.cc_all_reduce' op expects chips with an even number of ranks for a kanga ring, got 3 (trainium.kanga_c1)}}
    %y = trainium.cc_all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "kanga_ring", starts = 1.0 : f64, hops = 10.0 : f64, bottleneck_bytes = 192.0 : f64} : (tensor<2x64xbf16>) -> tensor<2x64xbf16>
    return %y : tensor<2x64xbf16>
  }
}
