//===- SwitchedKernelStep.cpp - programs of the work of their step --------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a program multiplies and stores is read from its loops and compared with
// the work of the op that its step covers.
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Switched/IR/SwitchedKernel.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

namespace {

/// The tile that a product's weights were loaded into, before a conversion.
Value loadedTile(PipelineOp pipeline, Value weights) {
  for (auto convert : pipeline.getConsume().front().getOps<ConvertOp>())
    if (convert.getResult() == weights)
      return convert.getTile();
  return weights;
}

/// Weight columns in `tile`: of its rows, those inside of the tensor.
FailureOr<double> loadedColumns(PipelineOp pipeline, Value tile) {
  for (auto load : pipeline.getProduce().front().getOps<TmaLoadOp>()) {
    if (load.getTile() != tile || !load.getTransposed())
      continue;
    APInt column;
    int64_t all =
        cast<MemRefType>(load.getSource().getType()).getShape().back();
    if (!matchPattern(load.getOffsets().back(), m_ConstantInt(&column)))
      break;
    return double(std::clamp<int64_t>(all - column.getSExtValue(), 0,
                                      load.getTile().getType().getRows()));
  }
  // pipeline_c5
  return pipeline.emitOpError("expects weights of a constant column where rows "
                              "alone are cut into tiles");
}

/// Columns of all products of a pipeline, of which each row has its own.
FailureOr<double> productColumns(PipelineOp pipeline) {
  double columns = 0;
  auto tiles = dyn_cast<ForTilesOp>(pipeline->getParentOp());
  auto heads = dyn_cast<ForHeadsOp>(pipeline->getParentOp());
  for (Operation &op : pipeline.getConsume().front()) {
    if (!isa<WgmmaOp, Tcgen05MmaOp>(op))
      continue;
    if (tiles || heads) {
      columns +=
          double(int64_t(tiles ? tiles.getColumns() : heads.getColumns()));
      continue;
    }
    FailureOr<double> own =
        loadedColumns(pipeline, loadedTile(pipeline, op.getOperand(0)));
    if (failed(own))
      return failure();
    columns += *own;
  }
  return columns;
}

/// Elements of contraction in `tile`: of its columns, those inside of the
/// tensor.
FailureOr<double> loadedWidth(ForCacheTilesOp loop, Value tile) {
  for (auto load : loop.getProduce().front().getOps<TmaLoadOp>()) {
    APInt first;
    if (load.getTile() != tile || load.getTransposed() ||
        !matchPattern(load.getOffsets().back(), m_ConstantInt(&first)))
      continue;
    int64_t all =
        cast<MemRefType>(load.getSource().getType()).getShape().back();
    return double(
        std::clamp<int64_t>(all - first.getSExtValue(), 0,
                            load.getTile().getType().getContraction()));
  }
  // for_cache_tiles_c5
  return loop.emitOpError("expects products of tiles that are loaded at a "
                          "constant column");
}

/// Operations of a loop over a cache: a query of a token is multiplied with the
/// keys that it sees; what a tile holds beyond them is padding.
FailureOr<double> cacheOperations(ForCacheTilesOp loop, const LocalOp &local) {
  double width = 0;
  for (Operation &op : loop.getConsume().front()) {
    if (!isa<WgmmaOp, Tcgen05MmaOp, AttendOp>(op))
      continue;
    FailureOr<double> own = loadedWidth(loop, op.getOperand(0));
    if (failed(own))
      return failure();
    width += *own;
  }
  auto sequences = cast<ForSequencesOp>(loop->getParentOp());
  double fresh = double(local.newTokens);
  double seen = fresh * double(local.context) + fresh * (fresh + 1) / 2;
  // A loop over other keys has other operations.
  double keys = double(local.context) + fresh;
  return 2 * width * double(int64_t(sequences.getSequences())) *
         double(int64_t(sequences.getQueries())) * seen / fresh *
         double(int64_t(loop.getKeys())) / keys;
}

LogicalResult verifyProducts(Operation *step, Region &body,
                             const LocalOp &local) {
  double operations = 0;
  WalkResult result = body.walk([&](Operation *op) {
    if (auto loop = dyn_cast<ForCacheTilesOp>(op)) {
      FailureOr<double> own = cacheOperations(loop, local);
      operations += own.value_or(0);
      return failed(own) ? WalkResult::interrupt() : WalkResult::advance();
    }
    auto pipeline = dyn_cast<PipelineOp>(op);
    if (!pipeline)
      return WalkResult::advance();
    FailureOr<double> columns = productColumns(pipeline);
    if (failed(columns))
      return WalkResult::interrupt();
    auto heads = dyn_cast<ForHeadsOp>(pipeline->getParentOp());
    double rows = heads ? double(int64_t(heads.getHeads())) *
                              double(int64_t(heads.getRows()))
                        : local.rows;
    operations +=
        2.0 * rows * double(int64_t(pipeline.getContraction())) * *columns;
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  double covered = workOf(local).matmulOperations;
  if (std::abs(operations - covered) > 1e-9 * covered)
    return step->emitOpError("expects kernels of the ")
           << covered << " operations of the covered op, got " << operations;
  return success();
}

/// The choice of a router's program has the attributes of the covered op, which
/// may leave out what has its default.
LogicalResult verifyChoice(Operation *step, Region &body, DictionaryAttr of) {
  SmallVector<ChooseOp> choices;
  body.walk([&](ChooseOp op) { choices.push_back(op); });
  if (choices.size() != 1)
    return step->emitOpError("expects one choice of experts, got ")
           << choices.size();
  ChooseOp choose = choices.front();
  Builder b(step->getContext());
  std::pair<StringRef, Attribute> attributes[] = {
      {"top_k", {}},
      {"scoring", {}},
      {"groups", b.getI64IntegerAttr(1)},
      {"top_groups", b.getI64IntegerAttr(1)},
      {"normalize", {}},
      {"scale", b.getF64FloatAttr(1)},
      {"group_rank", b.getI64IntegerAttr(2)},
      {"jitter", b.getF64FloatAttr(0)}};
  for (auto [name, otherwise] : attributes) {
    Attribute covered = of.contains(name) ? of.get(name) : otherwise;
    Attribute own = choose->getAttr(name);
    if (own != covered)
      return choose.emitOpError("expects ")
             << name << " of the covered op, got another";
  }
  int64_t others = bool(choose.getBias()) + bool(choose.getCorrection()) +
                   2 * bool(choose.getTable());
  if (others + 2 != int64_t(step->getNumOperands()))
    return choose.emitOpError("expects the bias, correction and table of the "
                              "covered op");
  return success();
}

/// A packing program stores the rows of the covered op, where that has them.
LogicalResult verifyRows(Operation *step, Region &body, const LocalOp &local) {
  double bytes = 0;
  DestinationsAttr covered = coveredDestinations(step, local);
  WalkResult result = body.walk([&](Operation *op) {
    // kernel_step_c5
    auto own = op->getAttrOfType<DestinationsAttr>("destinations");
    if (own && own != covered) {
      op->emitOpError("expects the destinations ")
          << covered << " of the covered op, got " << own;
      return WalkResult::interrupt();
    }
    auto store = dyn_cast<RowStoreOp>(op);
    if (store && op->getParentOfType<ForDestinationsOp>())
      bytes += local.rows * double(store.getTile().getType().getStageBytes());
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  // kernel_step_c4
  double stored = workOf(local).activationOutBytes;
  if (std::abs(bytes - stored) > 1e-9 * stored)
    return step->emitOpError("expects kernels that store the ")
           << stored << " bytes of the covered op, got " << bytes;
  return success();
}

} // namespace

DestinationsAttr switched::coveredDestinations(Operation *step,
                                               const LocalOp &local) {
  auto of = step->getAttrOfType<DictionaryAttr>("of");
  auto integer = [&](StringRef name, int64_t otherwise) {
    auto attribute = of.getAs<IntegerAttr>(name);
    return attribute ? attribute.getInt() : otherwise;
  };
  int64_t experts = 0, first = 0, ranks = 0, spread = 1;
  if (local.kind == OpKind::pack) {
    experts = integer("experts", 0);
    ranks = of.getAs<spmd::GroupAttr>("group").getSize();
    spread = integer("expert_tensor", 1);
  } else {
    experts =
        cast<RankedTensorType>(step->getResult(1).getType()).getDimSize(0);
    first = integer("first_expert", 0);
  }
  if (experts > kMostDestinations || ranks > kMostDestinations)
    return {};
  return DestinationsAttr::get(step->getContext(), experts, first, ranks,
                               spread);
}

LogicalResult switched::verifyKernelFrame(Operation *op, Region &body) {
  if (body.getArgumentTypes() != op->getOperandTypes())
    return op->emitOpError("expects a region of its operands' types, got ")
           << body.getArgumentTypes();
  auto yield = body.front().empty() ? YieldOp()
                                    : dyn_cast<YieldOp>(&body.front().back());
  if (!yield || yield.getOperandTypes() != op->getResultTypes())
    return op->emitOpError("expects a region that ends in a switched.yield of ")
           << op->getNumResults() << " values of its types";
  return success();
}

bool switched::touchesPeer(Operation *op) {
  if (auto store = dyn_cast<RowStoreOp>(op))
    return bool(store.getPeer());
  if (auto copy = dyn_cast<CopyRowOp>(op))
    return bool(copy.getPeer());
  return isa<PutWordOp, SignalOp, SignalWaitOp, MultimemLoadReduceOp,
             MultimemStoreOp, PeerAddOp>(op);
}

LogicalResult switched::verifyKernelStep(Operation *op, Region &body) {
  // kernel_step_c1
  if (failed(verifyKernelFrame(op, body)))
    return failure();
  // kernel_step_c6
  WalkResult result = body.walk([](Operation *inner) {
    if (!touchesPeer(inner))
      return WalkResult::advance();
    inner->emitOpError("expects a transfer around what touches a peer");
    return WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return failure();
  FailureOr<LocalOp> local = ::portolan::describeCovered(op);
  if (failed(local))
    return failure();
  // kernel_step_c2: the products of the programs are those of the covered op.
  if (failed(verifyProducts(op, body, *local)))
    return failure();
  // kernel_step_c3
  if (local->kind == OpKind::route)
    return verifyChoice(op, body, op->getAttrOfType<DictionaryAttr>("of"));
  if (local->kind == OpKind::pack || local->kind == OpKind::dispatch)
    return verifyRows(op, body, *local);
  return success();
}
