//===- LocalOps.cpp - local spmd ops to loops -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops over tensors; bufferization updates the carried tensors in place.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SpmdToRuntime/Lowering.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::spmd_to_runtime;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Offsets of pieces of these sizes.
SmallVector<int64_t> offsetsOf(ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> offsets;
  int64_t sum = 0;
  for (int64_t size : sizes) {
    offsets.push_back(sum);
    sum += size;
  }
  return offsets;
}

using LoopBody =
    llvm::function_ref<SmallVector<Value>(Value iteration, ValueRange carried)>;

/// for i in [0, end) with carried values.
SmallVector<Value> emitLoop(OpBuilder &builder, Location loc, Value end,
                            ValueRange init, LoopBody body) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto loop = scf::ForOp::create(builder, loc, zero, end, one, init);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(builder, loc, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// if (condition) the values of `body`, else `otherwise`.
SmallVector<Value> emitIf(OpBuilder &builder, Location loc, Value condition,
                          ValueRange otherwise,
                          llvm::function_ref<SmallVector<Value>()> body) {
  auto branch = scf::IfOp::create(builder, loc, otherwise.getTypes(), condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(builder, loc, body());
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, otherwise);
  return llvm::to_vector_of<Value>(branch.getResults());
}

} // namespace

FailureOr<Values> Lowering::slice(spmd::SliceOp op) {
  // No offset is inside of nothing: there may be more ranks than rows.
  if (tensorOf(op.getResult()).getNumElements() == 0)
    return Values{tensor::EmptyOp::create(
        builder, loc(), tensorOf(op.getResult()).getShape(),
        tensorOf(op.getResult()).getElementType())};
  // One after the other: compilers differ in the order of arguments.
  Value starts = indexTable(offsetsOf(op.getSizes()));
  Value offset = at(starts, member(op.getGroup()));
  RankedTensorType type = tensorOf(op.getResult());
  SmallVector<OpFoldResult> offsets, sizes, strides;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    offsets.push_back(int64_t(dim) == int64_t(op.getDim())
                          ? OpFoldResult(offset)
                          : builder.getIndexAttr(0));
    sizes.push_back(builder.getIndexAttr(size));
    strides.push_back(builder.getIndexAttr(1));
  }
  return Values{tensor::ExtractSliceOp::create(
      builder, loc(), type, op.getInput(), offsets, sizes, strides)};
}

FailureOr<Values> Lowering::localize(spmd::LocalizeOp op) {
  SmallVector<int64_t> offsets =
      offsetsOf(spmd::blockSizes(op.getExperts(), op.getGroup().getSize()));
  Value table = indexTable(offsets);
  Value first = at(table, member(op.getGroup()));
  first =
      arith::IndexCastOp::create(builder, loc(), builder.getI32Type(), first);
  RankedTensorType type = op.getType();
  AffineMap map = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  Value empty = tensor::EmptyOp::create(
      builder, loc(), tensor::getMixedSizes(builder, loc(), op.getIndices()),
      type.getElementType());
  auto generic = linalg::GenericOp::create(
      builder, loc(), TypeRange(type), ValueRange(op.getIndices()),
      ValueRange(empty), ArrayRef<AffineMap>{map, map}, iterators,
      [&](OpBuilder &inner, Location at, ValueRange values) {
        Value local = arith::SubIOp::create(inner, at, values[0], first);
        linalg::YieldOp::create(inner, at, local);
      });
  return Values{generic.getResult(0)};
}

