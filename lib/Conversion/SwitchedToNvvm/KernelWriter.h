//===- KernelWriter.h - the function of one kernel program ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELWRITER_H
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELWRITER_H

#include "lib/Conversion/SwitchedToNvvm/KernelForm.h"
#include "lib/Conversion/SwitchedToNvvm/TileWalk.h"

namespace portolan::kernels {

/// Name of the dynamic shared memory in the module of kernels.
inline constexpr llvm::StringLiteral kSharedMemory = "shared_memory";

/// What an activation is told; `moe.experts` defines the values.
struct ActivationForm {
  std::optional<moe::Activation> activation;
  double limit = 0;
  double alpha = 1;
  double linearOffset = 0;
};

/// What an epilogue makes of a sum and of its gate, if there is one: f32.
Value emitActivation(Emitter &e, const ActivationForm &form, Value sum,
                     Value gate);

class KernelWriter {
public:
  KernelWriter(mlir::OpBuilder &builder, KernelForm &form)
      : e(builder, form.kernel.getLoc()), form(form) {}

  /// Writes the function at the builder's place.
  mlir::LLVM::LLVMFuncOp write(llvm::StringRef name);

private:
  // Frame.
  void nameThreads();
  void initBarriers();
  void syncBlocks();
  TileWalk walk() const;
  Values forTiles(ValueRange carried,
                  llvm::function_ref<Values(const Tile &, ValueRange)> body);

  /// The stage of a ring of tiles or barriers.
  Value stageOf(Value ring, Value stage);
  int64_t stages() const { return int64_t(form.pipeline.getStages()); }
  int64_t steps() const { return form.pipeline.getSteps(); }

  // Loads.
  void writeProducer();
  void writeLoad(switched::TmaLoadOp load, const Tile &tile, Value element,
                 Value stage);

  // Products with sums in registers.
  void writeWarpgroup();
  Values writeProducts(Value stage, ValueRange sums);
  Value descriptorOf(Value tile, Value stage, uint64_t fields);

  // Epilogue.
  void storeRegisters(ValueRange sums);
  void storeTile(const Tile &tile);
  void awaitStores();

  Emitter e;
  KernelForm &form;
  llvm::SmallVector<Value> parameters;
  Value shared;             ///< start of shared memory
  Value thread, warp, lane; ///< `warp` is the same in all lanes
  Value rank, cluster;      ///< of the block in its cluster, and of that
};

} // namespace portolan::kernels

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELWRITER_H
