//===- IdealBound.h - what no plan can exceed ------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The roofline of a model on a machine from peak rates alone.
//
// Process: the whole shape is one chip with the sum of its matmul peaks, memory
//   bandwidths and capacities; weights are read once per step, as far as a
//   token needs them; matmuls and memory overlap perfectly.
// Not counted: latency, links, imbalance, padding, vector operations, reserve,
//   overheads, reached fractions of peaks.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SEARCH_IDEALBOUND_H
#define PORTOLAN_SEARCH_IDEALBOUND_H

#include "portolan/Search/Evaluate.h"

namespace portolan {

/// Tokens per second and chip that no plan exceeds; 0 if nothing fits.
double idealObjective(Evaluator &evaluator, double limitSeconds);

/// The same for one choice of formats (the three format classes of `formats`)
/// and at most `mostRequests` in flight on the whole shape: the bound of a
/// measured row.
double idealObjective(const ModelShape &model, const Machine &machine,
                      const Workload &workload, const PlanPoint &formats,
                      double limitSeconds, int64_t mostRequests);

} // namespace portolan

#endif // PORTOLAN_SEARCH_IDEALBOUND_H
