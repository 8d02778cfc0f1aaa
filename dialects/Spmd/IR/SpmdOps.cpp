//===- SpmdOps.cpp - verifiers of the spmd ops ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each rule carries the label that the dialect's README lists and a negative
// test is named after.
//
//===----------------------------------------------------------------------===//

#include "dialects/Spmd/IR/Spmd.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::spmd;

#define GET_OP_CLASSES
#include "dialects/Spmd/IR/SpmdOps.cpp.inc"

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

int64_t lastDim(Value value) { return tensorOf(value).getShape().back(); }

bool agree(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

/// The piece of one member of a group and the whole: equal but along `dim`,
/// where the sizes sum to the whole and the piece is one of them.
LogicalResult verifyPieces(Operation *op, Value whole, Value piece, int64_t dim,
                           ArrayRef<int64_t> sizes, int64_t groupSize) {
  RankedTensorType wholeType = tensorOf(whole), pieceType = tensorOf(piece);
  // pieces_c1
  if (dim < 0 || dim >= wholeType.getRank() ||
      pieceType.getRank() != wholeType.getRank())
    return op->emitOpError("expects a dim of two tensors of one rank, got ")
           << dim << " of " << wholeType << " and " << pieceType;
  // pieces_c2
  if (int64_t(sizes.size()) != groupSize)
    return op->emitOpError("expects one size per rank of the group of ")
           << groupSize << ", got " << sizes.size();
  int64_t sum = 0;
  for (int64_t size : sizes) {
    // pieces_c6
    if (size < 0)
      return op->emitOpError("expects sizes >= 0, got ") << size;
    sum += size;
  }
  // pieces_c3
  if (!agree(sum, wholeType.getDimSize(dim)))
    return op->emitOpError("expects sizes that sum to ")
           << wholeType.getDimSize(dim) << ", got " << sum;
  // pieces_c4
  if (!ShapedType::isDynamic(pieceType.getDimSize(dim)) &&
      !llvm::is_contained(sizes, pieceType.getDimSize(dim)))
    return op->emitOpError("expects a piece of one of the sizes, got ")
           << pieceType.getDimSize(dim);
  // pieces_c5
  bool same = wholeType.getElementType() == pieceType.getElementType();
  for (int64_t i = 0; i < wholeType.getRank(); ++i)
    same &= i == dim || agree(wholeType.getDimSize(i), pieceType.getDimSize(i));
  if (!same)
    return op->emitOpError("expects tensors that agree but for dimension ")
           << dim << ", got " << wholeType << " and " << pieceType;
  return success();
}

/// counts_c1: a vector of `size` integers.
LogicalResult verifyCounts(Operation *op, StringRef name, Value counts,
                           int64_t size) {
  RankedTensorType type = tensorOf(counts);
  if (type.getRank() == 1 && type.getDimSize(0) == size &&
      type.getElementType().isInteger(32))
    return success();
  return op->emitOpError("expects ")
         << name << " of type tensor<" << size << "xi32>, got " << type;
}

/// format_c1: a format names the storage of values, not of integers.
LogicalResult verifyFormat(Operation *op, Value value,
                           std::optional<moe::FormatAttr> format) {
  if (!format || isa<FloatType>(tensorOf(value).getElementType()))
    return success();
  return op->emitOpError("expects a format on values only, got ")
         << value.getType();
}

} // namespace

//===----------------------------------------------------------------------===//
// Mesh
//===----------------------------------------------------------------------===//

