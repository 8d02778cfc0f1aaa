// RUN: portolan-opt -split-input-file -graph-fold-nodes %s | FileCheck %s

// The nodes behind an activation become their sum; the kernel that moves the
// most moves 16 + 8 bytes.

// CHECK-LABEL: func.func @main
// CHECK: %[[D:.*]] = moe.decomposed(%arg0) {bytes_read = 24 : i64, bytes_written = 12 : i64, kernels = 2 : i64, matmul_operations = 0 : i64, transcendental_operations = 5 : i64, vector_operations = 3 : i64, widest_bytes = 24 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
// CHECK: moe.add %arg0, %[[D]]
// CHECK-NOT: graph.node
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %0 = graph.node "Exp"(%x) {graph.work = {bytes_read = 16 : i64, bytes_written = 8 : i64, transcendental_operations = 5 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %1 = graph.node "Reshape"(%0, %0) {graph.work = {}, version = 13 : i64} : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %2 = graph.node "Neg"(%1) {graph.work = {bytes_read = 8 : i64, bytes_written = 4 : i64, vector_operations = 3 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %3 = moe.add %x, %2 : tensor<?x?x4xf32>
  return %3 : tensor<?x?x4xf32>
}

// -----

// Two activations that share a node: it is counted with the first.

// CHECK-LABEL: func.func @main
// CHECK: moe.decomposed(%arg0) {bytes_read = 24 : i64
// CHECK: moe.decomposed(%arg0) {bytes_read = 4 : i64
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %0 = graph.node "Exp"(%x) {graph.work = {bytes_read = 16 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %1 = graph.node "Neg"(%0) {graph.work = {bytes_read = 8 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %2 = graph.node "Abs"(%0) {graph.work = {bytes_read = 4 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %3 = moe.add %1, %2 : tensor<?x?x4xf32>
  return %3 : tensor<?x?x4xf32>
}

// -----

// What follows an activation that was folded reads it.

// CHECK-LABEL: func.func @main
// CHECK: %[[A:.*]] = moe.decomposed(%arg0) {bytes_read = 16 : i64
// CHECK: %[[S:.*]] = moe.add %arg0, %[[A]]
// CHECK: moe.decomposed(%[[A]], %[[S]]) {bytes_read = 8 : i64
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %0 = graph.node "Exp"(%x) {graph.work = {bytes_read = 16 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %1 = moe.add %x, %0 : tensor<?x?x4xf32>
  %2 = graph.node "Mul"(%0, %1) {graph.work = {bytes_read = 8 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  return %2 : tensor<?x?x4xf32>
}

// -----

// A weight is read whole, a table by rows; axes are no weights. In a layer the
// nodes around activations are such as depend on them.

// CHECK-LABEL: func.func private @layer
// CHECK: moe.decomposed(%arg0) weights(%arg1) tables(%arg2)
// CHECK-SAME: (tensor<?x?x4xf32>, tensor<4xf32>, tensor<16x4xf32>) -> tensor<?x?x4xf32>
module {
  func.func private @layer(%x: tensor<?x?x4xf32>, %w: tensor<4xf32>, %table: tensor<16x4xf32>, %axes: tensor<1xi64>) -> tensor<?x?x4xf32> {
    %0 = graph.node "Mul"(%x, %w) {graph.work = {bytes_read = 16 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
    %1 = graph.node "ArgMax"(%0) {graph.work = {bytes_read = 16 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>) -> tensor<?x?xi64>
    %2 = graph.node "Gather"(%table, %1) {graph.work = {bytes_read = 24 : i64}, version = 13 : i64} : (tensor<16x4xf32>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
    %3 = graph.node "Squeeze"(%2, %axes) {graph.work = {}, version = 13 : i64} : (tensor<?x?x4xf32>, tensor<1xi64>) -> tensor<?x?x4xf32>
    return %3 : tensor<?x?x4xf32>
  }
  func.func @main(%x: tensor<?x?x4xf32>, %w: tensor<4xf32>, %table: tensor<16x4xf32>, %axes: tensor<1xi64>) -> tensor<?x?x4xf32> {
    %0 = call @layer(%x, %w, %table, %axes) : (tensor<?x?x4xf32>, tensor<4xf32>, tensor<16x4xf32>, tensor<1xi64>) -> tensor<?x?x4xf32>
    return %0 : tensor<?x?x4xf32>
  }
}

// -----

// Nodes that prepare weights ahead of the layers are no work of a step.

// CHECK-LABEL: func.func @main
// CHECK: %[[W:.*]] = graph.node "Exp"
// CHECK: moe.decomposed(%arg0) weights(%[[W]])
module {
  moe.weight_data @w : tensor<4xf32>
  func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %w = moe.weight @w : tensor<4xf32>
    %0 = graph.node "Exp"(%w) {version = 13 : i64} : (tensor<4xf32>) -> tensor<4xf32>
    %1 = graph.node "Mul"(%x, %0) {graph.work = {bytes_read = 16 : i64}, version = 13 : i64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
    return %1 : tensor<?x?x4xf32>
  }
}
