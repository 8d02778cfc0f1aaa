//===- ExplainSlower.cpp - why a legal decision costs more ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: the chip-seconds per token of two plans are compared part by part;
// the part that grows most names the remark.
//
//===----------------------------------------------------------------------===//

#include "Transfer.h"

using namespace portolan;

namespace {

/// What it means that a part of the step grows.
struct PartReason {
  double Parts::*member;
  llvm::StringLiteral id, resource, sentence;
};

constexpr PartReason kPartReasons[] = {
    {&Parts::computeSeconds, "more_compute", "engines",
     "more operations per token and chip"},
    {&Parts::memorySeconds, "more_memory_traffic", "memory",
     "more bytes of weights and cache per token and chip"},
    {&Parts::linkSeconds, "link_bound", "links",
     "more bytes per token over the most loaded link"},
    {&Parts::latencySeconds, "hop_latency", "links",
     "more message latency per token"},
    {&Parts::paddingSeconds, "tile_padding", "engines",
     "more operations per token on padding"},
    {&Parts::imbalanceSeconds, "load_imbalance", "chips",
     "more waiting per token for the most loaded rank"},
    {&Parts::launchSeconds, "launch_bound", "kernels",
     "more launches per token"},
};

} // namespace

Refusal portolan::explainSlower(PlanClass planClass, const Evaluation &with,
                                const Evaluation &without,
                                const Machine &machine) {
  auto perToken = [&](const Evaluation &evaluation, double seconds) {
    double tokens = double(evaluation.concurrency) * evaluation.tokensPerStep *
                    double(evaluation.deployment.copies);
    return seconds * double(evaluation.deployment.chips) / tokens;
  };
  const PartReason *largest = nullptr;
  double needed = 0, available = 0;
  for (const PartReason &reason : kPartReasons) {
    double more = perToken(with, with.parts.*reason.member);
    double less = perToken(without, without.parts.*reason.member);
    if (!largest || more - less > needed - available) {
      largest = &reason;
      needed = more;
      available = less;
    }
  }
  Refusal refusal;
  refusal.id = largest->id.str();
  refusal.resource = largest->resource.str();
  refusal.reason = largest->sentence.str();
  // What is short on a torus or mesh is the cut, not the port of a chip.
  if (largest->member == &Parts::linkSeconds &&
      machine.topology.kind != TopologyKind::fullSwitch)
    refusal.id = "bisection_bound";
  if (planClass == PlanClass::overlap) {
    bool overlaps = with.plan.get(planClass) != kNone;
    refusal.id = overlaps ? "overlap_contends" : "not_overlapped";
    refusal.reason =
        overlaps ? "the halves of the batch contend: " + refusal.reason
                 : "communication waits where it could run beside computation";
  }
  refusal.needed = needed;
  refusal.available = available;
  refusal.unit = "chip-seconds/token";
  return refusal;
}
