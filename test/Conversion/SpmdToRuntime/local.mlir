// Local ops look up the place of their rank and become loops.
// RUN: portolan-opt %s --convert-spmd-to-runtime | FileCheck %s

// CHECK-LABEL: func.func @slice
func.func @slice(%x: tensor<18x8xf32>) -> tensor<4x8xf32> {
  // 5, 5, 4 and 4 rows start at 0, 5, 10 and 14.
  // CHECK: arith.constant dense<[0, 5, 10, 14]> : tensor<4xindex>
  // CHECK: call @portolan_member
  // CHECK: tensor.extract_slice %{{.*}}[%{{.*}}, 0] [4, 8] [1, 1]
  %0 = spmd.slice %x over <4 by 1> {dim = 0 : i64, sizes = array<i64: 5, 5, 4, 4>}
    : (tensor<18x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @slice_of_nothing
func.func @slice_of_nothing(%x: tensor<1x8xf32>) -> tensor<0x8xf32> {
  // CHECK: tensor.empty() : tensor<0x8xf32>
  %0 = spmd.slice %x over <2 by 1> {dim = 0 : i64, sizes = array<i64: 1, 0>}
    : (tensor<1x8xf32>) -> tensor<0x8xf32>
  return %0 : tensor<0x8xf32>
}

// CHECK-LABEL: func.func @localize
func.func @localize(%i: tensor<18x2xi32>) -> tensor<18x2xi32> {
  // 6 experts over 4 ranks: blocks start at 0, 2, 4 and 5.
  // CHECK: arith.constant dense<[0, 2, 4, 5]> : tensor<4xindex>
  // CHECK: linalg.generic
  // CHECK: arith.subi
  %0 = spmd.localize %i over <4 by 1> {experts = 6 : i64} : tensor<18x2xi32>
  return %0 : tensor<18x2xi32>
}

// CHECK-LABEL: func.func @pack_and_unpack
func.func @pack_and_unpack(%x: tensor<5x8xf32>, %w: tensor<5x2xf32>, %i: tensor<5x2xi32>) -> tensor<5x8xf32> {
  // The block of ranks that holds each of 6 experts, and its first expert; no
  // block holds a choice that is not there.
  // CHECK: arith.constant dense<[0, 0, 1, 1, 2, 3, 4]> : tensor<7xindex>
  // CHECK: arith.constant dense<[0, 0, 2, 2, 4, 5, 0]> : tensor<7xindex>
  // CHECK-NOT: spmd.
  %rows, %rw, %ri, %tokens, %counts = spmd.pack %x, %w, %i over <4 by 1> {experts = 6 : i64}
    : (tensor<5x8xf32>, tensor<5x2xf32>, tensor<5x2xi32>)
    -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>)
  %y = spmd.unpack %rows, %tokens : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<5x8xf32>
  return %y : tensor<5x8xf32>
}

// CHECK-LABEL: func.func @pack_for_domains
func.func @pack_for_domains(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>) -> tensor<?x8xf32> {
  // 7 experts over 2 domains of 2 holders each: 2 + 2 and 2 + 1.
  // CHECK: arith.constant dense<[0, 0, 0, 0, 1, 1, 1, 2]> : tensor<8xindex>
  // CHECK: arith.constant dense<[0, 0, 0, 0, 4, 4, 4, 0]> : tensor<8xindex>
  %rows, %rw, %ri, %tokens, %counts = spmd.pack %x, %w, %i over <2 by 2> {experts = 7 : i64, holders = 2 : i64, load = #moe.load<mean = 8.0, max = 8.0, capacity = 10, hit = 0.0>}
    : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>)
    -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<2xi32>)
  // The sums are as many as the rows that were packed.
  // CHECK: %[[ROWS:.*]] = tensor.dim %{{.*}}, %c0
  // CHECK: tensor.empty(%{{.*}}) : tensor<?x8xf32>
  // CHECK-NOT: spmd.
  %y = spmd.unpack %rows, %tokens of %w {result_load = #moe.load<mean = 5.0, max = 5.0, capacity = 5, hit = 0.0>}
    : (tensor<?x8xf32>, tensor<?xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @merge_partials
func.func @merge_partials(%v: tensor<4x1x8xf32>, %l: tensor<4x1x2xf32>) -> tensor<2x1x8xf32> {
  // CHECK: math.exp
  // CHECK: arith.divf
  // CHECK-NOT: spmd.
  %0 = spmd.merge_partials %v, %l {parts = 2 : i64}
    : (tensor<4x1x8xf32>, tensor<4x1x2xf32>) -> tensor<2x1x8xf32>
  return %0 : tensor<2x1x8xf32>
}
