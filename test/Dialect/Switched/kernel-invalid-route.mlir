// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after.

func.func @choose_c1(%t0: !switched.smem<[1, 8, 64], "bf16">, %r: index, %n: index, %w: memref<40x2xf32>, %i: memref<40x2xi32>) {
  // expected-error @+1 {{'switched.choose' op expects one stage of f32 in tiles of one type, got '!switched.smem<[1, 8, 64], "bf16">'}}
  switched.choose %t0 rows %r, %n to %w, %i {experts = 60 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "bf16">, index, index, memref<40x2xf32>, memref<40x2xi32>) -> ()
  return
}

// -----

// The second tile is all padding.
func.func @choose_c2(%t0: !switched.smem<[1, 8, 64], "f32">, %t1: !switched.smem<[1, 8, 64], "f32">, %r: index, %n: index, %w: memref<40x2xf32>, %i: memref<40x2xi32>) {
  // expected-error @+1 {{'switched.choose' op expects tiles of 64 experts, got 128 columns}}
  switched.choose %t0, %t1 rows %r, %n to %w, %i {experts = 64 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, !switched.smem<[1, 8, 64], "f32">, index, index, memref<40x2xf32>, memref<40x2xi32>) -> ()
  return
}

// -----

func.func @choose_c3(%t0: !switched.smem<[1, 8, 64], "f32">, %r: index, %n: index, %w: memref<40x2xf32>, %i: memref<40x2xi32>) {
  // expected-error @+1 {{'switched.choose' op expects top_k of the experts of top_groups of groups that divide the experts, got 2 of 1 of 60 groups of 60}}
  switched.choose %t0 rows %r, %n to %w, %i {experts = 60 : i64, groups = 60 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<40x2xf32>, memref<40x2xi32>) -> ()
  return
}

// -----

func.func @choose_c4(%t0: !switched.smem<[1, 8, 64], "f32">, %r: index, %n: index, %w: memref<40x2xf32>, %i: memref<40x2xi32>) {
  // expected-error @+1 {{'switched.choose' op expects group_rank 1 or 2 and jitter of sparse_mixer only, got 2 and 1.000000e-02}}
  switched.choose %t0 rows %r, %n to %w, %i {experts = 60 : i64, jitter = 0.01 : f64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<40x2xf32>, memref<40x2xi32>) -> ()
  return
}

// -----

func.func @choose_c4_ways(%t0: !switched.smem<[1, 8, 64], "f32">, %r: index, %n: index, %correction: memref<60xf32>, %ids: memref<40xi32>, %table: memref<9x2xi32>, %w: memref<40x2xf32>, %i: memref<40x2xi32>) {
  // expected-error @+1 {{'switched.choose' op expects one way to choose: groups and correction, ids and table, or sparse_mixer}}
  switched.choose %t0 rows %r, %n correction %correction ids %ids table %table to %w, %i {experts = 60 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<60xf32>, memref<40xi32>, memref<9x2xi32>, memref<40x2xf32>, memref<40x2xi32>) -> ()
  return
}

// -----

// Padding has no bias.
func.func @choose_c5(%t0: !switched.smem<[1, 8, 64], "f32">, %r: index, %n: index, %bias: memref<64xf32>, %w: memref<40x2xf32>, %i: memref<40x2xi32>) {
  // expected-error @+1 {{'switched.choose' op expects bias of the experts and the choice, got 'memref<64xf32>'}}
  switched.choose %t0 rows %r, %n bias %bias to %w, %i {experts = 60 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<64xf32>, memref<40x2xf32>, memref<40x2xi32>) -> ()
  return
}

// -----

func.func @choose_c5_weights(%t0: !switched.smem<[1, 8, 64], "f32">, %r: index, %n: index, %w: memref<40x3xf32>, %i: memref<40x2xi32>) {
  // expected-error @+1 {{'switched.choose' op expects weights of the experts and the choice, got 'memref<40x3xf32>'}}
  switched.choose %t0 rows %r, %n to %w, %i {experts = 60 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<40x3xf32>, memref<40x2xi32>) -> ()
  return
}

// -----

