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
#include "llvm/ADT/DenseMap.h"
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace portolan;

static constexpr llvm::StringLiteral kPhases[] = {"decode", "prefill", "both"};

llvm::StringRef portolan::spell(Phase phase) {
  return kPhases[unsigned(phase)];
}

std::optional<Phase> portolan::parsePhase(llvm::StringRef name) {
  for (auto [index, phase] : llvm::enumerate(kPhases))
    if (phase == name)
      return Phase(index);
  return std::nullopt;
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
  /// Logarithm of the probability that a token misses each expert.
  std::vector<std::vector<double>> logMissByRank;
  double largestMean = 0; ///< rows per token of the fullest rank
  /// Loads that were asked for, by tokens.
  llvm::DenseMap<int64_t, ExpertLoad> loads;

  bool matches(const Popularity &popularity, int64_t otherExperts,
               int64_t otherTopK, int64_t otherRanks) const {
    return ranks == otherRanks && experts == otherExperts &&
           topK == otherTopK && kind == popularity.kind &&
           exponent == popularity.exponent && shares == popularity.shares;
  }
};

Placement place(const Popularity &popularity, int64_t experts, int64_t topK,
                int64_t ranks) {
  Placement result;
  result.kind = popularity.kind;
  result.exponent = popularity.exponent;
  result.shares = popularity.shares;
  result.experts = experts;
  result.topK = topK;
  result.ranks = ranks;
  result.logMissByRank.resize(ranks);
  std::vector<double> mean(ranks, 0.0);
  auto capacity = [&](int64_t rank) {
    return experts / ranks + (rank < experts % ranks ? 1 : 0);
  };
  for (double probability : choiceProbabilities(popularity, experts, topK)) {
    int64_t best = -1;
    for (int64_t rank = 0; rank < ranks; ++rank)
      if (int64_t(result.logMissByRank[rank].size()) < capacity(rank) &&
          (best < 0 || mean[rank] < mean[best]))
        best = rank;
    result.logMissByRank[best].push_back(std::log1p(-probability));
    mean[best] += probability;
  }
  result.largestMean = *std::max_element(mean.begin(), mean.end());
  return result;
}

/// Placements are pure functions of four numbers and cost more than a price, so
/// each thread keeps those that it has met.
Placement &placementOf(const Popularity &popularity, int64_t experts,
                       int64_t topK, int64_t ranks) {
  static thread_local std::vector<std::unique_ptr<Placement>> known;
  for (const std::unique_ptr<Placement> &placement : known)
    if (placement->matches(popularity, experts, topK, ranks))
      return *placement;
  known.push_back(
      std::make_unique<Placement>(place(popularity, experts, topK, ranks)));
  return *known.back();
}

/// Beyond this many nats a miss is below the resolution of a double.
constexpr double kNeverMissed = -40;

/// A search asks for the same few thousand token counts again and again.
constexpr unsigned kMostLoads = 1 << 16;

ExpertLoad computeLoad(const Placement &placement, int64_t tokens) {
  ExpertLoad load;
  int64_t ranks = placement.ranks;
  load.experts = (placement.experts + ranks - 1) / ranks;
  load.capacity = tokens * std::min(placement.topK, load.experts);
  load.meanRows = double(tokens) * double(placement.topK) / double(ranks);
  double mean = placement.largestMean * double(tokens);
  load.maxRows = std::min(mean + std::sqrt(2 * mean * std::log(double(ranks))),
                          double(load.capacity));
  load.maxRows = std::max(load.maxRows, load.meanRows);
  if (tokens == 0)
    return load;
  for (const std::vector<double> &rank : placement.logMissByRank) {
    double hit = 0;
    for (double logMiss : rank) {
      double missed = double(tokens) * logMiss;
      hit += missed < kNeverMissed ? 1 : -std::expm1(missed);
    }
    load.hitExperts = std::max(load.hitExperts, hit);
  }
  return load;
}

} // namespace

ExpertLoad portolan::expertLoad(const Popularity &popularity, int64_t experts,
                                int64_t topK, int64_t ranks, int64_t tokens) {
  Placement &placement = placementOf(popularity, experts, topK, ranks);
  auto [entry, isNew] = placement.loads.try_emplace(tokens);
  if (!isNew)
    return entry->second;
  ExpertLoad load = computeLoad(placement, tokens);
  entry->second = load;
  if (placement.loads.size() > kMostLoads)
    placement.loads.clear();
  return load;
}

ExpertLoad portolan::sideBySideLoad(const Popularity &popularity,
                                    int64_t experts, int64_t topK,
                                    int64_t tokens) {
  ExpertLoad load = expertLoad(popularity, experts, topK, /*ranks=*/1, tokens);
  ExpertLoad alone = expertLoad(popularity, experts, topK, experts, tokens);
  load.maxRows = std::max(load.meanRows, alone.maxRows * load.hitExperts);
  load.capacity = std::max(load.capacity, int64_t(std::ceil(load.maxRows)));
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
