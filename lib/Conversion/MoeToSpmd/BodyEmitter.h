//===- BodyEmitter.h - local ops of a layer for one rank -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emits, for the ops of a layer (or of the prologue or epilogue), the ops that
// one rank runs. The steps are those of Partition.h; roles come from
// rolesOf(), so that shapes and IR are divided alike.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_MOETOSPMD_BODYEMITTER_H
#define PORTOLAN_LIB_CONVERSION_MOETOSPMD_BODYEMITTER_H

#include "dialects/Spmd/IR/Spmd.h"
#include "lib/Conversion/MoeToSpmd/Geometry.h"
#include "mlir/IR/Builders.h"
#include "portolan/Analysis/Partition.h"
#include "portolan/Conversion/MoeToSpmd.h"

namespace portolan::moe_to_spmd {

/// What a partition needs to know beside the rank.
struct Problem {
  const PlanPoint &plan;
  const Popularity &popularity;
  int64_t experts = 0, topK = 0, groups = 1, topGroups = 1;
  /// The expert of each slot; empty without copies.
  std::vector<int64_t> slots = {};

  int64_t redundant() const { return plan.count(PlanClass::replicas); }
  /// Slots over all ranks: the experts and their copies.
  int64_t slotCount() const {
    return slots.empty() ? experts : int64_t(slots.size());
  }

  bool exchanges() const {
    return plan.get(PlanClass::dispatchExchange) != kNone;
  }
  bool sendsRows() const {
    return plan.is(PlanClass::dispatchExchange, Exchange::allToAll) ||
           plan.is(PlanClass::dispatchExchange, Exchange::hierarchical);
  }
  bool hasFormats() const { return plan.get(PlanClass::weightFormat) != kNone; }
};

/// A value on this rank.
struct Local {
  mlir::Value value;
  Layout layout;
};

/// The box of `sizes` at `offsets` of a tensor: a view, or an empty tensor if
/// there is nothing in it.
mlir::Value sliceOf(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value tensor, llvm::ArrayRef<int64_t> offsets,
                    llvm::ArrayRef<int64_t> sizes);

/// Where a body gets the values that it does not define: an argument, a weight,
/// an activation of the ops before.
using Outer = llvm::function_ref<mlir::FailureOr<mlir::Value>(mlir::Value,
                                                              const Layout &)>;

class BodyEmitter {
public:
  /// `half` is 0 or 1, or -1 if the body works on the whole micro-batch.
  BodyEmitter(const Problem &problem, const Geometry &geometry,
              mlir::Operation *function, llvm::ArrayRef<mlir::Operation *> ops,
              int half, mlir::OpBuilder &builder, Outer outer);

  mlir::LogicalResult emit();

  /// The rows of this rank's sequences of a value that the body defines.
  mlir::FailureOr<Local> result(mlir::Value value);

private:
  using Result = mlir::LogicalResult;

  Result emitOp(mlir::Operation *op);
  Result emitLike(mlir::Operation *op);
  Result emitEmbedding(moe::EmbeddingOp op);
  Result emitNorm(moe::RmsNormOp op);
  Result emitDecomposed(moe::DecomposedOp op);
  Result emitRope(moe::RopeOp op);
  Result emitLinear(moe::LinearOp op);
  Result emitAdd(moe::AddOp op);
  Result emitScale(moe::ScaleOp op);
  Result emitGate(moe::GateOp op);
  Result emitMlp(moe::MlpOp op);
  Result emitDepthAttention(moe::DepthAttentionOp op);
  Result emitReadStreams(moe::ReadStreamsOp op);
  Result emitWriteStreams(moe::WriteStreamsOp op);
  Result emitConcat(mlir::tensor::ConcatOp op);
  Result emitColumns(mlir::tensor::ExtractSliceOp op);
  // Attention.cpp
  Result emitAttention(moe::AttentionOp op);
  Result emitSparseAttention(moe::SparseAttentionOp op);
  Result emitLatentAttention(moe::LatentAttentionOp op);
  Result emitIndexedLatentAttention(moe::IndexedLatentAttentionOp op);
  Result emitChosenLatentAttention(moe::ChosenLatentAttentionOp op);
  Result emitSharedAttention(moe::SharedAttentionOp op);
  template <typename Op>
  Result emitSomeKeys(Op op, mlir::ValueRange rows, mlir::ValueRange pasts,
                      mlir::ValueRange presents, mlir::Value chosen);
  mlir::FailureOr<mlir::Value>
  mergeContext(mlir::Operation *op, mlir::Value values, mlir::Value logSumExp);
  // Pooled.cpp
  Result emitPoolKeys(moe::PoolKeysOp op);
  Result emitPooledAttention(moe::PooledAttentionOp op);
  Result emitGroupedLinear(moe::GroupedLinearOp op);
  // Recurrence.cpp
  Result emitShortConvolution(moe::ShortConvolutionOp op);
  Result emitRecurrence(moe::RecurrenceOp op);
  // Experts.cpp
  Result emitRoute(moe::RouteOp op);
  Result emitDispatch(moe::DispatchOp op);
  Result emitExperts(moe::ExpertsOp op);
  Result emitCombine(moe::CombineOp op);

