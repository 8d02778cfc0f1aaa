//===- Tokenwise.cpp - token-wise ops of one rank -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToSpmd/BodyEmitter.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe_to_spmd;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

int64_t lastDim(Value value) { return tensorOf(value).getShape().back(); }

} // namespace

LogicalResult BodyEmitter::emitEmbedding(moe::EmbeddingOp op) {
  FailureOr<Value> ids = activation(op.getIds());
  FailureOr<Value> table = replicated(op.getTable());
  if (failed(ids) || failed(table))
    return failure();
  define(op.getResult(),
         moe::EmbeddingOp::create(
             builder, op.getLoc(),
             rowsType(op, op.getResult(), lastDim(op.getResult())), *ids,
             *table));
  return success();
}

LogicalResult BodyEmitter::emitNorm(moe::RmsNormOp op) {
  OpRole role = roles.lookup(op);
  // A gain of all columns is divided as they are.
  int64_t columns = lastDim(op.getInput());
  bool isWhole = role.sharding == Sharding::columns &&
                 lastDim(op.getGain()) == columns && role.units > 0;
  DimSplit split;
  if (isWhole) {
    FailureOr<DimSplit> units = headSplit(op, role.units, columns);
    if (failed(units))
      return failure();
    split = *units;
  }
  FailureOr<Value> input = operand(op, op.getInput());
  FailureOr<Value> gain = outside(op.getGain(), {split});
  FailureOr<Value> shift = Value();
  if (op.getShift())
    shift = outside(op.getShift(), {split});
  if (failed(input) || failed(gain) || failed(shift))
    return failure();
  int64_t width = lastDim(*input), groups = op.getGroups();
  if (width % lastDim(*gain) != 0)
    return op.emitOpError("expects a gain of one head where heads are split, "
                          "got ")
           << op.getGain().getType();
  if (isWhole) {
    int64_t run = columns / groups;
    if (width % run != 0)
      return op.emitOpError("expects whole groups where heads are split, got ")
             << groups << " groups";
    groups = width / run;
  }
  Value normed =
      moe::RmsNormOp::create(builder, op.getLoc(), input->getType(), *input,
                             *gain, *shift, op.getEpsilonAttr(), i64(groups),
                             op.getGainOffsetAttr(), op.getCenteredAttr());
  if (!isRegional(op)) {
    define(op.getResult(), normed);
    return success();
  }
  if (region.lookup(op.getInput()).partial)
    return op.emitOpError("expects whole sums to normalize, got partial ones");
  defineRegional(op.getResult(), normed, /*partial=*/false);
  return success();
}

LogicalResult BodyEmitter::emitScale(moe::ScaleOp op) {
  FailureOr<Value> input = operand(op, op.getInput());
  if (failed(input))
    return failure();
  if (isRegional(op))
    return op.emitOpError("expects to be outside of the expert block");
  define(op.getResult(),
         moe::ScaleOp::create(builder, op.getLoc(), input->getType(), *input,
                              op.getFactorAttr(), op.getSoftCapAttr(),
                              op.getLimitAttr()));
  return success();
}

LogicalResult BodyEmitter::emitGate(moe::GateOp op) {
  FailureOr<Value> input = operand(op, op.getInput());
  // A gate that all tokens share is a weight.
  bool isShared = tensorOf(op.getGate()).getRank() == 1;
  FailureOr<Value> gate =
      isShared ? replicated(op.getGate()) : operand(op, op.getGate());
  if (failed(input) || failed(gate))
    return failure();
  Value gated = moe::GateOp::create(builder, op.getLoc(), input->getType(),
                                    *input, *gate, op.getActivationAttr());
  if (!isRegional(op)) {
    define(op.getResult(), gated);
    return success();
  }
  if (region.lookup(op.getGate()).partial)
    return op.emitOpError("expects a gate of whole sums, got partial ones");
  // A gated part is a part of what is gated.
  defineRegional(op.getResult(), gated, region.lookup(op.getInput()).partial);
  return success();
}

