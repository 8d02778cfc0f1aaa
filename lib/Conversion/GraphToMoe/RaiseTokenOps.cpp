//===- RaiseTokenOps.cpp - rules for token-wise nodes ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Embedding, norms, projections and sums.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Idioms.h"
#include "lib/Conversion/GraphToMoe/NarrowWeights.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// The number of results that are used, from the first one on.
unsigned usedResults(graph::NodeOp node) {
  unsigned count = 0;
  for (auto [index, value] : llvm::enumerate(node.getOutputs()))
    if (!value.use_empty())
      count = index + 1;
  return count;
}

//===----------------------------------------------------------------------===//
// Embedding
//===----------------------------------------------------------------------===//

LogicalResult raiseGather(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  attributes.expect("axis", 0);
  if (failed(raiser.check(attributes)))
    return failure();
  Value table = node.input(0), ids = raiser.raised(node.input(1));
  RankedTensorType idsType = typeOf(ids);
  if (!isWeight(table, 2) || idsType.getRank() == 0 ||
      !isa<IntegerType>(idsType.getElementType()))
    return raiser.fail("expects rows of a weight matrix by integer ids");
  SmallVector<int64_t> shape(idsType.getShape());
  shape.push_back(lastDim(table));
  auto type = RankedTensorType::get(shape, typeOf(table).getElementType());
  Value rows =
      moe::EmbeddingOp::create(raiser.body, node.getLoc(), type, ids, table);
  raiser.raise(node.getOutputs()[0], rows, ids);
  return success();
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// A norm's epsilon keeps its root defined.
LogicalResult checkEpsilon(double epsilon, Raiser &raiser) {
  if (epsilon >= 0 && std::isfinite(epsilon))
    return success();
  return raiser.fail("expects a finite epsilon >= 0, got " +
                     Twine(std::to_string(epsilon)));
}

LogicalResult emitNorm(graph::NodeOp node, Raiser &raiser, Value input,
                       Value gain, double epsilon, Value result) {
  if (!isWeight(gain, 1))
    return raiser.fail("expects an initialiser of rank 1 as gain");
  if (failed(checkEpsilon(epsilon, raiser)))
    return failure();
  RankedTensorType type = typeOf(input);
  if (type.getRank() < 1 || ShapedType::isDynamic(type.getShape().back()) ||
      lastDim(gain) == 0 || type.getShape().back() % lastDim(gain) != 0)
    return raiser.fail("expects a gain whose size divides the width");
  Value norm =
      moe::RmsNormOp::create(raiser.body, node.getLoc(), type, input, gain,
                             raiser.body.getF64FloatAttr(epsilon));
  raiser.raise(result, norm, input);
  return success();
}

/// Reads the attributes of SimplifiedLayerNormalization or RMSNormalization.
FailureOr<double> readNorm(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  int64_t axis = attributes.integer("axis", -1);
  attributes.expect("stash_type", 1);
  double epsilon = attributes.number("epsilon", 1e-5);
  int64_t rank = raiser.facts.rank(node.input(0));
  if (axis != -1 && axis != rank - 1)
    return raiser.fail("attribute 'axis' expects the last dimension, got " +
                       Twine(axis));
  if (failed(raiser.check(attributes)))
    return failure();
  if (usedResults(node) > 1)
    return raiser.fail("expects one used result, got more");
  return epsilon;
}

LogicalResult raiseNorm(graph::NodeOp node, Raiser &raiser) {
  FailureOr<double> epsilon = readNorm(node, raiser);
  if (failed(epsilon))
    return failure();
  const View *view = raiser.view(node.input(0));
  Value input = view ? view->base : raiser.raised(node.input(0));
  if ((view && !view->isWhole()) || !isWeight(node.input(1), 1) ||
      typeOf(input).getRank() == 0 ||
      (view ? view->width : lastDim(input)) != lastDim(node.input(1)))
    return raiser.fail("expects a gain of the width of the input");
  if (view) {
    View normed = *view;
    normed.base = moe::RmsNormOp::create(raiser.body, node.getLoc(),
                                         input.getType(), input, node.input(1),
                                         raiser.body.getF64FloatAttr(*epsilon));
    raiser.raise(normed.base, normed.base, input);
    raiser.raiseView(node.getOutputs()[0], normed);
    return success();
  }
  return emitNorm(node, raiser, input, node.input(1), *epsilon,
                  node.getOutputs()[0]);
}

Value addBias(Value product, Value bias, Raiser &raiser);

LogicalResult raiseSkipNorm(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  double epsilon = attributes.number("epsilon", 1e-5);
  if (failed(raiser.check(attributes)))
    return failure();
  // The bias is that of a projection which was fused into the sum.
  if (Value bias = node.input(3); bias &&
                                  !addBias(node.input(0), bias, raiser) &&
                                  !addBias(node.input(1), bias, raiser))
    return raiser.fail("expects the bias of a product among the two inputs");
  for (unsigned index : {1, 2})
    if (node.hasOutput(index) && !node.getOutputs()[index].use_empty())
      return raiser.fail("expects the mean and variance to be unused");
  Value lhs = raiser.raised(node.input(0)), rhs = raiser.raised(node.input(1));
  if (lhs.getType() != rhs.getType())
    return raiser.fail("expects two inputs of one shape");
  Value sum = moe::AddOp::create(raiser.body, partOf(node, "add"), lhs, rhs);
  if (node.hasOutput(3))
    raiser.raise(node.getOutputs()[3], sum, lhs);
  raiser.raise(sum, sum, lhs);
  return emitNorm(node, raiser, sum, node.input(2), epsilon,
                  node.getOutputs()[0]);
}

/// A norm of single nodes, over the width or over each head.
bool isPlainNorm(graph::NodeOp node, Raiser &raiser) {
  return bool(matchNorm(node, raiser.facts));
}

void needsPlainNorm(graph::NodeOp node, Raiser &raiser, Values &values) {
  std::optional<NormForm> form = matchNorm(node, raiser.facts);
  values.append({form->input, form->gain});
}

LogicalResult raisePlainNorm(graph::NodeOp node, Raiser &raiser) {
  std::optional<NormForm> form = matchNorm(node, raiser.facts);
  Value result = node.getOutputs()[0];
  const View *view = raiser.view(form->input);
  Value input = view ? view->base : raiser.raised(form->input);
  if ((view && !view->isWhole()) || typeOf(input).getRank() == 0 ||
      lastDim(form->gain) != (view ? view->width : lastDim(input)))
    return raiser.fail("expects a gain of the width of the input");
  if (failed(checkEpsilon(form->epsilon, raiser)))
    return failure();
  Value norm = moe::RmsNormOp::create(
      raiser.body, node.getLoc(), input.getType(), input, form->gain,
      raiser.body.getF64FloatAttr(form->epsilon));
  if (!view) {
    raiser.raise(result, norm, input);
    return success();
  }
  View normed = *view;
  normed.base = norm;
  raiser.raise(norm, norm, input);
  raiser.raiseView(result, normed);
  return success();
}

/// QK-norm: Reshape [0,-1,n*d] of a norm of width d of Reshape [0,-1,d].
struct HeadNorm {
  Value input;
  graph::NodeOp norm;
};

std::optional<HeadNorm> matchHeadNorm(graph::NodeOp node) {
  graph::NodeOp norm = nodeOf(node.input(0), "SimplifiedLayerNormalization");
  if (!norm)
    norm = nodeOf(node.input(0), "RMSNormalization");
  if (!norm || !norm.input(1))
    return std::nullopt;
  graph::NodeOp split = nodeOf(norm.input(0), "Reshape");
  if (!split || !split.input(0))
    return std::nullopt;
  return HeadNorm{split.input(0), norm};
}

bool joinsNormedHeads(graph::NodeOp node, Raiser &raiser) {
  auto match = matchHeadNorm(node);
  return match && raiser.facts.rank(match->norm.input(0)) != 4;
}

void needsHeadNorm(graph::NodeOp node, Raiser &, Values &values) {
  std::optional<HeadNorm> match = matchHeadNorm(node);
  values.append({match->input, match->norm.input(1)});
}

LogicalResult raiseHeadNorm(graph::NodeOp node, Raiser &raiser) {
  std::optional<HeadNorm> match = matchHeadNorm(node);
  Value input = raiser.raised(match->input), gain = match->norm.input(1);
  graph::NodeOp split = nodeOf(match->norm.input(0), "Reshape");
  for (graph::NodeOp reshape : {node, split}) {
    NodeAttributes attributes(reshape);
    attributes.expect("allowzero", 0);
    if (failed(raiser.check(attributes)))
      return failure();
  }
  auto heads = raiser.constant(split.input(1));
  auto whole = raiser.constant(node.input(1));
  if (typeOf(input).getRank() != 3 || !isWeight(gain, 1) || !heads || !whole ||
      *heads != SmallVector<int64_t>{0, -1, lastDim(gain)} ||
      *whole != SmallVector<int64_t>{0, -1, lastDim(input)})
    return raiser.fail("expects [0, -1, head width] and back around a norm");
  FailureOr<double> epsilon = readNorm(match->norm, raiser);
  if (failed(epsilon))
    return failure();
  return emitNorm(node, raiser, input, gain, *epsilon, node.getOutputs()[0]);
}

//===----------------------------------------------------------------------===//
// Projections and sums
//===----------------------------------------------------------------------===//

/// Whether `projection` applies to its raised input.
LogicalResult checkProjection(const Projection &projection, Raiser &raiser) {
  Value input = raiser.rows(projection.input);
  if (input && typeOf(input).getRank() >= 2 &&
      lastDim(input) == typeOf(projection.weight).getDimSize(0))
    return success();
  return raiser.fail("expects an input as wide as the weight has rows");
}

void needsProjection(graph::NodeOp node, Raiser &raiser, Values &values) {
  if (auto projection = matchProjection(node.getOutputs()[0]))
    return needs(*projection, values);
  needsInputs(node, raiser, values);
}

LogicalResult raiseMatMul(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  if (failed(raiser.check(attributes)))
    return failure();
  auto projection = matchProjection(node.getOutputs()[0]);
  if (!projection)
    return raiser.fail("expects a product with an initialiser of rank 2");
  if (failed(checkProjection(*projection, raiser)))
    return failure();
  Value input = raiser.rows(projection->input);
  raiser.raiseLike(node.getOutputs()[0],
                   raiser.project(node.getLoc(), input, *projection),
                   projection->input);
  return success();
}

/// Gemm of rows: a projection whose weight may be transposed.
LogicalResult raiseGemm(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  attributes.expect("transA", 0);
  bool isTransposed = attributes.integer("transB", 0) != 0;
  bool isPlain =
      attributes.number("alpha", 1) == 1 && attributes.number("beta", 1) == 1;
  if (failed(raiser.check(attributes)))
    return failure();
  Projection projection{node.input(0), node.input(1), node.input(2)};
  if (!isPlain || !isWeight(projection.weight, 2) ||
      (projection.bias && !isWeight(projection.bias, 1)))
    return raiser.fail("expects rows by an initialiser of rank 2, plus one of "
                       "rank 1, unscaled");
  if (isTransposed)
    projection.weight = raiser.transposeWeight(projection.weight);
  if (projection.bias && lastDim(projection.bias) != lastDim(projection.weight))
    return raiser.fail("expects a bias as long as the weight is wide");
  if (failed(checkProjection(projection, raiser)))
    return failure();
  Value input = raiser.rows(projection.input);
  raiser.raiseLike(node.getOutputs()[0],
                   raiser.project(node.getLoc(), input, projection),
                   projection.input);
  return success();
}

/// A MatMul whose operands may be transposed and scaled.
LogicalResult raiseFusedMatMul(graph::NodeOp node, Raiser &raiser) {
  NodeAttributes attributes(node);
  for (StringRef name : {"transA", "transBatchA", "transBatchB"})
    attributes.expect(name, 0);
  bool isTransposed = attributes.integer("transB", 0) != 0;
  double alpha = attributes.number("alpha", 1);
  if (failed(raiser.check(attributes)))
    return failure();
  if (alpha != 1)
    return raiser.fail("attribute 'alpha' expects 1, got " +
                       Twine(std::to_string(alpha)));
  Projection projection{node.input(0), node.input(1), nullptr};
  if (!isWeight(projection.weight, 2))
    return raiser.fail("expects a product with an initialiser of rank 2");
  if (isTransposed)
    projection.weight = raiser.transposeWeight(projection.weight);
  if (failed(checkProjection(projection, raiser)))
    return failure();
  Value input = raiser.rows(projection.input);
  raiser.raiseLike(node.getOutputs()[0],
                   raiser.project(node.getLoc(), input, projection),
                   projection.input);
  return success();
}

/// Adds `bias` to a projection that nothing else reads; null if it is none.
Value addBias(Value product, Value bias, Raiser &raiser) {
  Value raised = raiser.raised(product);
  auto linear =
      raised ? raised.getDefiningOp<moe::LinearOp>() : moe::LinearOp();
  if (!linear || linear.getBias() || !product.hasOneUse() ||
      !isWeight(bias, 1) || lastDim(bias) != lastDim(raised))
    return nullptr;
  linear.getBiasMutable().assign(bias);
  return raised;
}

LogicalResult raiseAdd(graph::NodeOp node, Raiser &raiser) {
  if (matchProjection(node.getOutputs()[0]))
    return raiseMatMul(node, raiser);
  NodeAttributes attributes(node);
  if (failed(raiser.check(attributes)))
    return failure();
  for (auto [product, bias] : {std::pair{node.input(0), node.input(1)},
                               std::pair{node.input(1), node.input(0)}})
    if (Value sum = addBias(product, bias, raiser)) {
      raiser.raise(node.getOutputs()[0], sum, sum);
      return success();
    }
  Value lhs = raiser.raised(node.input(0)), rhs = raiser.raised(node.input(1));
  if (lhs.getType() != rhs.getType() || isWeight(lhs) || isWeight(rhs))
    return raiser.fail("expects a sum of two activations of one shape, or of "
                       "a product and a bias");
  Value sum = moe::AddOp::create(raiser.body, node.getLoc(), lhs, rhs);
  raiser.raise(node.getOutputs()[0], sum, lhs);
  return success();
}

//===----------------------------------------------------------------------===//
// The last position
//===----------------------------------------------------------------------===//

/// The activation [B,S,W] of which `value` is the last position: a Slice
/// [B,1,W] or a Gather [B,W].
Value matchLastPosition(Value value, const GraphFacts &facts) {
  auto node = value.getDefiningOp<graph::NodeOp>();
  if (!node || !node.getDomain().empty() || !node.input(0) ||
      facts.rank(node.input(0)) != 3)
    return nullptr;
  if (node.getOpType() == "Slice") {
    auto form = sliceOf(node, facts);
    const Size &tokens = (*facts.shape(node.input(0)))[1];
    bool isLast = form && form->axis == 1 && form->size == Size(1) &&
                  form->start.plus(1) == tokens;
    return isLast ? node.input(0) : Value();
  }
  bool isLast =
      node.getOpType() == "Gather" && integerAttr(node, "axis", 0) == 1 &&
      facts.integer(node.input(1)) == -1 && facts.rank(node.input(1)) == 0;
  return isLast ? node.input(0) : Value();
}

bool isLastLogits(graph::NodeOp node, Raiser &raiser) {
  return isWeight(node.input(1), 2) &&
         matchLastPosition(node.input(0), raiser.facts);
}

void needsLastLogits(graph::NodeOp node, Raiser &raiser, Values &values) {
  values.append(
      {matchLastPosition(node.input(0), raiser.facts), node.input(1)});
}

LogicalResult raiseLastLogits(graph::NodeOp node, Raiser &raiser) {
  Value input = raiser.raised(matchLastPosition(node.input(0), raiser.facts));
  Value weight = node.input(1);
  if (typeOf(input).getRank() != 3 ||
      lastDim(input) != typeOf(weight).getDimSize(0))
    return raiser.fail("expects an input as wide as the weight has rows");
  SmallVector<int64_t> shape(typeOf(input).getShape());
  shape[1] = 1;
  shape[2] = lastDim(weight);
  auto type = RankedTensorType::get(shape, typeOf(input).getElementType());
  Value logits =
      moe::LinearOp::create(raiser.body, node.getLoc(), type, input, weight,
                            Value(), raiser.body.getUnitAttr(),
                            shippedFormat(weight, input), moe::FormatAttr());
  if (raiser.facts.rank(node.getOutputs()[0]) == 2)
    logits = tensor::CollapseShapeOp::create(
        raiser.body, node.getLoc(), logits,
        ArrayRef<ReassociationIndices>{{0, 1}, {2}});
  raiser.raise(node.getOutputs()[0], logits, input);
  return success();
}

void needsSplit(graph::NodeOp node, Raiser &raiser, Values &values) {
  if (auto projection = matchProjection(node.input(0)))
    return needs(*projection, values);
  values.push_back(node.input(0));
}

/// Splits the weight instead of the result, so that each part is a projection
/// of its own.
LogicalResult raiseSplit(graph::NodeOp node, Raiser &raiser) {
  auto projection = matchProjection(node.input(0));
  if (!projection)
    return raiser.fail("expects to split a product with an initialiser");
  if (failed(checkProjection(*projection, raiser)))
    return failure();
  Value input = raiser.raised(projection->input);
  int64_t rank = typeOf(input).getRank();
  NodeAttributes attributes(node);
  int64_t axis = attributes.integer("axis", 0);
  attributes.expect("num_outputs", node.getOutputs().size());
  if (failed(raiser.check(attributes)))
    return failure();
  int64_t width = lastDim(projection->weight), offset = 0;
  auto sizes = raiser.constant(node.input(1));
  // Equal parts where no sizes are given; the last one may be smaller.
  if (int64_t count = node.getOutputs().size(); !node.input(1)) {
    int64_t each = (width + count - 1) / count;
    sizes.emplace(count, each);
    sizes->back() = width - (count - 1) * each;
  }
  if (axis != -1 && axis != rank - 1)
    return raiser.fail("expects to split the last dimension");
  if (!sizes || sizes->size() != node.getOutputs().size() ||
      llvm::any_of(*sizes,
                   [&](int64_t size) { return size < 1 || size > width; }) ||
      std::accumulate(sizes->begin(), sizes->end(), int64_t(0)) != width)
    return raiser.fail("expects constant sizes that sum to the width " +
                       Twine(width));
  for (auto [index, output] : llvm::enumerate(node.getOutputs())) {
    int64_t size = (*sizes)[index];
    if (!output.use_empty())
      raiser.raise(output,
                   raiser.project(partOf(node, std::to_string(index)), input,
                                  *projection, offset, size),
                   input);
    offset += size;
  }
  return success();
}

LogicalResult raiseIdentity(graph::NodeOp node, Raiser &raiser) {
  Value input = raiser.raised(node.input(0));
  raiser.raise(node.getOutputs()[0], input, input);
  return success();
}

} // namespace

