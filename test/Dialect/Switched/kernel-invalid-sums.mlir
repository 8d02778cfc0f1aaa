// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after.

// Without a group every member stores all chunks.
func.func @kernel_transfer_c5(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  // expected-error @+1 {{'switched.kernel_transfer' op expects kernels that add up and store every chunk once in the network}}
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
      switched.for_chunks %gx chunk = 1024 : memref<4096xbf16> {
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

func.func @kernel_transfer_c5_twice(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  // expected-error @+1 {{'switched.kernel_transfer' op expects kernels that add up and store every chunk once in the network}}
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

func.func @kernel_transfer_c5_way(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  // expected-error @+1 {{'switched.kernel_transfer' op expects kernels that add up and store every chunk once from every member}}
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "one_shot", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
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
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @kernel_transfer_c5_algorithm(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  // expected-error @+1 {{'switched.kernel_transfer' op expects an algorithm in_network or one_shot, got ring}}
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "ring", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
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
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

// 4096 elements of 1 byte are sent, and kernels add up 2 bytes.
func.func @kernel_transfer_c5_bytes(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  // expected-error @+1 {{'switched.kernel_transfer' op expects kernels of the 4.096000e+03 bytes of the covered op, got 8.192000e+03}}
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {format = #moe.format<"fp8", "fp8">, group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
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
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

// The operands of peers may not be there yet.
func.func @kernel_transfer_c6(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %t = switched.register_alloc : !switched.registers<[128, 8], "bf16">
      // expected-error @+1 {{'switched.for_chunks' op expects every block to wait for all members before and to signal them after}}
      switched.for_chunks %gx chunk = 1024 over <4 by 1> : memref<4096xbf16> {
      ^bb0(%f: index, %l: index):
        switched.multimem_load_reduce %gx[%f] left %l to %t : memref<4096xbf16> to !switched.registers<[128, 8], "bf16">
        switched.multimem_store %t to %gy[%f] left %l : !switched.registers<[128, 8], "bf16"> to memref<4096xbf16>
        switched.yield
      }
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