LogicalResult MeshOp::verify() {
  // mesh_c1
  for (int64_t extent :
       {int64_t(getStage()), int64_t(getData()), int64_t(getContext()),
        int64_t(getTensor()), int64_t(getExpert()), int64_t(getExpertTensor())})
    if (extent < 1)
      return emitOpError("expects axes >= 1, got ") << extent;
  // mesh_c2
  int64_t ranks = int64_t(getData()) * getContext() * getTensor();
  int64_t expertRanks = int64_t(getExpert()) * getExpertTensor();
  if (ranks != expertRanks)
    return emitOpError("expects data * context * tensor = expert * "
                       "expert_tensor, got ")
           << ranks << " and " << expertRanks;
  return success();
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

LogicalResult AllReduceOp::verify() {
  // all_reduce_c1
  if (!isa<FloatType>(tensorOf(getInput()).getElementType()))
    return emitOpError("expects a tensor of floats, got ")
           << getInput().getType();
  return success();
}

LogicalResult AllGatherOp::verify() {
  // all_gather_c1
  if (getInputs().empty() || getInputs().size() != getResults().size())
    return emitOpError("expects as many results as inputs, at least one, got ")
           << getInputs().size() << " inputs and " << getResults().size()
           << " results";
  for (auto [input, result] : llvm::zip(getInputs(), getResults()))
    if (failed(verifyPieces(*this, result, input, getDim(), getSizes(),
                            getGroup().getSize())))
      return failure();
  return verifyFormat(*this, getInputs()[0], getFormat());
}

LogicalResult ReduceScatterOp::verify() {
  // reduce_scatter_c1
  if (!isa<FloatType>(tensorOf(getInput()).getElementType()))
    return emitOpError("expects a tensor of floats, got ")
           << getInput().getType();
  return verifyPieces(*this, getInput(), getResult(), getDim(), getSizes(),
                      getGroup().getSize());
}

LogicalResult AllToAllOp::verify() {
  // all_to_all_c1
  RankedTensorType type = tensorOf(getInput());
  if (type.getRank() < 1 || type.isDynamicDim(0) ||
      type.getDimSize(0) % getGroup().getSize() != 0)
    return emitOpError("expects a first dimension that the group of ")
           << getGroup().getSize() << " divides, got " << type;
  return success();
}

LogicalResult AllToAllVOp::verify() {
  // all_to_all_v_c1
  if (getInputs().empty() || getInputs().size() != getResults().size())
    return emitOpError("expects as many results as inputs, at least one, got ")
           << getInputs().size() << " inputs and " << getResults().size()
           << " results";
  // all_to_all_v_c2
  for (auto [input, result] : llvm::zip(getInputs(), getResults())) {
    RankedTensorType in = tensorOf(input), out = tensorOf(result);
    if (in.getRank() < 1 || in.getRank() != out.getRank() ||
        in.getElementType() != out.getElementType() ||
        in.getShape().drop_front() != out.getShape().drop_front())
      return emitOpError("expects results with the rows of their inputs, got ")
             << in << " and " << out;
    // all_to_all_v_c3
    if (!agree(in.getDimSize(0), tensorOf(getInputs()[0]).getDimSize(0)))
      return emitOpError("expects inputs of one row count, got ")
             << getInputs()[0].getType() << " and " << in;
  }
  if (failed(verifyCounts(*this, "send_counts", getSendCounts(),
                          getGroup().getSize())) ||
      failed(verifyCounts(*this, "receive_counts", getReceiveCounts(),
                          getGroup().getSize())))
    return failure();
  return verifyFormat(*this, getInputs()[0], getFormat());
}

LogicalResult SendOp::verify() {
  // send_c1
  if (int64_t(getDistance()) < 1)
    return emitOpError("expects distance >= 1, got ") << int64_t(getDistance());
  return verifyFormat(*this, getInput(), getFormat());
}

LogicalResult ReceiveOp::verify() {
  // receive_c1
  if (int64_t(getDistance()) < 1)
    return emitOpError("expects distance >= 1, got ") << int64_t(getDistance());
  // receive_c2
  if (!tensorOf(getResult()).hasStaticShape())
    return emitOpError("expects a static shape, got ") << getResult().getType();
  return verifyFormat(*this, getResult(), getFormat());
}

//===----------------------------------------------------------------------===//
// Local ops
//===----------------------------------------------------------------------===//

LogicalResult SliceOp::verify() {
  return verifyPieces(*this, getInput(), getResult(), getDim(), getSizes(),
                      getGroup().getSize());
}

LogicalResult LocalizeOp::verify() {
  // localize_c1
  if (!tensorOf(getIndices()).getElementType().isInteger(32))
    return emitOpError("expects i32 indices, got ") << getIndices().getType();
  // localize_c2
  if (int64_t(getExperts()) < getGroup().getSize())
    return emitOpError("expects at least one expert per rank of ")
           << getGroup().getSize() << ", got " << int64_t(getExperts());
  return success();
}

LogicalResult ChooseCopyOp::verify() {
  // choose_copy_c1
  RankedTensorType type = tensorOf(getIndices());
  if (!type.getElementType().isInteger(32) || type.getRank() < 2)
    return emitOpError("expects i32 indices [..,K], got ") << type;
  // choose_copy_c2
  SmallVector<bool> held(getExperts(), false);
  for (int64_t expert : getSlots()) {
    if (expert < 0 || expert >= int64_t(getExperts()))
      return emitOpError("expects slots of experts below ")
             << int64_t(getExperts()) << ", got " << expert;
    held[expert] = true;
  }
  for (auto [expert, isHeld] : llvm::enumerate(held))
    if (!isHeld)
      return emitOpError("expects a slot of every expert, got none of ")
             << expert;
  return success();
}

LogicalResult PackOp::verify() {
  // pack_c1
  int64_t ranks = getGroup().getSize(), spread = getExpertTensor();
  if (spread < 1 || ranks % spread != 0)
    return emitOpError("expects an expert_tensor that divides the group of ")
           << ranks << ", got " << spread;
  // pack_c2
  int64_t holders = getHolders();
  if (holders < 1 || int64_t(getExperts()) / holders < ranks / spread)
    return emitOpError("expects at least one expert for each of ")
           << holders << " holders behind " << ranks / spread
           << " blocks of ranks, got " << int64_t(getExperts());
  // pack_c3
  RankedTensorType input = tensorOf(getInput());
  RankedTensorType indices = tensorOf(getIndices());
  if (input.getRank() != 2 || indices.getRank() != 2 ||
      indices.getShape() != tensorOf(getWeights()).getShape() ||
      !agree(input.getDimSize(0), indices.getDimSize(0)))
    return emitOpError("expects input [T,H], weights [T,K] and indices [T,K], "
                       "got ")
           << input << ", " << getWeights().getType() << " and " << indices;
  // pack_c4
  if (lastDim(getRows()) != lastDim(getInput()) ||
      lastDim(getRowWeights()) != lastDim(getWeights()) ||
      lastDim(getRowIndices()) != lastDim(getIndices()))
    return emitOpError("expects rows, row_weights and row_indices of the "
                       "widths of input, weights and indices, got ")
           << getRows().getType() << ", " << getRowWeights().getType()
           << " and " << getRowIndices().getType();
  return verifyCounts(*this, "counts", getCounts(), ranks);
}

LogicalResult UnpackOp::verify() {
  // unpack_c1
  RankedTensorType rows = tensorOf(getRows()), result = tensorOf(getResult());
  if (rows.getRank() != 2 || result.getRank() != 2 ||
      rows.getDimSize(1) != result.getDimSize(1))
    return emitOpError("expects rows [R,H] and a result [T,H], got ")
           << rows << " and " << result;
  // unpack_c2
  RankedTensorType tokens = tensorOf(getTokens());
  if (tokens.getRank() != 1 || !agree(tokens.getDimSize(0), rows.getDimSize(0)))
    return emitOpError("expects one token per row, got ") << tokens;
  // unpack_c3
  if (!getPacked() && result.isDynamicDim(0))
    return emitOpError("expects what was packed beside a ragged result");
  // unpack_c4
  if (getPacked() &&
      (tensorOf(getPacked()).getRank() < 1 ||
       !agree(tensorOf(getPacked()).getDimSize(0), result.getDimSize(0))))
    return emitOpError("expects as many results as were packed, got ")
           << result << " of " << getPacked().getType();
  return success();
}

LogicalResult MergePartialsOp::verify() {
  RankedTensorType values = tensorOf(getValues());
  RankedTensorType lse = tensorOf(getLogSumExp());
  RankedTensorType result = tensorOf(getResult());
  // merge_partials_c1
  if (values.getRank() != 3 || lse.getRank() != 3 || result.getRank() != 3 ||
      values.getShape().drop_back() != lse.getShape().drop_back() ||
      values.getShape().drop_front() != result.getShape().drop_front())
    return emitOpError("expects values [N*B,S,W], log_sum_exp [N*B,S,heads] "
                       "and a result [B,S,W], got ")
           << values << ", " << lse << " and " << result;
  // merge_partials_c2
  int64_t parts = getParts();
  if (parts < 1 || result.getDimSize(0) * parts != values.getDimSize(0))
    return emitOpError("expects parts * B rows of values, got ")
           << parts << " parts and " << values;
  // merge_partials_c3
  if (lse.getDimSize(2) < 1 || values.getDimSize(2) % lse.getDimSize(2) != 0)
    return emitOpError("expects heads that divide the width ")
           << values.getDimSize(2) << ", got " << lse.getDimSize(2);
  return success();
}