  // Operands.
  mlir::FailureOr<mlir::Value> outside(mlir::Value value, const Layout &layout);
  mlir::FailureOr<mlir::Value> activation(mlir::Value value);
  mlir::FailureOr<mlir::Value> regional(mlir::Value value);
  mlir::FailureOr<mlir::Value> operand(mlir::Operation *op, mlir::Value value);
  mlir::FailureOr<mlir::Value> replicated(mlir::Value value);
  mlir::FailureOr<mlir::Value> leaveRegion(mlir::Value value);
  Layout batchLayout(mlir::Value value) const;

  // Results.
  void define(mlir::Value original, mlir::Value value);
  void define(mlir::Value original, mlir::Value value, Layout layout);
  void defineRegional(mlir::Value original, mlir::Value value, bool partial);
  /// [rows.., width] as `original` has it on this rank.
  mlir::RankedTensorType rowsType(mlir::Operation *op, mlir::Value original,
                                  int64_t width) const;

  // Splits.
  mlir::FailureOr<DimSplit> headSplit(mlir::Operation *op, int64_t units,
                                      int64_t width) const;

  // Formats and loads.
  moe::FormatAttr feedForwardWeight(std::optional<moe::FormatAttr> own) const;
  moe::FormatAttr
  feedForwardActivation(std::optional<moe::FormatAttr> own) const;
  /// Weights of attention: as planned, but at least 8 bits.
  moe::FormatAttr attentionWeight(std::optional<moe::FormatAttr> own) const;
  std::pair<moe::FormatAttr, moe::FormatAttr>
  projection(mlir::Operation *op, std::optional<moe::FormatAttr> weight,
             std::optional<moe::FormatAttr> activation) const;
  moe::FormatAttr cache(std::optional<moe::FormatAttr> own) const;
  moe::FormatAttr sent() const;
  moe::LoadAttr load(double mean, double max, double hit) const;

  // Collectives; nothing for a group of one.
  mlir::Value allReduce(mlir::Location loc, mlir::Value value, Group group);
  llvm::SmallVector<mlir::Value>
  allGather(mlir::Location loc, mlir::ValueRange values, Group group,
            int64_t dim, llvm::ArrayRef<int64_t> sizes, moe::FormatAttr format);
  spmd::GroupAttr groupAttr(Group group) const;
  mlir::IntegerAttr i64(int64_t value) const {
    return builder.getI64IntegerAttr(value);
  }

  bool isRegional(mlir::Operation *op) const {
    return roles.lookup(op).expertRegion;
  }

  const Problem &problem;
  const Geometry &geometry;
  llvm::SmallVector<mlir::Operation *> ops;
  int half;
  mlir::OpBuilder &builder;
  Outer outer;
  llvm::DenseMap<mlir::Operation *, OpRole> roles;

  struct Regional {
    mlir::Value value;
    bool partial = false;
  };
  llvm::DenseMap<mlir::Value, Local> full;
  llvm::DenseMap<mlir::Value, Regional> region;

  /// Rows and loads of the exchange, of the slowest rank (Partition.cpp).
  struct Loads {
    ExpertLoad experts;
    llvm::SmallVector<ExchangeLevel, 2> levels;
  };
  Loads loads() const;
  /// Indices of slots in place of those of experts, where experts have copies.
  mlir::Value chooseCopy(mlir::Location loc, mlir::Value indices);
  /// What combine needs of the dispatch with the same indices.
  struct Exchanged {
    /// One pack and one exchange.
    struct Level {
      mlir::Value packed; ///< what was packed, if its rows are ragged
      mlir::Value tokens, sent, received;
    };
    mlir::Value weights, indices;
    llvm::SmallVector<Level, 2> levels;
  };
  /// Packs and exchanges `values` (rows, weights, indices).
  Exchanged::Level exchange(mlir::Location loc, const ExchangeLevel &level,
                            llvm::SmallVectorImpl<mlir::Value> &values);
  llvm::DenseMap<mlir::Value, Exchanged> exchanges;
};

} // namespace portolan::moe_to_spmd

#endif // PORTOLAN_LIB_CONVERSION_MOETOSPMD_BODYEMITTER_H
