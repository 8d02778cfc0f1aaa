//===- NarrowWeights.cpp - weights kept as codes of a few bits ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MatMulNBits keeps its weight [N,K] in blocks along K: [N, blocks, bytes of a
// block]. Scales and zero points are [N, blocks], in older files as one row.
// GatherBlockQuantized keeps a table whose rows it takes in the same way.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/NarrowWeights.h"
#include "lib/Conversion/GraphToMoe/Raiser.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

std::string spell(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? ", " : "") + std::to_string(size);
  return text + "]";
}

bool isFloat(Type type) {
  return isa<Float32Type, BFloat16Type, Float16Type>(type);
}

/// `weight` with this shape, of which it has as many elements; null if it has
/// not, or if neither shape only joins dimensions of the other.
Value reshapeWeight(OpBuilder &builder, Value weight, ArrayRef<int64_t> shape) {
  RankedTensorType from = typeOf(weight), to = from.clone(shape);
  if (from == to)
    return weight;
  if (from.getNumElements() != to.getNumElements())
    return nullptr;
  auto groups = getReassociationIndicesForReshape(from, to);
  if (!groups)
    return nullptr;
  if (from.getRank() > to.getRank())
    return tensor::CollapseShapeOp::create(builder, weight.getLoc(), to, weight,
                                           *groups);
  return tensor::ExpandShapeOp::create(builder, weight.getLoc(), to, weight,
                                       *groups);
}

/// Shapes of what belongs to a weight.
struct Parts {
  SmallVector<int64_t> packed, scales, zeroPoints;
};

Parts partsOf(const NarrowWeight &weight) {
  Parts parts;
  parts.packed.assign(weight.shape.begin(), weight.shape.end());
  parts.packed.back() = llvm::divideCeil(parts.packed.back() * weight.bits, 8);
  for (auto [dim, size] : llvm::enumerate(weight.shape))
    if (int64_t(dim) != weight.axis)
      parts.scales.push_back(size);
  if (weight.blockSize)
    parts.scales.push_back(
        llvm::divideCeil(weight.shape[weight.axis], weight.blockSize));
  parts.zeroPoints = parts.scales;
  bool areCodes =
      weight.zeroPoints && !isFloat(typeOf(weight.zeroPoints).getElementType());
  if (areCodes)
    parts.zeroPoints.back() =
        llvm::divideCeil(parts.zeroPoints.back() * weight.bits, 8);
  return parts;
}

llvm::Error misfit(const Twine &what, ArrayRef<int64_t> shape, Value got) {
  return llvm::createStringError("expects " + what + " of " + spell(shape) +
                                 ", got " + spell(typeOf(got).getShape()));
}

/// What `node`, a MatMulNBits, holds.
struct NarrowProduct {
  NarrowWeight weight;
  Value bias;
};

