//===- ContribRouter.cpp - the router of MoE and QMoE ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ops take logits (input 1), and weigh by their softmax. QMoE may also take
// weights of all experts (input 14): input 1 then only chooses. The weights are
// scores of logits; what chooses are these scores, the logits (of which scores
// are an increasing function), or the scores plus a correction of each expert.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ContribExperts.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

constexpr unsigned kLogits = 1, kRouterWeights = 14;

/// `value`, or what it only views as a matrix of the same last dimension.
Value stripFlatten(Value value) {
  graph::NodeOp reshape = nodeOf(value, "Reshape");
  return reshape && reshape.input(0) ? reshape.input(0) : value;
}

/// The projection that makes the router's logits. The op takes logits of
/// [tokens, experts], so a reshape in front of it can only join the tokens.
std::optional<Projection> matchLogits(Value value) {
  auto router = matchProjection(stripFlatten(value));
  if (router)
    router->input = stripFlatten(router->input);
  return router;
}

} // namespace

std::optional<ContribRouter>
graph_to_moe::matchContribRouter(graph::NodeOp node) {
  ContribRouter router;
  Value weights =
      node.getOpType() == "QMoE" ? node.input(kRouterWeights) : Value();
  if (!weights) {
    auto logits = matchLogits(node.input(kLogits));
    if (!logits)
      return std::nullopt;
    router.logits = *logits;
    return router;
  }
  Value scores = stripFlatten(weights),
        choice = stripFlatten(node.input(kLogits));
  graph::NodeOp score = nodeOf(scores, "Softmax");
  if (score) {
    auto axis = dyn_cast_or_null<IntegerAttr>(score.attribute("axis"));
    bool isLast =
        axis ? axis.getInt() == -1 : int64_t(score.getVersion()) >= 13;
    if (!isLast)
      return std::nullopt;
  } else {
    score = nodeOf(scores, "Sigmoid");
    router.scoring = moe::Scoring::sigmoid;
  }
  if (!score || !score.input(0))
    return std::nullopt;
  auto logits = matchLogits(score.input(0));
  if (!logits)
    return std::nullopt;
  router.logits = *logits;
  if (choice == scores || choice == stripFlatten(score.input(0)))
    return router;
  graph::NodeOp sum = nodeOf(choice, "Add");
  if (!sum || !sum.input(0) || !sum.input(1))
    return std::nullopt;
  for (auto [summand, bias] : {std::pair{sum.input(0), sum.input(1)},
                               std::pair{sum.input(1), sum.input(0)}})
    if (stripFlatten(summand) == scores && isWeight(bias, 1)) {
      router.correction = bias;
      return router;
    }
  return std::nullopt;
}
