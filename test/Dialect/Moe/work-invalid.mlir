// RUN: portolan-opt %s --split-input-file --moe-print-work --verify-diagnostics

func.func @unbound(%x: tensor<?x3x8xbf16>, %w: tensor<8x4xbf16>) {
  // expected-error @+1 {{expects static dimensions to state its work, got 'tensor<?x3x4xbf16>' (run moe-bind-workload)}}
  %0 = moe.linear %x, %w : (tensor<?x3x8xbf16>, tensor<8x4xbf16>) -> tensor<?x3x4xbf16>
  return
}

// -----

func.func @ragged_without_load(%x: tensor<3x8xbf16>, %i: tensor<3x2xi32>) {
  // expected-error @+1 {{expects static dimensions to state its work, got 'tensor<?x8xbf16>' (run moe-bind-workload)}}
  %0, %1 = moe.dispatch %x, %i : (tensor<3x8xbf16>, tensor<3x2xi32>) -> (tensor<?x8xbf16>, tensor<4xi32>)
  return
}