/// The weight B [N, blocks, bytes], or one whose blocks are joined.
llvm::Expected<NarrowProduct> readProduct(graph::NodeOp node) {
  NodeAttributes attributes(node);
  NarrowProduct product;
  NarrowWeight &weight = product.weight;
  int64_t inputs = attributes.integer("K", 0);
  int64_t outputs = attributes.integer("N", 0);
  weight.bits = attributes.integer("bits", 4);
  weight.blockSize = attributes.integer("block_size", 0);
  // A level permits an implementation to round the input; it asks for nothing.
  (void)attributes.integer("accuracy_level", 0);
  attributes.expect("weight_prepacked", 0);
  if (std::string problem = attributes.problem(); !problem.empty())
    return llvm::createStringError(problem);
  if (weight.bits != 2 && weight.bits != 4 && weight.bits != 8)
    return llvm::createStringError("attribute 'bits' expects 2, 4 or 8, got " +
                                   Twine(weight.bits));
  constexpr int64_t kMost = int64_t(1) << 31;
  if (inputs < 1 || outputs < 1 || inputs > kMost || outputs > kMost)
    return llvm::createStringError(
        "attributes 'K' and 'N' expect 1 to 2^31, got " + Twine(inputs) +
        " and " + Twine(outputs));
  if (weight.blockSize < 1 || weight.blockSize > kMost ||
      weight.blockSize * weight.bits % 8 != 0)
    return llvm::createStringError("attribute 'block_size' expects blocks of "
                                   "whole bytes, got " +
                                   Twine(weight.blockSize));
  if (node.input(4))
    return llvm::createStringError(
        "expects no input 4 (g_idx: columns in another order), got one");
  for (unsigned i : {1, 2, 3, 5})
    if (node.input(i) && !node.input(i).getDefiningOp<moe::WeightOp>())
      return llvm::createStringError("expects an initialiser as input " +
                                     Twine(i));
  if (node.getInputs().size() > 6)
    return llvm::createStringError("expects at most 6 inputs, got " +
                                   Twine(node.getInputs().size()));
  weight.packed = node.input(1);
  weight.scales = node.input(2);
  weight.zeroPoints = node.input(3);
  weight.shape = {outputs, inputs};
  weight.axis = 1;
  // The last block is whole in the file.
  int64_t blocks = llvm::divideCeil(inputs, weight.blockSize);
  SmallVector<int64_t> packed = {outputs, blocks,
                                 weight.blockSize * weight.bits / 8};
  if (typeOf(weight.packed).getShape() != ArrayRef<int64_t>(packed) &&
      typeOf(weight.packed).getShape() !=
          ArrayRef<int64_t>({packed[0], packed[1] * packed[2]}))
    return misfit("a weight", packed, weight.packed);
  product.bias = node.input(5);
  if (product.bias && (typeOf(product.bias).getRank() != 1 ||
                       typeOf(product.bias).getDimSize(0) != outputs))
    return misfit("a bias", {outputs}, product.bias);
  Type element = typeOf(weight.scales).getElementType();
  if (!isFloat(element))
    return llvm::createStringError("expects scales of f32, bf16 or f16");
  Parts parts = partsOf(weight);
  for (auto [what, value, shape] :
       {std::tuple{"scales", weight.scales, ArrayRef<int64_t>(parts.scales)},
        {"zero points", weight.zeroPoints,
         ArrayRef<int64_t>(parts.zeroPoints)}}) {
    if (!value)
      continue;
    ArrayRef<int64_t> got = typeOf(value).getShape();
    int64_t all = ShapedType::getNumElements(shape);
    if (got != shape && got != ArrayRef<int64_t>(all))
      return misfit(what, shape, value);
  }
  return product;
}

/// What GatherBlockQuantized holds: a table [rows, columns] of which rows are
/// taken, with blocks along the columns.
llvm::Expected<NarrowWeight> readTable(graph::NodeOp node) {
  NodeAttributes attributes(node);
  NarrowWeight weight;
  weight.bits = attributes.integer("bits", 4);
  weight.blockSize = attributes.integer("block_size", 128);
  attributes.expect("gather_axis", 0);
  int64_t axis = attributes.integer("quantize_axis", 1);
  if (std::string problem = attributes.problem(); !problem.empty())
    return llvm::createStringError(problem);
  if (axis != 1 && axis != -1)
    return llvm::createStringError("attribute 'quantize_axis' expects 1, got " +
                                   Twine(axis));
  if (weight.bits != 4 && weight.bits != 8)
    return llvm::createStringError("attribute 'bits' expects 4 or 8, got " +
                                   Twine(weight.bits));
  if (weight.blockSize < 16)
    return llvm::createStringError(
        "attribute 'block_size' expects at least 16, got " +
        Twine(weight.blockSize));
  for (unsigned i : {0, 2, 3})
    if (node.input(i) && !node.input(i).getDefiningOp<moe::WeightOp>())
      return llvm::createStringError("expects an initialiser as input " +
                                     Twine(i));
  weight.packed = node.input(0);
  weight.scales = node.input(2);
  weight.zeroPoints = node.input(3);
  RankedTensorType type = typeOf(weight.packed);
  if (type.getRank() != 2 || !type.getElementType().isUnsignedInteger(8))
    return llvm::createStringError("expects a table of bytes of rank 2");
  if (!isFloat(typeOf(weight.scales).getElementType()))
    return llvm::createStringError("expects scales of f32, bf16 or f16");
  weight.shape = llvm::to_vector<3>(type.getShape());
  if (llvm::Error error = countCodes(weight))
    return std::move(error);
  weight.axis = 1;
  return weight;
}

