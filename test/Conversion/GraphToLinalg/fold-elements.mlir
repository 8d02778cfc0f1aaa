// RUN: portolan-opt -split-input-file -convert-graph-to-linalg -canonicalize %s | FileCheck %s

// The target [batch, tokens, -1] of a reshape is computed from shapes: with
// bound dimensions it is a number, and nothing of its nodes is left.

// CHECK-LABEL: func.func @main
// CHECK-SAME: -> tensor<2x3x20xf32>
// CHECK-NOT: graph.node
// CHECK-NOT: from_elements
func.func @main(%x: tensor<2x3x4x5xf32>) -> !graph.unknown {
  %0 = graph.node "Shape"(%x) {version = 17 : i64} : (tensor<2x3x4x5xf32>) -> !graph.unknown
  %i = graph.node "Constant"() attributes {value = dense<0> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %j = graph.node "Constant"() attributes {value = dense<1> : tensor<i64>} {version = 17 : i64} : () -> !graph.unknown
  %a = graph.node "Constant"() attributes {value = dense<[0]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %m = graph.node "Constant"() attributes {value = dense<[-1]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %1 = graph.node "Gather"(%0, %i) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %2 = graph.node "Gather"(%0, %j) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %3 = graph.node "Unsqueeze"(%1, %a) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %4 = graph.node "Unsqueeze"(%2, %a) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %5 = graph.node "Concat"(%3, %4, %m) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
  %6 = graph.node "Reshape"(%x, %5) {version = 17 : i64} : (tensor<2x3x4x5xf32>, !graph.unknown) -> !graph.unknown
  return %6 : !graph.unknown
}

// -----

// Half of a width, as the integer part of a float quotient: 9 / 2 = 4.5 -> 4.

// CHECK-LABEL: func.func @main
// CHECK: %[[C:.*]] = arith.constant dense<4> : tensor<i64>
// CHECK: return %[[C]]
func.func @main(%x: tensor<2x9xf32>) -> !graph.unknown {
  %0 = graph.node "Shape"(%x) attributes {start = -1 : i64} {version = 17 : i64} : (tensor<2x9xf32>) -> !graph.unknown
  %s = graph.node "Squeeze"(%0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %1 = graph.node "Cast"(%s) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %two = graph.node "Constant"() attributes {value = dense<2.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
  %2 = graph.node "Div"(%1, %two) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %3 = graph.node "Floor"(%2) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %4 = graph.node "Cast"(%3) attributes {to = 7 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  return %4 : !graph.unknown
}

// -----

// A size that is only known later is an element among others: the width stays
// a number.

// CHECK-LABEL: func.func @main
// CHECK-SAME: -> tensor<?x4xf32>
func.func @main(%x: tensor<?x2x2xf32>) -> !graph.unknown {
  %0 = graph.node "Shape"(%x) attributes {end = 1 : i64} {version = 17 : i64} : (tensor<?x2x2xf32>) -> !graph.unknown
  %c = graph.node "Constant"() attributes {value = dense<[4]> : tensor<1xi64>} {version = 17 : i64} : () -> !graph.unknown
  %1 = graph.node "Concat"(%0, %c) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %2 = graph.node "Reshape"(%x, %1) {version = 17 : i64} : (tensor<?x2x2xf32>, !graph.unknown) -> !graph.unknown
  return %2 : !graph.unknown
}
