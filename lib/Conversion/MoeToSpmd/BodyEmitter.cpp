//===- BodyEmitter.cpp - local ops of a layer for one rank ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operands, results, formats and collectives of the emitter, and the order of
// its ops. Values are of two kinds: rows of this rank's sequences ("full",
// equal on the tp * cp ranks that share them), and rows inside the expert block
// ("regional": this rank's slice of them, or partial sums without an exchange).
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToSpmd/BodyEmitter.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe_to_spmd;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

int64_t lastDim(Value value) { return tensorOf(value).getShape().back(); }

} // namespace

Value moe_to_spmd::sliceOf(OpBuilder &builder, Location loc, Value tensor,
                           ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes) {
  RankedTensorType type = tensorOf(tensor).clone(sizes);
  // A rank or a half may be without sequences; no offset is inside of nothing.
  if (type.getNumElements() == 0)
    return tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  SmallVector<OpFoldResult> at, extents, strides;
  for (auto [offset, size] : llvm::zip_equal(offsets, sizes)) {
    at.push_back(builder.getIndexAttr(offset));
    extents.push_back(builder.getIndexAttr(size));
    strides.push_back(builder.getIndexAttr(1));
  }
  return tensor::ExtractSliceOp::create(builder, loc, type, tensor, at, extents,
                                        strides);
}

BodyEmitter::BodyEmitter(const Problem &problem, const Geometry &geometry,
                         Operation *function, ArrayRef<Operation *> ops,
                         int half, OpBuilder &builder, Outer outer)
    : problem(problem), geometry(geometry), ops(ops), half(half),
      builder(builder), outer(outer), roles(rolesOf(function)) {}

LogicalResult BodyEmitter::emit() {
  Operation *last = nullptr;
  for (Operation *op : ops) {
    bool works = isa<WorkOpInterface>(op);
    // An expert block is left where the next op is outside, as in
    // Partition.cpp, whether that op reads its result or not.
    if (works && last && isRegional(last) && !isRegional(op) &&
        failed(activation(last->getResult(0))))
      return failure();
    if (failed(emitOp(op)))
      return failure();
    if (works)
      last = op;
  }
  return success();
}

LogicalResult BodyEmitter::emitOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](moe::EmbeddingOp op) { return emitEmbedding(op); })
      .Case([&](moe::RmsNormOp op) { return emitNorm(op); })
      .Case([&](moe::DecomposedOp op) { return emitDecomposed(op); })
      .Case([&](moe::RopeOp op) { return emitRope(op); })
      .Case([&](moe::LinearOp op) { return emitLinear(op); })
      .Case([&](moe::AddOp op) { return emitAdd(op); })
      .Case([&](moe::ScaleOp op) { return emitScale(op); })
      .Case([&](moe::GateOp op) { return emitGate(op); })
      .Case(
          [&](moe::ShortConvolutionOp op) { return emitShortConvolution(op); })
      .Case([&](moe::RecurrenceOp op) { return emitRecurrence(op); })
      .Case([&](moe::MlpOp op) { return emitMlp(op); })
      .Case([&](moe::AttentionOp op) { return emitAttention(op); })
      .Case([&](moe::LatentAttentionOp op) { return emitLatentAttention(op); })
      .Case([&](moe::IndexedLatentAttentionOp op) {
        return emitIndexedLatentAttention(op);
      })
      .Case([&](moe::ChosenLatentAttentionOp op) {
        return emitChosenLatentAttention(op);
      })
      .Case([&](moe::SharedAttentionOp op) { return emitSharedAttention(op); })
      .Case([&](moe::SparseAttentionOp op) { return emitSparseAttention(op); })
      .Case([&](moe::RouteOp op) { return emitRoute(op); })
      .Case([&](moe::DispatchOp op) { return emitDispatch(op); })
      .Case([&](moe::ExpertsOp op) { return emitExperts(op); })
      .Case([&](moe::CombineOp op) { return emitCombine(op); })
      .Case([&](moe::DepthAttentionOp op) { return emitDepthAttention(op); })
      .Case([&](moe::ReadStreamsOp op) { return emitReadStreams(op); })
      .Case([&](moe::WriteStreamsOp op) { return emitWriteStreams(op); })
      .Case([&](moe::PoolKeysOp op) { return emitPoolKeys(op); })
      .Case([&](moe::PooledAttentionOp op) { return emitPooledAttention(op); })
      .Case([&](moe::GroupedLinearOp op) { return emitGroupedLinear(op); })
      .Case([&](tensor::ConcatOp op) { return emitConcat(op); })
      .Case([&](tensor::ExtractSliceOp op) { return emitColumns(op); })
      .Case([&](func::ReturnOp) { return success(); })
      .Default([&](Operation *op) -> LogicalResult {
        return op->emitOpError(
            "expects an op that can be partitioned over ranks");
      });
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Layout BodyEmitter::batchLayout(Value value) const {
  Layout layout(tensorOf(value).getRank(), geometry.whole());
  layout[0] = geometry.batch();
  return layout;
}

