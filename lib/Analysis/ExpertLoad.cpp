//===- ExpertLoad.cpp - rows and experts of the slowest rank --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: the popularity law gives each expert the probability q that a token
//   chooses it (sum of q = top-k, none above 1). Experts are placed by longest
//   processing time first with equal counts per rank. Of `tokens` independent
//   tokens the mean rank gets tokens * k / ranks rows; the slowest one expects
//   mu + sqrt(2 mu ln ranks) with mu its placed mean (Raab and Steger 1998);
//   an expert is hit with probability 1 - (1 - q)^tokens.
// Assumptions: tokens choose independently; the power law is the density x^-a
//   between 1 and 100 (the least and the most popular expert are two decades
//   apart), at its quantiles, so that no random numbers are drawn.
// Not counted: correlation of experts; the slowest rank by rows and the one
// that
//   hits most experts are taken as one (an upper bound).
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Workload.h"
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace portolan;

llvm::StringRef portolan::spell(Phase phase) {
  return phase == Phase::decode ? "decode" : "prefill";
}

namespace {

/// Ratio of the largest to the smallest popularity of the power law.
constexpr double kPowerLawSpan = 100;

/// Quantile u of the density x^-a on [1, span].
double powerLawQuantile(double exponent, double u) {
  double power = 1 - exponent;
  if (std::abs(power) < 1e-9)
    return std::pow(kPowerLawSpan, u);
  double end = std::pow(kPowerLawSpan, power);
  return std::pow(1 + u * (end - 1), 1 / power);
}

/// Probability that a token chooses each expert, most popular first.
std::vector<double> choiceProbabilities(const Popularity &popularity,
                                        int64_t experts, int64_t topK) {
  std::vector<double> share(experts, 1.0);
  if (popularity.kind == Popularity::Kind::powerLaw)
    for (int64_t i = 0; i < experts; ++i)
      share[i] = powerLawQuantile(popularity.exponent,
                                  (double(i) + 0.5) / double(experts));
  else if (popularity.kind == Popularity::Kind::shares)
    for (int64_t i = 0; i < experts && i < int64_t(popularity.shares.size());
         ++i)
      share[i] = popularity.shares[i];
  std::sort(share.begin(), share.end(), std::greater<double>());

  // Scale to a sum of k; an expert that would exceed certainty is capped and
  // the rest of the sum goes to the others. The cap moves down the sorted list
  // at most once per expert.
  double remaining = double(topK);
  double total = std::accumulate(share.begin(), share.end(), 0.0);
  for (double &value : share) {
    double scaled = total > 0 ? value * remaining / total : 0;
    total -= value;
    value = std::min(scaled, 1.0);
    remaining -= value;
  }
  return share;
}

/// Experts dealt to ranks: for each rank the probabilities of its experts.
struct Placement {
  Popularity::Kind kind;
  double exponent;
  std::vector<double> shares;
  int64_t experts, topK, ranks;
  std::vector<std::vector<double>> byRank;
  double largestMean = 0; ///< rows per token of the fullest rank

  bool matches(const Popularity &popularity, int64_t otherExperts,
               int64_t otherTopK, int64_t otherRanks) const {
    return ranks == otherRanks && experts == otherExperts &&
           topK == otherTopK && kind == popularity.kind &&
           exponent == popularity.exponent && shares == popularity.shares;
  }
};

Placement place(const Popularity &popularity, int64_t experts, int64_t topK,
                int64_t ranks) {
  Placement result{popularity.kind,
                   popularity.exponent,
                   popularity.shares,
                   experts,
                   topK,
                   ranks,
                   {},
                   0};
  result.byRank.resize(ranks);
  std::vector<double> mean(ranks, 0.0);
  auto capacity = [&](int64_t rank) {
    return experts / ranks + (rank < experts % ranks ? 1 : 0);
  };
  for (double probability : choiceProbabilities(popularity, experts, topK)) {
    int64_t best = -1;
    for (int64_t rank = 0; rank < ranks; ++rank)
      if (int64_t(result.byRank[rank].size()) < capacity(rank) &&
          (best < 0 || mean[rank] < mean[best]))
        best = rank;
    result.byRank[best].push_back(probability);
    mean[best] += probability;
  }
  result.largestMean = *std::max_element(mean.begin(), mean.end());
  return result;
}

/// Placements are pure functions of four numbers and cost more than a price, so
/// each thread keeps those that it has met.
const Placement &placementOf(const Popularity &popularity, int64_t experts,
                             int64_t topK, int64_t ranks) {
  static thread_local std::vector<std::unique_ptr<Placement>> known;
  for (const std::unique_ptr<Placement> &placement : known)
    if (placement->matches(popularity, experts, topK, ranks))
      return *placement;
  known.push_back(
      std::make_unique<Placement>(place(popularity, experts, topK, ranks)));
  return *known.back();
}

} // namespace

ExpertLoad portolan::expertLoad(const Popularity &popularity, int64_t experts,
                                int64_t topK, int64_t ranks, int64_t tokens) {
  const Placement &placement = placementOf(popularity, experts, topK, ranks);
  ExpertLoad load;
  load.experts = (experts + ranks - 1) / ranks;
  load.capacity = tokens * std::min(topK, load.experts);
  load.meanRows = double(tokens) * double(topK) / double(ranks);
  double mean = placement.largestMean * double(tokens);
  load.maxRows = std::min(mean + std::sqrt(2 * mean * std::log(double(ranks))),
                          double(load.capacity));
  load.maxRows = std::max(load.maxRows, load.meanRows);
  for (const std::vector<double> &rank : placement.byRank) {
    double hit = 0;
    for (double probability : rank)
      hit += probability < 1
                 ? -std::expm1(double(tokens) * std::log1p(-probability))
                 : double(tokens > 0);
    load.hitExperts = std::max(load.hitExperts, hit);
  }
  return load;
}

double portolan::distinctRanksPerToken(int64_t experts, int64_t topK,
                                       int64_t ranks, int64_t groups,
                                       int64_t topGroups) {
  double all = double(experts), over = double(ranks);
  double cap = over;
  if (ranks >= groups) {
    // A token's experts lie in the ranks of its groups.
    all = all * double(topGroups) / double(groups);
    over = over * double(topGroups) / double(groups);
  } else {
    cap = std::min(over, double(topGroups));
  }
  // Probability that none of the k distinct experts is on a given rank.
  double missed = 1;
  for (int64_t i = 0; i < topK; ++i)
    missed *= std::max(0.0, (all - all / over - double(i)) / (all - double(i)));
  return std::min({over * (1 - missed), cap, double(topK)});
}