FailureOr<Values> Lowering::chooseCopy(spmd::ChooseCopyOp op) {
  // The slots of each expert one after another, where they begin, and how many
  // there are.
  SmallVector<SmallVector<int64_t>> slotsOf(op.getExperts());
  for (auto [slot, expert] : llvm::enumerate(op.getSlots()))
    slotsOf[expert].push_back(slot);
  SmallVector<int64_t> all, counts;
  for (ArrayRef<int64_t> slots : slotsOf) {
    llvm::append_range(all, slots);
    counts.push_back(slots.size());
  }
  Value table = indexTable(all), first = indexTable(offsetsOf(counts)),
        count = indexTable(counts), last = index(op.getExperts() - 1),
        zero = index(0);
  RankedTensorType type = op.getType();
  AffineMap map = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  Value empty = tensor::EmptyOp::create(
      builder, loc(), tensor::getMixedSizes(builder, loc(), op.getIndices()),
      type.getElementType());
  SmallVector<Value> extents;
  for (int64_t dim = 0; dim + 1 < type.getRank(); ++dim)
    extents.push_back(extent(op.getIndices(), dim));
  auto generic = linalg::GenericOp::create(
      builder, loc(), TypeRange(type), ValueRange(op.getIndices()),
      ValueRange(empty), ArrayRef<AffineMap>{map, map}, iterators,
      [&](OpBuilder &inner, Location at, ValueRange values) {
        // The token's number over all dimensions but the last.
        Value token = linalg::IndexOp::create(inner, at, 0);
        for (int64_t dim = 1; dim + 1 < type.getRank(); ++dim) {
          token = arith::MulIOp::create(inner, at, token, extents[dim]);
          token = arith::AddIOp::create(
              inner, at, token, linalg::IndexOp::create(inner, at, dim));
        }
        Value expert = arith::IndexCastOp::create(
            inner, at, inner.getIndexType(), values[0]);
        expert = arith::MaxSIOp::create(inner, at, expert, zero);
        expert = arith::MinSIOp::create(inner, at, expert, last);
        auto read = [&](Value from, Value index) -> Value {
          return tensor::ExtractOp::create(inner, at, from, index);
        };
        Value copy =
            arith::RemUIOp::create(inner, at, token, read(count, expert));
        Value slot = read(
            table, arith::AddIOp::create(inner, at, read(first, expert), copy));
        linalg::YieldOp::create(inner, at,
                                Value(arith::IndexCastOp::create(
                                    inner, at, inner.getI32Type(), slot)));
      });
  return Values{generic.getResult(0)};
}

