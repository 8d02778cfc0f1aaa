//===- Lowering.h - shared parts of convert-spmd-to-runtime ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A Lowering replaces one op after another; each function of an op emits its
// replacement at the builder and returns the values of its results.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SPMDTORUNTIME_LOWERING_H
#define PORTOLAN_LIB_CONVERSION_SPMDTORUNTIME_LOWERING_H

#include "dialects/Spmd/IR/Spmd.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "portolan/Analysis/LocalOp.h"

namespace portolan::spmd_to_runtime {

using Values = llvm::SmallVector<mlir::Value>;

class Lowering {
public:
  Lowering(mlir::ModuleOp module, mlir::OpBuilder &builder)
      : module(module), builder(builder) {}

  /// The rank context of the function that is lowered.
  mlir::Value context;

  /// Replaces `op`; fails with a diagnostic.
  mlir::LogicalResult lower(mlir::Operation *op);

private:
  // Collectives.cpp
  mlir::FailureOr<Values> allReduce(spmd::AllReduceOp op);
  mlir::FailureOr<Values> allGather(spmd::AllGatherOp op);
  mlir::FailureOr<Values> reduceScatter(spmd::ReduceScatterOp op);
  mlir::FailureOr<Values> allToAll(spmd::AllToAllOp op);
  mlir::FailureOr<Values> allToAllV(spmd::AllToAllVOp op);
  mlir::FailureOr<Values> send(spmd::SendOp op);
  mlir::FailureOr<Values> receive(spmd::ReceiveOp op);
  // LocalOps.cpp
  mlir::FailureOr<Values> slice(spmd::SliceOp op);
  mlir::FailureOr<Values> localize(spmd::LocalizeOp op);
  mlir::FailureOr<Values> chooseCopy(spmd::ChooseCopyOp op);
  mlir::FailureOr<Values> pack(spmd::PackOp op);
  mlir::FailureOr<Values> unpack(spmd::UnpackOp op);
  mlir::FailureOr<Values> mergePartials(spmd::MergePartialsOp op);

  // Calls.
  mlir::FailureOr<std::string>
  nameFor(mlir::Operation *op, llvm::StringRef name, mlir::Value tensor);
  mlir::Value call(llvm::StringRef name, mlir::ValueRange operands,
                   mlir::TypeRange results = {});
  /// Opens the log entry of a collective of this op.
  void begin(mlir::Operation *op, OpKind kind, spmd::GroupAttr group = {});
  /// The wire format of the values that an op sends, as the runtime takes it:
  /// below 0 for that of the type.
  mlir::Value wireFormat(std::optional<moe::FormatAttr> format);
  /// New memory that holds a tensor.
  mlir::Value buffer(mlir::Value tensor);
  /// New memory for a tensor of `type`, whose dynamic dimension has `extent`.
  mlir::Value allocate(mlir::RankedTensorType type, mlir::Value extent = {});
  mlir::Value unranked(mlir::Value memref);
  mlir::Value tensorIn(mlir::Value memref, mlir::RankedTensorType type);
  /// This rank's place in `group`.
  mlir::Value member(spmd::GroupAttr group);

  // Constants and small arithmetic.
  mlir::Value index(int64_t value);
  mlir::Value i64(int64_t value);
  mlir::Value table(llvm::ArrayRef<int64_t> values);      ///< tensor<..xi64>
  mlir::Value indexTable(llvm::ArrayRef<int64_t> values); ///< tensor<..xindex>
  mlir::Value at(mlir::Value tensor, mlir::ValueRange indices);
  mlir::Value toIndex(mlir::Value value);
  mlir::Value sumOf(mlir::Value counts);
  mlir::Value extent(mlir::Value tensor, int64_t dim);

  mlir::Location loc() const { return location; }

  mlir::ModuleOp module;
  mlir::OpBuilder &builder;
  mlir::Location location = mlir::UnknownLoc::get(module.getContext());
};

} // namespace portolan::spmd_to_runtime

#endif // PORTOLAN_LIB_CONVERSION_SPMDTORUNTIME_LOWERING_H
