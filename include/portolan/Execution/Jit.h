//===- Jit.h - compile a module and call it --------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles a module of upstream ops (linalg, tensor, scf, arith, math, func)
// for the host and calls its public functions with tensors. Compiled code has
// no state: several threads may call one Executable at a time, each with its
// own rank context as a scalar argument.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_JIT_H
#define PORTOLAN_EXECUTION_JIT_H

#include "mlir/IR/BuiltinOps.h"
#include "portolan/Execution/Tensor.h"
#include "llvm/ADT/StringMap.h"
#include <memory>

namespace mlir {
class ExecutionEngine;
class OpPassManager;
} // namespace mlir

namespace portolan {

/// A C function that compiled code may call. An external func.func @f with
/// `llvm.emit_c_interface` calls the symbol `_mlir_ciface_f`, which gets a
/// pointer to a StridedMemRefType per tensor.
struct RuntimeSymbol {
  std::string name;
  void *address = nullptr;
};

/// What a public function takes or yields: a tensor, or a 64-bit scalar (i64,
/// index or pointer).
struct ValueSignature {
  bool isTensor = true;
  ElementType type = ElementType::f32;
  llvm::SmallVector<int64_t, 4> shape; ///< may hold dynamic sizes
};

struct FunctionSignature {
  std::vector<ValueSignature> arguments;
  std::vector<ValueSignature> results;
};

/// Compiled code.
class Executable {
public:
  ~Executable();

  /// The signature of a public function, or null.
  const FunctionSignature *signature(llvm::StringRef function) const;

  /// Calls a public function with its tensor and its scalar arguments, each in
  /// order; an error if they do not fit its signature.
  llvm::Expected<std::vector<Tensor>>
  call(llvm::StringRef function, llvm::ArrayRef<TensorView> tensors,
       llvm::ArrayRef<int64_t> scalars = {}) const;

private:
  Executable();
  friend llvm::Expected<std::unique_ptr<Executable>>
      compile(mlir::ModuleOp, llvm::ArrayRef<RuntimeSymbol>);

  std::unique_ptr<mlir::ExecutionEngine> engine;
  llvm::StringMap<FunctionSignature> signatures;
};

/// Compiles a copy of `module`. Public functions with a body can be called;
/// their tensor arguments are never written.
llvm::Expected<std::unique_ptr<Executable>>
compile(mlir::ModuleOp module, llvm::ArrayRef<RuntimeSymbol> symbols = {});

/// Adds the passes from linalg on tensors to the llvm dialect. The last one
/// fails if an op of another dialect remains.
void buildLinalgToLLVMPipeline(mlir::OpPassManager &passes);

} // namespace portolan

#endif // PORTOLAN_EXECUTION_JIT_H
