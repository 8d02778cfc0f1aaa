//===- ExpertFusion.h - finds feed-forward blocks and routers --*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One pass forwards over the nodes labels what belongs to a router or a
// feed-forward block. Where such a block is complete it becomes one node of
// the domain "portolan" on the tokens in the shape in which they came:
//
//   Experts(tokens, router, bias, correction, gate, gate bias, up, up bias,
//           down, down bias)
//   Mlp(tokens, gate, up, down)
//   Add(tokens, tokens)
//
// The attribute named as a weight's operand is its WeightPart: dimensions of
// experts, inputs and outputs, then offset, size and stride of the outputs.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_EXPERTFUSION_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_EXPERTFUSION_H

#include "lib/Conversion/GraphToMoe/Bodies.h"
#include "lib/Conversion/GraphToMoe/ExpertLabels.h"
#include "lib/Conversion/GraphToMoe/GraphFacts.h"
#include "lib/Conversion/GraphToMoe/StackWeights.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallSet.h"

namespace portolan::graph_to_moe {

/// The domain of fused nodes; a graph that has nodes of it is refused.
constexpr llvm::StringLiteral kFusedDomain = "portolan";

/// Operands of a fused node of type Experts, which are also the names of its
/// weights' attributes.
constexpr llvm::StringLiteral kExpertsOperands[] = {
    "tokens",    "router", "router_bias", "correction", "gate",
    "gate_bias", "up",     "up_bias",     "down",       "down_bias"};
/// The same for Mlp.
constexpr llvm::StringLiteral kMlpOperands[] = {"tokens", "gate", "up", "down"};

/// A router that chooses experts of which the graph has nothing: a trace of a
/// loop over those that its example has hit.
struct MissingExperts {
  graph::NodeOp choice, block; ///< the TopK, and the fused node
  int64_t experts;             ///< that the router chooses among
  llvm::SmallVector<int64_t> missing;
};

class ExpertFusion {
public:
  ExpertFusion(mlir::func::FuncOp main, GraphFacts &facts)
      : main(main), facts(facts), stacks(main) {}

  void run();

  /// Why a node that handles routed values does not fit any form.
  const llvm::DenseMap<mlir::Operation *, std::string> &problems() const {
    return notes;
  }
  /// Blocks that were raised with zeros for the experts that they lack.
  llvm::ArrayRef<MissingExperts> missingExperts() const { return missing; }
  /// Fused values with the values of the graph that they replaced.
  llvm::ArrayRef<std::pair<mlir::Value, mlir::Value>> substitutes() const {
    return replacements;
  }

private:
  using Result = std::optional<Label>;

  void visitAll();
  void visit(graph::NodeOp node);
  /// Labels the results of a node that is no view.
  void compute(graph::NodeOp node);
  /// The label of a value; tokens are labelled when they are first asked for.
  const Label *label(mlir::Value value);
  const Label *operand(graph::NodeOp node, unsigned index) {
    return label(node.input(index));
  }
  void set(mlir::Value value, Label label);
  std::nullopt_t note(graph::NodeOp node, const llvm::Twine &why);
  /// `label` as dimensions that run over `dims`, if there are such.
  static Result with(const Label *label, std::optional<Dims> dims);

  // FuseViews.cpp: ops that only put elements elsewhere.
  bool visitView(graph::NodeOp node);
  Result cast(graph::NodeOp node);
  Result unsqueeze(graph::NodeOp node);
  Result squeeze(graph::NodeOp node);
  Result transpose(graph::NodeOp node);
  Result tile(graph::NodeOp node);
  Result gather(graph::NodeOp node);
  Result slice(graph::NodeOp node);
  void split(graph::NodeOp node);
  /// Elements [offset : offset + size*stride : stride] of a dimension.
  Result take(const Label &label, int64_t position, int64_t offset,
              int64_t size, int64_t stride);
  /// The same for the columns of a branch.
  static Result columns(const Label &label, int64_t position, int64_t offset,
                        int64_t size, int64_t stride);

  // FuseRouting.cpp: scores, choices and their weights.
  /// Whether both are stages of one router up to the choice.
  static bool agree(const Router &lhs, const Router &rhs);
  Result softmax(graph::NodeOp node);
  /// Scores plus a correction of each expert.
  Result correct(graph::NodeOp node, const Label &label,
                 const Label &correction);
  void topK(graph::NodeOp node);
  Result gatherElements(graph::NodeOp node);
  Result scatterElements(graph::NodeOp node);
  Result addUp(graph::NodeOp node);
  Result oneHot(graph::NodeOp node);
  Result equal(graph::NodeOp node);
  Result where(graph::NodeOp node);
  Result maskScores(graph::NodeOp node, const Label &scores, const Label &mask);
  Result reduceSum(graph::NodeOp node);
  /// Logits or their sigmoids as scores; the label itself if it is of scores.
  Result scoresOf(const Label &label);