/// On the rows of the rank's sequences; every rank has all of the weights.
LogicalResult BodyEmitter::emitDecomposed(moe::DecomposedOp op) {
  if (roles.lookup(op).spansHeads && geometry.deployment.tp > 1)
    return op.emitOpError("expects all heads on one rank, got attention_tp ")
           << geometry.deployment.tp;
  bool isComplete = true;
  auto all = [&](ValueRange values, bool areWeights) {
    SmallVector<Value> result;
    for (Value value : values) {
      FailureOr<Value> local =
          areWeights ? replicated(value) : activation(value);
      isComplete &= succeeded(local);
      result.push_back(local.value_or(Value()));
    }
    return result;
  };
  SmallVector<Value> inputs = all(op.getInputs(), /*areWeights=*/false);
  SmallVector<Value> weights = all(op.getWeights(), /*areWeights=*/true);
  SmallVector<Value> tables = all(op.getTables(), /*areWeights=*/true);
  if (!isComplete)
    return failure();
  Type type = rowsType(op, op.getResult(), lastDim(op.getResult()));
  define(op.getResult(),
         moe::DecomposedOp::create(
             builder, op.getLoc(), type, inputs, weights, tables,
             op.getMatmulOperationsAttr(), op.getVectorOperationsAttr(),
             op.getTranscendentalOperationsAttr(), op.getBytesReadAttr(),
             op.getBytesWrittenAttr(), op.getWidestBytesAttr(),
             op.getKernelsAttr()));
  return success();
}

LogicalResult BodyEmitter::emitRope(moe::RopeOp op) {
  FailureOr<Value> input = activation(op.getInput());
  FailureOr<Value> positions = activation(op.getPositions());
  FailureOr<Value> cosine = replicated(op.getCosine());
  FailureOr<Value> sine = replicated(op.getSine());
  if (failed(input) || failed(positions) || failed(cosine) || failed(sine))
    return failure();
  define(op.getResult(),
         moe::RopeOp::create(builder, op.getLoc(), input->getType(), *input,
                             *positions, *cosine, *sine, op.getHeadWidthAttr(),
                             op.getOffsetAttr(), op.getInterleavedAttr(),
                             op.getInverseAttr()));
  return success();
}

LogicalResult BodyEmitter::emitAdd(moe::AddOp op) {
  FailureOr<Value> lhs = operand(op, op.getLhs());
  FailureOr<Value> rhs = operand(op, op.getRhs());
  if (failed(lhs) || failed(rhs))
    return failure();
  Value sum =
      moe::AddOp::create(builder, op.getLoc(), lhs->getType(), *lhs, *rhs,
                         op.getLhsScaleAttr(), op.getRhsScaleAttr());
  if (!isRegional(op)) {
    define(op.getResult(), sum);
    return success();
  }
  bool left = region.lookup(op.getLhs()).partial;
  bool right = region.lookup(op.getRhs()).partial;
  if (left != right)
    return op.emitOpError("expects two partial sums or none in an expert block "
                          "without an exchange");
  defineRegional(op.getResult(), sum, left);
  return success();
}

