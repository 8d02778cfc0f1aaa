//===- Raiser.h - shared state of the raising rules ------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A rule raises one node together with the nodes that only serve it (a
// projection split by its consumer, the reshapes around a norm). It first says
// which values it needs raised; nodes whose values nobody needs are not raised.
// An op type may have several rules: the first one whose `matches` accepts the
// node, else the one without it.
//
// The moe ops keep activations as [B,S,W]. A value of the graph that is only
// another arrangement of one (tokens in rows, heads in front) is a View.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_RAISER_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_RAISER_H

#include "dialects/Graph/IR/Graph.h"
#include "lib/Conversion/GraphToMoe/AttentionMask.h"
#include "lib/Conversion/GraphToMoe/GraphFacts.h"
#include "lib/Conversion/GraphToMoe/NodeAttributes.h"
#include "llvm/ADT/MapVector.h"
#include <optional>

namespace portolan::graph_to_moe {

using Values = llvm::SmallVector<mlir::Value>;

/// A product with a weight: MatMul, or Add of a MatMul and a bias.
struct Projection {
  mlir::Value input, weight, bias;
};

/// An arrangement of an activation `base` [B,S,heads*headWidth]: columns
/// [offset, offset + width) of each head.
struct View {
  enum class Layout {
    Rows,      ///< [B*S, width], one head
    Heads,     ///< [B,S,heads,width]
    Joined,    ///< [B,S,heads*width], not the whole heads
    HeadsFirst ///< [B,heads,S,width]
  };
  mlir::Value base;
  Layout layout = Layout::Rows;
  int64_t heads = 1, headWidth = 0, offset = 0, width = 0;

  bool isWhole() const { return width == headWidth; }
};

/// The view of two parts of each head that lie side by side. Where one of them
/// was rotated, the other one is as it was. Nothing if they are of different
/// activations.
std::optional<View> joinParts(const View &first, const View &second);

/// `weight` with its last two dimensions exchanged.
mlir::Value transposeWeight(mlir::OpBuilder &builder, mlir::Value weight);

/// The state of raising one function.
class Raiser {
public:
  Raiser(mlir::func::FuncOp main, GraphFacts &facts);

  /// What `value` of the graph was raised to, or null if it is not raised or
  /// only as a view.
  mlir::Value raised(mlir::Value value) const { return map.lookup(value); }
  /// The view that `value` was raised to, or null.
  const View *view(mlir::Value value) const {
    auto found = views.find(value);
    return found == views.end() ? nullptr : &found->second;
  }
  bool isRaised(mlir::Value value) const {
    return map.contains(value) || views.contains(value);
  }
  /// The activation [B,S,W] that `value` is: raised as it is, or as rows.
  mlir::Value rows(mlir::Value value) const;
  /// States that `value` is `to` as rows or as it is, as `like` is.
  void raiseLike(mlir::Value value, mlir::Value to, mlir::Value like);
  void raiseView(mlir::Value value, View view) { views[value] = view; }
  /// States what `value` was raised to. `like` has the same tokens.
  void raise(mlir::Value value, mlir::Value to, mlir::Value like);

  /// The tensor with the tokens [B,S] that `activation` has, ahead of the
  /// layers, or null.
  mlir::Value tokensOf(mlir::Value activation) const;

  /// Fails the current rule.
  llvm::LogicalResult fail(const llvm::Twine &why) {
    reason = why.str();
    return llvm::failure();
  }
  /// Fails the current rule if `attributes` has a problem.
  llvm::LogicalResult check(NodeAttributes &attributes) {
    std::string problem = attributes.problem();
    return problem.empty() ? llvm::success() : fail(problem);
  }
  std::string takeReason() { return std::exchange(reason, {}); }

  /// The integers of a constant (initialiser or Constant node).
  std::optional<llvm::SmallVector<int64_t>> constant(mlir::Value value);

  /// Slice [offset : offset + size*stride : stride] of dimension `axis` of a
  /// weight, ahead of the layers.
  mlir::Value sliceWeight(mlir::Value weight, int64_t axis, int64_t offset,
                          int64_t size, int64_t stride = 1);
  /// `weight` with its last two dimensions exchanged.
  mlir::Value transposeWeight(mlir::Value weight) {
    return graph_to_moe::transposeWeight(ahead, weight);
  }

  /// A weight of zeros that the module holds.
  mlir::Value zeros(mlir::RankedTensorType type);

  /// Sequence lengths [B] (i32) after this step, and positions [B,S] (i64) of
  /// the new tokens, from `lengths`: an attention mask [B,T] (a one per token)
  /// or the last positions [B]. `tokens` gives B and S.
  std::pair<mlir::Value, mlir::Value> lengthsAndPositions(mlir::Value lengths,
                                                          mlir::Value tokens);

  /// Emits the projection of a raised input; columns [offset, offset + size)
  /// of it if `size` is not 0.
  mlir::Value project(mlir::Location loc, mlir::Value input,
                      const Projection &projection, int64_t offset = 0,
                      int64_t size = 0);