graph::NodeOp createNode(OpBuilder &builder, graph::NodeOp like,
                         StringRef opType, ValueRange inputs, Type type) {
  return graph::NodeOp::create(
      builder, like.getLoc(), TypeRange(type), builder.getStringAttr(opType),
      inputs, builder.getStringAttr(""), builder.getI64IntegerAttr(13),
      builder.getDictionaryAttr({}), ArrayAttr(), /*bodiesCount=*/0);
}

LogicalResult refuseTable(graph::NodeOp node, Raiser &raiser) {
  llvm::Expected<NarrowWeight> table = readTable(node);
  if (!table)
    return raiser.fail(llvm::toString(table.takeError()));
  return raiser.fail("expects scales and zero points of the blocks of a table");
}

LogicalResult refuseProduct(graph::NodeOp node, Raiser &raiser) {
  llvm::Expected<NarrowProduct> product = readProduct(node);
  if (!product)
    return raiser.fail(llvm::toString(product.takeError()));
  return raiser.fail("expects codes in bytes and zero points in bytes or as "
                     "floats");
}

} // namespace

llvm::Error graph_to_moe::countCodes(NarrowWeight &weight) {
  int64_t elements = 1;
  bool overflows = llvm::MulOverflow(weight.shape.back(), 8 / weight.bits,
                                     weight.shape.back());
  for (int64_t size : weight.shape)
    overflows |= bool(llvm::MulOverflow(elements, size, elements));
  if (overflows)
    return llvm::createStringError("expects fewer than 2^63 codes");
  return llvm::Error::success();
}

llvm::Expected<Value> graph_to_moe::dequantize(OpBuilder &builder, Location loc,
                                               NarrowWeight weight,
                                               Type element) {
  if (!isFloat(element))
    return llvm::createStringError(
        "expects activations of f32, bf16 or f16 beside narrow weights");
  auto hasBytes = [](Value value) {
    return typeOf(value).getElementTypeBitWidth() == 8;
  };
  if (!hasBytes(weight.packed) ||
      (weight.zeroPoints && !hasBytes(weight.zeroPoints) &&
       !isFloat(typeOf(weight.zeroPoints).getElementType())))
    return llvm::createStringError(
        "expects codes in bytes and zero points in bytes or as floats");
  if (hasBytes(weight.scales) != weight.scaleEncoding.has_value() ||
      (!hasBytes(weight.scales) &&
       !isFloat(typeOf(weight.scales).getElementType())))
    return llvm::createStringError("expects scales of f32, bf16 or f16");
  Parts parts = partsOf(weight);
  // Where blocks are whole, the last one may have codes beyond the row.
  SmallVector<int64_t> packed(parts.packed);
  int64_t rows =
      ShapedType::getNumElements(ArrayRef<int64_t>(weight.shape).drop_back());
  if (int64_t held = typeOf(weight.packed).getNumElements();
      rows > 0 && held % rows == 0 && held / rows >= packed.back())
    packed.back() = held / rows;
  for (auto [what, value, shape] :
       {std::tuple{"a weight", &weight.packed, &packed},
        {"scales", &weight.scales, &parts.scales},
        {"zero points", &weight.zeroPoints, &parts.zeroPoints}}) {
    if (!*value)
      continue;
    Value reshaped = reshapeWeight(builder, *value, *shape);
    if (!reshaped)
      return misfit(what, *shape, *value);
    *value = reshaped;
  }
  auto type = RankedTensorType::get(weight.shape, element);
  IntegerAttr block = weight.blockSize
                          ? builder.getI64IntegerAttr(weight.blockSize)
                          : IntegerAttr();
  StringAttr scaleEncoding;
  if (weight.scaleEncoding)
    scaleEncoding = builder.getStringAttr(moe::spell(*weight.scaleEncoding));
  return moe::DequantizeOp::create(
             builder, loc, type, weight.packed, weight.scales,
             weight.zeroPoints, weight.globalScale,
             builder.getI64IntegerAttr(weight.bits),
             builder.getStringAttr(moe::spell(weight.encoding)),
             builder.getI64IntegerAttr(weight.axis), block, scaleEncoding)
      .getResult();
}

