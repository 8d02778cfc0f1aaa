//===- HostProgram.cpp - steps, kernels and their loops -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToLinalg/Host.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;
using namespace portolan::switched_to_linalg;

//===----------------------------------------------------------------------===//
// Frame
//===----------------------------------------------------------------------===//

LogicalResult Host::lower(KernelStepOp step) {
  builder.setInsertionPoint(step);
  loc = step.getLoc();
  tensors.map(step.getBody().getArguments(), step->getOperands());
  SmallVector<Value> results;
  for (Operation &op : step.getBody().front()) {
    if (auto kernel = dyn_cast<KernelOp>(op)) {
      if (failed(lowerKernel(kernel)))
        return failure();
    } else if (isa<YieldOp>(op)) {
      for (Value value : op.getOperands())
        results.push_back(tensors.lookup(value));
    } else {
      builder.clone(op, tensors);
    }
  }
  step->replaceAllUsesWith(results);
  step->erase();
  return success();
}

/// Whether a result of a kernel leaves its step.
static bool isYielded(Value result) {
  return llvm::any_of(result.getUsers(),
                      [](Operation *user) { return !isa<KernelOp>(user); });
}

LogicalResult Host::lowerKernel(KernelOp kernel) {
  loc = kernel.getLoc();
  Emit e = emit();
  auto arguments = kernel.getBody().getArguments();
  unsigned inputs = kernel.getInputs().size();
  for (auto [argument, input] :
       llvm::zip_equal(arguments.take_front(inputs), kernel.getInputs())) {
    if (!buffers.contains(input))
      buffers.map(input, bufferization::ToBufferOp::create(
                             builder, loc, argument.getType(),
                             tensors.lookup(input), /*read_only=*/true));
    buffers.map(argument, buffers.lookup(input));
  }
  for (auto [argument, result] :
       llvm::zip_equal(arguments.drop_front(inputs), kernel.getResults())) {
    auto type = cast<RankedTensorType>(result.getType());
    // Ragged rows are those that the kernel reads.
    SmallVector<Value> sizes;
    std::optional<Value> most = mostRows(kernel);
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (!type.isDynamicDim(i))
        continue;
      if (i == 0 && most) {
        sizes.push_back(*most);
        continue;
      }
      Value like;
      for (Value input : kernel.getInputs()) {
        auto other = cast<RankedTensorType>(input.getType());
        if (!like && i < other.getRank() && other.isDynamicDim(i))
          like = buffers.lookup(input);
      }
      if (!like)
        return kernel.emitOpError("expects an operand with the size of "
                                  "dimension ")
               << i << " of its result, got none";
      sizes.push_back(memref::DimOp::create(builder, loc, like, i));
    }
    // Between the kernels of a step values are as wide as in the covered op.
    bool leaves = isYielded(result);
    bool isFloat = isa<FloatType>(type.getElementType());
    Type element =
        leaves || !isFloat ? type.getElementType() : builder.getF32Type();
    Value buffer = allocateBuffer(type.getShape(), element, sizes, 0);
    buffers.map(argument, buffer);
    buffers.map(result, buffer);
  }
  blocks.assign(kernel.getCluster(), BlockState());
  bool counts = llvm::any_of(kernel.getBody().front(), [](Operation &op) {
    return isa<CountRowsOp>(op);
  });
  if (failed(lowerUnits(kernel)))
    return failure();
  loc = kernel.getLoc();
  for (Value result : kernel.getResults())
    if (isYielded(result)) {
      Value value = bufferization::ToTensorOp::create(
          builder, loc, result.getType(), buffers.lookup(result),
          /*restrict=*/true, /*writable=*/true);
      if (counts && typeOf(result).isDynamicDim(0))
        value = countedRows(kernel, value);
      tensors.map(result, value);
    }
  return success();
}

LogicalResult Host::lowerBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(lowerOp(&op)))
      return failure();
  return success();
}

