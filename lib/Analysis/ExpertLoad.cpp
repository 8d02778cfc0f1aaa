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
//   A copy of an expert serves every c-th token, c being its copies, and is hit
//   with probability 1 - (1 - q)^(tokens / c).
// Not counted: correlation of experts; that copies spread a token's rows over
//   more ranks; the slowest rank by rows and the one that hits most experts are
//   taken as one (an upper bound).
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Workload.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cmath>
#include <queue>

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

/// An expert and the probability that a token chooses it.
struct Choice {
  int64_t expert = 0;
  double probability = 0;
};

/// Most popular first; of equal ones the first.
std::vector<Choice> choiceProbabilities(const Popularity &popularity,
                                        int64_t experts, int64_t topK) {
  std::vector<Choice> choices(experts);
  for (int64_t i = 0; i < experts; ++i) {
    double share = 1;
    if (popularity.kind == Popularity::Kind::powerLaw)
      // Expert 0 is the most popular one.
      share =
          powerLawQuantile(popularity.exponent,
                           (double(experts - 1 - i) + 0.5) / double(experts));
    else if (popularity.kind == Popularity::Kind::shares &&
             i < int64_t(popularity.shares.size()))
      share = popularity.shares[i];
    choices[i] = {i, share};
  }
  llvm::sort(choices, [](const Choice &a, const Choice &b) {
    return a.probability != b.probability ? a.probability > b.probability
                                          : a.expert < b.expert;
  });

  // Scale to a sum of k; an expert that would exceed certainty is capped and
  // the rest of the sum goes to the others. The cap moves down the sorted list
  // at most once per expert.
  double remaining = double(topK);
  double total = 0;
  for (const Choice &choice : choices)
    total += choice.probability;
  for (Choice &choice : choices) {
    double &value = choice.probability;
    double scaled = total > 0 ? value * remaining / total : 0;
    total -= value;
    value = std::min(scaled, 1.0);
    remaining -= value;
  }
  return choices;
}

/// A load that was asked for.
struct KnownLoad {
  int64_t tokens = -1;
  ExpertLoad load;
};

/// Experts dealt to ranks: for each rank what it holds.
struct Placement {
  Popularity::Kind kind;
  double exponent;
  std::vector<double> shares;
  int64_t experts, topK, ranks, redundant;
  std::vector<std::vector<int64_t>> expertsByRank;
  /// Logarithm of the probability that a token has no row on each copy.
  std::vector<std::vector<double>> logMissByRank;
  double largestMean = 0; ///< rows per token of the fullest rank
  /// A load for each hash of the tokens: one place in memory to look at.
  std::vector<KnownLoad> loads;

  bool matches(const Popularity &popularity, int64_t otherExperts,
               int64_t otherTopK, int64_t otherRanks,
               int64_t otherRedundant) const {
    return ranks == otherRanks && experts == otherExperts &&
           redundant == otherRedundant && topK == otherTopK &&
           kind == popularity.kind && exponent == popularity.exponent &&
           shares == popularity.shares;
  }
};

/// How many copies each of `choices` has: a further one goes to the expert with
/// the most rows per copy, which has at most one per rank.
std::vector<int64_t> copiesOf(llvm::ArrayRef<Choice> choices, int64_t further,
                              int64_t ranks) {
  std::vector<int64_t> copies(choices.size(), 1);
  auto hasFewer = [&](int64_t a, int64_t b) {
    double left = choices[a].probability * double(copies[b]);
    double right = choices[b].probability * double(copies[a]);
    return left != right ? left < right : a > b;
  };
  std::priority_queue<int64_t, std::vector<int64_t>, decltype(hasFewer)> queue(
      hasFewer);
  for (int64_t i = 0; i < int64_t(choices.size()); ++i)
    queue.push(i);
  while (further-- > 0 && !queue.empty()) {
    int64_t most = queue.top();
    queue.pop();
    if (++copies[most] < ranks)
      queue.push(most);
  }
  return copies;
}

