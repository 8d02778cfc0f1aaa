//===- Passes.td - kernel programs to NVVM -----------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_PASSES_TD
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertSwitchedKernelsToNvvm
    : Pass<"convert-switched-kernels-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Writes kernel programs as functions of the NVVM dialect.";
  let description = [{
    Appends a `gpu.module @kernels` with one kernel function per
    `switched.kernel`, in program order, on llvm, nvvm, scf and arith. Blocks are
    split by warps: one loads, others compute and store. The module gets the
    target of the machine's `machine.core`, each function `portolan.launch`: what
    a host has to know to start it (grid, block, cluster, bytes of dynamic
    shared memory, and per parameter a pointer or the tensor map that it has to
    encode). The steps stay. A program that does not fit the machine, or that has
    no emission, is an error with a label of dialects/Switched/README.md; with
    `keep-refused` a program without emission gets no function, and the reason is
    a remark.
    `target` names the machine; without it the module's `portolan.target` does.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "Machine file or name, with its shape after a colon">,
    Option<"keepRefused", "keep-refused", "bool", "false",
           "Leave programs without emission out, with a remark">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect"];
}

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_PASSES_TD
