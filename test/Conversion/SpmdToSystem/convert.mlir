// RUN: portolan-opt %s --convert-spmd-to-switched=target=gb300-nvl72:8 | FileCheck %s --check-prefix=SWITCHED
// RUN: portolan-opt %s --convert-spmd-to-torus=target=tpu7x:2x2x2 | FileCheck %s --check-prefix=TORUS

module attributes {plan.point = {instance = "all", attention_tp = "8", reduction = "ring"}} {
  // One system op per op, in its place; an op without work is a view.
  // SWITCHED-LABEL: func.func @body
  // SWITCHED: %[[SUM:.*]] = switched.add(%arg0, %arg0) covers "moe.add" {}
  // SWITCHED-SAME: engine = "vector"
  // SWITCHED: %[[ALL:.*]] = switched.all_reduce(%[[SUM]]) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>}
  // Up and down a ring of 8: 2 * 7/8 of 16 * 64 bf16 elements = 3584 bytes.
  // SWITCHED-SAME: algorithm = "ring", bottleneck_bytes = 3.584000e+03
  // SWITCHED: switched.view(%[[ALL]]) covers "spmd.slice"
  // SWITCHED-NOT: spmd.{{[a-z_]+}} %
  // TORUS-LABEL: func.func @body
  // TORUS: torus.add
  // TORUS: torus.all_reduce
  // TORUS-SAME: algorithm = "ring"
  // TORUS: torus.view
  func.func @body(%x: tensor<16x64xbf16>) -> tensor<2x64xbf16> {
    %sum = moe.add %x, %x : tensor<16x64xbf16>
    %all = spmd.all_reduce %sum over <8 by 1> : tensor<16x64xbf16>
    %own = spmd.slice %all over <8 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2, 2, 2, 2, 2, 2, 2>} : (tensor<16x64xbf16>) -> tensor<2x64xbf16>
    return %own : tensor<2x64xbf16>
  }
}