LogicalResult Host::lowerOp(Operation *op) {
  loc = op->getLoc();
  auto done = [](auto) { return success(); };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<SmemAllocOp, TmemAllocOp, RegisterAllocOp, CountersAllocOp>(
          [&](auto op) { return allocate(op), success(); })
      .Case<ForTilesOp, ForRowsOp, ForDestinationsOp, ForHeadsOp,
            ForSequencesOp, ForCacheTilesOp, PipelineOp>(
          [&](auto op) { return lowerLoop(op); })
      .Case([&](TmaLoadOp op) { return load(op), success(); })
      .Case([&](TmaStoreOp op) { return store(op), success(); })
      .Case<WgmmaOp, Tcgen05MmaOp>(
          [&](auto op) { return product(op), success(); })
      .Case([&](Tcgen05CopyScalesOp op) { return copyScales(op), success(); })
      .Case([&](ConvertOp op) { return convert(op), success(); })
      .Case([&](EpilogueOp op) { return epilogue(op), success(); })
      .Case([&](ChooseOp op) { return choose(op), success(); })
      .Case([&](CountRowsOp op) { return count(op), success(); })
      .Case([&](RowLoadOp op) { return load(op), success(); })
      .Case([&](RowStoreOp op) { return store(op), success(); })
      .Case([&](RowMetadataOp op) { return accompany(op), success(); })
      .Case([&](SoftmaxStepOp op) { return takeScores(op), success(); })
      .Case([&](AttendOp op) { return attend(op), success(); })
      .Case([&](NormalizeOp op) { return normalize(op), success(); })
      .Case([&](StoreLogSumExpOp op) { return storeLogSumExp(op), success(); })
      // Views of global memory, whose elements may be wider here.
      .Case([&](memref::TransposeOp op) {
        buffers.map(op.getResult(),
                    memref::TransposeOp::create(builder, loc,
                                                buffers.lookup(op.getIn()),
                                                op.getPermutationAttr()));
        return success();
      })
      .Case([&](memref::CollapseShapeOp op) {
        buffers.map(op.getResult(),
                    memref::CollapseShapeOp::create(
                        builder, loc, buffers.lookup(op.getSrc()),
                        op.getReassociationIndices()));
        return success();
      })
      // The order of a pipeline is that of its loop.
      .Case<MbarrierInitOp, MbarrierWaitOp, MbarrierArriveOp, MbarrierExpectOp>(
          done)
      .Default([&](Operation *op) -> LogicalResult {
        if (isa<SwitchedDialect>(op->getDialect()) || op->getNumRegions())
          return op->emitOpError("has no meaning on the host");
        for (BlockState &block : blocks)
          builder.clone(*op, block.scalars);
        return success();
      });
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

LogicalResult Host::lowerLoop(ForTilesOp op) {
  Emit e = emit();
  OpBuilder::InsertionGuard guard(builder);
  Value counts = buffers.lookup(op.getCounts());
  Value zero = e.index(0), one = e.index(1);
  Value tokenTile = e.index(op.getTokenTile());
  Value experts = memref::DimOp::create(builder, loc, counts, 0);
  auto countOf = [&](Value expert) -> Value {
    Value held = memref::LoadOp::create(builder, loc, counts, expert);
    return e.max(e.cast(held, builder.getIndexType()), zero);
  };
  auto total =
      scf::ForOp::create(builder, loc, zero, experts, one, ValueRange{zero});
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(total.getBody());
    Value sum =
        e.add(total.getRegionIterArg(0), countOf(total.getInductionVar()));
    scf::YieldOp::create(builder, loc, sum);
  }
  // Units work in any order. The last expert comes first here, so that a tile
  // that is stored too far spoils rows that are done.
  auto perExpert = scf::ForOp::create(builder, loc, zero, experts, one,
                                      ValueRange{total.getResult(0)});
  builder.setInsertionPointToStart(perExpert.getBody());
  Value expert = e.sub(e.sub(experts, one), perExpert.getInductionVar());
  Value count = countOf(expert);
  Value start = e.sub(perExpert.getRegionIterArg(0), count);
  auto ended = scf::YieldOp::create(builder, loc, start);
  builder.setInsertionPoint(ended);
  auto perRows = scf::ForOp::create(builder, loc, zero, count, tokenTile);
  builder.setInsertionPointToStart(perRows.getBody());
  Value row = e.add(start, perRows.getInductionVar());
  Value left = e.min(e.sub(count, perRows.getInductionVar()), tokenTile);
  int64_t width = int64_t(op.getColumnTile());
  Value step = e.index(width * int64_t(blocks.size()));
  auto perColumns =
      scf::ForOp::create(builder, loc, zero, e.index(op.getColumns()), step);
  builder.setInsertionPointToStart(perColumns.getBody());
  Value column = perColumns.getInductionVar();
  for (auto [rank, block] : llvm::enumerate(blocks)) {
    Value own = rank ? e.add(column, e.index(int64_t(rank) * width)) : column;
    block.scalars.map(op.getBody().getArguments(),
                      ValueRange{expert, row, left, own});
  }
  return lowerBlock(op.getBody().front());
}

