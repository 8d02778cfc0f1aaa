// RUN: not portolan-opt %s --convert-spmd-to-switched 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not portolan-opt %s --convert-spmd-to-switched=target=abacus 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not portolan-opt %s --convert-spmd-to-switched=target=tpu7x:2x2x2 2>&1 | FileCheck %s --check-prefix=FAMILY
// RUN: not portolan-opt %s --convert-spmd-to-torus=target=tpu7x:2x2x2 2>&1 | FileCheck %s --check-prefix=PLAN
// RUN: sed 's/^module {/module attributes {plan.point = {instance = "9"}} {/' %s > %t.mlir
// RUN: not portolan-opt %t.mlir --convert-spmd-to-switched=target=gb300-nvl72:8 2>&1 | FileCheck %s --check-prefix=DEGREE

// TARGET: error: expects the option target=MACHINE
// UNKNOWN: error: target 'abacus': expects a machine file or one of
// FAMILY: error: expects a machine of the family switched, got 'tpu7x:2x2x2' of torus
// PLAN: error: module: expects the attribute plan.point, got none
// DEGREE: error: instance: expects at most 8 chips, got 9
module {
  func.func @body(%x: tensor<16x64xbf16>) -> tensor<16x64xbf16> {
    %sum = moe.add %x, %x : tensor<16x64xbf16>
    return %sum : tensor<16x64xbf16>
  }
}
