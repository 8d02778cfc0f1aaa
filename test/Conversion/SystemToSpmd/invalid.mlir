// RUN: portolan-opt %s -split-input-file -verify-diagnostics --convert-system-to-spmd

// What a view covers is looked at when it is given a meaning.
func.func @unknown(%x: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
  // expected-error @+1 {{expects to cover a known op, got 'spmd.cut'}}
  %y = switched.view(%x) covers "spmd.cut" {} : (tensor<16x64xbf16>) -> tensor<16x64xbf16>
  return %y : tensor<16x64xbf16>
}

// -----

// The op that is covered has rules of its own.
func.func @lost_rows(%x: tensor<16x64xbf16>) -> tensor<2x64xbf16> {
  // expected-error @+1 {{'spmd.slice' op expects sizes that sum to 16, got 14}}
  %y = switched.view(%x) covers "spmd.slice" {dim = 0 : i64, group = #spmd.group<8 by 1>, sizes = array<i64: 2, 2, 2, 2, 2, 2, 2, 0>} : (tensor<16x64xbf16>) -> tensor<2x64xbf16>
  return %y : tensor<2x64xbf16>
}