LogicalResult BodyEmitter::emitLinear(moe::LinearOp op) {
  OpRole role = roles.lookup(op);
  int64_t inner = lastDim(op.getInput()), outerWidth = lastDim(op.getWeight());
  DimSplit rows, columns;
  if (role.sharding == Sharding::columns) {
    FailureOr<DimSplit> split = headSplit(op, role.units, outerWidth);
    if (failed(split))
      return failure();
    columns = *split;
  } else if (role.sharding == Sharding::contracted) {
    FailureOr<DimSplit> split = headSplit(op, role.units, inner);
    if (failed(split))
      return failure();
    rows = *split;
  }
  // Each of the ranks that share a contraction adds its share of the bias.
  int64_t biasShare = op.getBiasShare();
  if (role.sharding == Sharding::contracted)
    biasShare *= rows.parts;
  FailureOr<Value> input = operand(op, op.getInput());
  FailureOr<Value> weight = outside(op.getWeight(), {rows, columns});
  FailureOr<Value> bias = Value();
  if (op.getBias())
    bias = outside(op.getBias(), {columns});
  if (failed(input) || failed(weight) || failed(bias))
    return failure();
  auto [weightFormat, activationFormat] =
      projection(op, op.getWeightFormat(), op.getActivationFormat());
  Value result = moe::LinearOp::create(
      builder, op.getLoc(), rowsType(op, op.getResult(), lastDim(*weight)),
      *input, *weight, *bias, op.getLastPositionAttr(), weightFormat,
      activationFormat, i64(biasShare));
  Group group = geometry.tensorGroup();
  if (role.sharding == Sharding::contracted)
    result = allReduce(op.getLoc(), result, group);
  if (role.gatherColumns) {
    SmallVector<int64_t> sizes =
        spmd::blockSizes(outerWidth / columns.unit, columns.parts);
    for (int64_t &size : sizes)
      size *= columns.unit;
    if (columns.parts != group.size)
      return op.emitOpError("expects at least one column per rank of ")
             << group.size << ", got " << outerWidth;
    result = allGather(op.getLoc(), result, group,
                       tensorOf(result).getRank() - 1, sizes, {})
                 .front();
  }
  if (!isRegional(op)) {
    define(op.getResult(), result);
    return success();
  }
  // The projection of a part is a part of the projection.
  bool partial = region.lookup(op.getInput()).partial;
  if (partial && op.getBias())
    return op.emitOpError("expects no bias where the input is a partial sum");
  defineRegional(op.getResult(), result, partial);
  return success();
}

LogicalResult BodyEmitter::emitMlp(moe::MlpOp op) {
  // As in Partition.cpp: a shared expert beside an exchange is whole, without
  // one it is split over the stage; any other block is split over tp.
  const Deployment &deployment = geometry.deployment;
  DimSplit inner;
  if (!isRegional(op))
    inner.parts = deployment.tp;
  else if (!problem.exchanges())
    inner.parts = deployment.stageSize;
  FailureOr<Value> input = operand(op, op.getInput());
  FailureOr<Value> gate = Value();
  if (op.getGate())
    gate = outside(op.getGate(), {geometry.whole(), inner});
  FailureOr<Value> up = outside(op.getUp(), {geometry.whole(), inner});
  FailureOr<Value> down = outside(op.getDown(), {inner, geometry.whole()});
  if (failed(input) || failed(gate) || failed(up) || failed(down))
    return failure();
  Value result = moe::MlpOp::create(
      builder, op.getLoc(), rowsType(op, op.getResult(), lastDim(*down)),
      *input, *gate, *up, *down, op.getActivationAttr(),
      feedForwardWeight(op.getWeightFormat()),
      feedForwardActivation(op.getActivationFormat()), op.getLimitAttr(),
      op.getAlphaAttr(), op.getLinearOffsetAttr(), op.getGateCapAttr(),
      op.getLinearCapAttr(), op.getLimitsActivatedAttr());
  if (isRegional(op)) {
    // On a stage of one rank the only part is the sum, as for the experts.
    defineRegional(op.getResult(), result, /*partial=*/!problem.exchanges());
    return success();
  }
  result = allReduce(op.getLoc(), result, geometry.tensorGroup());
  define(op.getResult(), result);
  return success();
}

/// Every rank mixes the streams of its own rows.
LogicalResult BodyEmitter::emitDepthAttention(moe::DepthAttentionOp op) {
  FailureOr<Value> sealed = activation(op.getSealed());
  FailureOr<Value> current = activation(op.getCurrent());
  FailureOr<Value> gain = replicated(op.getGain());
  FailureOr<Value> query = replicated(op.getQuery());
  if (failed(sealed) || failed(current) || failed(gain) || failed(query))
    return failure();
  define(op.getResult(), moe::DepthAttentionOp::create(
                             builder, op.getLoc(), current->getType(), *sealed,
                             *current, *gain, *query, op.getEpsilonAttr()));
  return success();
}

