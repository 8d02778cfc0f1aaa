//===- RaiseArrangements.cpp - rules for reshapes and transposes ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nodes that only arrange an activation anew: heads split from the width and
// moved in front, tokens joined to rows, parts of each head. They become views
// and no ops; what the moe ops cannot read as a view is refused by its reader.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/Idioms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

using Layout = View::Layout;

/// `value` as a view: an activation of [B,S,W] has one head.
std::optional<View> viewOf(Value value, Raiser &raiser) {
  if (const View *view = raiser.view(value))
    return *view;
  Value base = raiser.raised(value);
  if (!base || typeOf(base).getRank() != 3 ||
      ShapedType::isDynamic(lastDim(base)))
    return std::nullopt;
  View view;
  view.base = base;
  view.layout = Layout::Heads;
  view.headWidth = view.width = lastDim(base);
  return view;
}

/// Whether `value` is a raised [B,S,W].
bool isFlat(Value value, Raiser &raiser) {
  return !raiser.view(value) && viewOf(value, raiser);
}

/// The first two sizes of the activation that `view` arranges.
struct Tokens {
  Size batch, count;
};
std::optional<Tokens> tokensOf(Value value, const View &view, bool flat,
                               Raiser &raiser) {
  const Sizes *shape = raiser.facts.shape(value);
  if (!shape || shape->size() < 3 || view.layout == Layout::Rows)
    return std::nullopt;
  if (flat || view.layout != Layout::HeadsFirst)
    return Tokens{(*shape)[0], (*shape)[1]};
  return Tokens{(*shape)[0], (*shape)[2]};
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

/// Whether reshaping `view` to `shape` joins the heads to [B,S,width].
bool joinsHeads(const View &view, const Tokens &tokens, const Sizes &shape) {
  return view.layout == Layout::Heads && view.isWhole() && shape.size() == 3 &&
         shape[0] == tokens.batch && shape[1] == tokens.count &&
         shape[2] == Size(view.heads * view.headWidth);
}

LogicalResult raiseReshape(graph::NodeOp node, Raiser &raiser) {
  Value from = node.input(0), to = node.getOutputs()[0];
  std::optional<View> view = viewOf(from, raiser);
  const Sizes *source = raiser.facts.shape(from),
              *shape = raiser.facts.shape(to);
  if (!view || !source || !shape)
    return raiser.fail("expects an activation and a target that follow from "
                       "the shapes of the inputs");
  Value base = view->base;
  int64_t width = lastDim(base);

  // Rows back to tokens, whose number the rows do not tell.
  if (view->layout == Layout::Rows) {
    if (shape->size() == 2 && *shape == *source) {
      raiser.raiseView(to, *view);
      return success();
    }
    std::optional<Size> product =
        shape->size() == 3 ? (*shape)[0].times((*shape)[1]) : std::nullopt;
    if (product == (*source)[0] && (*shape)[2] == Size(width)) {
      raiser.raise(to, base, base);
      return success();
    }
    return raiser.fail("expects rows to become tokens again");
  }

  bool flat = isFlat(from, raiser);
  std::optional<Tokens> tokens = tokensOf(from, *view, flat, raiser);
  if (!tokens)
    return raiser.fail("expects an activation of known shape");
  if (!flat && joinsHeads(*view, *tokens, *shape)) {
    raiser.raise(to, base, base);
    return success();
  }
  if (view->layout != Layout::HeadsFirst && !flat && shape->size() >= 3 &&
      (*shape)[0] == tokens->batch && (*shape)[1] == tokens->count) {
    // Parts of heads, side by side or apart.
    View part = *view;
    bool joins =
        shape->size() == 3 && (*shape)[2] == Size(view->heads * view->width);
    bool splits = shape->size() == 4 && (*shape)[2] == Size(view->heads) &&
                  (*shape)[3] == Size(view->width);
    part.layout = joins ? Layout::Joined : Layout::Heads;
    if (joins || splits) {
      raiser.raiseView(to, part);
      return success();
    }
  }
  if (shape->size() == 4 && flat) {
    std::optional<int64_t> heads, part = shape->back().constant();
    View split = *view;
    if ((*shape)[0] == tokens->batch && (*shape)[1] == tokens->count) {
      heads = (*shape)[2].constant();
    } else if ((*shape)[0] == tokens->batch && (*shape)[1] == Size(1) &&
               (*shape)[2] == tokens->count) {
      heads = 1;
      split.layout = Layout::HeadsFirst;
    }
    if (heads && part && *heads > 0 && width % *heads == 0 &&
        *part == width / *heads) {
      split.heads = *heads;
      split.headWidth = split.width = *part;
      raiser.raiseView(to, split);
      return success();
    }
  }
  if (shape->size() == 2 && flat) {
    std::optional<Size> rows = tokens->batch.times(tokens->count);
    if (rows == (*shape)[0] && (*shape)[1] == Size(width)) {
      View joined = *view;
      joined.layout = Layout::Rows;
      raiser.raiseView(to, joined);
      return success();
    }
  }
  return raiser.fail("expects to split or join heads or tokens");
}

void needsFirst(graph::NodeOp node, Raiser &, Values &values) {
  values.push_back(node.input(0));
}

/// Whether `view` has a dimension for its heads.
bool isHeadView(const View *view) {
  return view && view->layout != Layout::Rows && view->layout != Layout::Joined;
}

//===----------------------------------------------------------------------===//
// Transpose, Unsqueeze
//===----------------------------------------------------------------------===//

LogicalResult raiseTranspose(graph::NodeOp node, Raiser &raiser) {
  const View *view = raiser.view(node.input(0));
  auto perm = permutationOf(node);
  if (!isHeadView(view) || !perm || *perm != SmallVector<int64_t>{0, 2, 1, 3})
    return raiser.fail("expects to exchange heads and tokens of an activation");
  View moved = *view;
  moved.layout =
      view->layout == Layout::Heads ? Layout::HeadsFirst : Layout::Heads;
  raiser.raiseView(node.getOutputs()[0], moved);
  return success();
}

LogicalResult raiseUnsqueeze(graph::NodeOp node, Raiser &raiser) {
  auto axes = axesOf(node, 1, raiser.facts);
  std::optional<View> view = viewOf(node.input(0), raiser);
  if (!view || !isFlat(node.input(0), raiser) || !axes || axes->size() != 1 ||
      (axes->front() != 1 && axes->front() != 2))
    return raiser.fail("expects an activation that becomes one head");
  view->layout = axes->front() == 1 ? Layout::HeadsFirst : Layout::Heads;
  raiser.raiseView(node.getOutputs()[0], *view);
  return success();
}

/// One head that is an activation again.
LogicalResult raiseSqueeze(graph::NodeOp node, Raiser &raiser) {
  const View *view = raiser.view(node.input(0));
  auto axes = axesOf(node, 1, raiser.facts);
  bool drops = isHeadView(view) && view->heads == 1 && view->isWhole() &&
               axes && axes->size() == 1;
  int64_t axis = drops ? wrapIndex(axes->front(), 4) : -1;
  if (!drops || axis != (view->layout == Layout::HeadsFirst ? 1 : 2))
    return raiser.fail("expects one head that becomes an activation");
  raiser.raise(node.getOutputs()[0], view->base, view->base);
  return success();
}

//===----------------------------------------------------------------------===//
// Parts of a head
//===----------------------------------------------------------------------===//

/// Columns [first, first + width) of an activation [B,S,W].
Value sliceColumns(Raiser &raiser, Location loc, Value base, int64_t first,
                   int64_t width) {
  OpBuilder &b = raiser.body;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, base),
                            offsets(3, b.getIndexAttr(0)),
                            strides(3, b.getIndexAttr(1));
  offsets[2] = b.getIndexAttr(first);
  sizes[2] = b.getIndexAttr(width);
  return tensor::ExtractSliceOp::create(b, loc, withLastDim(base, width), base,
                                        offsets, sizes, strides);
}

