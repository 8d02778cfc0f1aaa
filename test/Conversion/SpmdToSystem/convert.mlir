// RUN: portolan-opt %s --convert-spmd-to-switched=target=gb300-nvl72:8 | FileCheck %s --check-prefix=CHECK-SWITCHED
// RUN: portolan-opt %s --convert-spmd-to-torus=target=tpu7x:2x2x2 | FileCheck %s --check-prefix=CHECK-TORUS
// RUN: portolan-opt %s --convert-spmd-to-trainium=target=trn2:8 | FileCheck %s --check-prefix=CHECK-TRAINIUM

module attributes {plan.point = {instance = "all", attention_tp = "8", reduction = "ring"}} {
  // One system op per op, in its place; an op without work is a view.
  // CHECK-SWITCHED-LABEL: func.func @body
  // CHECK-SWITCHED: %[[SUM:.*]] = switched.add(%arg0, %arg0) covers "moe.add" {lhs_scale = 1.000000e+00 : f64, rhs_scale = 1.000000e+00 : f64}
  // CHECK-SWITCHED-SAME: engine = "vector"
  // CHECK-SWITCHED: %[[ALL:.*]] = switched.all_reduce(%[[SUM]]) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>}
  // Up and down a ring of 8: 2 * 7/8 of 16 * 64 bf16 elements = 3584 bytes.
  // CHECK-SWITCHED-SAME: algorithm = "ring", bottleneck_bytes = 3.584000e+03
  // CHECK-SWITCHED: switched.view(%[[ALL]]) covers "spmd.slice"
  // CHECK-SWITCHED-NOT: spmd.{{[a-z_]+}} %
  // CHECK-TORUS-LABEL: func.func @body
  // CHECK-TORUS: torus.add
  // CHECK-TORUS: torus.all_reduce
  // CHECK-TORUS-SAME: algorithm = "ring"
  // CHECK-TORUS: torus.view
  // CHECK-TRAINIUM-LABEL: func.func @body
  // CHECK-TRAINIUM: trainium.tensor_add
  // CHECK-TRAINIUM: trainium.cc_all_reduce
  // 4x2 chips have one cycle, used in both directions, and 32 ranks: twice 31/32
  // of 2048 bytes over two rings, and 31 hops.
  // CHECK-TRAINIUM-SAME: algorithm = "ring", bottleneck_bytes = 1.984000e+03 : f64, hops = 6.200000e+01
  // CHECK-TRAINIUM: trainium.view
  // CHECK-TRAINIUM-NOT: spmd.{{[a-z_]+}} %
  func.func @body(%x: tensor<16x64xbf16>) -> tensor<2x64xbf16> {
    %sum = moe.add %x, %x : tensor<16x64xbf16>
    %all = spmd.all_reduce %sum over <8 by 1> : tensor<16x64xbf16>
    %own = spmd.slice %all over <8 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2, 2, 2, 2, 2, 2, 2>} : (tensor<16x64xbf16>) -> tensor<2x64xbf16>
    return %own : tensor<2x64xbf16>
  }
}