FailureOr<Value> BodyEmitter::outside(Value value, const Layout &layout) {
  FailureOr<Value> local = outer(value, layout);
  if (failed(local) || half < 0 || layout.empty() || !layout[0].isBatch)
    return local;
  // One half of the sequences: views of the rank's own rows.
  SmallVector<int64_t> sizes(tensorOf(*local).getShape());
  SmallVector<int64_t> offsets(sizes.size(), 0);
  sizes[0] = geometry.localSequences(half);
  if (half == 1)
    offsets[0] = geometry.localSequences(0);
  return sliceOf(builder, value.getLoc(), *local, offsets, sizes);
}

FailureOr<Value> BodyEmitter::activation(Value value) {
  auto known = full.find(value);
  if (known != full.end())
    return known->second.value;
  if (region.contains(value))
    return leaveRegion(value);
  Layout layout = batchLayout(value);
  FailureOr<Value> local = outside(value, layout);
  if (succeeded(local))
    full[value] = {*local, layout};
  return local;
}

FailureOr<Value> BodyEmitter::regional(Value value) {
  auto known = region.find(value);
  if (known != region.end())
    return known->second.value;
  FailureOr<Value> whole = activation(value);
  if (failed(whole) || !problem.exchanges())
    return whole;
  // Rows [B,S,..] -> [B*S,..] -> this rank's slice of them.
  Location loc = value.getLoc();
  RankedTensorType type = tensorOf(*whole);
  if (type.getRank() != 3 && type.getRank() != 2)
    return emitError(loc, "expects rows [B,S,H] or [B,S] at the expert block, "
                          "got ")
           << type;
  SmallVector<int64_t> rows = geometry.equalRows(half);
  SmallVector<int64_t> shape(type.getShape().drop_front());
  shape[0] *= type.getDimSize(0);
  SmallVector<ReassociationIndices> merged = {{0, 1}};
  if (type.getRank() == 3)
    merged.push_back({2});
  Value slice = tensor::CollapseShapeOp::create(builder, loc, type.clone(shape),
                                                *whole, merged);
  Group group = geometry.equalGroup();
  if (group.size > 1) {
    shape[0] = rows[spmd::memberOf(group, geometry.rank)];
    slice = spmd::SliceOp::create(builder, loc, type.clone(shape), slice,
                                  groupAttr(group), i64(0),
                                  builder.getDenseI64ArrayAttr(rows));
  }
  region[value] = {slice, false};
  return slice;
}

FailureOr<Value> BodyEmitter::leaveRegion(Value value) {
  Regional inner = region.lookup(value);
  Location loc = value.getLoc();
  Value whole = inner.value;
  if (!problem.exchanges()) {
    if (inner.partial)
      whole = allReduce(loc, whole, geometry.stageGroup());
  } else {
    SmallVector<int64_t> rows = geometry.equalRows(half);
    whole = allGather(loc, whole, geometry.equalGroup(), 0, rows, {}).front();
    auto type = RankedTensorType::get(
        {geometry.localSequences(half), geometry.newTokens, lastDim(whole)},
        tensorOf(whole).getElementType());
    whole = tensor::ExpandShapeOp::create(
        builder, loc, type, whole,
        SmallVector<ReassociationIndices>{{0, 1}, {2}});
  }
  define(value, whole);
  return whole;
}

FailureOr<Value> BodyEmitter::operand(Operation *op, Value value) {
  return isRegional(op) ? regional(value) : activation(value);
}

