//===- KernelWriter.h - the function of one kernel program ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELWRITER_H
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELWRITER_H

#include "lib/Conversion/SwitchedToNvvm/Descriptors.h"
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

/// Puts the words of a unit of block scales in order: 128 rows of one word each
/// become 32 lanes of four words, row 32 j + i being word j of lane i. All
/// lanes of a warp read before one writes; `lane` is that of this thread.
Values emitReadScales(Emitter &e, Value unit, Value lane);
void emitWriteScales(Emitter &e, Value unit, Value lane, ValueRange words);

/// Two results in e4m3, saturated: a vector of two bytes.
Value emitFp8Pair(Emitter &e, Value first, Value second);

/// A block scale: its code, i8, and its value, f32.
struct BlockScale {
  Value code, value;
};

/// That of a group with the largest magnitude `largest`, as NumberFormats.h has
/// it; the scale of a tensor in nvfp4 is 1.
BlockScale emitBlockScale(Emitter &e, Format format, Value largest);

/// Adds the function of a kernel at the builder's place, without a body.
mlir::LLVM::LLVMFuncOp createFunction(Emitter &e, llvm::StringRef name,
                                      llvm::ArrayRef<Parameter> parameters,
                                      int64_t threads, int64_t cluster);

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
  /// The descriptor of a matrix there, or of that stage of a tile.
  Value matrixAt(Value place, uint64_t fields);
  Value descriptorOf(Value tile, Value stage, uint64_t fields);
  Value output() {
    return e.advance(shared, form.offsets[form.store.getTile()]);
  }
  int64_t drainThreads() const { return 32 * form.roles.drainWarps; }
  int64_t stages() const { return int64_t(form.pipeline.getStages()); }
  int64_t steps() const { return form.pipeline.getSteps(); }

  // Loads.
  void writeProducer();
  void writeLoad(switched::TmaLoadOp load, const Tile &tile, Value element,
                 Value stage);
  void writeScaleLoad(switched::TmaLoadOp load, const Tile &tile, Value element,
                      Value stage);
  /// Whether loads of both blocks of a pair signal the barrier of the first.
  /// With block scales each waits for its own, and the ordered scales are
  /// handed on.
  bool signalsPair() const { return form.pair && !form.isScaled(); }
  Value loadBarrier(Value stage); ///< that loads of a stage signal
  int64_t loadBytes();            ///< that a phase of it waits for
  /// Units of 128 rows of the scales of a tile's tokens.
  int64_t tokenUnits() {
    return (int64_t(form.tiles.getTokenTile()) + kScaleRows - 1) / kScaleRows;
  }
  void orderScales();

  // Products with sums in registers.
  void writeWarpgroup();
  Values writeProducts(Value stage, ValueRange sums);

  // Products with sums in tensor memory.
  void allocateTensorTiles();
  void readTensorAddresses();
  void freeTensorTiles();
  void writeIssuer();
  void issueStage(Value stage, Value isFirst);
  void issueScaleCopies(const Product &product, Value stage);
  void issueProduct(const Product &product, int64_t part, Value weights,
                    Value tokens, Value isFirst);
  void commitTo(Value barrier);
  void drainTensorTiles();
  Values loadSums(Value column, int64_t count);
  void storeLanes(Value token, ValueRange results);
  void storeScaledLanes(Value token, ValueRange results);
  void storeScales(const Tile &tile);
  mlir::NVVM::CTAGroupKind group() const {
    return form.pair ? mlir::NVVM::CTAGroupKind::CTA_2
                     : mlir::NVVM::CTAGroupKind::CTA_1;
  }

  // Epilogue.
  ActivationForm activation() const;
  void awaitOutput();
  void publishOutput();
  void storeRegisters(ValueRange sums);
  void storeTile(const Tile &tile);
  void awaitStores();

  Emitter e;
  KernelForm &form;
  llvm::SmallVector<Value> parameters;
  Value shared;             ///< start of shared memory
  Value thread, warp, lane; ///< `warp` is the same in all lanes
  Value rank, cluster;      ///< of the block in its cluster, and of that
  llvm::DenseMap<Value, Value> tensorAddresses; ///< of tiles, i32
};

} // namespace portolan::kernels

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_KERNELWRITER_H
