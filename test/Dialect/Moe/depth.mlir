// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --mlir-print-op-generic | portolan-opt | FileCheck %s

// CHECK-LABEL: @depth_attention
func.func @depth_attention(%s: tensor<?x?x24xbf16>, %c: tensor<?x?x8xbf16>, %g: tensor<8xbf16>, %q: tensor<8xbf16>) {
  // CHECK: moe.depth_attention %{{.*}}, %{{.*}} by %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64}
  %0 = moe.depth_attention %s, %c by %g, %q {epsilon = 1.0e-5 : f64}
    : (tensor<?x?x24xbf16>, tensor<?x?x8xbf16>, tensor<8xbf16>, tensor<8xbf16>) -> tensor<?x?x8xbf16>
  return
}

// CHECK-LABEL: @capped_mlp
func.func @capped_mlp(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>, %d: tensor<4x8xf32>) {
  // CHECK: moe.mlp {{.*}} {activation = #moe<activation silu>, gate_cap = 4.000000e+00 : f64, linear_cap = 2.500000e+01 : f64}
  %0 = moe.mlp %x gate %w up %w down %d {activation = #moe<activation silu>, gate_cap = 4.0 : f64, linear_cap = 25.0 : f64}
    : (tensor<2x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  return
}
