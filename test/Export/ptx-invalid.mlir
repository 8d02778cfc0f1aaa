// RUN: split-file %s %t
// RUN: not portolan-translate --export-ptx %t/none.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-NONE
// RUN: not portolan-translate --export-ptx %t/target.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-TARGET
// RUN: not portolan-translate --export-ptx %t/chip.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-CHIP

// CHECK-NONE: error: expects one gpu.module, got 0
// CHECK-TARGET: error: 'gpu.module' op expects one target of the nvvm dialect
// CHECK-CHIP: error: 'gpu.module' op expects a target that LLVM knows, got nvptx64-nvidia-cuda sm_9999

//--- none.mlir
module {}

//--- target.mlir
gpu.module @kernels {}

//--- chip.mlir
gpu.module @kernels [#nvvm.target<chip = "sm_9999">] {}
