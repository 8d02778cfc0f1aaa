//===- UnrolledDispatch.cpp - how experts get at their tokens -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UnrolledGraph.h"
#include <algorithm>

using namespace portolan::test;

std::string ExpertGraph::addBlock(std::string x) {
  std::string rows =
      node("Reshape", {x, indices("-1, " + std::to_string(form.hidden), 2)});
  slots = addRouter(rows);
  std::string sum =
      form.dispatch == Dispatch::Dense ? addDense(rows) : addEach(rows);
  return node("Reshape", {sum, node("Shape", {x})});
}

std::string ExpertGraph::addEach(std::string rows) {
  std::vector<int64_t> order;
  for (int64_t e = 0; e < form.experts; ++e)
    order.push_back(e);
  if (form.isShuffled)
    std::reverse(order.begin(), order.end()), std::swap(order[0], order[2]);
  if (form.fault == Fault::Missing)
    order.erase(order.begin() + 1);
  if (form.fault == Fault::Twice)
    order[2] = order[1];
  std::string sum = form.isOpen ? rows : "";
  bool isListed =
      form.dispatch != Dispatch::Masked && form.dispatch != Dispatch::Summed;
  if (isListed && !form.isOpen)
    sum = node("ConstantOfShape", {node("Shape", {rows})},
               "value = dense<0.0> : tensor<1xf32>");
  if (form.dispatch == Dispatch::Indexed)
    addColumns(rows);
  std::vector<std::string> parts;
  for (int64_t expert : order) {
    switch (form.dispatch) {
    case Dispatch::Traced:
      sum = addTraced(sum, rows, expert);
      break;
    case Dispatch::Listed:
      sum = addListed(sum, rows, expert);
      break;
    case Dispatch::Indexed:
      sum = addIndexed(sum, rows, expert);
      break;
    case Dispatch::Masked:
      sum = sum.empty() ? addMasked(rows, expert)
                        : node("Add", {sum, addMasked(rows, expert)});
      break;
    default:
      parts.push_back(addMasked(rows, expert));
    }
  }
  if (form.dispatch != Dispatch::Summed)
    return sum;
  if (form.isOpen)
    parts.push_back(rows);
  return node("Sum", parts);
}

std::string ExpertGraph::addMasked(std::string rows, int64_t expert) {
  std::string chosen = node("Cast", {addMask(expert)}, "to = 1 : i64");
  std::string weight =
      node("ReduceSum", {node("Mul", {slots, chosen}), indices("-1", 1)},
           "keepdims = 1 : i64");
  return node("Mul", {addExpert(rows, expert), weight});
}

std::string ExpertGraph::addMask(int64_t expert) {
  std::string number = constant("tensor<i64>", std::to_string(expert));
  if (form.hasEqual || form.dispatch == Dispatch::Masked ||
      form.dispatch == Dispatch::Summed)
    return node("Equal", {choice, number});
  return node("Gather", {oneHot, number}, "axis = 0 : i64");
}

std::string ExpertGraph::addListed(std::string sum, std::string rows,
                                   int64_t expert) {
  // Masks are [slots, tokens], or [tokens, slots] if they come from Equal.
  std::string places = node("NonZero", {addMask(expert)});
  std::string tokens = node(
      "Gather", {places, constant("tensor<i64>", form.hasEqual ? "0" : "1")},
      "axis = 0 : i64");
  std::string out =
      addExpert(node("Gather", {rows, tokens}, "axis = 0 : i64"), expert);
  std::string table =
      form.hasEqual ? slots
                    : node("Transpose", {slots}, "perm = array<i64: 1, 0>");
  std::string weight =
      node("GatherND",
           {table, node("Transpose", {places}, "perm = array<i64: 1, 0>")});
  out = node("Mul", {out, node("Unsqueeze", {weight, indices("1", 1)})});
  bool overwrites = form.fault == Fault::Overwrites && expert == 2;
  return node("ScatterND",
              {sum, node("Unsqueeze", {tokens, indices("1", 1)}), out},
              overwrites ? "" : "reduction = \"add\"");
}

