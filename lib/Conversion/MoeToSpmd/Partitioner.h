//===- Partitioner.h - the programs of all ranks ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builds one entry function per stage and variant, the layers that they call,
// and @prepare, beside the functions of the moe module that they replace.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_MOETOSPMD_PARTITIONER_H
#define PORTOLAN_LIB_CONVERSION_MOETOSPMD_PARTITIONER_H

#include "lib/Conversion/MoeToSpmd/BodyEmitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace portolan::moe_to_spmd {

/// A part of @main that one body covers: a layer call, or the ops before or
/// after all of them.
struct Segment {
  llvm::SmallVector<mlir::Operation *> ops;
  mlir::func::CallOp call; ///< null for prologue and epilogue
};

/// A layer function of one variant.
struct LayerVariant {
  mlir::func::FuncOp function;
  /// Argument of the whole layer that each argument is a piece of.
  llvm::SmallVector<std::pair<unsigned, Layout>> arguments;
  llvm::SmallVector<Layout> results;
};

class Partitioner {
public:
  Partitioner(mlir::ModuleOp module, const MoeToSpmdOptions &options)
      : module(module), options(options),
        problem{options.plan, options.popularity},
        builder(module.getContext()) {}

  mlir::LogicalResult run();

private:
  // Inspection of the whole model.
  mlir::LogicalResult inspect();
  mlir::LogicalResult inspectPlan();
  mlir::LogicalResult inspectRoutes(mlir::func::FuncOp layer);
  void splitIntoSegments();

  // One variant.
  mlir::LogicalResult buildVariant(int64_t variant, const Geometry &geometry);
  mlir::LogicalResult buildStage(int64_t stage, int64_t variant,
                                 const Geometry &geometry);
  mlir::FailureOr<const LayerVariant *>
  layerVariant(llvm::StringRef name, int64_t variant, const Geometry &geometry);
  /// Emits `ops`, in two interleaved halves if so planned, and yields the local
  /// form of `wanted`.
  mlir::FailureOr<llvm::SmallVector<Local>>
  emitBody(mlir::Operation *function, llvm::ArrayRef<mlir::Operation *> ops,
           mlir::ValueRange wanted, const Geometry &geometry, Outer outer);

  /// Whether `value` of @main depends on no activation.
  bool isAhead(mlir::Value value) const;
  /// The value that stage `stage` passes on, or null with a diagnostic.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> boundary(int64_t stage);
  mlir::DictionaryAttr describeArgument(mlir::Value source,
                                        const Layout &layout);
  void buildPrepare();
  void finish(llvm::ArrayRef<int64_t> variants, int64_t numVariants);

  mlir::ModuleOp module;
  const MoeToSpmdOptions &options;
  Problem problem;
  mlir::OpBuilder builder;
  mlir::func::FuncOp main;
  int64_t sequences = 0, newTokens = 0;
  llvm::DenseSet<mlir::Operation *> activations; ///< ops of @main
  std::vector<Segment> segments;
  /// Segments [first, last) of each stage, and the stage of each op of @main.
  llvm::SmallVector<std::pair<size_t, size_t>> stages;
  llvm::DenseMap<mlir::Operation *, int64_t> stageOf;
  std::map<std::pair<std::string, int64_t>, LayerVariant> layers;
  llvm::MapVector<mlir::Value, unsigned> prepared;
  llvm::SmallVector<mlir::Attribute> programs;
};

} // namespace portolan::moe_to_spmd

#endif // PORTOLAN_LIB_CONVERSION_MOETOSPMD_PARTITIONER_H
