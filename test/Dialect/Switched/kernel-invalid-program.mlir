// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after.

func.func @kernel_step_c1(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  // expected-error @+1 {{'switched.kernel_step' op expects a region of its operands' types, got 'tensor<16x128xbf16>'}}
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>):
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

// 2 * 16 rows * 128 * 64 for each of up and down, and no program.
func.func @kernel_step_c2(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  // expected-error @+1 {{'switched.kernel_step' op expects kernels of the 5.242880e+05 operations of the covered op, got 0.000000e+00}}
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @kernel_c1(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    // expected-error @+1 {{'switched.kernel' op expects a region of its operands and results in global memory, got 'memref<16x128xbf16>'}}
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 1 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x64xbf16> {
    ^bb0(%gx: memref<16x128xbf16>):
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @kernel_c1_elements(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    // expected-error @+1 {{'switched.kernel' op expects numbers in global memory, got 'tensor<16x!switched.mbarrier<2>>'}}
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 1 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x!switched.mbarrier<2>> {
    ^bb0(%gx: memref<16x128xbf16>):
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @kernel_c2(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    // expected-error @+1 {{'switched.kernel' op expects a cluster of 1, 2, 4, 8 or 16 blocks, got 3}}
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 3 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x64xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gn: memref<2xi32>, %gu: memref<2x128x64xbf16>, %gh: memref<16x64xbf16>):
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @kernel_c3(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    // expected-error @+1 {{'switched.kernel' op expects units in whole clusters of 2, got 131}}
    %h = switched.kernel(%x, %n, %u) units = 131 cluster = 2 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x64xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gn: memref<2xi32>, %gu: memref<2x128x64xbf16>, %gh: memref<16x64xbf16>):
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @for_tiles_c1(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 1 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x64xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gn: memref<2xi32>, %gu: memref<2x128x64xbf16>, %gh: memref<16x64xbf16>):
      // expected-error @+1 {{'switched.for_tiles' op expects tiles and columns of at least 1, got 0}}
      switched.for_tiles %gn token_tile = 0 column_tile = 64 columns = 64 : memref<2xi32> {
      ^bb0(%e: index, %r: index, %l: index, %c: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @for_tiles_c2(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 1 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x64xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gn: memref<2xi32>, %gu: memref<2x128x64xbf16>, %gh: memref<16x64xbf16>):
      // expected-error @+1 {{'switched.for_tiles' op expects a region of 4 indices, got 'index'}}
      switched.for_tiles %gn token_tile = 8 column_tile = 64 columns = 64 : memref<2xi32> {
      ^bb0(%e: index):
        switched.yield
      }
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @pipeline_c1(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 1 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x64xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gn: memref<2xi32>, %gu: memref<2x128x64xbf16>, %gh: memref<16x64xbf16>):
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<2>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<2>
      %sx = switched.smem_alloc : !switched.smem<[2, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[2, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      switched.for_tiles %gn token_tile = 8 column_tile = 64 columns = 64 : memref<2xi32> {
      ^bb0(%e: index, %r: index, %l: index, %c: index):
        // expected-error @+1 {{'switched.pipeline' op expects contraction and block of at least 1, got 0}}
        switched.pipeline contraction = 0 block = 64 stages = 2 full(%full) free(%free) : !switched.mbarrier<2>, !switched.mbarrier<2> produce {
        ^bb0(%k: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<2>
          switched.mbarrier_expect %full[%i] bytes = 9216 : !switched.mbarrier<2>
          switched.tma_load %gx[%r, %k] to %sx[%i] signals %full : memref<16x128xbf16> to !switched.smem<[2, 8, 64], "bf16"> signals !switched.mbarrier<2>
          switched.tma_load %gu[%e, %k, %c] to %su[%i] signals %full {transposed} : memref<2x128x64xbf16> to !switched.smem<[2, 64, 64], "bf16"> signals !switched.mbarrier<2>
          switched.yield
        } consume {
        ^bb0(%k: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<2>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[2, 64, 64], "bf16">, !switched.smem<[2, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.mbarrier_arrive %free[%i] : !switched.mbarrier<2>
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

func.func @pipeline_c2(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 1 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x64xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gn: memref<2xi32>, %gu: memref<2x128x64xbf16>, %gh: memref<16x64xbf16>):
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<2>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<2>
      %sx = switched.smem_alloc : !switched.smem<[2, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[3, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      switched.for_tiles %gn token_tile = 8 column_tile = 64 columns = 64 : memref<2xi32> {
      ^bb0(%e: index, %r: index, %l: index, %c: index):
        switched.pipeline contraction = 128 block = 64 stages = 2 full(%full) free(%free) : !switched.mbarrier<2>, !switched.mbarrier<2> produce {
        ^bb0(%k: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<2>
          switched.mbarrier_expect %full[%i] bytes = 9216 : !switched.mbarrier<2>
          switched.tma_load %gx[%r, %k] to %sx[%i] signals %full : memref<16x128xbf16> to !switched.smem<[2, 8, 64], "bf16"> signals !switched.mbarrier<2>
          // expected-error @+1 {{'switched.tma_load' op expects tiles of the pipeline's 2 stages, got 3}}
          switched.tma_load %gu[%e, %k, %c] to %su[%i] signals %full {transposed} : memref<2x128x64xbf16> to !switched.smem<[3, 64, 64], "bf16"> signals !switched.mbarrier<2>
          switched.yield
        } consume {
        ^bb0(%k: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<2>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[3, 64, 64], "bf16">, !switched.smem<[2, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.mbarrier_arrive %free[%i] : !switched.mbarrier<2>
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

// A stage that nobody frees stops the producer.
func.func @pipeline_c3(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 1 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x64xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gn: memref<2xi32>, %gu: memref<2x128x64xbf16>, %gh: memref<16x64xbf16>):
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<2>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<2>
      %sx = switched.smem_alloc : !switched.smem<[2, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[2, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      switched.for_tiles %gn token_tile = 8 column_tile = 64 columns = 64 : memref<2xi32> {
      ^bb0(%e: index, %r: index, %l: index, %c: index):
        // expected-error @+1 {{'switched.pipeline' op expects a consumer that waits once for full and arrives once at free}}
        switched.pipeline contraction = 128 block = 64 stages = 2 full(%full) free(%free) : !switched.mbarrier<2>, !switched.mbarrier<2> produce {
        ^bb0(%k: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<2>
          switched.mbarrier_expect %full[%i] bytes = 9216 : !switched.mbarrier<2>
          switched.tma_load %gx[%r, %k] to %sx[%i] signals %full : memref<16x128xbf16> to !switched.smem<[2, 8, 64], "bf16"> signals !switched.mbarrier<2>
          switched.tma_load %gu[%e, %k, %c] to %su[%i] signals %full {transposed} : memref<2x128x64xbf16> to !switched.smem<[2, 64, 64], "bf16"> signals !switched.mbarrier<2>
          switched.yield
        } consume {
        ^bb0(%k: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<2>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[2, 64, 64], "bf16">, !switched.smem<[2, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}

// -----

// 2 * 64 * (8 + 64) bytes come; a barrier that expects more never opens.
func.func @pipeline_c4(%rows: tensor<16x128xbf16>, %counts: tensor<2xi32>, %up: tensor<2x128x64xbf16>, %down: tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  %y = switched.kernel_step(%rows, %counts, %up, %down) covers "moe.experts" {activation = #moe<activation relu>, operandSegmentSizes = array<i32: 1, 1, 0, 1, 1, 0, 0, 0>} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 2.0 : f64, token_tile = 8 : i64} : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>, tensor<2x64x128xbf16>) -> tensor<16x128xbf16> {
  ^bb0(%x: tensor<16x128xbf16>, %n: tensor<2xi32>, %u: tensor<2x128x64xbf16>, %d: tensor<2x64x128xbf16>):
    %h = switched.kernel(%x, %n, %u) units = 132 cluster = 1 : (tensor<16x128xbf16>, tensor<2xi32>, tensor<2x128x64xbf16>) -> tensor<16x64xbf16> {
    ^bb0(%gx: memref<16x128xbf16>, %gn: memref<2xi32>, %gu: memref<2x128x64xbf16>, %gh: memref<16x64xbf16>):
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<2>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<2>
      %sx = switched.smem_alloc : !switched.smem<[2, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[2, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      switched.for_tiles %gn token_tile = 8 column_tile = 64 columns = 64 : memref<2xi32> {
      ^bb0(%e: index, %r: index, %l: index, %c: index):
        switched.pipeline contraction = 128 block = 64 stages = 2 full(%full) free(%free) : !switched.mbarrier<2>, !switched.mbarrier<2> produce {
        ^bb0(%k: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<2>
          // expected-error @+1 {{'switched.mbarrier_expect' op expects the 9216 bytes of the loads, got 9217}}
          switched.mbarrier_expect %full[%i] bytes = 9217 : !switched.mbarrier<2>
          switched.tma_load %gx[%r, %k] to %sx[%i] signals %full : memref<16x128xbf16> to !switched.smem<[2, 8, 64], "bf16"> signals !switched.mbarrier<2>
          switched.tma_load %gu[%e, %k, %c] to %su[%i] signals %full {transposed} : memref<2x128x64xbf16> to !switched.smem<[2, 64, 64], "bf16"> signals !switched.mbarrier<2>
          switched.yield
        } consume {
        ^bb0(%k: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<2>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[2, 64, 64], "bf16">, !switched.smem<[2, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.mbarrier_arrive %free[%i] : !switched.mbarrier<2>
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %x : tensor<16x128xbf16>
  }
  return %y : tensor<16x128xbf16>
}
