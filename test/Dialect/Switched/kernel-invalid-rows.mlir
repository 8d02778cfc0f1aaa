// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after.

// expected-error @+1 {{expects 1 to 65536 counters, got 0}}
func.func private @counters_c1(!switched.counters<0>)

// -----

// expected-error @+1 {{expects at least 1 member, got 0}}
func.func private @signals_c1(!switched.signals<0>)

// -----

// expected-error @+1 {{expects 1 to 65536 experts from 0 on and at most as many ranks, got 0 from 0 and 0}}
func.func private @destinations_c1() attributes {to = #switched.destinations<experts = 0, first = 0, ranks = 0, spread = 1>}

// -----

// 12 ranks in blocks of 2 are 6 blocks.
// expected-error @+1 {{expects blocks of ranks that hold an expert each, got 12 ranks in blocks of 2 for 5 experts}}
func.func private @destinations_c2() attributes {to = #switched.destinations<experts = 5, first = 0, ranks = 12, spread = 2>}

// -----

func.func @count_rows_c1(%i: memref<16xi32>, %n: !switched.counters<4>, %c: memref<4xi32>) {
  // expected-error @+1 {{'switched.count_rows' op expects i32 indices [T,K], got 'memref<16xi32>'}}
  switched.count_rows %i to %n, %c over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16xi32> to !switched.counters<4>, memref<4xi32>
  return
}

// -----

// Experts are counted by the rank that holds them.
func.func @count_rows_c2(%i: memref<16x2xi32>, %n: !switched.counters<8>, %c: memref<4xi32>) {
  // expected-error @+1 {{'switched.count_rows' op expects a counter for each of 4 destinations, got 8}}
  switched.count_rows %i to %n, %c over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> to !switched.counters<8>, memref<4xi32>
  return
}

// -----

func.func @count_rows_c2_counts(%i: memref<16x2xi32>, %n: !switched.counters<4>, %c: memref<8xi32>) {
  // expected-error @+1 {{'switched.count_rows' op expects one i32 count per destination, got 'memref<8xi32>'}}
  switched.count_rows %i to %n, %c over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> to !switched.counters<4>, memref<8xi32>
  return
}

// -----

func.func @for_destinations_c1(%i: memref<16x2xi32>, %n: !switched.counters<8>, %t: index) {
  // expected-error @+1 {{'switched.for_destinations' op expects a counter for each of 4 destinations, got 8}}
  switched.for_destinations %i[%t] next %n over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> next !switched.counters<8> {
  ^bb0(%d: index, %p: index):
    switched.yield
  }
  return
}

// -----

func.func @for_destinations_c2(%i: memref<16x2xi32>, %n: !switched.counters<4>, %t: index) {
  // expected-error @+1 {{'switched.for_destinations' op expects a region of 2 indices, got 'index'}}
  switched.for_destinations %i[%t] next %n over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> next !switched.counters<4> {
  ^bb0(%d: index):
    switched.yield
  }
  return
}

// -----

func.func @row_load_c1(%x: memref<16x128xbf16>, %t: !switched.smem<[1, 1, 64], "bf16">, %b: !switched.mbarrier<1>, %i: index) {
  // expected-error @+1 {{'switched.row_load' op expects a row of [R,W] and stages of one, got 'memref<16x128xbf16>' and '!switched.smem<[1, 1, 64], "bf16">'}}
  switched.row_load %x[%i] to %t[%i] signals %b : memref<16x128xbf16> to !switched.smem<[1, 1, 64], "bf16"> signals !switched.mbarrier<1>
  return
}

// -----

// 60 elements of 16 bits.
func.func @row_load_c2(%x: memref<16x60xbf16>, %t: !switched.smem<[1, 1, 60], "bf16">, %b: !switched.mbarrier<1>, %i: index) {
  // expected-error @+1 {{'switched.row_load' op expects a row of a multiple of 16 bytes, got 120}}
  switched.row_load %x[%i] to %t[%i] signals %b : memref<16x60xbf16> to !switched.smem<[1, 1, 60], "bf16"> signals !switched.mbarrier<1>
  return
}

// -----

func.func @row_store_c1(%x: memref<16x64xbf16>, %t: !switched.smem<[1, 2, 64], "bf16">, %i: index) {
  // expected-error @+1 {{'switched.row_store' op expects a row of [R,W] and stages of one, got 'memref<16x64xbf16>' and '!switched.smem<[1, 2, 64], "bf16">'}}
  switched.row_store %t[%i] to %x[%i] : !switched.smem<[1, 2, 64], "bf16"> to memref<16x64xbf16>
  return
}

// -----

func.func @row_store_c2(%x: memref<16x60xbf16>, %t: !switched.smem<[1, 1, 60], "bf16">, %i: index) {
  // expected-error @+1 {{'switched.row_store' op expects a row of a multiple of 16 bytes, got 120}}
  switched.row_store %t[%i] to %x[%i] : !switched.smem<[1, 1, 60], "bf16"> to memref<16x60xbf16>
  return
}

// -----

func.func @copy_row_c1(%x: memref<16x4xf32>, %y: memref<16x8xf32>, %i: index) {
  // expected-error @+1 {{'switched.copy_row' op expects rows of one type, got 'memref<16x4xf32>' and 'memref<16x8xf32>'}}
  switched.copy_row %x[%i] to %y[%i] : memref<16x4xf32> to memref<16x8xf32>
  return
}

// -----

func.func @row_metadata_c1(%w: memref<16x2xf32>, %i: memref<16x2xi32>, %t: index, %rw: memref<?x2xf32>, %ri: memref<?x2xi32>, %k: memref<?xi32>) {
  // expected-error @+1 {{'switched.row_metadata' op expects ranks as destinations, got experts}}
  switched.row_metadata %w, %i[%t] for %t to %rw, %ri, %k[%t] over <experts = 8, first = 0, ranks = 0, spread = 1> : memref<16x2xf32>, memref<16x2xi32> to memref<?x2xf32>, memref<?x2xi32>, memref<?xi32>
  return
}

// -----

func.func @row_metadata_c2(%w: memref<16x2xf32>, %i: memref<16x2xi32>, %t: index, %rw: memref<?x3xf32>, %ri: memref<?x2xi32>, %k: memref<?xi32>) {
  // expected-error @+1 {{'switched.row_metadata' op expects weights and indices of the width of the token's, got 'memref<?x3xf32>' and 'memref<?x2xi32>'}}
  switched.row_metadata %w, %i[%t] for %t to %rw, %ri, %k[%t] over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16x2xf32>, memref<16x2xi32> to memref<?x3xf32>, memref<?x2xi32>, memref<?xi32>
  return
}

// -----

// 25 rows of 64 elements of 2 bytes.
func.func @kernel_step_c4(%x: tensor<16x64xbf16>, %w: tensor<16x2xf32>, %i: tensor<16x2xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{'switched.kernel_step' op expects kernels that store the 3.200000e+03 bytes of the covered op, got 1.600000e+03}}
  %y:5 = switched.kernel_step(%x, %w, %i) covers "spmd.pack" {experts = 8 : i64, group = #spmd.group<4 by 1>, load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 0.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x64xbf16>, tensor<16x2xf32>, tensor<16x2xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<16x2xf32>, %c: tensor<16x2xi32>):
    %k:5 = switched.kernel(%a, %b, %c) units = 132 cluster = 1 : (tensor<16x64xbf16>, tensor<16x2xf32>, tensor<16x2xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gw: memref<16x2xf32>, %gi: memref<16x2xi32>, %rx: memref<?x64xbf16>, %rw: memref<?x2xf32>, %ri: memref<?x2xi32>, %rt: memref<?xi32>, %rc: memref<4xi32>):
      %c0 = arith.constant 0 : index
      %bar = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %t = switched.smem_alloc : !switched.smem<[1, 1, 64], "fp8">
      %n = switched.counters_alloc : !switched.counters<4>
      switched.count_rows %gi to %n, %rc over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> to !switched.counters<4>, memref<4xi32>
      switched.for_rows %gi tile = 1 : memref<16x2xi32> {
      ^bb0(%token: index, %left: index):
        switched.mbarrier_expect %bar[%c0] bytes = 64 : !switched.mbarrier<1>
        switched.row_load %gx[%token] to %t[%c0] signals %bar : memref<16x64xbf16> to !switched.smem<[1, 1, 64], "fp8"> signals !switched.mbarrier<1>
        switched.mbarrier_wait %bar[%c0] : !switched.mbarrier<1>
        switched.for_destinations %gi[%token] next %n over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> next !switched.counters<4> {
        ^bb0(%d: index, %p: index):
          switched.row_store %t[%c0] to %rx[%p] : !switched.smem<[1, 1, 64], "fp8"> to memref<?x64xbf16>
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1, %k#2, %k#3, %k#4 : tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>
  }
  return %y#4 : tensor<4xi32>
}

// -----

func.func @kernel_step_c5(%x: tensor<16x64xbf16>, %w: tensor<16x2xf32>, %i: tensor<16x2xi32>) -> tensor<4xi32> {
  %y:5 = switched.kernel_step(%x, %w, %i) covers "spmd.pack" {experts = 8 : i64, group = #spmd.group<4 by 1>, load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 0.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x64xbf16>, tensor<16x2xf32>, tensor<16x2xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<16x2xf32>, %c: tensor<16x2xi32>):
    %k:5 = switched.kernel(%a, %b, %c) units = 132 cluster = 1 : (tensor<16x64xbf16>, tensor<16x2xf32>, tensor<16x2xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gw: memref<16x2xf32>, %gi: memref<16x2xi32>, %rx: memref<?x64xbf16>, %rw: memref<?x2xf32>, %ri: memref<?x2xi32>, %rt: memref<?xi32>, %rc: memref<4xi32>):
      %c0 = arith.constant 0 : index
      %bar = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %t = switched.smem_alloc : !switched.smem<[1, 1, 64], "bf16">
      %n = switched.counters_alloc : !switched.counters<4>
      // expected-error @+1 {{'switched.count_rows' op expects the destinations #switched.destinations<experts = 8, first = 0, ranks = 4, spread = 1> of the covered op, got #switched.destinations<experts = 9, first = 0, ranks = 4, spread = 1>}}
      switched.count_rows %gi to %n, %rc over <experts = 9, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> to !switched.counters<4>, memref<4xi32>
      switched.for_rows %gi tile = 1 : memref<16x2xi32> {
      ^bb0(%token: index, %left: index):
        switched.mbarrier_expect %bar[%c0] bytes = 128 : !switched.mbarrier<1>
        switched.row_load %gx[%token] to %t[%c0] signals %bar : memref<16x64xbf16> to !switched.smem<[1, 1, 64], "bf16"> signals !switched.mbarrier<1>
        switched.mbarrier_wait %bar[%c0] : !switched.mbarrier<1>
        switched.for_destinations %gi[%token] next %n over <experts = 9, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> next !switched.counters<4> {
        ^bb0(%d: index, %p: index):
          switched.row_store %t[%c0] to %rx[%p] : !switched.smem<[1, 1, 64], "bf16"> to memref<?x64xbf16>
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1, %k#2, %k#3, %k#4 : tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>
  }
  return %y#4 : tensor<4xi32>
}

// -----

func.func @kernel_step_c6(%x: tensor<16x64xbf16>, %w: tensor<16x2xf32>, %i: tensor<16x2xi32>) -> tensor<4xi32> {
  %y:5 = switched.kernel_step(%x, %w, %i) covers "spmd.pack" {experts = 8 : i64, group = #spmd.group<4 by 1>, load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 0.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x64xbf16>, tensor<16x2xf32>, tensor<16x2xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>) {
  ^bb0(%a: tensor<16x64xbf16>, %b: tensor<16x2xf32>, %c: tensor<16x2xi32>):
    %k:5 = switched.kernel(%a, %b, %c) units = 132 cluster = 1 : (tensor<16x64xbf16>, tensor<16x2xf32>, tensor<16x2xi32>) -> (tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>) {
    ^bb0(%gx: memref<16x64xbf16>, %gw: memref<16x2xf32>, %gi: memref<16x2xi32>, %rx: memref<?x64xbf16>, %rw: memref<?x2xf32>, %ri: memref<?x2xi32>, %rt: memref<?xi32>, %rc: memref<4xi32>):
      %c0 = arith.constant 0 : index
      %bar = switched.mbarrier_init arrivals = 1 : !switched.mbarrier<1>
      %t = switched.smem_alloc : !switched.smem<[1, 1, 64], "bf16">
      %n = switched.counters_alloc : !switched.counters<4>
      switched.count_rows %gi to %n, %rc over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> to !switched.counters<4>, memref<4xi32>
      switched.for_rows %gi tile = 1 : memref<16x2xi32> {
      ^bb0(%token: index, %left: index):
        switched.mbarrier_expect %bar[%c0] bytes = 128 : !switched.mbarrier<1>
        switched.row_load %gx[%token] to %t[%c0] signals %bar : memref<16x64xbf16> to !switched.smem<[1, 1, 64], "bf16"> signals !switched.mbarrier<1>
        switched.mbarrier_wait %bar[%c0] : !switched.mbarrier<1>
        switched.for_destinations %gi[%token] next %n over <experts = 8, first = 0, ranks = 4, spread = 1> : memref<16x2xi32> next !switched.counters<4> {
        ^bb0(%d: index, %p: index):
          // expected-error @+1 {{'switched.row_store' op expects a transfer around what touches a peer}}
          switched.row_store %t[%c0] to %rx[%p] at %d : !switched.smem<[1, 1, 64], "bf16"> to memref<?x64xbf16>
          switched.yield
        }
        switched.yield
      }
      switched.yield
    }
    switched.yield %k#0, %k#1, %k#2, %k#3, %k#4 : tensor<?x64xbf16>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>
  }
  return %y#4 : tensor<4xi32>
}
