//===- Host.h - a kernel program in host memory ----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes the loops that a kernel program means. Each op is written once per
// block of a cluster, so blocks advance op by op; what a block reads of another
// one is there by then.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTOLINALG_HOST_H
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTOLINALG_HOST_H

#include "dialects/Switched/IR/SwitchedKernel.h"
#include "lib/Conversion/MoeToLinalg/Emit.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "portolan/Support/NumberFormats.h"

namespace portolan::switched_to_linalg {

struct HostOptions {
  bool formats = false; ///< round what a program narrows
  ElementFormat fp8 = ElementFormat::e4m3fn;
};

/// A tile of one block of threads.
struct Tile {
  mlir::Value data;   ///< [stages, rows, columns] of f32
  mlir::Value scales; ///< [stages, rows, blocks] of f32; null without
  Format format = Format::f32;

  int64_t stages() const { return shape()[0]; }
  int64_t rows() const { return shape()[1]; }
  int64_t columns() const { return shape()[2]; }

private:
  llvm::ArrayRef<int64_t> shape() const {
    return mlir::cast<mlir::MemRefType>(data.getType()).getShape();
  }
};

/// What one block of the cluster has.
struct BlockState {
  mlir::IRMapping scalars; ///< indices of the program
  llvm::DenseMap<mlir::Value, Tile> tiles;
};

class Host {
public:
  Host(mlir::OpBuilder &builder, const HostOptions &options)
      : builder(builder), options(options) {}

  /// Replaces a step by what its programs mean. Diagnoses an op that has no
  /// meaning on the host.
  mlir::LogicalResult lower(switched::KernelStepOp step);

private:
  //===--- HostProgram.cpp: frame and loops ---===//
  mlir::LogicalResult lowerKernel(switched::KernelOp kernel);
  mlir::LogicalResult lowerBlock(mlir::Block &block);
  mlir::LogicalResult lowerOp(mlir::Operation *op);
  mlir::LogicalResult lowerLoop(switched::ForTilesOp op);
  mlir::LogicalResult lowerLoop(switched::ForRowsOp op);
  mlir::LogicalResult lowerLoop(switched::ForHeadsOp op);
  mlir::LogicalResult lowerLoop(switched::ForSequencesOp op);
  mlir::LogicalResult lowerLoop(switched::ForCacheTilesOp op);
  /// Steps of two sides, loads ahead of products as far as there are stages;
  /// `before` is written in front of each step's products.
  mlir::LogicalResult lowerSides(mlir::Operation *op, int64_t steps,
                                 int64_t size, int64_t stages,
                                 mlir::Region &produce, mlir::Region &consume,
                                 llvm::function_ref<void()> before);
  mlir::LogicalResult lowerLoop(switched::PipelineOp op);

  //===--- HostMemory.cpp ---===//
  void allocate(mlir::Operation *op);
  void load(switched::TmaLoadOp op);
  void store(switched::TmaStoreOp op);

  //===--- HostRows.cpp ---===//
  /// Rows that a kernel which counts them can have; none of another kernel.
  std::optional<mlir::Value> mostRows(switched::KernelOp kernel);
  /// The body, for each block of a kernel that counts rows.
  mlir::LogicalResult lowerUnits(switched::KernelOp kernel);
  /// As many rows of `all` as were counted.
  mlir::Value countedRows(switched::KernelOp kernel, mlir::Value all);
  /// First of the tiles that fall to the block, and the end of them.
  std::pair<mlir::Value, mlir::Value> shareOf(mlir::Value tiles);
  /// The destinations of a token, in order.
  void visit(mlir::Value indices, mlir::Value token,
             switched::DestinationsAttr to,
             llvm::function_ref<void(Emit &, mlir::Value)> body);
  void allocate(switched::CountersAllocOp op);
  void count(switched::CountRowsOp op);
  mlir::LogicalResult lowerLoop(switched::ForDestinationsOp op);
  void load(switched::RowLoadOp op);
  void store(switched::RowStoreOp op);
  void accompany(switched::RowMetadataOp op);

  //===--- HostProducts.cpp ---===//
  void product(switched::WgmmaOp op);
  void product(switched::Tcgen05MmaOp op);
  /// sums += weights * tokens transposed, all [rows, columns]; scales may be
  /// null.
  void addProduct(mlir::Value weights, mlir::Value tokens, mlir::Value sums,
                  mlir::Value weightScales, mlir::Value tokenScales);
  void copyScales(switched::Tcgen05CopyScalesOp op);
  void convert(switched::ConvertOp op);
  void epilogue(switched::EpilogueOp op);

  //===--- HostAttention.cpp ---===//
  void takeScores(switched::SoftmaxStepOp op);
  void attend(switched::AttendOp op);
  void normalize(switched::NormalizeOp op);
  void storeLogSumExp(switched::StoreLogSumExpOp op);

  //===--- HostRoute.cpp ---===//
  void choose(switched::ChooseOp op);

  //===--- Shared ---===//
  Emit emit() { return Emit(builder, loc); }
  /// The tile of block `block`.
  Tile &tile(unsigned block, mlir::Value value) {
    return blocks[block].tiles.find(value)->second;
  }
  mlir::Value scalar(unsigned block, mlir::Value value) {
    return blocks[block].scalars.lookup(value);
  }
  /// A buffer that holds `initial`.
  mlir::Value allocateBuffer(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                             mlir::ValueRange dynamicSizes, double initial);
  /// [rows, columns] of stage `stage` of [stages, rows, columns], or of the
  /// only one.
  mlir::Value stageOf(mlir::Value buffer, mlir::Value stage);
  /// A buffer as a tensor that is only read.
  mlir::Value tensorOf(mlir::Value buffer);
  /// [rows, columns] from row `first` on.
  mlir::Value rowsOf(mlir::Value buffer, int64_t first, int64_t rows);
  void fill(mlir::Value buffer, double value);
  /// Loops from `lows` to `highs` by 1; the body sees all indices.
  void nest(mlir::ValueRange lows, mlir::ValueRange highs,
            llvm::function_ref<void(Emit &, mlir::ValueRange)> body);
  /// The element of a stage with its block scale applied.
  mlir::Value element(const Tile &tile, mlir::Value stage, mlir::Value row,
                      mlir::Value column);
  /// Ends the writing of a stage: rounds it if it was narrowed, and takes the
  /// block scales out of its elements.
  void settle(const Tile &tile, mlir::Value stage, bool narrowed);

  mlir::OpBuilder &builder;
  const HostOptions options;
  mlir::Location loc = mlir::UnknownLoc::get(builder.getContext());
  mlir::IRMapping tensors; ///< of the step
  mlir::IRMapping buffers; ///< results of kernels, and arguments of this one
  llvm::SmallVector<BlockState> blocks; ///< of the cluster
  mlir::Value unit; ///< block that runs, of a kernel that counts rows
  int64_t unitCount = 1;
};

} // namespace portolan::switched_to_linalg

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTOLINALG_HOST_H
