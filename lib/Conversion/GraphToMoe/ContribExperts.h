//===- ContribExperts.h - operands of MoE and QMoE -------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the contrib ops MoE and QMoE read besides their tokens: expert weights
// (of QMoE in narrow form) and a router.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_CONTRIBEXPERTS_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_CONTRIBEXPERTS_H

#include "lib/Conversion/GraphToMoe/Raiser.h"

namespace portolan::graph_to_moe {

/// Expert weights of a node: fc1, fc2, fc3. Those that are absent are null;
/// narrow ones are dequantized.
struct ContribWeights {
  mlir::Value matrix[3], bias[3];
  /// Whether they are [experts, in, out], where something else than their
  /// shapes says so.
  std::optional<bool> isInFirst;

  mlir::Value fc1() const { return matrix[0]; }
  mlir::Value fc2() const { return matrix[1]; }
  mlir::Value fc3() const { return matrix[2]; }
};

/// How the weights of QMoE are kept.
struct NarrowForm {
  llvm::StringRef type;
  int64_t bits = 4, blockSize = 0;
};

/// Reads the attributes of QMoE that MoE has not.
NarrowForm readNarrowForm(NodeAttributes &attributes);

/// The weights of MoE.
ContribWeights readWeights(graph::NodeOp node);

/// The weights of QMoE on `input`, dequantized; fails the rule if they do not
/// fit.
llvm::FailureOr<ContribWeights> readNarrowWeights(graph::NodeOp node,
                                                  const NarrowForm &form,
                                                  mlir::Value input,
                                                  Raiser &raiser);

/// How a node chooses experts: by the scores of the logits, plus a correction
/// for the choice alone.
struct ContribRouter {
  Projection logits;
  moe::Scoring scoring = moe::Scoring::softmax;
  mlir::Value correction;
};

/// The router of MoE or QMoE, if it is one that moe.route states.
std::optional<ContribRouter> matchContribRouter(graph::NodeOp node);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_CONTRIBEXPERTS_H
