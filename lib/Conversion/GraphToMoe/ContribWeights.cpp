//===- ContribWeights.cpp - expert weights of MoE and QMoE ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// QMoE keeps integers as [experts, outputs, inputs / codes per byte] with
// scales [experts, outputs] or [experts, outputs, blocks]. Floats of 8 bits are
// kept whole, with one scale per expert. Floats of 4 bits lie side by side
// along the outputs, [experts, inputs, outputs / 2], with a power of two for
// each 32 inputs of an output, [experts, outputs, inputs / 32], and one scale
// per expert.
//
// Sources: docs of the contrib ops and of QMoE on CUDA in ONNX Runtime; the
// layout of 4-bit floats in the model builders that repack checkpoints for it.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ContribExperts.h"
#include "lib/Conversion/GraphToMoe/NarrowWeights.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// Inputs of MoE and QMoE by position.
constexpr unsigned kFirstWeight = 2, kZeroPoints = 11, kRouterWeights = 14,
                   kGlobalScales = 15;
constexpr llvm::StringLiteral kNames[] = {"fc1", "fc2", "fc3"};

/// Elements of a block of 4-bit floats.
constexpr int64_t kFloatBlock = 32;

/// A vector [E] as [E, size].
Value spread(OpBuilder &b, Value vector, int64_t size) {
  RankedTensorType type = typeOf(vector);
  Value init = tensor::EmptyOp::create(
      b, vector.getLoc(), ArrayRef<int64_t>{type.getDimSize(0), size},
      type.getElementType());
  return linalg::BroadcastOp::create(b, vector.getLoc(), vector, init,
                                     ArrayRef<int64_t>{1})
      ->getResult(0);
}

LogicalResult readIntegers(const NarrowForm &form, NarrowWeight &weight,
                           Raiser &raiser) {
  if (!isWeight(weight.scales))
    return raiser.fail("expects scales that are initialisers");
  weight.bits = form.bits;
  if (llvm::Error error = countCodes(weight))
    return raiser.fail(llvm::toString(std::move(error)));
  weight.axis = 2;
  weight.blockSize = form.blockSize;
  // Where a row is one block, its zero points may be those of rows.
  bool isOneBlock = weight.shape.back() <= form.blockSize;
  if (isOneBlock && weight.zeroPoints &&
      typeOf(weight.zeroPoints).getRank() == 2)
    weight.blockSize = 0;
  return success();
}

/// `index` is that of the weight: fc1 or fc2.
LogicalResult readFloats(graph::NodeOp node, unsigned index, bool isWide,
                         NarrowWeight &weight, Raiser &raiser) {
  if (index > 1)
    return raiser.fail("expects no fc3 beside floats, which have scales of fc1 "
                       "and fc2 only");
  if (weight.zeroPoints)
    return raiser.fail("expects no zero points beside floats");
  Value global = node.input(kGlobalScales + index);
  int64_t experts = weight.shape[0];
  if (!isWeight(global, 1) || typeOf(global).getDimSize(0) != experts)
    return raiser.fail("expects a global scale of " + kNames[index] + " for " +
                       Twine(experts) + " experts as input " +
                       Twine(kGlobalScales + index));
  if (isWide) {
    if (weight.scales)
      return raiser.fail("expects no block scales beside floats of 8 bits");
    weight.bits = 8;
    weight.encoding = moe::Encoding::e4m3;
    weight.axis = 2;
    weight.scales = spread(raiser.ahead, global, weight.shape[1]);
    return success();
  }
  weight.bits = 4;
  if (llvm::Error error = countCodes(weight))
    return raiser.fail(llvm::toString(std::move(error)));
  int64_t inputs = weight.shape[1], outputs = weight.shape[2];
  int64_t blocks = llvm::divideCeil(inputs, kFloatBlock);
  SmallVector<int64_t> scales = {experts, outputs, blocks};
  if (!isWeight(weight.scales, 3) ||
      typeOf(weight.scales).getElementTypeBitWidth() != 8 ||
      typeOf(weight.scales).getShape() != ArrayRef<int64_t>(scales))
    return raiser.fail("expects " + kNames[index] +
                       " of [experts, inputs, outputs / 2] and its scales in "
                       "bytes of [" +
                       Twine(experts) + ", " + Twine(outputs) + ", " +
                       Twine(blocks) + "]");
  weight.encoding = moe::Encoding::e2m1;
  weight.scaleEncoding = moe::Encoding::e8m0;
  weight.axis = 1;
  weight.blockSize = kFloatBlock;
  weight.globalScale = global;
  return success();
}

