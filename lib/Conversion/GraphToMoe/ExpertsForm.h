//===- ExpertsForm.h - an expert block that is to be emitted ---*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_EXPERTSFORM_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_EXPERTSFORM_H

#include "lib/Conversion/GraphToMoe/Raiser.h"

namespace portolan::graph_to_moe {

/// Operands and attributes of moe.route and moe.experts; weights are in their
/// layout, those that are absent null.
struct ExpertsForm {
  mlir::Value router, routerBias, correction;
  mlir::Value gate, up, down, gateBias, upBias, downBias;
  int64_t experts = 0, topK = 1, groups = 1, topGroups = 1;
  moe::Scoring scoring = moe::Scoring::softmax;
  bool normalize = false;
  double scale = 1;
  moe::Activation activation = moe::Activation::identity;
  double limit = 0, alpha = 1, offset = 0;
};

/// Emits route, dispatch, experts and combine on `input` [..,H], whose router
/// reads `routed` of the same shape. Returns the combined rows [..,H].
mlir::Value emitExperts(graph::NodeOp node, Raiser &raiser, mlir::Value input,
                        mlir::Value routed, const ExpertsForm &form);

/// Adds the rules for the nodes that ExpertFusion makes.
void addFusedRules(Rules &rules);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_EXPERTSFORM_H
