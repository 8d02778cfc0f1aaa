//===- SwitchedToNvvm.h - kernel programs as NVVM ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_SWITCHEDTONVVM_H
#define PORTOLAN_CONVERSION_SWITCHEDTONVVM_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace portolan {

/// Attribute of an emitted kernel: what a host has to know to launch it.
inline constexpr llvm::StringLiteral kLaunchName = "portolan.launch";

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/SwitchedToNvvm/SwitchedToNvvmPasses.h.inc"

} // namespace portolan

#endif // PORTOLAN_CONVERSION_SWITCHEDTONVVM_H