/// As above: what a token's streams are mixed by follows from them alone.
LogicalResult BodyEmitter::emitReadStreams(moe::ReadStreamsOp op) {
  FailureOr<Value> streams = activation(op.getStreams());
  FailureOr<Value> projection = replicated(op.getProjection());
  FailureOr<Value> scales = replicated(op.getScales());
  FailureOr<Value> base = replicated(op.getBase());
  if (failed(streams) || failed(projection) || failed(scales) || failed(base))
    return failure();
  Type mix;
  if (op.getMix())
    mix = rowsType(op, op.getMix(), lastDim(op.getMix()));
  auto local = moe::ReadStreamsOp::create(
      builder, op.getLoc(),
      rowsType(op, op.getResult(), lastDim(op.getResult())), mix, *streams,
      *projection, *scales, *base, op.getEpsilonAttr(), op.getFloorAttr(),
      op.getRoundsAttr());
  define(op.getResult(), local.getResult());
  if (op.getMix())
    define(op.getMix(), local.getMix());
  return success();
}

LogicalResult BodyEmitter::emitWriteStreams(moe::WriteStreamsOp op) {
  FailureOr<Value> streams = activation(op.getStreams());
  FailureOr<Value> update = activation(op.getUpdate());
  FailureOr<Value> mix = activation(op.getMix());
  if (failed(streams) || failed(update) || failed(mix))
    return failure();
  define(op.getResult(),
         moe::WriteStreamsOp::create(builder, op.getLoc(), streams->getType(),
                                     *streams, *update, *mix));
  return success();
}

/// Streams side by side.
LogicalResult BodyEmitter::emitConcat(tensor::ConcatOp op) {
  if (int64_t(op.getDim()) + 1 != op.getResultType().getRank())
    return op.emitOpError("expects columns side by side, got dimension ")
           << op.getDim();
  SmallVector<Value> inputs;
  for (Value input : op.getInputs()) {
    FailureOr<Value> local = activation(input);
    if (failed(local))
      return failure();
    inputs.push_back(*local);
  }
  RankedTensorType local =
      rowsType(op, op.getResult(), lastDim(op.getResult()));
  // A rank or a half may be without sequences; there is no place in nothing.
  if (local.getNumElements() == 0) {
    define(op.getResult(),
           tensor::EmptyOp::create(builder, op.getLoc(), local.getShape(),
                                   local.getElementType()));
    return success();
  }
  define(op.getResult(),
         tensor::ConcatOp::create(builder, op.getLoc(), int64_t(op.getDim()),
                                  inputs));
  return success();
}

/// A slice of columns that every rank holds.
LogicalResult BodyEmitter::emitColumns(tensor::ExtractSliceOp op) {
  if (roles.lookup(op).sharding != Sharding::replicated)
    return op.emitOpError("expects a projection of its own for each operand of "
                          "attention, got a packed one");
  RankedTensorType type = op.getSourceType(), result = op.getType();
  ArrayRef<int64_t> offsets = op.getStaticOffsets();
  for (int64_t dim = 0; dim + 1 < type.getRank(); ++dim)
    if (result.getRank() != type.getRank() || offsets[dim] != 0 ||
        result.getDimSize(dim) != type.getDimSize(dim))
      return op.emitOpError("expects a slice of columns, got ") << result;
  if (!op.hasUnitStride() || ShapedType::isDynamic(offsets.back()))
    return op.emitOpError("expects a slice at static offsets with stride 1");
  FailureOr<Value> input = activation(op.getSource());
  if (failed(input))
    return failure();
  RankedTensorType local =
      rowsType(op, op.getResult(), lastDim(op.getResult()));
  define(op.getResult(),
         sliceOf(builder, op.getLoc(), *input, offsets, local.getShape()));
  return success();
}
