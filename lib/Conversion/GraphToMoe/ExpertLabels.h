//===- ExpertLabels.h - what the values of an expert block are -*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A label says which quantity of a router or a feed-forward block a value of
// the graph is, and what its dimensions run over.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_EXPERTLABELS_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_EXPERTLABELS_H

#include "dialects/Graph/IR/Graph.h"
#include "lib/Conversion/GraphToMoe/Axes.h"
#include <limits>
#include <memory>

namespace portolan::graph_to_moe {

/// A part of a weight: which of its dimensions holds experts, inputs and
/// outputs (-1: none), and which outputs are taken.
struct WeightPart {
  mlir::Value weight;
  int64_t expert = -1, in = -1, out = -1;
  int64_t offset = 0, size = 0, stride = 1;
  /// The dimension of which only element `index` is taken (-1: none).
  int64_t sliced = -1, index = -1;

  explicit operator bool() const { return bool(weight); }
  bool operator==(const WeightPart &other) const {
    return weight == other.weight && index == other.index && isLike(other);
  }
  /// Whether both take the same part of weights of one shape.
  bool isLike(const WeightPart &other) const {
    return expert == other.expert && in == other.in && out == other.out &&
           offset == other.offset && size == other.size &&
           stride == other.stride && sliced == other.sliced;
  }
};

/// scale * clamp(input matrix + bias, low, high) + offset.
struct Branch {
  WeightPart matrix, bias;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  double scale = 1, offset = 0;

  bool isPlain() const { return !isClamped() && scale == 1 && offset == 0; }
  bool isClamped() const {
    return low != -std::numeric_limits<double>::infinity() ||
           high != std::numeric_limits<double>::infinity();
  }
  /// Whether both are the same up to their scale.
  bool matches(const Branch &other) const {
    return matrix == other.matrix && bias == other.bias && low == other.low &&
           high == other.high && offset == other.offset;
  }
};

/// How experts are chosen, as far as the graph has got.
struct Router {
  mlir::Value source; ///< the tokens
  WeightPart matrix, bias, correction;
  int64_t experts = 0;
  bool isScored = false; ///< false: logits
  moe::Scoring scoring = moe::Scoring::softmax;
  int64_t groups = 1, topGroups = 1;
  int64_t topK = 0;
  graph::NodeOp choice; ///< the TopK over the experts
};

/// A feed-forward block, as far as the graph has got.
struct Forward {
  enum class Stage { Linear, Sigmoid, Activated, Gated, Done };
  Stage stage = Stage::Linear;
  mlir::Value source; ///< the tokens
  /// The choice whose experts' weights were gathered; null if the block has
  /// all experts, or none.
  graph::NodeOp gatheredBy;
  /// The choice whose tokens for expert `listed` are the block's; null if the
  /// block has all tokens.
  graph::NodeOp listedBy;
  int64_t listed = -1;
  Branch main; ///< the linear part of a gated block, else the only branch
  Branch gate; ///< has a matrix if the block is gated
  moe::Activation activation = moe::Activation::identity;
  double alpha = 1;
  WeightPart down, downBias;
};

/// The results of one expert, times the weights of its tokens.
struct Member {
  int64_t expert;
  std::shared_ptr<const Forward> forward;
  graph::NodeOp node; ///< where they were weighted
};

/// The results of some experts, added up: those of two sums, or of one expert.
struct ExpertSum {
  const ExpertSum *left = nullptr, *right = nullptr;
  const Member *first; ///< one of the members
  int64_t count = 1;
};

/// Coordinates of elements: those that a mask has set.
struct Places {
  /// What the coordinates run over, each of which is counted in steps of
  /// `factor`.
  Dims rows;
  Size factor = 1;
};

/// The expert of a loop's iteration, as the one that a value is about.
constexpr int64_t kIteration = std::numeric_limits<int64_t>::max();

enum class Part : uint8_t {
  Tokens,       ///< `value` or copies of it
  Weight,       ///< the weight `value`; rows of it if `router` is there
  Forward,      ///< `forward`
  Scores,       ///< router logits or scores of all experts
  GroupBest,    ///< the best scores of each group
  GroupScores,  ///< a score per group
  GroupChoice,  ///< indices of the chosen groups
  GroupMask,    ///< whether a group is chosen
  Choice,       ///< indices of the chosen experts
  RouteWeights, ///< weights of the chosen experts
  OneHot,       ///< whether a slot of a token is for an expert
  SlotWeights,  ///< the weight where it is, else 0
  ExpertMask,   ///< whether an expert is chosen
  DenseWeights, ///< the weight of each expert, 0 if it is not chosen
  WeightSum,    ///< sum of the weights of a token
  Weighted,     ///< results of experts, times their weights
  Fill,         ///< `number` everywhere
  TokenIndex,   ///< positions of tokens
  Places,       ///< `places` of what is chosen for one expert
  ExpertSum,    ///< `sum`, on top of the tokens `value` if they are there
  SumRows,      ///< rows of `sum` at the tokens of one expert
  HitCount,     ///< 0 if no token chose an expert
};

struct Label {
  Part part;
  Dims dims = {};
  mlir::Value value = {};
  std::shared_ptr<const Router> router = {};
  std::shared_ptr<const Forward> forward = {};
  double number = 0;
  int64_t expert = -1; ///< rows of a weight: the dimension that held experts
  /// The one expert that the value is about (-1: all); of a weight the element
  /// of dimension `expert` that is taken.
  int64_t one = -1;
  std::shared_ptr<const Places> places = {};
  const ExpertSum *sum = nullptr;
  /// Scores: with the correction added; the excluded groups masked.
  bool isCorrected = false, isLimited = false;
  bool isNegated = false;    ///< masks
  bool isNormalized = false; ///< weights: divided by their sum
  double scale = 1;          ///< weights: a factor

  bool isForward(Forward::Stage stage) const {
    return part == Part::Forward && forward->stage == stage;
  }
};

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_EXPERTLABELS_H
