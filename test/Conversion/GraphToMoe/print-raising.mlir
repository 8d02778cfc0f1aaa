// RUN: portolan-opt -moe-print-raising %s | FileCheck %s

// One norm for one node outside of the layers, a node that stays with its name
// and reason, and the constant that it needs: 3 of the 4 nodes, as nothing reads
// the fourth. The module is left as it is.

// CHECK: outside of the layers
// CHECK-NEXT: moe.rms_norm: 1 for 1 node
// CHECK-NEXT: stays: 'clamp' (op 'Max', domain ''): no rule raises this op
// CHECK-NEXT: stay because these need them: 1 Constant
// CHECK-NEXT: total: 4 nodes, 0 layers; 1 op for 1 node, 2 nodes stay
// CHECK-LABEL: func.func @main
// CHECK: graph.node "RMSNormalization"
module {
  moe.weight_data @gain : tensor<4xf32>
  func.func @main(%x: tensor<?x?x4xf32> {moe.dims = ["b", "s", ""]}) -> !graph.unknown {
    %gain = moe.weight @gain : tensor<4xf32>
    %c = graph.node "Constant"() attributes {value = dense<1.0> : tensor<f32>} {version = 17 : i64} : () -> !graph.unknown
    %0 = graph.node "RMSNormalization"(%x, %gain) {version = 23 : i64} : (tensor<?x?x4xf32>, tensor<4xf32>) -> !graph.unknown
    %1 = graph.node "Max"(%0, %c) {version = 13 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown loc("clamp")
    %2 = graph.node "Exp"(%0) {version = 13 : i64} : (!graph.unknown) -> !graph.unknown
    return %1 : !graph.unknown
  }
}
