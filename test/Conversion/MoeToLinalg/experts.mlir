// RUN: portolan-opt %s --convert-moe-to-linalg | FileCheck %s

// One loop over the groups, one over the choices; no sort.
// CHECK-LABEL: @route
// CHECK: tensor.expand_shape %{{.*}} output_shape [5, 3, 2]
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step
// CHECK: linalg.generic
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step
// CHECK: return %{{.*}}, %{{.*}} : tensor<5x2xf32>, tensor<5x2xi32>
func.func @route(%x: tensor<5x8xf32>, %r: tensor<8x6xf32>) -> (tensor<5x2xf32>, tensor<5x2xi32>) {
  %w, %i = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring sigmoid>, groups = 3 : i64, top_groups = 2 : i64}
    : (tensor<5x8xf32>, tensor<8x6xf32>) -> (tensor<5x2xf32>, tensor<5x2xi32>)
  return %w, %i : tensor<5x2xf32>, tensor<5x2xi32>
}

// Groups that are all eligible cost nothing.
// CHECK-LABEL: @route_all_groups
// CHECK-NOT: tensor<5x3x2xf32>
// CHECK: return
func.func @route_all_groups(%x: tensor<5x8xf32>, %r: tensor<8x6xf32>) -> (tensor<5x2xf32>, tensor<5x2xi32>) {
  %w, %i = moe.route %x, %r {top_k = 2 : i64, scoring = #moe<scoring sigmoid>, groups = 3 : i64, top_groups = 3 : i64}
    : (tensor<5x8xf32>, tensor<8x6xf32>) -> (tensor<5x2xf32>, tensor<5x2xi32>)
  return %w, %i : tensor<5x2xf32>, tensor<5x2xi32>
}

// The number of rows is where the bucket of the dropped pairs starts.
// CHECK-LABEL: @dispatch
// CHECK: %[[KEPT:.*]] = tensor.extract %{{.*}} : tensor<5xindex>
// CHECK: tensor.extract_slice %{{.*}}[0] [%[[KEPT]]] [1] : tensor<6xindex> to tensor<?xindex>
// CHECK: return %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<4xi32>
func.func @dispatch(%x: tensor<3x8xf32>, %i: tensor<3x2xi32>) -> (tensor<?x8xf32>, tensor<4xi32>) {
  %0, %1 = moe.dispatch %x, %i {first_expert = 2 : i64} : (tensor<3x8xf32>, tensor<3x2xi32>) -> (tensor<?x8xf32>, tensor<4xi32>)
  return %0, %1 : tensor<?x8xf32>, tensor<4xi32>
}

// CHECK-LABEL: @dispatch_all
// CHECK: return %{{.*}} : tensor<6x8xf32>
func.func @dispatch_all(%x: tensor<3x8xf32>, %i: tensor<3x2xi32>) -> tensor<6x8xf32> {
  %0, %1 = moe.dispatch %x, %i : (tensor<3x8xf32>, tensor<3x2xi32>) -> (tensor<6x8xf32>, tensor<4xi32>)
  return %0 : tensor<6x8xf32>
}

// Each iteration computes the rows of one expert, written in place.
// CHECK-LABEL: @experts
// CHECK: scf.for %[[E:.*]] = %{{.*}} iter_args(%[[AT:.*]] = %{{.*}}, %[[OUT:.*]] = %{{.*}})
// CHECK: tensor.extract_slice %{{.*}}[%[[AT]], 0] [%[[N:.*]], 8] [1, 1] : tensor<?x8xf32> to tensor<?x8xf32>
// CHECK: tensor.extract_slice %{{.*}}[%[[E]], 0, 0] [1, 8, 5] [1, 1, 1] : tensor<4x8x5xf32> to tensor<8x5xf32>
// CHECK: tensor.insert_slice %{{.*}} into %[[OUT]][%[[AT]], 0]
// CHECK: %[[NEXT:.*]] = arith.addi %[[AT]], %[[N]]
// CHECK: scf.yield %[[NEXT]]
func.func @experts(%x: tensor<?x8xf32>, %c: tensor<4xi32>, %u: tensor<4x8x5xf32>, %d: tensor<4x5x8xf32>) -> tensor<?x8xf32> {
  %0 = moe.experts %x, %c up %u down %d {activation = #moe<activation relu>}
    : (tensor<?x8xf32>, tensor<4xi32>, tensor<4x8x5xf32>, tensor<4x5x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// A row is read only if its pair was kept.
// CHECK-LABEL: @combine
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]
// CHECK: scf.if
// CHECK: tensor.extract %{{.*}} : tensor<?x8xf32>
// CHECK: else
func.func @combine(%y: tensor<?x8xf32>, %w: tensor<3x2xf32>, %i: tensor<3x2xi32>) -> tensor<3x8xf32> {
  %0 = moe.combine %y, %w, %i {experts = 4 : i64} : (tensor<?x8xf32>, tensor<3x2xf32>, tensor<3x2xi32>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}