std::string ExpertGraph::addTraced(std::string sum, std::string rows,
                                   int64_t expert) {
  std::string zero = indices("0", 1), one = indices("1", 1);
  std::string mask = node("Cast", {addMask(expert)}, "to = 9 : i64");
  std::string places = node(
      "Split",
      {node("Transpose", {node("NonZero", {mask})}, "perm = array<i64: 1, 0>"),
       indices("1, 1", 2)},
      "axis = 1 : i64", 2);
  std::string first = node("Squeeze", {places + "#0", one}),
              second = node("Squeeze", {places + "#1", one});
  std::string tokens = form.hasEqual ? first : second,
              slot = form.hasEqual ? second : first;
  std::string width =
      node("Gather", {node("Shape", {rows}), constant("tensor<i64>", "1")},
           "axis = 0 : i64");
  std::string target =
      node("Concat", {indices("-1", 1), node("Unsqueeze", {width, zero})},
           "axis = 0 : i64");
  std::string own =
      node("Reshape", {node("Gather", {node("Unsqueeze", {rows, zero}), tokens},
                            "axis = 1 : i64"),
                       target});
  std::string out = addExpert(own, expert);
  // The weights of (token, slot), from a table of one row each.
  std::string table = node("Unsqueeze", {slots, indices("2", 1)});
  std::string sizes = node("Shape", {table});
  std::string perToken = node("Gather", {sizes, one}, "axis = 0 : i64");
  std::string flat = node("Flatten", {table}, "axis = 2 : i64");
  std::string at = node("Add", {slot, node("Mul", {tokens, perToken})});
  std::string weight = node("Gather", {flat, at}, "axis = 0 : i64");
  std::string last = node("Gather", {sizes, indices("2", 1)}, "axis = 0 : i64");
  weight = node("Reshape", {weight, node("Concat", {node("Shape", {at}), last},
                                         "axis = 0 : i64")});
  out = node("Mul", {out, weight});
  // The rows are added to zeros, and these to the sum.
  std::string row =
      node("Slice", {sum, indices("0, 0", 2),
                     indices("1, 9223372036854775807", 2), indices("0, 1", 2)});
  out = node("Expand", {out, node("Shape", {row})});
  std::string index =
      node("Expand", {node("Unsqueeze", {tokens, one}), node("Shape", {out})});
  std::string zeros = node("ConstantOfShape", {node("Shape", {sum})},
                           "value = dense<0.0> : tensor<1xf32>");
  std::string added =
      node("ScatterElements", {zeros, index, out}, "axis = 0 : i64");
  return node("Add", {sum, added});
}

/// A column per expert: where it is chosen, and with which weight.
void ExpertGraph::addColumns(std::string rows) {
  std::string experts = std::to_string(form.experts);
  std::string hot = node("OneHot",
                         {choice, constant("tensor<i64>", experts),
                          constant("tensor<2xi64>", "[0, 1]")},
                         "axis = -1 : i64");
  oneHot = node("ReduceSum", {hot, indices("1", 1)}, "keepdims = 0 : i64");
  std::string count = node("Gather", {node("Shape", {rows}), indices("0", 1)},
                           "axis = 0 : i64");
  std::string zeros =
      node("ConstantOfShape",
           {node("Concat", {count, indices(experts, 1)}, "axis = 0 : i64")},
           "value = dense<0.0> : tensor<1xf32>");
  slots = node("ScatterElements", {zeros, choice, slots}, "axis = 1 : i64");
}

/// sum[tokens] += results * weights[tokens, expert].
std::string ExpertGraph::addIndexed(std::string sum, std::string rows,
                                    int64_t expert) {
  std::string first = std::to_string(expert), next = std::to_string(expert + 1),
              one = indices("1", 1);
  std::string column =
      node("Slice", {oneHot, indices(first, 1), indices(next, 1), one});
  std::string tokens =
      node("Squeeze", {node("NonZero", {node("Squeeze", {column, one})}),
                       indices("0", 1)});
  std::string out =
      addExpert(node("Gather", {rows, tokens}, "axis = 0 : i64"), expert);
  std::string weights =
      node("Gather", {slots, constant("tensor<i64>", first)}, "axis = 1 : i64");
  std::string weight = node("Gather", {weights, tokens}, "axis = 0 : i64");
  out = node("Mul", {node("Unsqueeze", {weight, one}), out});
  out = node("Add", {node("Gather", {sum, tokens}, "axis = 0 : i64"), out});
  return node("ScatterND", {sum, node("Unsqueeze", {tokens, one}), out});
}