LogicalResult raiseSlice(graph::NodeOp node, Raiser &raiser) {
  const View *view = raiser.view(node.input(0));
  auto form = sliceOf(node, raiser.facts);
  std::optional<int64_t> start = form ? form->start.constant() : std::nullopt,
                         size = form ? form->size.constant() : std::nullopt;
  if (!isHeadView(view) || !start || !size || form->step != 1 ||
      form->axis != raiser.facts.rank(node.input(0)) - 1 || *start < 0 ||
      *size < 1 || *start + *size > view->width)
    return raiser.fail("expects consecutive columns of each head");
  View part = *view;
  part.offset += *start;
  part.width = *size;
  raiser.raiseView(node.getOutputs()[0], part);
  return success();
}

/// Columns of an activation that no projection can be split for.
bool slicesColumns(graph::NodeOp node, Raiser &raiser) {
  auto form = sliceOf(node, raiser.facts);
  return form && raiser.facts.rank(node.input(0)) == 3 && form->axis == 2;
}

LogicalResult raiseSliceColumns(graph::NodeOp node, Raiser &raiser) {
  auto form = sliceOf(node, raiser.facts);
  Value input = raiser.raised(node.input(0));
  std::optional<int64_t> start = form->start.constant(),
                         size = form->size.constant();
  if (!input || typeOf(input).getRank() != 3 || !start || !size || *size < 1 ||
      form->step != 1 || *start + *size > lastDim(input))
    return raiser.fail("expects consecutive columns of an activation");
  Value part = sliceColumns(raiser, node.getLoc(), input, *start, *size);
  raiser.raise(node.getOutputs()[0], part, input);
  raiser.raise(part, part, input);
  return success();
}