FailureOr<Value> BodyEmitter::replicated(Value value) {
  return outside(value, Layout(tensorOf(value).getRank(), geometry.whole()));
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void BodyEmitter::define(Value original, Value value) {
  full[original] = {value, batchLayout(original)};
}

void BodyEmitter::define(Value original, Value value, Layout layout) {
  full[original] = {value, std::move(layout)};
}

void BodyEmitter::defineRegional(Value original, Value value, bool partial) {
  region[original] = {value, partial};
}

FailureOr<Local> BodyEmitter::result(Value value) {
  if (failed(activation(value)))
    return failure();
  return full.lookup(value);
}

RankedTensorType BodyEmitter::rowsType(Operation *op, Value original,
                                       int64_t width) const {
  RankedTensorType type = tensorOf(original);
  if (isRegional(op) && problem.exchanges()) {
    int64_t rows = geometry.equalRows(
        half)[spmd::memberOf(geometry.equalGroup(), geometry.rank)];
    return type.clone({rows, width});
  }
  SmallVector<int64_t> shape(type.getShape());
  shape.front() = geometry.localSequences(half);
  shape.back() = width;
  return type.clone(shape);
}

//===----------------------------------------------------------------------===//
// Splits, formats, loads
//===----------------------------------------------------------------------===//

/// Heads, or key-value heads, over the tensor-parallel ranks.
FailureOr<DimSplit> BodyEmitter::headSplit(Operation *op, int64_t units,
                                           int64_t width) const {
  int64_t tp = geometry.deployment.tp;
  if (units >= tp)
    return geometry.tensor(tp, width / units);
  if (tp % units == 0)
    return geometry.tensor(units, width / units);
  return op->emitOpError("expects heads that attention_tp ")
         << tp << " divides or is a multiple of, got " << units;
}

moe::FormatAttr
BodyEmitter::feedForwardWeight(std::optional<moe::FormatAttr> own) const {
  if (!problem.hasFormats())
    return own.value_or(moe::FormatAttr());
  return moe::formatAttrOf(builder.getContext(),
                           problem.plan.formats(PlanClass::weightFormat));
}

moe::FormatAttr
BodyEmitter::feedForwardActivation(std::optional<moe::FormatAttr> own) const {
  if (!problem.hasFormats())
    return own.value_or(moe::FormatAttr());
  return moe::formatAttrOf(builder.getContext(),
                           problem.plan.formats(PlanClass::activationFormat));
}

moe::FormatAttr
BodyEmitter::attentionWeight(std::optional<moe::FormatAttr> own) const {
  if (!problem.hasFormats())
    return own.value_or(moe::FormatAttr());
  FormatPair weight = problem.plan.formats(PlanClass::weightFormat);
  if (bitsPerElement(weight.storage) < 8) {
    Format wider = *nextWider(weight.storage);
    if (weight.compute == weight.storage)
      weight.compute = wider;
    weight.storage = wider;
  }
  return moe::formatAttrOf(builder.getContext(), weight);
}

/// Weight and activation format of an attention projection: at least 8 bits.
std::pair<moe::FormatAttr, moe::FormatAttr>
BodyEmitter::projection(Operation *op, std::optional<moe::FormatAttr> weight,
                        std::optional<moe::FormatAttr> activation) const {
  std::pair<moe::FormatAttr, moe::FormatAttr> own = {
      weight.value_or(moe::FormatAttr()),
      activation.value_or(moe::FormatAttr())};
  bool isNarrow =
      own.first && bitsPerElement(moe::formatPairOf(own.first).storage) < 16;
  if (!problem.hasFormats() || (roles.lookup(op).gatherColumns && !isNarrow))
    return own;
  FormatPair values = problem.plan.formats(PlanClass::activationFormat);
  if (bitsPerElement(values.storage) < 8)
    values.storage = *nextWider(values.storage);
  return {attentionWeight(weight),
          moe::formatAttrOf(builder.getContext(), values)};
}

moe::FormatAttr BodyEmitter::cache(std::optional<moe::FormatAttr> own) const {
  if (!problem.hasFormats())
    return own.value_or(moe::FormatAttr());
  return moe::formatAttrOf(builder.getContext(),
                           problem.plan.formats(PlanClass::kvFormat));
}

/// What rows travel in to their experts.
moe::FormatAttr BodyEmitter::sent() const {
  return feedForwardActivation(std::nullopt);
}

moe::LoadAttr BodyEmitter::load(double mean, double max, double hit) const {
  // An expectation never exceeds all rows of the stage on every choice.
  int64_t capacity =
      std::max(int64_t(std::ceil(max)),
               geometry.totalRows(half) *
                   std::max(problem.topK, geometry.deployment.stageSize));
  return moe::LoadAttr::get(builder.getContext(), std::min(mean, max), max,
                            capacity, hit);
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

spmd::GroupAttr BodyEmitter::groupAttr(Group group) const {
  return spmd::GroupAttr::get(builder.getContext(), group.size, group.stride);
}

Value BodyEmitter::allReduce(Location loc, Value value, Group group) {
  if (group.size <= 1)
    return value;
  return spmd::AllReduceOp::create(builder, loc, value.getType(), value,
                                   groupAttr(group), moe::FormatAttr());
}

SmallVector<Value> BodyEmitter::allGather(Location loc, ValueRange values,
                                          Group group, int64_t dim,
                                          ArrayRef<int64_t> sizes,
                                          moe::FormatAttr format) {
  if (group.size <= 1)
    return SmallVector<Value>(values);
  int64_t total = 0;
  for (int64_t size : sizes)
    total += size;
  SmallVector<Type> types;
  for (Value value : values) {
    SmallVector<int64_t> shape(tensorOf(value).getShape());
    shape[dim] = total;
    types.push_back(tensorOf(value).clone(shape));
  }
  auto gathered = spmd::AllGatherOp::create(
      builder, loc, types, values, groupAttr(group), i64(dim),
      builder.getDenseI64ArrayAttr(sizes), format);
  return SmallVector<Value>(gathered.getResults());
}
