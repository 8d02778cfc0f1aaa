// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after.

func.func @for_peers_c1(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      // expected-error @+1 {{'switched.for_peers' op expects at least 1 part, got 0}}
      switched.for_peers <4 by 1> parts = 0 {
      ^bb0(%p: index, %j: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @for_peers_c2(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      // expected-error @+1 {{'switched.for_peers' op expects a region of 2 indices, got 'index'}}
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @each_peer_c1(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      // expected-error @+1 {{'switched.each_peer' op expects a region of 1 indices, got 'index', 'index'}}
      switched.each_peer <4 by 1> {
      ^bb0(%p: index, %j: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @for_sent_c1(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %w = switched.words_alloc : memref<3xi32>
      %c0 = arith.constant 0 : index
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        // expected-error @+1 {{'switched.for_sent' op expects an i32 for each of 4 members, got 'memref<3xi32>'}}
        switched.for_sent %w[%p] part %j : memref<3xi32> {
        ^bb0(%r: index, %i: index):
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

// Every part would send the rows of member 0.
func.func @for_sent_c2(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %w = switched.words_alloc : memref<4xi32>
      %c0 = arith.constant 0 : index
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        // expected-error @+1 {{'switched.for_sent' op expects the peer and part of its loop}}
        switched.for_sent %w[%c0] part %j : memref<4xi32> {
        ^bb0(%r: index, %i: index):
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @for_sent_c3(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %w = switched.words_alloc : memref<4xi32>
      %c0 = arith.constant 0 : index
      switched.for_peers <4 by 1> parts = 1 {
      ^bb0(%p: index, %j: index):
        // expected-error @+1 {{'switched.for_sent' op expects a region of 2 indices, got 'index'}}
        switched.for_sent %w[%p] part %j : memref<4xi32> {
        ^bb0(%r: index):
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @prefix_c1(%c: memref<4x2xi32>, %i: index) {
  // expected-error @+1 {{'switched.prefix' op expects an i32 for each of the members, got 'memref<4x2xi32>'}}
  %s = switched.prefix %c[%i] : memref<4x2xi32>
  return
}

// -----

func.func @words_alloc_c1() {
  // expected-error @+1 {{'switched.words_alloc' op expects an i32 for each of the members, got 'memref<4xi64>'}}
  %w = switched.words_alloc : memref<4xi64>
  return
}

// -----

func.func @put_word_c1(%v: index, %w: memref<4xf32>, %p: index) {
  // expected-error @+1 {{'switched.put_word' op expects an i32 for each of the members, got 'memref<4xf32>'}}
  switched.put_word %v to %w at %p : memref<4xf32>
  return
}

// -----

func.func @signal_wait_c1(%s: !switched.signals<4>, %p: index) {
  // expected-error @+1 {{'switched.signal_wait' op expects to wait for at least 1 signal, got 0}}
  switched.signal_wait %s[%p] count = 0 : !switched.signals<4>
  return
}

// -----

func.func @for_chunks_c1(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      // expected-error @+1 {{'switched.for_chunks' op expects a chunk of at least 1 element, got 0}}
      switched.for_chunks %gx chunk = 0 : memref<4096xbf16> {
      ^bb0(%f: index, %l: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @for_chunks_c2(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      // expected-error @+1 {{'switched.for_chunks' op expects a region of 2 indices, got 'index'}}
      switched.for_chunks %gx chunk = 1024 : memref<4096xbf16> {
      ^bb0(%f: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

// 8 elements of 4 bytes are 32.
func.func @multimem_load_reduce_c1(%x: memref<4096xbf16>, %t: !switched.registers<[128, 8], "f32">, %i: index) {
  // expected-error @+1 {{'switched.multimem_load_reduce' op expects 16 bytes of each of 128 threads in bf16, fp16 or f32 like 'memref<4096xbf16>', got '!switched.registers<[128, 8], "f32">'}}
  switched.multimem_load_reduce %x[%i] left %i to %t : memref<4096xbf16> to !switched.registers<[128, 8], "f32">
  return
}

// -----

func.func @multimem_load_reduce_c2(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %t = switched.register_alloc : !switched.registers<[128, 8], "bf16">
      switched.for_chunks %gx chunk = 512 : memref<4096xbf16> {
      ^bb0(%f: index, %l: index):
        // expected-error @+1 {{'switched.multimem_load_reduce' op expects a tile of the loop's chunk of 512 elements, got 1024}}
        switched.multimem_load_reduce %gx[%f] left %l to %t : memref<4096xbf16> to !switched.registers<[128, 8], "bf16">
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @multimem_store_c1(%x: memref<4096xf32>, %t: !switched.registers<[128, 8], "bf16">, %i: index) {
  // expected-error @+1 {{'switched.multimem_store' op expects 16 bytes of each of 128 threads in bf16, fp16 or f32 like 'memref<4096xf32>', got '!switched.registers<[128, 8], "bf16">'}}
  switched.multimem_store %t to %x[%i] left %i : !switched.registers<[128, 8], "bf16"> to memref<4096xf32>
  return
}

// -----

func.func @multimem_store_c2(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %t = switched.register_alloc : !switched.registers<[128, 8], "bf16">
      switched.for_chunks %gx chunk = 512 : memref<4096xbf16> {
      ^bb0(%f: index, %l: index):
        // expected-error @+1 {{'switched.multimem_store' op expects a tile of the loop's chunk of 512 elements, got 1024}}
        switched.multimem_store %t to %gy[%f] left %l : !switched.registers<[128, 8], "bf16"> to memref<4096xbf16>
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @peer_add_c1(%x: memref<4096xbf16>, %t: !switched.registers<[128, 8], "bf16">, %i: index) {
  // expected-error @+1 {{'switched.peer_add' op expects f32 sums of floats, got '!switched.registers<[128, 8], "bf16">' of 'memref<4096xbf16>'}}
  switched.peer_add %x[%i] left %i at %i to %t : memref<4096xbf16> to !switched.registers<[128, 8], "bf16">
  return
}

// -----

func.func @peer_add_c2(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %t = switched.register_alloc : !switched.registers<[128, 8], "f32">
      switched.for_chunks %gx chunk = 512 : memref<4096xbf16> {
      ^bb0(%f: index, %l: index):
        // expected-error @+1 {{'switched.peer_add' op expects a tile of the loop's chunk of 512 elements, got 1024}}
        switched.peer_add %gx[%f] left %l at %f to %t : memref<4096xbf16> to !switched.registers<[128, 8], "f32">
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}

// -----

func.func @chunk_store_c1(%x: memref<4096xi32>, %t: !switched.registers<[128, 8], "f32">, %i: index) {
  // expected-error @+1 {{'switched.chunk_store' op expects a tensor of floats, got 'memref<4096xi32>'}}
  switched.chunk_store %t to %x[%i] left %i : !switched.registers<[128, 8], "f32"> to memref<4096xi32>
  return
}

// -----

func.func @chunk_store_c2(%x: tensor<4096xbf16>) -> tensor<4096xbf16> {
  %y = switched.kernel_transfer(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<4096xbf16>) -> tensor<4096xbf16> {
  ^bb0(%a: tensor<4096xbf16>):
    %k = switched.kernel(%a) units = 12 cluster = 1 : (tensor<4096xbf16>) -> tensor<4096xbf16> {
    ^bb0(%gx: memref<4096xbf16>, %gy: memref<4096xbf16>):
      %t = switched.register_alloc : !switched.registers<[128, 8], "f32">
      switched.for_chunks %gx chunk = 512 : memref<4096xbf16> {
      ^bb0(%f: index, %l: index):
        // expected-error @+1 {{'switched.chunk_store' op expects a tile of the loop's chunk of 512 elements, got 1024}}
        switched.chunk_store %t to %gy[%f] left %l : !switched.registers<[128, 8], "f32"> to memref<4096xbf16>
        switched.yield
      }
      switched.yield
    }
    switched.yield %k : tensor<4096xbf16>
  }
  return %y : tensor<4096xbf16>
}
