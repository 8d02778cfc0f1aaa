// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after.

func.func @kernel_transfer_c1(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  // expected-error @+1 {{'switched.kernel_transfer' op expects a region that ends in a switched.yield of 1 values of its types}}
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %b = switched.signals_alloc : !switched.signals<4>
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        switched.signal %b at %p : !switched.signals<4>
        switched.yield
      }
      switched.each_peer <4 by 1> {
      ^bb0(%p: index):
        switched.signal_wait %b[%p] count = 1 : !switched.signals<4>
        switched.yield
      }
      %t = switched.register_alloc : !switched.registers<[128, 8], "bf16">
      switched.for_chunks %gx chunk = 1024 over <4 by 1> : memref<4096xbf16> {
      ^bb0(%f: index, %l: index):
        switched.multimem_load_reduce %gx[%f] left %l to %t : memref<4096xbf16> to !switched.registers<[128, 8], "bf16">
        switched.multimem_store %t to %gy[%f] left %l : !switched.registers<[128, 8], "bf16"> to memref<4096xbf16>
        switched.yield
      }
      %e = switched.signals_alloc : !switched.signals<4>
      switched.each_peer <4 by 1> {
      ^bb0(%p: index):
        switched.signal %e at %p : !switched.signals<4>
        switched.yield
      }
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        switched.signal_wait %e[%p] count = 12 : !switched.signals<4>
        switched.yield
      }
      switched.yield
    }
    switched.yield
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @kernel_transfer_c2(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %b = switched.signals_alloc : !switched.signals<4>
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        switched.signal %b at %p : !switched.signals<4>
        switched.yield
      }
      // expected-error @+1 {{'switched.each_peer' op expects the group of 4 by 1 of the covered op, got 2 by 1}}
      switched.each_peer <2 by 1> {
      ^bb0(%p: index):
        switched.signal_wait %b[%p] count = 1 : !switched.signals<4>
        switched.yield
      }
      %t = switched.register_alloc : !switched.registers<[128, 8], "bf16">
      switched.for_chunks %gx chunk = 1024 over <4 by 1> : memref<4096xbf16> {
      ^bb0(%f: index, %l: index):
        switched.multimem_load_reduce %gx[%f] left %l to %t : memref<4096xbf16> to !switched.registers<[128, 8], "bf16">
        switched.multimem_store %t to %gy[%f] left %l : !switched.registers<[128, 8], "bf16"> to memref<4096xbf16>
        switched.yield
      }
      %e = switched.signals_alloc : !switched.signals<4>
      switched.each_peer <4 by 1> {
      ^bb0(%p: index):
        switched.signal %e at %p : !switched.signals<4>
        switched.yield
      }
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        switched.signal_wait %e[%p] count = 12 : !switched.signals<4>
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

// Each of 12 blocks signals, and 4 are waited for: results of the others may
// not be there.
func.func @kernel_transfer_c3(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %b = switched.signals_alloc : !switched.signals<4>
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        switched.signal %b at %p : !switched.signals<4>
        switched.yield
      }
      switched.each_peer <4 by 1> {
      ^bb0(%p: index):
        switched.signal_wait %b[%p] count = 1 : !switched.signals<4>
        switched.yield
      }
      %t = switched.register_alloc : !switched.registers<[128, 8], "bf16">
      switched.for_chunks %gx chunk = 1024 over <4 by 1> : memref<4096xbf16> {
      ^bb0(%f: index, %l: index):
        switched.multimem_load_reduce %gx[%f] left %l to %t : memref<4096xbf16> to !switched.registers<[128, 8], "bf16">
        switched.multimem_store %t to %gy[%f] left %l : !switched.registers<[128, 8], "bf16"> to memref<4096xbf16>
        switched.yield
      }
      // expected-error @+1 {{'switched.signals_alloc' op expects signals of 4 members, and waits for all 12 that each of them gives}}
      %e = switched.signals_alloc : !switched.signals<4>
      switched.each_peer <4 by 1> {
      ^bb0(%p: index):
        switched.signal %e at %p : !switched.signals<4>
        switched.yield
      }
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        switched.signal_wait %e[%p] count = 4 : !switched.signals<4>
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

// 16 rows of 64 elements of 2 bytes, and what travels along: 2 of 4 bytes.
func.func @kernel_transfer_c4(%x: tensor<16x64xbf16>, %m: tensor<16x2xf32>, %s: tensor<4xi32>) -> tensor<?x64xbf16> {
  // expected-error @+1 {{'switched.kernel_transfer' op expects kernels that put the 2.176000e+03 bytes of the covered op, got 2.048000e+03}}
  %y:2 = switched.kernel_transfer(%x, %m, %s, %s) covers "spmd.all_to_all_v" {group = #spmd.group<4 by 1>} {algorithm = "direct", bottleneck_bytes = 1.0e4 : f64, hops = 1.0 : f64, starts = 1.0 : f64} : (tensor<16x64xbf16>, tensor<16x2xf32>, tensor<4xi32>, tensor<4xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<16x2xf32>, %c: tensor<4xi32>, %d: tensor<4xi32>):
    %k:2 = switched.kernel(%a, %b, %c, %d) units = 12 cluster = 1 : (tensor<16x64xbf16>, tensor<16x2xf32>, tensor<4xi32>, tensor<4xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gm: memref<16x2xf32>, %gs: memref<4xi32>, %gr: memref<4xi32>, %yx: memref<?x64xbf16>, %ym: memref<?x2xf32>):
      %t = switched.smem_alloc : !switched.smem<[1, 1, 64], "bf16">
      %e = switched.signals_alloc : !switched.signals<4>
      switched.for_peers <4 by 1> parts = 3 {
      ^bb0(%p: index, %j: index):
        switched.for_sent %gs[%p] part %j : memref<4xi32> {
        ^bb0(%r: index, %i: index):
          switched.row_store %t[%i] to %yx[%r] at %p : !switched.smem<[1, 1, 64], "bf16"> to memref<?x64xbf16>
          switched.yield
        }
        switched.signal %e at %p : !switched.signals<4>
        switched.yield
      }
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        switched.signal_wait %e[%p] count = 3 : !switched.signals<4>
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1 : tensor<?x64xbf16>, tensor<?x2xf32>
  }
  return %y#0 : tensor<?x64xbf16>
}
