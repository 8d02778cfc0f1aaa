//===- FoldLayout.cpp - nodes that choose and join known elements ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/FoldElements.h"
#include "lib/Conversion/GraphToMoe/GraphFacts.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;
using graph_to_moe::wrapIndex;

/// Nodes that choose and join elements.
std::optional<List> Folder::foldLayout() {
  StringRef op = n.node.getOpType();
  const List *operand = list(0);
  if (!operand)
    return std::nullopt;
  List result = *operand;
  if (op == "Unsqueeze" || op == "Squeeze" || op == "Reshape") {
    if (op == "Unsqueeze") {
      bool given = false;
      FailureOr<Integers> axes = n.axes(1, 1, given);
      if (!operand->isScalar || failed(axes) || axes->size() != 1)
        return std::nullopt;
      result.isScalar = false;
      return result;
    }
    if (op == "Squeeze") {
      if (operand->elements.size() != 1)
        return std::nullopt;
      result.isScalar = true;
      return result;
    }
    int64_t rank = NodeLowering::rankOf(n.input(1)) == 1
                       ? typeOf(n.input(1)).getDimSize(0)
                       : -1;
    if (rank != 1 && !(rank == 0 && operand->elements.size() == 1))
      return std::nullopt;
    result.isScalar = rank == 0;
    return result;
  }
  if (op == "Concat") {
    result.elements.clear();
    for (unsigned i = 0; i < inputs.size(); ++i) {
      const List *part = list(i);
      if (!part || part->isScalar)
        return std::nullopt;
      result.elements.append(part->elements);
    }
    return result;
  }
  if (op == "Gather") {
    auto places = n.integers(n.input(1));
    if (operand->isScalar || !places)
      return std::nullopt;
    result.elements.clear();
    result.isScalar = NodeLowering::rankOf(n.input(1)) == 0;
    for (int64_t place : *places) {
      int64_t index = wrapIndex(place, operand->elements.size());
      if (index < 0)
        return std::nullopt;
      result.elements.push_back(operand->elements[index]);
    }
    return result;
  }
  if (op == "Slice" && n.version() >= 10) {
    auto starts = n.integers(n.input(1)), ends = n.integers(n.input(2));
    std::optional<Integers> steps =
        n.input(4) ? n.integers(n.input(4)) : Integers{1};
    if (operand->isScalar || !starts || !ends || !steps ||
        starts->size() != 1 || ends->size() != 1 || steps->size() != 1 ||
        steps->front() < 1)
      return std::nullopt;
    int64_t size = operand->elements.size();
    auto bound = [&](int64_t place) {
      return std::clamp<int64_t>(place < 0 ? place + size : place, 0, size);
    };
    result.elements.clear();
    for (int64_t i = bound(starts->front()); i < bound(ends->front());
         i += steps->front())
      result.elements.push_back(operand->elements[i]);
    return result;
  }
  if (op == "Expand") {
    auto shape = n.integers(n.input(1));
    if (!shape || shape->size() != 1 || operand->elements.size() != 1 ||
        shape->front() < 1 || size_t(shape->front()) > kMaxFolded)
      return std::nullopt;
    result.isScalar = false;
    result.elements.assign(shape->front(), operand->elements.front());
    return result;
  }
  if (op == "ConstantOfShape") {
    auto shape = n.integers(n.input(0));
    auto value =
        dyn_cast_or_null<DenseIntElementsAttr>(n.node.attribute("value"));
    if (!shape || shape->size() != 1 || !value || value.getNumElements() != 1 ||
        shape->front() < 0 || size_t(shape->front()) > kMaxFolded)
      return std::nullopt;
    result.type = value.getElementType();
    result.isScalar = false;
    APInt element = *value.begin();
    result.elements.assign(shape->front(),
                           number(result.type.isInteger(1)
                                      ? int64_t(element.getZExtValue())
                                      : element.getSExtValue()));
    return result;
  }
  return std::nullopt;
}
