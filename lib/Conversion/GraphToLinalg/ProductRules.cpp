//===- ProductRules.cpp - MatMul, Gemm, Einsum ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToLinalg/NodeLowering.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;

namespace {

/// The sum of products over an index below `count`, in the type of the first
/// product.
Value sumProducts(Emit &e, Type type, Value count,
                  llvm::function_ref<Value(Emit &, Value)> product) {
  return NodeLowering::loops(e, count, e.constant(type, 0),
                             [&](Emit &e, ValueRange k, ValueRange acc) {
                               return SmallVector<Value>{
                                   e.add(acc[0], product(e, k[0]))};
                             })
      .front();
}

Type wide(Type type) {
  return isa<BFloat16Type, Float16Type>(type)
             ? Type(Float32Type::get(type.getContext()))
             : type;
}

LogicalResult checkSizes(NodeLowering &n, OpFoldResult a, OpFoldResult b) {
  std::optional<int64_t> x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y && *x != *y)
    return n.fail("expects operands of one inner size, got " + Twine(*x) +
                  " and " + Twine(*y));
  return success();
}

/// As numpy.matmul: batch dimensions are broadcast, a vector is a row on the
/// left and a column on the right.
LogicalResult lowerMatMul(NodeLowering &n) {
  Value lhs = n.input(0), rhs = n.input(1);
  Type element = NodeLowering::elementOf(lhs);
  if (NodeLowering::elementOf(rhs) != element)
    return n.fail("expects operands of one element type");
  int64_t left = NodeLowering::rankOf(lhs), right = NodeLowering::rankOf(rhs);
  if (left < 1 || right < 1)
    return n.fail("expects operands of rank 1 or more");
  Dims a = n.sizesOf(lhs), b = n.sizesOf(rhs);
  bool hasRow = left > 1, hasColumn = right > 1;
  if (failed(checkSizes(n, a.back(), b[hasColumn ? right - 2 : 0])))
    return failure();
  Dims leftBatch(a.begin(), a.end() - std::min<int64_t>(left, 2)),
      rightBatch(b.begin(), b.end() - std::min<int64_t>(right, 2));
  Dims sizes = n.broadcast({leftBatch, rightBatch});
  size_t batch = sizes.size();
  if (hasRow)
    sizes.push_back(a[left - 2]);
  if (hasColumn)
    sizes.push_back(b[right - 1]);
  OpFoldResult inner = a.back();
  n.setResult(0, n.generate(sizes, element, [&](Emit &e, ValueRange at) {
    Value count = n.value(e, inner);
    return sumProducts(e, wide(element), count, [&](Emit &e, Value k) {
      // Indices as if both had all batch dimensions.
      SmallVector<Value> x(at.take_front(batch)), y(at.take_front(batch));
      if (hasRow)
        x.push_back(at[batch]);
      x.push_back(k);
      y.push_back(k);
      if (hasColumn)
        y.push_back(at.back());
      // The last indices lie inside; an inner size of 1 has k = 0.
      return e.mul(n.readBroadcast(e, lhs, x), n.readBroadcast(e, rhs, y));
    });
  }));
  return success();
}