LogicalResult Host::lowerLoop(ForRowsOp op) {
  Emit e = emit();
  OpBuilder::InsertionGuard guard(builder);
  Value rows =
      memref::DimOp::create(builder, loc, buffers.lookup(op.getRows()), 0);
  Value zero = e.index(0), tile = e.index(op.getTile());
  // All blocks one after another, or the share of the one that runs.
  Value first = zero, end = rows;
  if (unit) {
    Value tiles = e.div(e.add(rows, e.sub(tile, e.index(1))), tile);
    auto [low, high] = shareOf(tiles);
    first = e.mul(low, tile);
    end = e.min(e.mul(high, tile), rows);
  }
  auto loop = scf::ForOp::create(builder, loc, first, end, tile);
  builder.setInsertionPointToStart(loop.getBody());
  Value row = loop.getInductionVar();
  Value left = e.min(e.sub(rows, row), tile);
  for (BlockState &block : blocks)
    block.scalars.map(op.getBody().getArguments(), ValueRange{row, left});
  return lowerBlock(op.getBody().front());
}

/// Sums start at 0 in the first step.
template <typename Mma>
static void collectSums(Block &block, SetVector<Value> &sums) {
  for (auto mma : block.getOps<Mma>())
    sums.insert(mma.getSums());
}

LogicalResult Host::lowerLoop(PipelineOp op) {
  Emit e = emit();
  OpBuilder::InsertionGuard guard(builder);
  SetVector<Value> sums;
  collectSums<WgmmaOp>(op.getConsume().front(), sums);
  collectSums<Tcgen05MmaOp>(op.getConsume().front(), sums);
  for (unsigned block = 0; block < blocks.size(); ++block)
    for (Value value : sums)
      fill(tile(block, value).data, 0);

  return lowerSides(op, op.getSteps(), op.getBlock(), op.getStages(),
                    op.getProduce(), op.getConsume(), [] {});
}

LogicalResult Host::lowerSides(Operation *op, int64_t steps, int64_t size,
                               int64_t stages, Region &produce, Region &consume,
                               llvm::function_ref<void()> before) {
  Emit e = emit();
  int64_t ahead = std::min(stages, steps) - 1;
  auto loop = scf::ForOp::create(builder, loc, e.index(0),
                                 e.index(steps + ahead), e.index(1));
  auto side = [&](Region &region, Value condition, Value number,
                  llvm::function_ref<void()> before) -> LogicalResult {
    auto guarded = scf::IfOp::create(builder, loc, condition, false);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(guarded.thenBlock());
    Emit e = emit();
    Value first = e.mul(number, e.index(size));
    Value stage = e.rem(number, e.index(stages));
    for (BlockState &block : blocks)
      block.scalars.map(region.getArguments(), ValueRange{first, stage});
    before();
    LogicalResult result = lowerBlock(region.front());
    loc = op->getLoc();
    return result;
  };
  builder.setInsertionPointToStart(loop.getBody());
  Value number = loop.getInductionVar();
  if (failed(side(produce, e.less(number, e.index(steps)), number, [] {})))
    return failure();
  Value behind = e.sub(number, e.index(ahead));
  return side(consume, e.less(e.index(-1), behind), behind, before);
}
