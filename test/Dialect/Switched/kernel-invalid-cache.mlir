// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after. A loop outside of a
// kernel is refused for its place first, so that those stand inside of one.

func.func @for_heads_c1(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x) units = 132 cluster = 1 : (tensor<16x128xbf16>) -> tensor<16x128xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gh: memref<16x128xbf16>):
      // expected-error @+1 {{'switched.for_heads' op expects heads, rows, tiles and columns of at least 1, got 0}}
      switched.for_heads 0 rows = 2 token_tile = 16 column_tile = 64 columns = 64 do {
      ^bb0(%a: index, %b: index, %c: index, %e: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %h : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @for_heads_c2(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x) units = 132 cluster = 1 : (tensor<16x128xbf16>) -> tensor<16x128xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gh: memref<16x128xbf16>):
      // expected-error @+1 {{'switched.for_heads' op expects a region of 4 indices, got 'index'}}
      switched.for_heads 2 rows = 2 token_tile = 16 column_tile = 64 columns = 64 do {
      ^bb0(%a: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %h : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @for_sequences_c1(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x) units = 132 cluster = 1 : (tensor<16x128xbf16>) -> tensor<16x128xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gh: memref<16x128xbf16>):
      // expected-error @+1 {{'switched.for_sequences' op expects sequences, queries and a tile of at least 1, got 0}}
      switched.for_sequences 2 queries = 0 tile = 16 do {
      ^bb0(%a: index, %b: index, %c: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %h : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @for_sequences_c2(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x) units = 132 cluster = 1 : (tensor<16x128xbf16>) -> tensor<16x128xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gh: memref<16x128xbf16>):
      // expected-error @+1 {{'switched.for_sequences' op expects a region of 3 indices, got 'index', 'index'}}
      switched.for_sequences 2 queries = 3 tile = 16 do {
      ^bb0(%a: index, %b: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %h : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @for_cache_tiles_c1(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x) units = 132 cluster = 1 : (tensor<16x128xbf16>) -> tensor<16x128xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gh: memref<16x128xbf16>):
      %full = switched.mbarrier_init arrivals = 1 : <2>
      %free = switched.mbarrier_init arrivals = 1 : <2>
      %tile = switched.smem_alloc : <[2, 64, 128], "bf16">
      switched.for_sequences 2 queries = 3 tile = 16 do {
      ^bb0(%a: index, %b: index, %c: index):
            // expected-error @+1 {{'switched.for_cache_tiles' op expects keys and a tile of at least 1, got 0}}
        switched.for_cache_tiles keys = 0 tile = 64 stages = 2 full(%full) free(%free) : <2>, <2> produce {
          ^bb0(%k: index, %t: index):
            switched.mbarrier_wait %free[%t] : <2>
            switched.mbarrier_expect %full[%t] bytes = 16384 : <2>
            switched.tma_load %gx[%k, %a] to %tile[%t] signals %full : memref<16x128xbf16> to <[2, 64, 128], "bf16"> signals <2>
            switched.yield
          } consume {
          ^bb0(%k: index, %t: index):
            switched.mbarrier_wait %full[%t] : <2>
            switched.mbarrier_arrive %free[%t] : <2>
            switched.yield
          }
        switched.yield
      }
      switched.yield
    }
    switched.yield %h : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @for_cache_tiles_c2(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x) units = 132 cluster = 1 : (tensor<16x128xbf16>) -> tensor<16x128xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gh: memref<16x128xbf16>):
      %full = switched.mbarrier_init arrivals = 1 : <2>
      %free = switched.mbarrier_init arrivals = 1 : <2>
      %tile = switched.smem_alloc : <[2, 32, 128], "bf16">
      switched.for_sequences 2 queries = 3 tile = 16 do {
      ^bb0(%a: index, %b: index, %c: index):
        switched.for_cache_tiles keys = 64 tile = 64 stages = 2 full(%full) free(%free) : <2>, <2> produce {
          ^bb0(%k: index, %t: index):
            switched.mbarrier_wait %free[%t] : <2>
            switched.mbarrier_expect %full[%t] bytes = 16384 : <2>
            // expected-error @+1 {{'switched.tma_load' op expects tiles of 2 stages of 64 keys, got '!switched.smem<[2, 32, 128], "bf16">'}}
            switched.tma_load %gx[%k, %a] to %tile[%t] signals %full : memref<16x128xbf16> to <[2, 32, 128], "bf16"> signals <2>
            switched.yield
          } consume {
          ^bb0(%k: index, %t: index):
            switched.mbarrier_wait %full[%t] : <2>
            switched.mbarrier_arrive %free[%t] : <2>
            switched.yield
          }
        switched.yield
      }
      switched.yield
    }
    switched.yield %h : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @for_cache_tiles_c3(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x) units = 132 cluster = 1 : (tensor<16x128xbf16>) -> tensor<16x128xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gh: memref<16x128xbf16>):
      %full = switched.mbarrier_init arrivals = 1 : <2>
      %free = switched.mbarrier_init arrivals = 1 : <2>
      %tile = switched.smem_alloc : <[2, 64, 128], "bf16">
      switched.for_sequences 2 queries = 3 tile = 16 do {
      ^bb0(%a: index, %b: index, %c: index):
            // expected-error @+1 {{'switched.for_cache_tiles' op expects a producer that waits once for free and expects bytes once at full}}
        switched.for_cache_tiles keys = 64 tile = 64 stages = 2 full(%full) free(%free) : <2>, <2> produce {
          ^bb0(%k: index, %t: index):
                        switched.mbarrier_expect %full[%t] bytes = 16384 : <2>
            switched.tma_load %gx[%k, %a] to %tile[%t] signals %full : memref<16x128xbf16> to <[2, 64, 128], "bf16"> signals <2>
            switched.yield
          } consume {
          ^bb0(%k: index, %t: index):
            switched.mbarrier_wait %full[%t] : <2>
            switched.mbarrier_arrive %free[%t] : <2>
            switched.yield
          }
        switched.yield
      }
      switched.yield
    }
    switched.yield %h : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