Placement place(const Popularity &popularity, int64_t experts, int64_t topK,
                int64_t ranks, int64_t redundant) {
  Placement result;
  result.kind = popularity.kind;
  result.exponent = popularity.exponent;
  result.shares = popularity.shares;
  result.experts = experts;
  result.topK = topK;
  result.ranks = ranks;
  result.redundant = redundant;
  result.expertsByRank.resize(ranks);
  result.logMissByRank.resize(ranks);
  std::vector<Choice> choices = choiceProbabilities(popularity, experts, topK);
  std::vector<int64_t> copies = copiesOf(choices, redundant * ranks, ranks);
  struct Copy {
    int64_t expert;
    double mean, logMiss;
    size_t place; ///< among all, which decides between equal ones
  };
  std::vector<Copy> all;
  for (auto [choice, count] : llvm::zip_equal(choices, copies))
    for (int64_t copy = 0; copy < count; ++copy)
      // A copy serves every `count`-th token.
      all.push_back({choice.expert, choice.probability / double(count),
                     std::log1p(-choice.probability) / double(count),
                     all.size()});
  llvm::sort(all, [](const Copy &a, const Copy &b) {
    return a.mean != b.mean ? a.mean > b.mean : a.place < b.place;
  });
  std::vector<double> mean(ranks, 0.0);
  auto capacity = [&](int64_t rank) {
    return experts / ranks + (rank < experts % ranks ? 1 : 0) + redundant;
  };
  for (const Copy &copy : all) {
    int64_t best = -1;
    bool bestHolds = false;
    for (int64_t rank = 0; rank < ranks; ++rank) {
      const std::vector<int64_t> &held = result.expertsByRank[rank];
      if (int64_t(held.size()) >= capacity(rank))
        continue;
      bool holds = redundant > 0 && llvm::is_contained(held, copy.expert);
      if (best < 0 || holds < bestHolds ||
          (holds == bestHolds && mean[rank] < mean[best])) {
        best = rank;
        bestHolds = holds;
      }
    }
    // No room for a copy that would not fit beside the others.
    if (best < 0)
      break;
    result.expertsByRank[best].push_back(copy.expert);
    result.logMissByRank[best].push_back(copy.logMiss);
    mean[best] += copy.mean;
  }
  result.largestMean = *std::max_element(mean.begin(), mean.end());
  return result;
}

/// Placements are pure functions of five numbers and cost more than a price, so
/// each thread keeps those that it has met.
Placement &placementOf(const Popularity &popularity, int64_t experts,
                       int64_t topK, int64_t ranks, int64_t redundant) {
  static thread_local std::vector<std::unique_ptr<Placement>> known;
  for (const std::unique_ptr<Placement> &placement : known)
    if (placement->matches(popularity, experts, topK, ranks, redundant))
      return *placement;
  known.push_back(std::make_unique<Placement>(
      place(popularity, experts, topK, ranks, redundant)));
  return *known.back();
}

/// Beyond this many nats a miss is below the resolution of a double.
constexpr double kNeverMissed = -40;

/// A search asks for the same few thousand token counts again and again.
constexpr unsigned kLoadBits = 12;
size_t hashOf(int64_t tokens) {
  return (uint64_t(tokens) * 0x9e3779b97f4a7c15) >> (64 - kLoadBits);
}

ExpertLoad computeLoad(const Placement &placement, int64_t tokens) {
  ExpertLoad load;
  int64_t ranks = placement.ranks;
  load.experts = (placement.experts + ranks - 1) / ranks + placement.redundant;
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
                                int64_t topK, int64_t ranks, int64_t tokens,
                                int64_t redundant) {
  Placement &placement =
      placementOf(popularity, experts, topK, ranks, redundant);
  if (placement.loads.empty())
    placement.loads.resize(size_t(1) << kLoadBits);
  KnownLoad &known = placement.loads[hashOf(tokens)];
  if (known.tokens != tokens)
    known = {tokens, computeLoad(placement, tokens)};
  return known.load;
}

