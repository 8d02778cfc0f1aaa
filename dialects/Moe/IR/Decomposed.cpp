//===- Decomposed.cpp - nodes that were not raised ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Verifier and work of moe.decomposed. Bytes of weights follow from their
// types, everything else is stated.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Moe.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

LogicalResult DecomposedOp::verify() {
  if (getInputs().empty())
    return emitOpError("expects an activation as input, got none");
  for (NamedAttribute attribute : (*this)->getAttrs())
    if (auto number = dyn_cast<IntegerAttr>(attribute.getValue());
        number && number.getInt() < 0)
      return emitOpError("expects ") << attribute.getName().getValue()
                                     << " >= 0, got " << number.getInt();
  for (Value value : llvm::concat<Value>(getWeights(), getTables())) {
    auto type = cast<RankedTensorType>(value.getType());
    if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
      return emitOpError("expects weights of static shape and of numbers, got ")
             << type;
  }
  return success();
}

FailureOr<LocalOp> DecomposedOp::describe() {
  auto result = cast<RankedTensorType>(getResult().getType());
  int64_t rows = 1;
  for (int64_t dim : result.getShape().drop_back()) {
    if (ShapedType::isDynamic(dim))
      return emitOpError("expects static dimensions to state its work, got ")
             << result << " (run moe-bind-workload)";
    rows *= dim;
  }
  std::optional<Format> activation = formatOf(result.getElementType());
  if (!activation)
    return emitOpError("expects a number format of the catalogue, got ")
           << result.getElementType();
  LocalOp local;
  local.kind = OpKind::decomposed;
  local.rows = local.meanRows = double(rows);
  // What widens narrow weights is in the nodes, or done ahead of a step.
  local.activation = local.compute = local.weight = *activation;
  DecomposedCounts counts;
  counts.width = result.getShape().back();
  counts.matmulOperations = getMatmulOperations();
  counts.vectorOperations = getVectorOperations();
  counts.transcendentalOperations = getTranscendentalOperations();
  counts.bytesRead = getBytesRead();
  counts.bytesWritten = getBytesWritten();
  counts.widestBytes = getWidestBytes();
  counts.kernels = getKernels();
  auto add = [&](Value value, int64_t &bytes) {
    auto type = cast<RankedTensorType>(value.getType());
    double bits = type.getElementTypeBitWidth();
    bytes += int64_t(std::ceil(double(type.getNumElements()) * bits / 8));
    counts.parameters += type.getNumElements();
  };
  for (Value value : getWeights())
    add(value, counts.weightBytes);
  counts.residentBytes = counts.weightBytes;
  for (Value value : getTables())
    add(value, counts.residentBytes);
  counts.store(local);
  return local;
}