// 64 keys of 128 numbers of 2 bytes.
func.func @for_cache_tiles_c4(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x) units = 132 cluster = 1 : (tensor<16x128xbf16>) -> tensor<16x128xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gh: memref<16x128xbf16>):
      %full = switched.mbarrier_init arrivals = 1 : <2>
      %free = switched.mbarrier_init arrivals = 1 : <2>
      %tile = switched.smem_alloc : <[2, 64, 128], "bf16">
      switched.for_sequences 2 queries = 3 tile = 16 do {
      ^bb0(%a: index, %b: index, %c: index):
        switched.for_cache_tiles keys = 64 tile = 64 stages = 2 full(%full) free(%free) : <2>, <2> produce {
          ^bb0(%k: index, %t: index):
            switched.mbarrier_wait %free[%t] : <2>
            // expected-error @+1 {{'switched.mbarrier_expect' op expects the 16384 bytes of the loads, got 16000}}
            switched.mbarrier_expect %full[%t] bytes = 16000 : <2>
            switched.tma_load %gx[%k, %a] to %tile[%t] signals %full : memref<16x128xbf16> to <[2, 64, 128], "bf16"> signals <2>
            switched.yield
          } consume {
          ^bb0(%k: index, %t: index):
            switched.mbarrier_wait %full[%t] : <2>
            switched.mbarrier_arrive %free[%t] : <2>
            switched.yield
          }
        switched.yield
      }
      switched.yield
    }
    switched.yield %h : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @for_cache_tiles_c5(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x) units = 132 cluster = 1 : (tensor<16x128xbf16>) -> tensor<16x128xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gh: memref<16x128xbf16>):
      %full = switched.mbarrier_init arrivals = 1 : <2>
      %free = switched.mbarrier_init arrivals = 1 : <2>
      %tile = switched.smem_alloc : <[2, 64, 64], "bf16">
      %powers = switched.smem_alloc : <[1, 16, 64], "bf16">
      %sums = switched.register_alloc : <[64, 16], "f32">
      switched.for_sequences 2 queries = 3 tile = 16 do {
      ^bb0(%a: index, %b: index, %c: index):
        // expected-error @+1 {{'switched.for_cache_tiles' op expects products of tiles that are loaded at a constant column}}
        switched.for_cache_tiles keys = 64 tile = 64 stages = 2 full(%full) free(%free) : <2>, <2> produce {
          ^bb0(%k: index, %t: index):
            switched.mbarrier_wait %free[%t] : <2>
            switched.mbarrier_expect %full[%t] bytes = 8192 : <2>
            switched.tma_load %gx[%k, %a] to %tile[%t] signals %full : memref<16x128xbf16> to <[2, 64, 64], "bf16"> signals <2>
            switched.yield
          } consume {
          ^bb0(%k: index, %t: index):
            switched.mbarrier_wait %full[%t] : <2>
            switched.attend %tile, %powers into %sums[%t] : <[2, 64, 64], "bf16">, <[1, 16, 64], "bf16"> into !switched.registers<[64, 16], "f32">
            switched.mbarrier_arrive %free[%t] : <2>
            switched.yield
          }
        switched.yield
      }
      switched.yield
    }
    switched.yield %h : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}