std::vector<int64_t> portolan::expertSlots(const Popularity &popularity,
                                           int64_t experts, int64_t topK,
                                           int64_t ranks, int64_t redundant) {
  std::vector<int64_t> slots;
  if (redundant == 0)
    for (int64_t expert = 0; expert < experts; ++expert)
      slots.push_back(expert);
  else
    for (const std::vector<int64_t> &held :
         placementOf(popularity, experts, topK, ranks, redundant).expertsByRank)
      slots.insert(slots.end(), held.begin(), held.end());
  return slots;
}

double portolan::fullestRank(const Popularity &popularity, int64_t experts,
                             int64_t topK, int64_t ranks, int64_t redundant) {
  return placementOf(popularity, experts, topK, ranks, redundant).largestMean;
}

int64_t portolan::stepTokens(const Workload &workload, int64_t drafted) {
  return workload.newTokens() +
         (workload.phase == Phase::prefill ? 0 : drafted);
}

double portolan::expectedTokens(const Workload &workload, int64_t drafted) {
  if (workload.phase == Phase::prefill)
    return double(workload.newTokens());
  // 1 + A + A^2 + ...: a token counts if all before it were accepted.
  double tokens = 1, accepted = 1;
  for (int64_t draft = 0; draft < drafted; ++draft)
    tokens += accepted *= workload.acceptanceRate.value_or(0);
  return tokens;
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

namespace {

/// C(all - taken, chosen) / C(all, chosen): none of `chosen` is among `taken`.
double missProbability(double all, double taken, int64_t chosen) {
  double missed = 1;
  for (int64_t i = 0; i < chosen; ++i)
    missed *= std::max(0.0, (all - taken - double(i)) / (all - double(i)));
  return missed;
}

/// Probability that none of a token's experts is on a rank with `held` whole
/// groups: over how many of these are among the token's groups.
double missGroups(int64_t experts, int64_t topK, int64_t groups,
                  int64_t topGroups, int64_t held) {
  double perGroup = double(experts) / double(groups);
  double eligible = perGroup * double(topGroups);
  // Of a hypergeometric distribution, from none of the groups on.
  double probability = missProbability(double(groups), double(held), topGroups);
  double missed = 0;
  int64_t first = std::max<int64_t>(0, topGroups - (groups - held));
  if (first > 0) {
    // All others are chosen, and then some of the held ones.
    probability = 1;
    for (int64_t i = 0; i < groups - held; ++i)
      probability *= double(topGroups - i) / double(groups - i);
  }
  for (int64_t hit = first; hit <= std::min(held, topGroups); ++hit) {
    missed +=
        probability * missProbability(eligible, perGroup * double(hit), topK);
    probability *=
        double(held - hit) * double(topGroups - hit) /
        (double(hit + 1) * double(groups - held - topGroups + hit + 1));
  }
  return missed;
}

} // namespace

double portolan::distinctRanksPerToken(int64_t experts, int64_t topK,
                                       int64_t ranks, int64_t groups,
                                       int64_t topGroups) {
  double over = double(ranks);
  if (ranks >= groups) {
    // A token's experts lie in the ranks of its groups.
    double all = double(experts) * double(topGroups) / double(groups);
    over = over * double(topGroups) / double(groups);
    double missed = missProbability(all, all / over, topK);
    return std::min({over * (1 - missed), over, double(topK)});
  }
  // Where groups do not divide evenly they are taken as whole all the same,
  // some ranks holding one more.
  int64_t held = groups / ranks, more = groups % ranks;
  double hit = double(ranks - more) *
               (1 - missGroups(experts, topK, groups, topGroups, held));
  if (more > 0)
    hit += double(more) *
           (1 - missGroups(experts, topK, groups, topGroups, held + 1));
  return std::min({hit, double(topGroups), double(topK)});
}