FailureOr<Values> Lowering::pack(spmd::PackOp op) {
  // For each expert the block of ranks that holds it, and that block's first.
  int64_t ranks = op.getGroup().getSize(), spread = op.getExpertTensor();
  int64_t blocks = ranks / spread, holders = op.getHolders();
  SmallVector<int64_t> owners, firsts;
  auto firstOf = [&](int64_t block) {
    return spmd::blockOffset(op.getExperts(), blocks * holders,
                             block * holders);
  };
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t i = firstOf(block); i < firstOf(block + 1); ++i) {
      owners.push_back(block);
      firsts.push_back(firstOf(block));
    }
  // A choice that is not there has no owner.
  owners.push_back(blocks);
  firsts.push_back(0);
  Value owner = indexTable(owners), first = indexTable(firsts);
  Value tokens = extent(op.getInput(), 0);
  Value choices = extent(op.getIndices(), 1);
  Value isFalse = arith::ConstantIntOp::create(builder, loc(), 0, 1);
  Value last = index(op.getExperts() - 1), nobody = index(op.getExperts());
  // Choices above the experts are clamped, as everywhere (they come from a
  // route and cannot occur).
  auto expertAt = [&](Value token, Value choice) -> Value {
    Value expert = toIndex(at(op.getIndices(), {token, choice}));
    Value isThere = arith::CmpIOp::create(
        builder, loc(), arith::CmpIPredicate::sge, expert, index(0));
    expert = arith::MinSIOp::create(builder, loc(), expert, last);
    return arith::SelectOp::create(builder, loc(), isThere, expert, nobody);
  };
  auto isAt = [&](Value expert, Value block) -> Value {
    return arith::CmpIOp::create(builder, loc(), arith::CmpIPredicate::eq,
                                 at(owner, expert), block);
  };
  auto blockOf = [&](Value rank) -> Value {
    return arith::DivUIOp::create(builder, loc(), rank, index(spread));
  };
  auto isNeeded = [&](Value token, Value block) -> Value {
    return emitLoop(builder, loc(), choices, ValueRange(isFalse),
                    [&](Value choice, ValueRange carried) {
                      Value hit = isAt(expertAt(token, choice), block);
                      Value any =
                          arith::OrIOp::create(builder, loc(), carried[0], hit);
                      return SmallVector<Value>{any};
                    })
        .front();
  };

  // Rows per rank, then the rows themselves.
  Value one = arith::ConstantIntOp::create(builder, loc(), 1, 32);
  Value none = arith::ConstantIntOp::create(builder, loc(), 0, 32);
  Value counts = tensor::EmptyOp::create(builder, loc(),
                                         tensorOf(op.getCounts()).getShape(),
                                         builder.getI32Type());
  counts =
      emitLoop(builder, loc(), index(ranks), ValueRange(counts),
               [&](Value rank, ValueRange carried) {
                 Value block = blockOf(rank);
                 Value count =
                     emitLoop(builder, loc(), tokens, ValueRange(none),
                              [&](Value token, ValueRange sum) {
                                Value more = arith::SelectOp::create(
                                    builder, loc(), isNeeded(token, block), one,
                                    none);
                                return SmallVector<Value>{arith::AddIOp::create(
                                    builder, loc(), sum[0], more)};
                              })
                         .front();
                 return SmallVector<Value>{tensor::InsertOp::create(
                     builder, loc(), count, carried[0], rank)};
               })
          .front();
  Value rows = sumOf(counts);
  Value width = extent(op.getInput(), 1);
  auto empty = [&](Value like) -> Value {
    RankedTensorType type = tensorOf(like);
    SmallVector<OpFoldResult> sizes = {rows};
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      sizes.push_back(builder.getIndexAttr(type.getDimSize(dim)));
    return tensor::EmptyOp::create(builder, loc(), sizes,
                                   type.getElementType());
  };
  Values init = {index(0), empty(op.getRows()), empty(op.getRowWeights()),
                 empty(op.getRowIndices()), empty(op.getTokens())};
  Value minusOne = arith::ConstantIntOp::create(builder, loc(), -1, 32);
  auto fillRow = [&](Value token, Value block, ValueRange carried) {
    Value row = carried[0];
    Values next = emitLoop(
        builder, loc(), width, ValueRange(carried[1]),
        [&](Value column, ValueRange inner) {
          Value element = at(op.getInput(), {token, column});
          return SmallVector<Value>{tensor::InsertOp::create(
              builder, loc(), element, inner[0], ValueRange{row, column})};
        });
    Values metadata = emitLoop(
        builder, loc(), choices, ValueRange{carried[2], carried[3]},
        [&](Value choice, ValueRange inner) {
          Value expert = expertAt(token, choice);
          Value local =
              arith::SubIOp::create(builder, loc(), expert, at(first, expert));
          local = arith::IndexCastOp::create(builder, loc(),
                                             builder.getI32Type(), local);
          local = arith::SelectOp::create(builder, loc(), isAt(expert, block),
                                          local, minusOne);
          SmallVector<Value> place = {row, choice};
          Value weight = at(op.getWeights(), {token, choice});
          return SmallVector<Value>{
              tensor::InsertOp::create(builder, loc(), weight, inner[0], place),
              tensor::InsertOp::create(builder, loc(), local, inner[1], place)};
        });
    Value number =
        arith::IndexCastOp::create(builder, loc(), builder.getI32Type(), token);
    Value after = arith::AddIOp::create(builder, loc(), row, index(1));
    return SmallVector<Value>{
        after, next[0], metadata[0], metadata[1],
        tensor::InsertOp::create(builder, loc(), number, carried[4], row)};
  };
  Values filled = emitLoop(
      builder, loc(), index(ranks), init, [&](Value rank, ValueRange outer) {
        Value block = blockOf(rank);
        return emitLoop(builder, loc(), tokens, outer,
                        [&](Value token, ValueRange carried) {
                          return emitIf(
                              builder, loc(), isNeeded(token, block), carried,
                              [&] { return fillRow(token, block, carried); });
                        });
      });
  return Values{filled[1], filled[2], filled[3], filled[4], counts};
}

