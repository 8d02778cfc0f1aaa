// RUN: portolan-opt %s -convert-graph-to-linalg | FileCheck %s --implicit-check-not='= moe.weight @{{two|axes|shape}}'

// An exporter states counts, axes and targets as initializers: they are weights
// of the module, and still known.

module {
  moe.weight_data @two {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @axes {value = dense<[-1]> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @shape {value = dense<[3, -1]> : tensor<2xi64>} : tensor<2xi64>
  moe.weight_data @scale {value = dense<[1.0, 2.0]> : tensor<2xf32>} : tensor<2xf32>

  // CHECK-LABEL: func.func @count
  // CHECK-SAME: -> tensor<4x2xf32>
  func.func @count(%x: tensor<4x8xf32>) -> !graph.unknown {
    %k = moe.weight @two : tensor<1xi64>
    %y:2 = graph.node "TopK"(%x, %k) attributes {axis = -1 : i64} {version = 17 : i64}
      : (tensor<4x8xf32>, tensor<1xi64>) -> (!graph.unknown, !graph.unknown)
    return %y#0 : !graph.unknown
  }

  // CHECK-LABEL: func.func @axis
  // CHECK-SAME: -> tensor<4xf32>
  func.func @axis(%x: tensor<4x8xf32>) -> !graph.unknown {
    %axes = moe.weight @axes : tensor<1xi64>
    %y = graph.node "ReduceSum"(%x, %axes) attributes {keepdims = 0 : i64} {version = 17 : i64}
      : (tensor<4x8xf32>, tensor<1xi64>) -> !graph.unknown
    return %y : !graph.unknown
  }

  // 24 elements in 3 rows: 8 columns.
  // CHECK-LABEL: func.func @target
  // CHECK-SAME: -> tensor<3x8xf32>
  func.func @target(%x: tensor<4x6xf32>) -> !graph.unknown {
    %shape = moe.weight @shape : tensor<2xi64>
    %y = graph.node "Reshape"(%x, %shape) {version = 17 : i64}
      : (tensor<4x6xf32>, tensor<2xi64>) -> !graph.unknown
    return %y : !graph.unknown
  }

  // Floats are data, not sizes.
  // CHECK-LABEL: func.func @scaled
  // CHECK: moe.weight @scale
  func.func @scaled(%x: tensor<4x2xf32>) -> !graph.unknown {
    %scale = moe.weight @scale : tensor<2xf32>
    %y = graph.node "Mul"(%x, %scale) {version = 17 : i64}
      : (tensor<4x2xf32>, tensor<2xf32>) -> !graph.unknown
    return %y : !graph.unknown
  }
}