  // FuseForward.cpp: products and activations.
  Result product(graph::NodeOp node);
  Result gemm(graph::NodeOp node);
  Result contract(graph::NodeOp node, const Label &lhs, const Label &rhs,
                  llvm::ArrayRef<int> left, llvm::ArrayRef<int> right,
                  llvm::ArrayRef<int> out);
  Result multiplyWeight(graph::NodeOp node, const Label &input,
                        const Label &weight, llvm::ArrayRef<int> left,
                        llvm::ArrayRef<int> right, llvm::ArrayRef<int> out);
  Result activate(graph::NodeOp node);
  Result clip(graph::NodeOp node);
  Result multiply(graph::NodeOp node);
  Result divide(graph::NodeOp node);
  Result add(graph::NodeOp node);
  Result addBias(graph::NodeOp node, const Label &label, const Label &bias);

  // FuseUnrolled.cpp: experts that have a subgraph each.
  /// Counts `expert` among those that the graph has something of.
  void see(const Router &router, int64_t expert);
  Result placesOf(graph::NodeOp node);
  /// Products and sums of coordinates.
  Result scalePlaces(const Label &label, mlir::Value factor);
  Result addPlaces(const Label &lhs, const Label &rhs);
  Result concat(graph::NodeOp node);
  /// What `label` has at the places `index`, as `dims`.
  Result listed(graph::NodeOp node, const Label &label, const Label &index,
                Dims dims);
  Result gatherPlaces(graph::NodeOp node, const Label &label, int64_t axis,
                      const Label &index);
  Result gatherND(graph::NodeOp node);
  Result weighOne(graph::NodeOp node, const Label &output, const Label &weights,
                  std::optional<Dims> dims);
  Result scatterOne(graph::NodeOp node);
  Result addExperts(graph::NodeOp node, const Label &lhs, const Label &rhs);
  Result sum(graph::NodeOp node);
  /// The sum of what both have; not complete yet.
  Result join(const Label &lhs, const Label &rhs);
  /// The expert block if `label` has all of its experts, else `label`.
  Result complete(graph::NodeOp node, Label label);
  /// The same part of each expert's weights as a part of one weight; null
  /// members are zero.
  llvm::Expected<WeightPart> stack(llvm::ArrayRef<const WeightPart *> parts);
  /// `label`, or the block behind a fused one that turns out to be an expert.
  Label unfused(const Label &label) const;

  // FuseExperts.cpp: complete blocks.
  /// Results of experts, times the weights of their choice: `dims` if they fit.
  Result weigh(graph::NodeOp node, const Label &output, const Label &weights,
               std::optional<Dims> dims);
  Result completeExperts(graph::NodeOp node, const Forward &forward,
                         const Label &weights, Dims dims);
  Result completeMlp(graph::NodeOp node, const Forward &forward, Dims dims);
  /// A fused node on `tokens`, labelled as tokens over `dims`.
  Label fuse(graph::NodeOp node, llvm::StringRef type, mlir::Value tokens,
             mlir::ValueRange more, llvm::ArrayRef<mlir::NamedAttribute> attrs,
             Dims dims);
  Result addTokens(graph::NodeOp node, const Label &lhs, const Label &rhs);
  /// The results of an expert block, times a number.
  Result scaleExperts(const Label &label, double factor);

  // FuseLoop.cpp: a loop whose iteration is an expert.
  struct LoopState {
    Size iteration;                      ///< the expert's number
    llvm::SmallVector<Size> counts = {}; ///< of its tokens
  };
  void visitLoop(graph::NodeOp node);
  void visitBlock(mlir::Block &block);
  void visitIf(graph::NodeOp node);
  /// Whether the node is about the iteration's expert or the loop's sum.
  bool visitInLoop(graph::NodeOp node);
  bool isIteration(mlir::Value value) const;
  Result ofIteration(graph::NodeOp node, const Label &label, int64_t axis,
                     const Dims &inner);
  Result gatherInLoop(graph::NodeOp node);
  Result sliceInLoop(graph::NodeOp node);
  Result equalInLoop(graph::NodeOp node);
  Result compareMask(graph::NodeOp node);
  Result reduceMask(graph::NodeOp node);
  Result nonZero(graph::NodeOp node);
  bool isRowCount(mlir::Value value) const;
  std::optional<bool> whenRouted(mlir::Value condition) const;
  std::optional<Dims> sumDims(const LoopForm &form);
  Result completeLoop(graph::NodeOp node, const LoopForm &form);

  /// The dimensions of unlabelled tokens.
  std::optional<Dims> tokenDims(mlir::Value value) const;

  mlir::func::FuncOp main;
  GraphFacts &facts;
  std::deque<Label> labels;
  llvm::DenseMap<mlir::Value, const Label *> map;
  llvm::DenseSet<mlir::Value> fused;
  /// The blocks of fused nodes of type Mlp.
  llvm::DenseMap<mlir::Value, std::shared_ptr<const Forward>> blocks;
  std::deque<Member> members;
  std::deque<ExpertSum> sums;
  WeightStacks stacks;
  /// What the graph has of a choice's experts.
  struct Seen {
    int64_t experts = 0;
    llvm::SmallSet<int64_t, 8> found;
    bool isUnread = false; ///< some node reads the choice in an unknown way
  };
  llvm::MapVector<mlir::Operation *, Seen> seen;
  bool isSecondRun = false;
  llvm::SmallVector<MissingExperts> missing;
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> replacements;
  llvm::DenseMap<mlir::Operation *, std::string> notes;
  LoopState *loop = nullptr; ///< the one whose body is visited
};

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_EXPERTFUSION_H