LogicalResult checkForm(graph::NodeOp node, const NarrowForm &form,
                        Raiser &raiser) {
  bool isInteger = form.type == "int";
  if (!isInteger && form.type != "fp4" && form.type != "fp8")
    return raiser.fail("attribute 'quant_type' expects int, fp4 or fp8, got '" +
                       form.type + "'");
  if (isInteger && form.bits != 2 && form.bits != 4 && form.bits != 8)
    return raiser.fail(
        "attribute 'expert_weight_bits' expects 2, 4 or 8, got " +
        Twine(form.bits));
  if (!isInteger && form.bits != (form.type == "fp4" ? 4 : 8))
    return raiser.fail("attribute 'expert_weight_bits' expects " +
                       Twine(form.type == "fp4" ? 4 : 8) + " beside " +
                       form.type + ", got " + Twine(form.bits));
  if (isInteger && form.blockSize != 0 && form.blockSize < 16)
    return raiser.fail("attribute 'block_size' expects at least 16, got " +
                       Twine(form.blockSize));
  unsigned first = isInteger ? kRouterWeights + 1 : kGlobalScales + 2;
  for (unsigned i = first; i < node.getInputs().size(); ++i)
    if (node.input(i))
      return raiser.fail("expects no input " + Twine(i) + " beside " +
                         form.type);
  return success();
}

} // namespace

NarrowForm graph_to_moe::readNarrowForm(NodeAttributes &attributes) {
  NarrowForm form;
  form.type = attributes.string("quant_type", "int");
  form.bits = attributes.integer("expert_weight_bits", 4);
  form.blockSize = attributes.integer("block_size", 0);
  if (form.blockSize == -1)
    form.blockSize = 0;
  // -1: as the schema has them, or as one execution provider keeps them; their
  // shapes must be those of the schema.
  if (attributes.integer("weights_prepacked", -1) != -1)
    attributes.expect("weights_prepacked", 0);
  // A level permits an implementation to round the input; it asks for nothing.
  (void)attributes.integer("accuracy_level", 0);
  return form;
}

ContribWeights graph_to_moe::readWeights(graph::NodeOp node) {
  ContribWeights weights;
  for (unsigned i = 0; i < 3; ++i) {
    weights.matrix[i] = node.input(kFirstWeight + 2 * i);
    weights.bias[i] = node.input(kFirstWeight + 2 * i + 1);
  }
  return weights;
}

FailureOr<ContribWeights>
graph_to_moe::readNarrowWeights(graph::NodeOp node, const NarrowForm &form,
                                Value input, Raiser &raiser) {
  if (failed(checkForm(node, form, raiser)))
    return failure();
  bool isInteger = form.type == "int";
  ContribWeights weights;
  // Blocks of integers, and floats of 8 bits, came after the layout of the
  // first version.
  if (form.type == "fp4")
    weights.isInFirst = true;
  else if (!isInteger || form.blockSize != 0)
    weights.isInFirst = false;
  for (unsigned i = 0; i < 3; ++i) {
    unsigned at = kFirstWeight + 3 * i;
    weights.bias[i] = node.input(at + 2);
    NarrowWeight weight;
    weight.packed = node.input(at);
    weight.scales = node.input(at + 1);
    weight.zeroPoints = node.input(kZeroPoints + i);
    if (!weight.packed) {
      if (weight.scales || weight.zeroPoints)
        return raiser.fail("expects " + kNames[i] + " beside its scales");
      continue;
    }
    if (!isWeight(weight.packed, 3) ||
        typeOf(weight.packed).getElementTypeBitWidth() != 8 ||
        (weight.zeroPoints && !isWeight(weight.zeroPoints)))
      return raiser.fail("expects " + kNames[i] +
                         " and what belongs to it as initialisers, the first "
                         "in bytes and of rank 3");
    weight.shape.assign(typeOf(weight.packed).getShape().begin(),
                        typeOf(weight.packed).getShape().end());
    if (failed(isInteger
                   ? readIntegers(form, weight, raiser)
                   : readFloats(node, i, form.type == "fp8", weight, raiser)))
      return failure();
    llvm::Expected<Value> whole =
        dequantize(raiser.ahead, partOf(node, kNames[i]), weight,
                   typeOf(input).getElementType());
    if (!whole)
      return raiser.fail(kNames[i] + ": " + llvm::toString(whole.takeError()));
    weights.matrix[i] = *whole;
  }
  return weights;
}
