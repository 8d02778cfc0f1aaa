// RUN: portolan-opt %s --moe-bind-workload="batch=5" --split-input-file | FileCheck %s

// Every index of a route over the dispatch's experts is kept: 5 * 2 rows.
// CHECK-LABEL: func.func @main
// CHECK: moe.dispatch {{.*}} -> (tensor<10x8xf32>, tensor<6xi32>)
// CHECK: moe.experts {{.*}} -> tensor<10x8xf32>
// CHECK: moe.combine {{.*}} -> tensor<5x8xf32>
func.func @main(%x: tensor<?x8xf32> {moe.dims = ["batch", ""]}, %r: tensor<8x6xf32>, %u: tensor<6x8x4xf32>,
                %d: tensor<6x4x8xf32>) -> tensor<?x8xf32> {
  %w, %i = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring softmax>}
    : (tensor<?x8xf32>, tensor<8x6xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>)
  %rows, %counts = moe.dispatch %x, %i : (tensor<?x8xf32>, tensor<?x2xi32>) -> (tensor<?x8xf32>, tensor<6xi32>)
  %y = moe.experts %rows, %counts up %u down %d {activation = #moe<activation relu>}
    : (tensor<?x8xf32>, tensor<6xi32>, tensor<6x8x4xf32>, tensor<6x4x8xf32>) -> tensor<?x8xf32>
  %o = moe.combine %y, %w, %i {experts = 6 : i64} : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32>
  return %o : tensor<?x8xf32>
}

// -----

// A dispatch to some of the experts drops rows: their number stays dynamic.
// CHECK-LABEL: func.func @main
// CHECK: moe.dispatch {{.*}} -> (tensor<?x8xf32>, tensor<3xi32>)
func.func @main(%x: tensor<?x8xf32> {moe.dims = ["batch", ""]}, %i: tensor<?x2xi32> {moe.dims = ["batch", ""]})
    -> tensor<?x8xf32> {
  %rows, %counts = moe.dispatch %x, %i {first_expert = 3 : i64}
    : (tensor<?x8xf32>, tensor<?x2xi32>) -> (tensor<?x8xf32>, tensor<3xi32>)
  return %rows : tensor<?x8xf32>
}

// -----

// Upstream ops: sizes taken from a tensor become constants, results have the types of their destinations.
// CHECK-LABEL: func.func @main
// CHECK: tensor.empty() : tensor<5xi32>
// CHECK: linalg.fill {{.*}} -> tensor<5xi32>
// CHECK: linalg.generic {{.*}}outs(%{{.*}} : tensor<5xi32>)
// CHECK: arith.addi %{{.*}}, %{{.*}} : tensor<5xi32>
func.func @main(%mask: tensor<?x3xi32> {moe.dims = ["batch", ""]}) -> tensor<?xi32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %n = tensor.dim %mask, %c0 : tensor<?x3xi32>
  %empty = tensor.empty(%n) : tensor<?xi32>
  %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<?xi32>) -> tensor<?xi32>
  %sum = linalg.generic {indexing_maps = [affine_map<(b, t) -> (b, t)>, affine_map<(b, t) -> (b)>],
                         iterator_types = ["parallel", "reduction"]}
    ins(%mask : tensor<?x3xi32>) outs(%init : tensor<?xi32>) {
  ^bb0(%m: i32, %a: i32):
    %s = arith.addi %m, %a : i32
    linalg.yield %s : i32
  } -> tensor<?xi32>
  %twice = arith.addi %sum, %sum : tensor<?xi32>
  return %twice : tensor<?xi32>
}