FailureOr<Values> Lowering::unpack(spmd::UnpackOp op) {
  RankedTensorType type = tensorOf(op.getResult());
  Value zero = arith::ConstantOp::create(
      builder, loc(), builder.getZeroAttr(type.getElementType()));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(
      builder, loc(), op.getPacked() ? op.getPacked() : op.getRows());
  sizes.resize(2);
  if (!type.isDynamicDim(0))
    sizes[0] = builder.getIndexAttr(type.getDimSize(0));
  sizes[1] = builder.getIndexAttr(type.getDimSize(1));
  Value sums =
      tensor::EmptyOp::create(builder, loc(), sizes, type.getElementType());
  sums = linalg::FillOp::create(builder, loc(), zero, sums).getResult(0);
  Value width = index(type.getDimSize(1));
  return emitLoop(
      builder, loc(), extent(op.getRows(), 0), ValueRange(sums),
      [&](Value row, ValueRange carried) {
        Value token = toIndex(at(op.getTokens(), row));
        return emitLoop(
            builder, loc(), width, carried,
            [&](Value column, ValueRange inner) {
              Value sum = at(inner[0], {token, column});
              sum = arith::AddFOp::create(builder, loc(), sum,
                                          at(op.getRows(), {row, column}));
              return SmallVector<Value>{tensor::InsertOp::create(
                  builder, loc(), sum, inner[0], ValueRange{token, column})};
            });
      });
}

FailureOr<Values> Lowering::mergePartials(spmd::MergePartialsOp op) {
  RankedTensorType type = tensorOf(op.getResult());
  RankedTensorType lseType = tensorOf(op.getLogSumExp());
  int64_t batch = type.getDimSize(0), width = type.getDimSize(2);
  int64_t perHead = width / lseType.getDimSize(2);
  Type element = type.getElementType();
  Value parts = index(op.getParts());
  Value lowest = arith::ConstantOp::create(
      builder, loc(),
      builder.getFloatAttr(
          lseType.getElementType(),
          APFloat::getInf(
              cast<FloatType>(lseType.getElementType()).getFloatSemantics(),
              /*Negative=*/true)));
  Value zero = arith::ConstantOp::create(
      builder, loc(), builder.getZeroAttr(lseType.getElementType()));
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : type.getShape())
    sizes.push_back(builder.getIndexAttr(size));
  auto widen = [&](Value value) -> Value {
    if (value.getType() == lseType.getElementType())
      return value;
    return arith::ExtFOp::create(builder, loc(), lseType.getElementType(),
                                 value);
  };
  Value merged = tensor::EmptyOp::create(builder, loc(), sizes, element);
  Value tokens = index(type.getDimSize(1)), columns = index(width);
  auto mergeElement = [&](Value sequence, Value token, Value column) -> Value {
    Value head = arith::DivUIOp::create(builder, loc(), column, index(perHead));
    auto rowOf = [&](Value part) -> Value {
      Value base = arith::MulIOp::create(builder, loc(), part, index(batch));
      return arith::AddIOp::create(builder, loc(), base, sequence);
    };
    Value largest =
        emitLoop(builder, loc(), parts, ValueRange(lowest),
                 [&](Value part, ValueRange carried) {
                   Value lse =
                       at(op.getLogSumExp(), {rowOf(part), token, head});
                   return SmallVector<Value>{arith::MaximumFOp::create(
                       builder, loc(), carried[0], lse)};
                 })
            .front();
    Values sums = emitLoop(
        builder, loc(), parts, ValueRange{zero, zero},
        [&](Value part, ValueRange carried) {
          Value row = rowOf(part);
          Value lse = at(op.getLogSumExp(), {row, token, head});
          Value factor = math::ExpOp::create(
              builder, loc(),
              arith::SubFOp::create(builder, loc(), lse, largest));
          Value value = widen(at(op.getValues(), {row, token, column}));
          value = arith::MulFOp::create(builder, loc(), value, factor);
          return SmallVector<Value>{
              arith::AddFOp::create(builder, loc(), carried[0], value),
              arith::AddFOp::create(builder, loc(), carried[1], factor)};
        });
    Value result = arith::DivFOp::create(builder, loc(), sums[0], sums[1]);
    if (element != result.getType())
      result = arith::TruncFOp::create(builder, loc(), element, result);
    return result;
  };
  return emitLoop(
      builder, loc(), index(batch), ValueRange(merged),
      [&](Value sequence, ValueRange outer) {
        return emitLoop(
            builder, loc(), tokens, outer, [&](Value token, ValueRange middle) {
              return emitLoop(
                  builder, loc(), columns, middle,
                  [&](Value column, ValueRange inner) {
                    Value result = mergeElement(sequence, token, column);
                    return SmallVector<Value>{tensor::InsertOp::create(
                        builder, loc(), result, inner[0],
                        ValueRange{sequence, token, column})};
                  });
            });
      });
}