/// Whether the columns that `node` splits off last become one head that others
/// share: the rotated part of a compressed key.
bool splitsSharedHead(graph::NodeOp node, Raiser &raiser) {
  if (raiser.facts.rank(node.input(0)) != 3 || node.getOutputs().size() != 2)
    return false;
  return llvm::any_of(node.getOutputs()[1].getUsers(), [&](Operation *user) {
    auto reader = dyn_cast<graph::NodeOp>(user);
    if (!reader ||
        (reader.getOpType() != "Unsqueeze" && reader.getOpType() != "Reshape"))
      return false;
    Value head = reader.getOutputs()[0];
    return raiser.facts.rank(head) == 4 &&
           (raiser.facts.dim(head, 1) == 1 || raiser.facts.dim(head, 2) == 1);
  });
}

/// The two parts stay one projection, as models of this kind state it.
LogicalResult raiseSplitColumns(graph::NodeOp node, Raiser &raiser) {
  Value input = raiser.raised(node.input(0));
  if (!input || wrapIndex(integerAttr(node, "axis", 0), 3) != 2)
    return raiser.fail("expects to split the columns of an activation");
  int64_t first = 0;
  for (auto [index, output] : llvm::enumerate(node.getOutputs())) {
    int64_t width = raiser.facts.dim(output, -1);
    if (width < 1 || first + width > lastDim(input))
      return raiser.fail("expects constant sizes that sum to the width " +
                         Twine(lastDim(input)));
    Value part = sliceColumns(raiser, partOf(node, std::to_string(index)),
                              input, first, width);
    raiser.raise(output, part, input);
    raiser.raise(part, part, input);
    first += width;
  }
  return success();
}

bool splitsHeads(graph::NodeOp node, Raiser &raiser) {
  return raiser.facts.rank(node.input(0)) == 4;
}

LogicalResult raiseSplitHeads(graph::NodeOp node, Raiser &raiser) {
  const View *view = raiser.view(node.input(0));
  if (!isHeadView(view) || wrapIndex(integerAttr(node, "axis", 0), 4) != 3)
    return raiser.fail("expects to split the columns of each head");
  View part = *view;
  for (Value output : node.getOutputs()) {
    part.width = raiser.facts.dim(output, -1);
    if (part.width < 1 || part.offset + part.width > view->offset + view->width)
      return raiser.fail("expects constant sizes that sum to the width " +
                         Twine(view->width));
    raiser.raiseView(output, part);
    part.offset += part.width;
  }
  return success();
}

/// Two parts of a head side by side.
LogicalResult raiseConcatHeads(graph::NodeOp node, Raiser &raiser) {
  if (node.getInputs().size() != 2)
    return raiser.fail("expects two parts of each head");
  const View *first = raiser.view(node.input(0)),
             *second = raiser.view(node.input(1));
  auto whole = isHeadView(first) && isHeadView(second)
                   ? joinParts(*first, *second)
                   : std::nullopt;
  if (!whole)
    return raiser.fail("expects two parts of the heads of one activation, "
                       "rotated or not, that lie side by side");
  raiser.raiseView(node.getOutputs()[0], *whole);
  return success();
}

bool joinsLast(graph::NodeOp node, Raiser &raiser) {
  int64_t rank = raiser.facts.rank(node.input(0));
  return rank == 4 && wrapIndex(integerAttr(node, "axis", 0), rank) == 3;
}

/// Whether `rotated` is `plain` but for the columns that the part `of` shows.
bool isRotationOf(Value rotated, Value plain, const View &of) {
  auto rope = rotated.getDefiningOp<moe::RopeOp>();
  return rope && rope.getInput() == plain &&
         int64_t(rope.getHeadWidth()) == of.headWidth &&
         int64_t(rope.getOffset()) >= of.offset &&
         int64_t(rope.getOffset()) + 2 * lastDim(rope.getCosine()) <=
             of.offset + of.width;
}

} // namespace

std::optional<View> graph_to_moe::joinParts(const View &first,
                                            const View &second) {
  if (first.layout != second.layout || first.heads != second.heads ||
      first.headWidth != second.headWidth ||
      first.offset + first.width != second.offset)
    return std::nullopt;
  View whole = first;
  whole.width += second.width;
  if (isRotationOf(second.base, first.base, second))
    whole.base = second.base;
  else if (first.base != second.base &&
           !isRotationOf(first.base, second.base, first))
    return std::nullopt;
  return whole;
}

void graph_to_moe::addArrangementRules(Rules &rules) {
  auto reads = [](Rule rule) {
    rule.readsViews = true;
    return rule;
  };
  rules.add("", "Reshape", reads({2, needsFirst, raiseReshape}));
  rules.add("", "Transpose", reads({1, needsFirst, raiseTranspose}));
  rules.add("", "Unsqueeze", reads({1, needsFirst, raiseUnsqueeze}));
  rules.add("", "Squeeze", reads({1, needsFirst, raiseSqueeze}));
  rules.add("", "Slice", {1, needsFirst, raiseSliceColumns, slicesColumns});
  rules.add("", "Slice", reads({1, needsFirst, raiseSlice}));
  rules.add("", "Split", {1, needsFirst, raiseSplitColumns, splitsSharedHead});
  rules.add("", "Split", reads({1, needsFirst, raiseSplitHeads, splitsHeads}));
  rules.add("", "Concat", reads({2, needsInputs, raiseConcatHeads, joinsLast}));
}