LogicalResult lowerGemm(NodeLowering &n) {
  Value lhs = n.input(0), rhs = n.input(1), bias = n.input(2);
  if (NodeLowering::rankOf(lhs) != 2 || NodeLowering::rankOf(rhs) != 2)
    return n.fail("expects two matrices");
  bool transA = n.integer("transA", 0) != 0, transB = n.integer("transB", 0);
  double alpha = n.real("alpha", 1), beta = n.real("beta", 1);
  Dims a = n.sizesOf(lhs), b = n.sizesOf(rhs);
  if (failed(checkSizes(n, a[transA ? 0 : 1], b[transB ? 1 : 0])))
    return failure();
  OpFoldResult inner = a[transA ? 0 : 1];
  Type element = NodeLowering::elementOf(lhs);
  n.setResult(
      0, n.generate({a[transA ? 1 : 0], b[transB ? 0 : 1]}, element,
                    [&](Emit &e, ValueRange at) {
                      Type type = wide(element);
                      Value sum = sumProducts(
                          e, type, n.value(e, inner), [&](Emit &e, Value k) {
                            Value i = at[0], j = at[1];
                            Value x[] = {transA ? k : i, transA ? i : k};
                            Value y[] = {transB ? j : k, transB ? k : j};
                            return e.mul(n.read(e, lhs, x), n.read(e, rhs, y));
                          });
                      if (alpha != 1)
                        sum = e.mul(sum, e.constant(type, alpha));
                      if (!bias)
                        return sum;
                      Value added = n.readBroadcast(e, bias, at);
                      if (beta != 1)
                        added = e.mul(added, e.constant(type, beta));
                      return e.add(sum, added);
                    }));
  return success();
}

/// Letters without an ellipsis; a letter may be in one operand twice.
LogicalResult lowerEinsum(NodeLowering &n) {
  std::string equation;
  for (char c : n.string("equation", ""))
    if (c != ' ')
      equation += c;
  auto [left, right] = StringRef(equation).split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  bool isExplicit = StringRef(equation).contains("->");
  if (StringRef(equation).contains('.') ||
      terms.size() != n.node.getInputs().size())
    return n.fail("expects an equation of letters for " +
                  Twine(n.node.getInputs().size()) + " operands, got '" +
                  equation + "'");
  llvm::MapVector<char, OpFoldResult> sizes;
  std::map<char, unsigned> uses;
  for (auto [i, term] : llvm::enumerate(terms)) {
    Dims shape = n.sizesOf(n.input(i));
    if (shape.size() != term.size())
      return n.fail("expects an operand of rank " + Twine(term.size()) +
                    ", got " + Twine(shape.size()));
    for (auto [letter, size] : llvm::zip_equal(term, shape)) {
      ++uses[letter];
      auto [entry, isNew] = sizes.insert({letter, size});
      if (!isNew && failed(checkSizes(n, entry->second, size)))
        return failure();
    }
  }
  std::string output = right.str();
  if (!isExplicit)
    for (auto [letter, count] : uses)
      if (count == 1)
        output += letter;
  Dims result, counts;
  std::string summed;
  for (char letter : output) {
    if (!sizes.contains(letter))
      return n.fail("expects letters of the operands in the result");
    result.push_back(sizes[letter]);
  }
  for (auto [letter, size] : sizes)
    if (output.find(letter) == std::string::npos) {
      summed += letter;
      counts.push_back(size);
    }
  Type element = NodeLowering::elementOf(n.input(0));
  n.setResult(0, n.generate(result, element, [&](Emit &e, ValueRange at) {
    SmallVector<Value> limits;
    for (OpFoldResult count : counts)
      limits.push_back(n.value(e, count));
    return NodeLowering::loops(
               e, limits, e.constant(wide(element), 0),
               [&](Emit &e, ValueRange along, ValueRange acc) {
                 Value product;
                 for (auto [i, term] : llvm::enumerate(terms)) {
                   SmallVector<Value> place;
                   for (char letter : term) {
                     size_t kept = output.find(letter);
                     place.push_back(kept != std::string::npos
                                         ? at[kept]
                                         : along[summed.find(letter)]);
                   }
                   Value factor = n.read(e, n.input(i), place);
                   product = product ? e.mul(product, factor) : factor;
                 }
                 return SmallVector<Value>{e.add(acc[0], product)};
               })
        .front();
  }));
  return success();
}

} // namespace

void graph_to_linalg::addProductRules(Rules &rules) {
  rules["MatMul"] = lowerMatMul;
  rules["Gemm"] = lowerGemm;
  rules["Einsum"] = lowerEinsum;
}