moe::FormatAttr graph_to_moe::shippedFormat(Value weight, Value input) {
  Operation *op = weight.getDefiningOp();
  while (isa_and_nonnull<linalg::TransposeOp, tensor::ExtractSliceOp>(op))
    op = op->getOperand(0).getDefiningOp();
  auto narrow = dyn_cast_or_null<moe::DequantizeOp>(op);
  std::optional<Format> compute = moe::formatOf(typeOf(input).getElementType());
  if (!narrow || !compute)
    return {};
  return moe::formatAttrOf(weight.getContext(), {narrow.storage(), *compute});
}

/// Replaces GatherBlockQuantized by the Gather of a whole table, if it fits.
static void expandTable(graph::NodeOp node, Operation *&first) {
  llvm::Expected<NarrowWeight> table = readTable(node);
  if (!table) {
    llvm::consumeError(table.takeError());
    return;
  }
  OpBuilder ahead(first), builder(node);
  llvm::Expected<Value> whole = dequantize(
      ahead, node.getLoc(), *table, typeOf(table->scales).getElementType());
  if (!whole) {
    llvm::consumeError(whole.takeError());
    return;
  }
  Value result = node.getOutputs()[0];
  graph::NodeOp gather = createNode(builder, node, "Gather",
                                    {*whole, node.input(1)}, result.getType());
  result.replaceAllUsesWith(gather.getOutputs()[0]);
  if (first == node)
    first = gather;
  node.erase();
}

void graph_to_moe::expandNarrowProducts(func::FuncOp main) {
  Block &block = main.getBody().front();
  Operation *first = nullptr;
  for (auto node : llvm::make_early_inc_range(block.getOps<graph::NodeOp>())) {
    bool isProduct = node.getDomain() == "com.microsoft" &&
                     node.getOpType() == "MatMulNBits" && node.input(0) &&
                     node.input(1) && node.input(2) &&
                     node.getOutputs().size() == 1;
    // Weights come before all nodes, and so does what is made of them.
    if (!first)
      first = node;
    if (node.getDomain() == "com.microsoft" &&
        node.getOpType() == "GatherBlockQuantized" && node.input(0) &&
        node.input(1) && node.input(2) && node.getOutputs().size() == 1) {
      expandTable(node, first);
      continue;
    }
    if (!isProduct)
      continue;
    llvm::Expected<NarrowProduct> product = readProduct(node);
    if (!product) {
      llvm::consumeError(product.takeError());
      continue;
    }
    OpBuilder ahead(first), builder(node);
    llvm::Expected<Value> weight =
        dequantize(ahead, node.getLoc(), product->weight,
                   typeOf(product->weight.scales).getElementType());
    if (!weight) {
      llvm::consumeError(weight.takeError());
      continue;
    }
    Value result = node.getOutputs()[0];
    Value whole = transposeWeight(ahead, *weight);
    Type unknown = graph::UnknownType::get(main.getContext());
    graph::NodeOp last =
        createNode(builder, node, "MatMul", {node.input(0), whole},
                   product->bias ? unknown : result.getType());
    if (product->bias)
      last =
          createNode(builder, node, "Add",
                     {last.getOutputs()[0], product->bias}, result.getType());
    result.replaceAllUsesWith(last.getOutputs()[0]);
    if (first == node)
      first = last;
    node.erase();
  }
}

void graph_to_moe::addNarrowRules(Rules &rules) {
  auto none = [](graph::NodeOp, Raiser &, Values &) {};
  rules.add("com.microsoft", "MatMulNBits", {3, none, refuseProduct});
  rules.add("com.microsoft", "GatherBlockQuantized", {3, none, refuseTable});
}
