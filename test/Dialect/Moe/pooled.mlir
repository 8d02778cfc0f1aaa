// RUN: portolan-opt %s | portolan-opt | FileCheck %s
// RUN: portolan-opt %s --mlir-print-op-generic | portolan-opt | FileCheck %s

// CHECK-LABEL: @streams
func.func @streams(%x: tensor<?x?x16xbf16>, %p: tensor<16x8xf32>, %s: tensor<3xf32>, %b: tensor<8xf32>) {
  // CHECK: %[[R:.*]], %[[M:[a-z]*]] = moe.read_streams %{{.*}} by %{{.*}} scales %{{.*}} base %{{.*}} {epsilon = 1.000000e-05 : f64, floor = {{[^ ]*}} : f64, rounds = 20 : i64}
  %r, %m = moe.read_streams %x by %p scales %s base %b {epsilon = 1.0e-5 : f64, floor = 1.0e-6 : f64, rounds = 20 : i64}
    : (tensor<?x?x16xbf16>, tensor<16x8xf32>, tensor<3xf32>, tensor<8xf32>) -> (tensor<?x?x8xbf16>, tensor<?x?x6xf32>)
  // CHECK: moe.write_streams %{{.*}}, %[[R]] by %[[M]]
  %w = moe.write_streams %x, %r by %m : (tensor<?x?x16xbf16>, tensor<?x?x8xbf16>, tensor<?x?x6xf32>) -> tensor<?x?x16xbf16>
  return
}

// CHECK-LABEL: @last_read
func.func @last_read(%x: tensor<2x16xbf16>, %p: tensor<16x2xf32>, %s: tensor<1xf32>, %b: tensor<2xf32>) {
  // CHECK: moe.read_streams {{.*}} {epsilon = 1.000000e-05 : f64, floor = {{[^ ]*}} : f64} : {{.*}} -> tensor<2x8xbf16>
  %r = moe.read_streams %x by %p scales %s base %b {epsilon = 1.0e-5 : f64, floor = 1.0e-6 : f64}
    : (tensor<2x16xbf16>, tensor<16x2xf32>, tensor<1xf32>, tensor<2xf32>) -> tensor<2x8xbf16>
  return
}

// CHECK-LABEL: @pool
func.func @pool(%v: tensor<?x?x12xbf16>, %b: tensor<4x12xf32>, %g: tensor<6xbf16>, %at: tensor<?x?xi64>, %c: tensor<64x2xf32>,
                %e: tensor<?x?x6xbf16>, %r: tensor<?x8x24xf32>) {
  // CHECK: moe.pool_keys %{{.*}}, %{{.*}} bias %{{.*}} norm %{{.*}} at %{{.*}} by %{{.*}}, %{{.*}} cache %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64}
  %0:2 = moe.pool_keys %v, %v bias %b norm %g at %at by %c, %c cache %e, %r {epsilon = 1.0e-5 : f64}
    : (tensor<?x?x12xbf16>, tensor<?x?x12xbf16>, tensor<4x12xf32>, tensor<6xbf16>, tensor<?x?xi64>, tensor<64x2xf32>, tensor<64x2xf32>,
       tensor<?x?x6xbf16>, tensor<?x8x24xf32>) -> (tensor<?x?x6xbf16>, tensor<?x8x24xf32>)
  return
}

// CHECK-LABEL: @attention
func.func @attention(%q: tensor<2x1x12xbf16>, %k: tensor<2x1x6xbf16>, %p: tensor<2x7x6xbf16>, %e: tensor<2x2x6xbf16>,
                     %iq: tensor<2x1x9xbf16>, %iw: tensor<2x1x3xbf16>, %ie: tensor<2x2x3xbf16>, %s: tensor<2xf32>) {
  // CHECK: moe.pooled_attention %{{.*}}, %{{.*}} cache %{{.*}} {heads = 2 : i64, scale = 5.000000e-01 : f64, window = 4 : i64}
  %0:2 = moe.pooled_attention %q, %k cache %p {heads = 2 : i64, scale = 0.5 : f64, window = 4 : i64}
    : (tensor<2x1x12xbf16>, tensor<2x1x6xbf16>, tensor<2x7x6xbf16>) -> (tensor<2x1x12xbf16>, tensor<2x8x6xbf16>)
  // CHECK: moe.pooled_attention %{{.*}}, %{{.*}} cache %{{.*}} entries %{{.*}} index %{{.*}}, %{{.*}}, %{{.*}} sinks %{{.*}} {{{.*}}ratio = 4 : i64{{.*}}top_entries = 1 : i64
  %1:2 = moe.pooled_attention %q, %k cache %p entries %e index %iq, %iw, %ie sinks %s
    {heads = 2 : i64, scale = 0.5 : f64, window = 4 : i64, ratio = 4 : i64, top_entries = 1 : i64}
    : (tensor<2x1x12xbf16>, tensor<2x1x6xbf16>, tensor<2x7x6xbf16>, tensor<2x2x6xbf16>, tensor<2x1x9xbf16>, tensor<2x1x3xbf16>,
       tensor<2x2x3xbf16>, tensor<2xf32>) -> (tensor<2x1x12xbf16>, tensor<2x8x6xbf16>)
  return
}

// CHECK-LABEL: @grouped
func.func @grouped(%x: tensor<?x?x6xbf16>, %w: tensor<3x2x4xbf16>) {
  // CHECK: moe.grouped_linear %{{.*}}, %{{.*}} : (tensor<?x?x6xbf16>, tensor<3x2x4xbf16>) -> tensor<?x?x12xbf16>
  %0 = moe.grouped_linear %x, %w : (tensor<?x?x6xbf16>, tensor<3x2x4xbf16>) -> tensor<?x?x12xbf16>
  return
}

// CHECK-LABEL: @rope_back
func.func @rope_back(%x: tensor<2x1x12xbf16>, %at: tensor<2x1xi64>, %c: tensor<64x2xf32>) {
  // CHECK: moe.rope {{.*}} {head_width = 6 : i64, interleaved, inverse, offset = 2 : i64}
  %0 = moe.rope %x at %at by %c, %c {head_width = 6 : i64, interleaved, inverse, offset = 2 : i64}
    : (tensor<2x1x12xbf16>, tensor<2x1xi64>, tensor<64x2xf32>, tensor<64x2xf32>) -> tensor<2x1x12xbf16>
  return
}
