// RUN: portolan-opt %s --convert-spmd-to-switched=target=gb300-nvl72:8 --convert-system-to-spmd | FileCheck %s
// RUN: portolan-opt %s --convert-spmd-to-torus=target=tpu7x:2x2x2 --convert-system-to-spmd | FileCheck %s
// RUN: portolan-opt %s --convert-spmd-to-trainium=target=trn2:8 --convert-system-to-spmd | FileCheck %s

module attributes {plan.point = {instance = "all", attention_tp = "8", reduction = "ring"}} {
  // Back to the ops that were lowered; transfers are numbered through the module.
  // CHECK-LABEL: func.func @body
  // CHECK: %[[SUM:.*]] = moe.add %arg0, %arg0
  // CHECK: %[[ALL:.*]] = spmd.all_reduce %[[SUM]] over <8 by 1> {portolan.site = 0 : i64}
  // CHECK: %[[OWN:.*]] = spmd.slice %[[ALL]] over <8 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2, 2, 2, 2, 2, 2, 2>}
  // CHECK: return %[[OWN]]
  func.func @body(%x: tensor<16x64xbf16>) -> tensor<2x64xbf16> {
    %sum = moe.add %x, %x : tensor<16x64xbf16>
    %all = spmd.all_reduce %sum over <8 by 1> : tensor<16x64xbf16>
    %own = spmd.slice %all over <8 by 1> {dim = 0 : i64, sizes = array<i64: 2, 2, 2, 2, 2, 2, 2, 2>} : (tensor<16x64xbf16>) -> tensor<2x64xbf16>
    return %own : tensor<2x64xbf16>
  }
  // CHECK-LABEL: func.func @other
  // CHECK: spmd.all_reduce {{.*}} {portolan.site = 1 : i64}
  func.func @other(%x: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
    %all = spmd.all_reduce %x over <8 by 1> : tensor<16x64xbf16>
    return %all : tensor<16x64xbf16>
  }
}
