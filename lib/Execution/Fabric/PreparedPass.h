//===- PreparedPass.h - a program with the memory of its ranks -*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_EXECUTION_FABRIC_PREPAREDPASS_H
#define PORTOLAN_LIB_EXECUTION_FABRIC_PREPAREDPASS_H

#include "dialects/Moe/IR/Moe.h"
#include "lib/Execution/Fabric/RankResult.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "portolan/Execution/DeviceProgram.h"
#include "portolan/Execution/Weights.h"

namespace portolan {

/// A compiled program: the same for all passes of it.
struct CompiledProgram {
  /// What the ranks compute, in ops of moe and spmd.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<Transfer> transfers;
  std::vector<Algorithm> algorithms;
  std::unique_ptr<Executable> executable;

  /// The function that `rank` runs.
  mlir::func::FuncOp programOf(int64_t rank) const;
};

llvm::Expected<CompiledProgram> compileProgram(const DeviceProgram &program,
                                               RunFormats formats);

/// A pass with the memory of the ranks that live here.
class PreparedPass {
public:
  PreparedPass(const DeviceProgram &program, const CompiledProgram &compiled,
               std::vector<const Tensor *> inputs, WeightFiles &weights)
      : program(program), compiled(compiled), inputs(std::move(inputs)),
        weights(weights) {}

  llvm::Error prepare();
  llvm::Error fill(llvm::ArrayRef<int64_t> ranks);
  /// Runs the part of a rank.
  llvm::Expected<RankResult> run(int64_t rank, Fabric &fabric,
                                 const Wiring &wiring) const;
  llvm::Expected<std::vector<Tensor>>
  gather(llvm::ArrayRef<RankResult> results) const;

  /// Whether a rank's program takes a piece of argument `index` of the model.
  bool holds(int64_t rank, int64_t index) const;
  /// That piece of a local rank, to be filled from elsewhere, or null.
  Tensor *argumentPiece(int64_t rank, int64_t index);
  /// Which result of a rank's program is its piece of result `index` of the
  /// model; nothing if it has none.
  std::optional<unsigned> resultPiece(int64_t rank, int64_t index) const;

private:
  int64_t rankInStage(int64_t rank) const {
    return rank % program.deployment.stageSize;
  }
  llvm::Expected<TensorView> source(mlir::func::FuncOp function,
                                    unsigned argument);
  moe::WeightDataOp weightNamed(mlir::FlatSymbolRefAttr symbol) const {
    mlir::ModuleOp model = program.model.get();
    return model.lookupSymbol<moe::WeightDataOp>(symbol.getAttr());
  }

  const DeviceProgram &program;
  const CompiledProgram &compiled;
  std::vector<const Tensor *> inputs;
  WeightFiles &weights;
  std::vector<std::unique_ptr<Tensor>> values; ///< of weights without a file
  std::vector<Tensor> prepared;
  /// By rank; empty where it lives elsewhere.
  std::vector<std::vector<Tensor>> memory;
};

} // namespace portolan

#endif // PORTOLAN_LIB_EXECUTION_FABRIC_PREPAREDPASS_H
