// Collectives become calls on buffers with the rank context in front.
// RUN: portolan-opt %s --convert-spmd-to-runtime | FileCheck %s

// CHECK-LABEL: func.func @all_reduce
// CHECK-SAME: (%[[RANK:.*]]: i64, %[[X:.*]]: tensor<2x8xf32>)
func.func @all_reduce(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK: %[[OUT:.*]] = memref.alloc() : memref<2x8xf32>
  // CHECK: %[[IN:.*]] = memref.alloc() : memref<2x8xf32>
  // CHECK: bufferization.materialize_in_destination %[[X]] in restrict writable %[[IN]]
  // CHECK: call @portolan_all_reduce_f32(%[[RANK]], {{.*}}) : (i64, memref<*xf32>, memref<*xf32>, i64) -> ()
  // CHECK: %[[RESULT:.*]] = bufferization.to_tensor %[[OUT]] restrict writable
  // CHECK: return %[[RESULT]]
  %0 = spmd.all_reduce %x over <4 by 1> : tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// Each operand of a gather is a call; the sizes travel as a table.
// CHECK-LABEL: func.func @all_gather
func.func @all_gather(%x: tensor<5x8xf32>, %i: tensor<5x2xi32>) -> (tensor<18x8xf32>, tensor<18x2xi32>) {
  // CHECK: arith.constant dense<[5, 5, 4, 4]> : tensor<4xi64>
  // CHECK: call @portolan_all_gather_f32
  // CHECK: call @portolan_all_gather_i32
  %0:2 = spmd.all_gather %x, %i over <4 by 1> {dim = 0 : i64, sizes = array<i64: 5, 5, 4, 4>}
    : (tensor<5x8xf32>, tensor<5x2xi32>) -> (tensor<18x8xf32>, tensor<18x2xi32>)
  return %0#0, %0#1 : tensor<18x8xf32>, tensor<18x2xi32>
}

// The memory of a ragged result is taken once its counts are summed.
// CHECK-LABEL: func.func @ragged
func.func @ragged(%x: tensor<?x8xf32>, %s: tensor<4xi32>, %r: tensor<4xi32>) -> tensor<?x8xf32> {
  // CHECK: %[[ROWS:.*]] = scf.for
  // CHECK: memref.alloc(%[[ROWS]]) : memref<?x8xf32>
  // CHECK: call @portolan_all_to_all_v_f32
  %0 = spmd.all_to_all_v %x send %s receive %r over <4 by 1>
    : (tensor<?x8xf32>, tensor<4xi32>, tensor<4xi32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @pipeline
func.func @pipeline() {
  // CHECK: call @portolan_receive_f32
  // CHECK: call @portolan_send_f32
  %0 = spmd.receive {distance = 4 : i64} : tensor<2x1x8xf32>
  spmd.send %0 {distance = 4 : i64} : tensor<2x1x8xf32>
  return
}

// A layer passes the context on.
// CHECK-LABEL: func.func @program
// CHECK-SAME: (%[[RANK:.*]]: i64, %[[X:.*]]: tensor<2x8xf32>)
func.func @program(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // CHECK: call @all_reduce(%[[RANK]], %[[X]])
  %0 = call @all_reduce(%x) : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// What is computed once has no rank.
// CHECK-LABEL: func.func @prepare(%{{.*}}: tensor<4xf32>)
func.func @prepare(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// CHECK: func.func private @portolan_all_reduce_f32(i64, memref<*xf32>, memref<*xf32>, i64) attributes {llvm.emit_c_interface}