void graph_to_moe::addTokenRules(Rules &rules) {
  rules.add("", "Gather", {2, needsInputs, raiseGather});
  for (auto [domain, norm] :
       {std::pair<StringRef, StringRef>{"", "SimplifiedLayerNormalization"},
        {"", "RMSNormalization"},
        {"com.microsoft", "SimplifiedLayerNormalization"}})
    rules.add(domain, norm,
              {2, needsInputs, raiseNorm, /*matches=*/nullptr,
               /*readsViews=*/true});
  rules.add("com.microsoft", "SkipSimplifiedLayerNormalization",
            {3, needsInputs, raiseSkipNorm});
  rules.add("", "Reshape", {2, needsHeadNorm, raiseHeadNorm, joinsNormedHeads});
  rules.add("", "Mul",
            {2, needsPlainNorm, raisePlainNorm, isPlainNorm,
             /*readsViews=*/true});
  rules.add("", "MatMul",
            {2, needsProjection, raiseMatMul, /*matches=*/nullptr,
             /*readsViews=*/true});
  rules.add("", "MatMul", {2, needsLastLogits, raiseLastLogits, isLastLogits});
  rules.add("", "Gemm",
            {2, needsInputs, raiseGemm, /*matches=*/nullptr,
             /*readsViews=*/true});
  rules.add("com.microsoft", "FusedMatMul",
            {2, needsInputs, raiseFusedMatMul, /*matches=*/nullptr,
             /*readsViews=*/true});
  rules.add("", "Add", {2, needsProjection, raiseAdd});
  rules.add("", "Split", {1, needsSplit, raiseSplit});
  rules.add("", "Identity", {1, needsInputs, raiseIdentity});
}
