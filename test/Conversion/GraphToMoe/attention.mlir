// RUN: portolan-opt -split-input-file -convert-graph-to-moe %s | FileCheck %s

// 2 heads and 1 key-value head of width 4 on a hidden width of 6: the packed
// weight has 2*4 + 4 + 4 = 16 columns. The lengths come from the mask.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:.*]]: tensor<?x?x6xf32>, %[[MASK:.*]]: tensor<?x?xi64>
// CHECK-DAG: %[[W:.*]] = moe.weight @qkv
// CHECK-DAG: %[[B:.*]] = moe.weight @bias
// CHECK-DAG: %[[SINKS:.*]] = moe.weight @sinks
// CHECK: %[[WQ:.*]] = tensor.extract_slice %[[W]][0, 0] [6, 8]
// CHECK: %[[BQ:.*]] = tensor.extract_slice %[[B]][0] [8]
// CHECK: %[[WK:.*]] = tensor.extract_slice %[[W]][0, 8] [6, 4]
// CHECK: %[[BK:.*]] = tensor.extract_slice %[[B]][8] [4]
// CHECK: %[[WV:.*]] = tensor.extract_slice %[[W]][0, 12] [6, 4]
// CHECK: %[[BV:.*]] = tensor.extract_slice %[[B]][12] [4]
// The sum of the mask's rows, at least the new tokens.
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[MASK]]
// CHECK: %[[LENGTHS:.*]] = linalg.generic {{.*}} ins(%[[SUM]]
// CHECK: arith.maxsi
// CHECK: %[[POSITIONS:.*]] = linalg.generic {{.*}} ins(%[[LENGTHS]]
// CHECK: linalg.index 1
// CHECK: %[[Q:.*]] = moe.linear %[[X]], %[[WQ]] bias %[[BQ]]
// CHECK: %[[K:.*]] = moe.linear %[[X]], %[[WK]] bias %[[BK]]
// CHECK: %[[V:.*]] = moe.linear %[[X]], %[[WV]] bias %[[BV]]
// CHECK: %[[RQ:.*]] = moe.rope %[[Q]] at %[[POSITIONS]] {{.*}} {head_width = 4 : i64, interleaved}
// CHECK: %[[RK:.*]] = moe.rope %[[K]] at %[[POSITIONS]] {{.*}} {head_width = 4 : i64, interleaved}
// CHECK: moe.attention %[[RQ]], %[[RK]], %[[V]] cache %{{.*}}, %{{.*}} lengths %[[LENGTHS]] sinks %[[SINKS]] {heads = 2 : i64, kv_heads = 1 : i64, scale = 5.000000e-01 : f64, soft_cap = 3.000000e+01 : f64, window = 128 : i64}
moe.weight_data @qkv : tensor<6x16xf32>
moe.weight_data @bias : tensor<16xf32>
moe.weight_data @sinks : tensor<2xf32>
moe.weight_data @cos : tensor<32x2xf32>
moe.weight_data @sin : tensor<32x2xf32>
moe.weight_data @one {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
func.func @main(%x: tensor<?x?x6xf32>, %mask: tensor<?x?xi64>, %pk: tensor<?x1x?x4xf32>, %pv: tensor<?x1x?x4xf32>) -> !graph.unknown {
  %qkv = moe.weight @qkv : tensor<6x16xf32>
  %bias = moe.weight @bias : tensor<16xf32>
  %sinks = moe.weight @sinks : tensor<2xf32>
  %cos = moe.weight @cos : tensor<32x2xf32>
  %sin = moe.weight @sin : tensor<32x2xf32>
  %one = moe.weight @one : tensor<1xi64>
  %none = graph.none : none
  %0 = graph.node "ReduceSum"(%mask, %one) attributes {keepdims = 0 : i64} {version = 17 : i64} : (tensor<?x?xi64>, tensor<1xi64>) -> !graph.unknown
  %1 = graph.node "Sub"(%0, %one) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %2 = graph.node "Cast"(%1) attributes {to = 6 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %3 = graph.node "Shape"(%mask) {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
  %4 = graph.node "MatMul"(%x, %qkv) {version = 17 : i64} : (tensor<?x?x6xf32>, tensor<6x16xf32>) -> !graph.unknown
  %5 = graph.node "Add"(%4, %bias) {version = 17 : i64} : (!graph.unknown, tensor<16xf32>) -> !graph.unknown
  %6:3 = graph.node "GroupQueryAttention"(%5, %none, %none, %pk, %pv, %2, %3, %cos, %sin, %none, %none, %sinks) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64, do_rotary = 1 : i64, rotary_interleaved = 1 : i64, local_window_size = 128 : i64, softcap = 30.0 : f32} {domain = "com.microsoft", version = 1 : i64}
    : (!graph.unknown, none, none, tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>, !graph.unknown, !graph.unknown, tensor<32x2xf32>, tensor<32x2xf32>, none, none, tensor<2xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  return %6#0 : !graph.unknown
}

// -----

// Separate query, key and value, last positions as an input, no rotation.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[Q:.*]]: tensor<2x3x8xf32>, %[[K:.*]]: tensor<2x3x4xf32>, %[[V:.*]]: tensor<2x3x4xf32>, %[[LAST:.*]]: tensor<2xi32>
// CHECK: %[[LENGTHS:.*]] = linalg.generic {{.*}} ins(%[[LAST]] : tensor<2xi32>)
// CHECK: arith.addi
// 3 new tokens after 5 past ones make 8.
// CHECK: moe.attention %[[Q]], %[[K]], %[[V]] {{.*}} lengths %[[LENGTHS]] {{.*}} -> (tensor<2x3x8xf32>, tensor<2x1x8x4xf32>, tensor<2x1x8x4xf32>)
func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x3x4xf32>, %v: tensor<2x3x4xf32>, %last: tensor<2xi32>, %total: tensor<i32>, %pk: tensor<2x1x5x4xf32>, %pv: tensor<2x1x5x4xf32>) -> (!graph.unknown, !graph.unknown) {
  %0:3 = graph.node "GroupQueryAttention"(%q, %k, %v, %pk, %pv, %last, %total) attributes {num_heads = 2 : i64, kv_num_heads = 1 : i64} {domain = "com.microsoft", version = 1 : i64}
    : (tensor<2x3x8xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2xi32>, tensor<i32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
  return %0#0, %0#1 : !graph.unknown, !graph.unknown
}