  /// States that dimension `dim` of an input is what serving calls `name`
  /// (batch, new_tokens, past_tokens, total_tokens).
  void nameDim(mlir::Value input, unsigned dim, llvm::StringRef name);
  /// The same for an input [B,S].
  void nameTokens(mlir::Value input) {
    nameDim(input, 0, "batch");
    nameDim(input, 1, "new_tokens");
  }
  /// Gives dimensions of equal names in @main the names that were stated.
  void renameDims();

  /// The form of an attention mask; layers share one, so it is read once.
  llvm::Expected<MaskForm> mask(mlir::Value value);

  /// Nodes that a later one raises: grown caches.
  llvm::SmallVector<graph::NodeOp> postponed;
  /// Rotary tables by the cosines of the graph.
  llvm::DenseMap<mlir::Value, std::pair<mlir::Value, mlir::Value>> rotaryTables;

  mlir::func::FuncOp main;
  GraphFacts &facts;
  mlir::OpBuilder ahead; ///< for what depends on no activation
  mlir::OpBuilder body;

private:
  llvm::DenseMap<mlir::Value, mlir::Value> map, tokens;
  llvm::DenseMap<mlir::Value, View> views;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Value>,
                 std::pair<mlir::Value, mlir::Value>>
      lengthsOf;
  llvm::DenseMap<mlir::Type, mlir::Value> zerosOf;
  llvm::StringMap<std::string> dimNames;
  llvm::DenseMap<mlir::Value, MaskForm> masks;
  std::string reason;
};

/// How nodes of one op type are raised.
struct Rule {
  /// The inputs that must not be absent, from the first one on.
  unsigned required;
  /// Appends the values of the graph that `raise` reads through `raised`. If
  /// the node does not fit, these are the operands that may be to blame; if
  /// they can be raised, `raise` says why the node cannot.
  void (*needs)(graph::NodeOp node, Raiser &raiser, Values &values);
  llvm::LogicalResult (*raise)(graph::NodeOp node, Raiser &raiser);
  /// Whether the rule is the one for `node`, whose required inputs are there;
  /// null for the rule of all other nodes of the type.
  bool (*matches)(graph::NodeOp node, Raiser &raiser) = nullptr;
  /// Whether the rule can read values that are raised as views.
  bool readsViews = false;
};

/// Rules by domain and op type.
class Rules {
public:
  void add(llvm::StringRef domain, llvm::StringRef opType, Rule rule) {
    auto &list = rules[(domain + "::" + opType).str()];
    // The rule for all other nodes stays last.
    bool hasOther = !list.empty() && !list.back().matches;
    list.insert(rule.matches && hasOther ? std::prev(list.end()) : list.end(),
                rule);
  }
  /// The rule for `node`, or null.
  const Rule *find(graph::NodeOp node, Raiser &raiser) const;

private:
  llvm::StringMap<llvm::SmallVector<Rule, 1>> rules;
};

void addAbsorbedAttentionRules(Rules &rules);
void addArrangementRules(Rules &rules);
void addDecomposedAttentionRules(Rules &rules);
void addRotaryNodeRules(Rules &rules);
void addRotationRules(Rules &rules);
void addTokenRules(Rules &rules);
void addAttentionNodeRules(Rules &rules);
void addAttentionRules(Rules &rules);
void addExpertRules(Rules &rules);

/// The node of type `opType` (standard domain) that defines `value`, or null.
graph::NodeOp nodeOf(mlir::Value value, llvm::StringRef opType);

/// Computes ahead of the layers what nodes make of one weight alone: its
/// transpose, its sum with a number. Linear. (HoistWeights.cpp)
void hoistWeights(Raiser &raiser);

/// Whether `value` is an initialiser of this rank (-1: any), as the file has
/// it, dequantized, or made of one ahead of the layers.
bool isWeight(mlir::Value value, int64_t rank = -1);

/// The projection that defines `value`, if one does.
std::optional<Projection> matchProjection(mlir::Value value);

/// Appends the values of a projection.
void needs(const Projection &projection, Values &values);

mlir::RankedTensorType typeOf(mlir::Value value);
int64_t lastDim(mlir::Value value);
/// The type of `value` with another last dimension.
mlir::RankedTensorType withLastDim(mlir::Value value, int64_t width);

/// Called with the name of a layer's function and the layer's ops; at last with
/// an empty name and all ops that are in no layer.
using LayerObserver = llvm::function_ref<void(
    llvm::StringRef, llvm::ArrayRef<mlir::Operation *>)>;

/// Puts the ops of each layer of `main` into a private function per class.
void outlineLayers(mlir::func::FuncOp main, LayerObserver observe);

/// The location of a part of what `node` becomes: its name and `part`.
mlir::Location partOf(graph::NodeOp node, llvm::StringRef part);

/// Appends all operands that are there.
void needsInputs(graph::NodeOp node, Raiser &raiser, Values &values);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_RAISER_H