func.func @for_rows_c1(%x: tensor<16x64xbf16>, %r: tensor<64x60xbf16>) -> tensor<16x2xf32> {
  %y:2 = switched.kernel_step(%x, %r) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 1.0 : f64, token_tile = 8 : i64} : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<64x60xbf16>):
    %k:2 = switched.kernel(%a, %b) units = 132 cluster = 1 : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gr: memref<64x60xbf16>, %gw: memref<16x2xf32>, %gi: memref<16x2xi32>):
      %c0 = arith.constant 0 : index
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %sx = switched.smem_alloc : !switched.smem<[1, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[1, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      %l = switched.smem_alloc : !switched.smem<[1, 8, 64], "f32">
      // expected-error @+1 {{'switched.for_rows' op expects a tile of at least 1 row, got 0}}
      switched.for_rows %gx tile = 0 : memref<16x64xbf16> {
      ^bb0(%row: index, %left: index):
        switched.pipeline contraction = 64 block = 64 stages = 1 full(%full) free(%free) : !switched.mbarrier<1>, !switched.mbarrier<1> produce {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<1>
          switched.mbarrier_expect %full[%i] bytes = 9216 : !switched.mbarrier<1>
          switched.tma_load %gx[%row, %k0] to %sx[%i] signals %full : memref<16x64xbf16> to !switched.smem<[1, 8, 64], "bf16"> signals !switched.mbarrier<1>
          switched.tma_load %gr[%k0, %c0] to %su[%i] signals %full {transposed} : memref<64x60xbf16> to !switched.smem<[1, 64, 64], "bf16"> signals !switched.mbarrier<1>
          switched.yield
        } consume {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<1>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[1, 64, 64], "bf16">, !switched.smem<[1, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.mbarrier_arrive %free[%i] : !switched.mbarrier<1>
          switched.yield
        }
        switched.epilogue %s into %l : !switched.registers<[64, 8], "f32"> into !switched.smem<[1, 8, 64], "f32">
        switched.choose %l rows %row, %left to %gw, %gi {experts = 60 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<16x2xf32>, memref<16x2xi32>) -> ()
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1 : tensor<16x2xf32>, tensor<16x2xi32>
  }
  return %y#0 : tensor<16x2xf32>
}

// -----

func.func @for_rows_c2(%x: tensor<16x64xbf16>, %r: tensor<64x60xbf16>) -> tensor<16x2xf32> {
  %y:2 = switched.kernel_step(%x, %r) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 1.0 : f64, token_tile = 8 : i64} : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<64x60xbf16>):
    %k:2 = switched.kernel(%a, %b) units = 132 cluster = 1 : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gr: memref<64x60xbf16>, %gw: memref<16x2xf32>, %gi: memref<16x2xi32>):
      %c0 = arith.constant 0 : index
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %sx = switched.smem_alloc : !switched.smem<[1, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[1, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      %l = switched.smem_alloc : !switched.smem<[1, 8, 64], "f32">
      // expected-error @+1 {{'switched.for_rows' op expects a region of 2 indices, got 'index', 'index', 'index'}}
      switched.for_rows %gx tile = 8 : memref<16x64xbf16> {
      ^bb0(%row: index, %left: index, %more: index):
        switched.pipeline contraction = 64 block = 64 stages = 1 full(%full) free(%free) : !switched.mbarrier<1>, !switched.mbarrier<1> produce {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<1>
          switched.mbarrier_expect %full[%i] bytes = 9216 : !switched.mbarrier<1>
          switched.tma_load %gx[%row, %k0] to %sx[%i] signals %full : memref<16x64xbf16> to !switched.smem<[1, 8, 64], "bf16"> signals !switched.mbarrier<1>
          switched.tma_load %gr[%k0, %c0] to %su[%i] signals %full {transposed} : memref<64x60xbf16> to !switched.smem<[1, 64, 64], "bf16"> signals !switched.mbarrier<1>
          switched.yield
        } consume {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<1>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[1, 64, 64], "bf16">, !switched.smem<[1, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.mbarrier_arrive %free[%i] : !switched.mbarrier<1>
          switched.yield
        }
        switched.epilogue %s into %l : !switched.registers<[64, 8], "f32"> into !switched.smem<[1, 8, 64], "f32">
        switched.choose %l rows %row, %left to %gw, %gi {experts = 60 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<16x2xf32>, memref<16x2xi32>) -> ()
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1 : tensor<16x2xf32>, tensor<16x2xi32>
  }
  return %y#0 : tensor<16x2xf32>
}

// -----

// How many columns are multiplied is not known.
func.func @pipeline_c5(%x: tensor<16x64xbf16>, %r: tensor<64x60xbf16>) -> tensor<16x2xf32> {
  %y:2 = switched.kernel_step(%x, %r) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 1.0 : f64, token_tile = 8 : i64} : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<64x60xbf16>):
    %k:2 = switched.kernel(%a, %b) units = 132 cluster = 1 : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gr: memref<64x60xbf16>, %gw: memref<16x2xf32>, %gi: memref<16x2xi32>):
      %c0 = arith.constant 0 : index
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %sx = switched.smem_alloc : !switched.smem<[1, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[1, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      %l = switched.smem_alloc : !switched.smem<[1, 8, 64], "f32">
      switched.for_rows %gx tile = 8 : memref<16x64xbf16> {
      ^bb0(%row: index, %left: index):
        // expected-error @+1 {{'switched.pipeline' op expects weights of a constant column where rows alone are cut into tiles}}
        switched.pipeline contraction = 64 block = 64 stages = 1 full(%full) free(%free) : !switched.mbarrier<1>, !switched.mbarrier<1> produce {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<1>
          switched.mbarrier_expect %full[%i] bytes = 9216 : !switched.mbarrier<1>
          switched.tma_load %gx[%row, %k0] to %sx[%i] signals %full : memref<16x64xbf16> to !switched.smem<[1, 8, 64], "bf16"> signals !switched.mbarrier<1>
          switched.tma_load %gr[%k0, %row] to %su[%i] signals %full {transposed} : memref<64x60xbf16> to !switched.smem<[1, 64, 64], "bf16"> signals !switched.mbarrier<1>
          switched.yield
        } consume {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<1>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[1, 64, 64], "bf16">, !switched.smem<[1, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.mbarrier_arrive %free[%i] : !switched.mbarrier<1>
          switched.yield
        }
        switched.epilogue %s into %l : !switched.registers<[64, 8], "f32"> into !switched.smem<[1, 8, 64], "f32">
        switched.choose %l rows %row, %left to %gw, %gi {experts = 60 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<16x2xf32>, memref<16x2xi32>) -> ()
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1 : tensor<16x2xf32>, tensor<16x2xi32>
  }
  return %y#0 : tensor<16x2xf32>
}

// -----

// 2 * 16 rows * 64 of 60 - 32 columns, where the router has 60.
func.func @kernel_step_c2(%x: tensor<16x64xbf16>, %r: tensor<64x60xbf16>) -> tensor<16x2xf32> {
  // expected-error @+1 {{'switched.kernel_step' op expects kernels of the 1.228800e+05 operations of the covered op, got 5.734400e+04}}
  %y:2 = switched.kernel_step(%x, %r) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 1.0 : f64, token_tile = 8 : i64} : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<64x60xbf16>):
    %k:2 = switched.kernel(%a, %b) units = 132 cluster = 1 : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gr: memref<64x60xbf16>, %gw: memref<16x2xf32>, %gi: memref<16x2xi32>):
      %c32 = arith.constant 32 : index
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %sx = switched.smem_alloc : !switched.smem<[1, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[1, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      %l = switched.smem_alloc : !switched.smem<[1, 8, 64], "f32">
      switched.for_rows %gx tile = 8 : memref<16x64xbf16> {
      ^bb0(%row: index, %left: index):
        switched.pipeline contraction = 64 block = 64 stages = 1 full(%full) free(%free) : !switched.mbarrier<1>, !switched.mbarrier<1> produce {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<1>
          switched.mbarrier_expect %full[%i] bytes = 9216 : !switched.mbarrier<1>
          switched.tma_load %gx[%row, %k0] to %sx[%i] signals %full : memref<16x64xbf16> to !switched.smem<[1, 8, 64], "bf16"> signals !switched.mbarrier<1>
          switched.tma_load %gr[%k0, %c32] to %su[%i] signals %full {transposed} : memref<64x60xbf16> to !switched.smem<[1, 64, 64], "bf16"> signals !switched.mbarrier<1>
          switched.yield
        } consume {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<1>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[1, 64, 64], "bf16">, !switched.smem<[1, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.mbarrier_arrive %free[%i] : !switched.mbarrier<1>
          switched.yield
        }
        switched.epilogue %s into %l : !switched.registers<[64, 8], "f32"> into !switched.smem<[1, 8, 64], "f32">
        switched.choose %l rows %row, %left to %gw, %gi {experts = 60 : i64, scoring = #moe<scoring softmax>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<16x2xf32>, memref<16x2xi32>) -> ()
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1 : tensor<16x2xf32>, tensor<16x2xi32>
  }
  return %y#0 : tensor<16x2xf32>
}

// -----

func.func @kernel_step_c3(%x: tensor<16x64xbf16>, %r: tensor<64x60xbf16>) -> tensor<16x2xf32> {
  // expected-error @+1 {{'switched.kernel_step' op expects one choice of experts, got 0}}
  %y:2 = switched.kernel_step(%x, %r) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 1.0 : f64, token_tile = 8 : i64} : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<64x60xbf16>):
    %k:2 = switched.kernel(%a, %b) units = 132 cluster = 1 : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gr: memref<64x60xbf16>, %gw: memref<16x2xf32>, %gi: memref<16x2xi32>):
      %c0 = arith.constant 0 : index
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %sx = switched.smem_alloc : !switched.smem<[1, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[1, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      %l = switched.smem_alloc : !switched.smem<[1, 8, 64], "f32">
      switched.for_rows %gx tile = 8 : memref<16x64xbf16> {
      ^bb0(%row: index, %left: index):
        switched.pipeline contraction = 64 block = 64 stages = 1 full(%full) free(%free) : !switched.mbarrier<1>, !switched.mbarrier<1> produce {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<1>
          switched.mbarrier_expect %full[%i] bytes = 9216 : !switched.mbarrier<1>
          switched.tma_load %gx[%row, %k0] to %sx[%i] signals %full : memref<16x64xbf16> to !switched.smem<[1, 8, 64], "bf16"> signals !switched.mbarrier<1>
          switched.tma_load %gr[%k0, %c0] to %su[%i] signals %full {transposed} : memref<64x60xbf16> to !switched.smem<[1, 64, 64], "bf16"> signals !switched.mbarrier<1>
          switched.yield
        } consume {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<1>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[1, 64, 64], "bf16">, !switched.smem<[1, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.mbarrier_arrive %free[%i] : !switched.mbarrier<1>
          switched.yield
        }
        switched.epilogue %s into %l : !switched.registers<[64, 8], "f32"> into !switched.smem<[1, 8, 64], "f32">
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1 : tensor<16x2xf32>, tensor<16x2xi32>
  }
  return %y#0 : tensor<16x2xf32>
}

// -----

func.func @kernel_step_c3_attribute(%x: tensor<16x64xbf16>, %r: tensor<64x60xbf16>) -> tensor<16x2xf32> {
  %y:2 = switched.kernel_step(%x, %r) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e6 : f64, kernels = 1.0 : f64, token_tile = 8 : i64} : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<64x60xbf16>):
    %k:2 = switched.kernel(%a, %b) units = 132 cluster = 1 : (tensor<16x64xbf16>, tensor<64x60xbf16>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gr: memref<64x60xbf16>, %gw: memref<16x2xf32>, %gi: memref<16x2xi32>):
      %c0 = arith.constant 0 : index
      %full = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %free = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %sx = switched.smem_alloc : !switched.smem<[1, 8, 64], "bf16">
      %su = switched.smem_alloc : !switched.smem<[1, 64, 64], "bf16">
      %s = switched.register_alloc : !switched.registers<[64, 8], "f32">
      %l = switched.smem_alloc : !switched.smem<[1, 8, 64], "f32">
      switched.for_rows %gx tile = 8 : memref<16x64xbf16> {
      ^bb0(%row: index, %left: index):
        switched.pipeline contraction = 64 block = 64 stages = 1 full(%full) free(%free) : !switched.mbarrier<1>, !switched.mbarrier<1> produce {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %free[%i] : !switched.mbarrier<1>
          switched.mbarrier_expect %full[%i] bytes = 9216 : !switched.mbarrier<1>
          switched.tma_load %gx[%row, %k0] to %sx[%i] signals %full : memref<16x64xbf16> to !switched.smem<[1, 8, 64], "bf16"> signals !switched.mbarrier<1>
          switched.tma_load %gr[%k0, %c0] to %su[%i] signals %full {transposed} : memref<64x60xbf16> to !switched.smem<[1, 64, 64], "bf16"> signals !switched.mbarrier<1>
          switched.yield
        } consume {
        ^bb0(%k0: index, %i: index):
          switched.mbarrier_wait %full[%i] : !switched.mbarrier<1>
          switched.wgmma %su, %sx into %s[%i] : !switched.smem<[1, 64, 64], "bf16">, !switched.smem<[1, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
          switched.mbarrier_arrive %free[%i] : !switched.mbarrier<1>
          switched.yield
        }
        switched.epilogue %s into %l : !switched.registers<[64, 8], "f32"> into !switched.smem<[1, 8, 64], "f32">
        // expected-error @+1 {{'switched.choose' op expects scoring of the covered op, got another}}
        switched.choose %l rows %row, %left to %gw, %gi {experts = 60 : i64, scoring = #moe<scoring sigmoid>, top_k = 2 : i64} : (!switched.smem<[1, 8, 64], "f32">, index, index, memref<16x2xf32>, memref<16x2xi32>) -> ()
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1 : tensor<16x2xf32>, tensor<16x2xi32>
  }
  return %y#0 : tensor<16x2xf32>
}
