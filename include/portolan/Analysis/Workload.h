//===- Workload.h - what is served -----------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The serving workload of a run: phase, lengths, limits, expert popularity.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_ANALYSIS_WORKLOAD_H
#define PORTOLAN_ANALYSIS_WORKLOAD_H

#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace portolan {

enum class Phase : uint8_t {
  decode,
  prefill,
  both, ///< prompts are prefilled at the rate at which requests are decoded
};
llvm::StringRef spell(Phase phase);
std::optional<Phase> parsePhase(llvm::StringRef name);

/// Which formats a plan may choose.
enum class FormatPolicy : uint8_t {
  any,       ///< the shipped storage and the readable narrower ones
  asShipped, ///< the shipped storage only
};

/// How often each expert is chosen.
struct Popularity {
  enum class Kind : uint8_t { uniform, powerLaw, shares } kind = Kind::powerLaw;
  /// Exponent of the density x^-exponent that loads are drawn from.
  double exponent = 1.01;
  /// Kind::shares: one share per expert, any scale.
  std::vector<double> shares;
  /// "uniform", "power-law:1.01" or the file's name.
  std::string text = "power-law:1.01";
};

struct Workload {
  Phase phase = Phase::decode;
  int64_t contextTokens = 4096;
  int64_t outputTokens = 1024;
  /// The limit that counts: TPOT in decode, TTFT in prefill; both with both.
  double maxTpotSeconds = 0.050;
  double maxTtftSeconds = 2.0;
  Popularity popularity;
  FormatPolicy formats = FormatPolicy::any;
  /// Probability that a drafted token is what the model would have said, the
  /// same for each and independent; without it nothing is drafted.
  std::optional<double> acceptanceRate;

  bool decodes() const { return phase != Phase::prefill; }

  /// The part of the workload that is one phase.
  Workload of(Phase part) const {
    Workload result = *this;
    result.phase = part;
    return result;
  }

  /// Past tokens of a sequence, averaged over its life in a full batch
  /// (Little's law: ages are uniform): context + output / 2. Prefill: 0. Both:
  /// those of decode.
  int64_t meanContextTokens() const {
    return decodes() ? contextTokens + outputTokens / 2 : 0;
  }
  /// New tokens of a sequence per step; both: per step of decode.
  int64_t newTokens() const { return decodes() ? 1 : contextTokens; }
  /// The limit that a search varies: TPOT, in prefill TTFT. With both phases
  /// TTFT holds beside it.
  double limitSeconds() const {
    return decodes() ? maxTpotSeconds : maxTtftSeconds;
  }
  void setLimit(double seconds) {
    (decodes() ? maxTpotSeconds : maxTtftSeconds) = seconds;
  }
};

/// New tokens of a sequence that a step computes: in decode the last token and
/// the `drafted` ones that are verified with it, in prefill the prompt.
int64_t stepTokens(const Workload &workload, int64_t drafted);

/// Tokens that a sequence is expected to gain in a step: in decode the accepted
/// ones up to the first that is not and the model's own, (1 - A^(drafted + 1))
/// / (1 - A), in prefill the prompt. Requires an acceptance rate to draft.
///
/// Assumption: drafts come from a look-up in the prompt on the host, which is
/// part of the step overhead; draft models and layers are not imported.
double expectedTokens(const Workload &workload, int64_t drafted);

/// What the popularity law says about rows that are sent to experts spread over
/// ranks: everything is an expectation over tokens drawn independently.
struct ExpertLoad {
  double meanRows = 0; ///< (token, expert) rows of the mean rank
  double maxRows = 0;  ///< of the slowest rank
  /// Distinct experts with a row on the rank of the most distinct ones.
  double hitExperts = 0;
  int64_t experts = 0;  ///< experts of the rank that holds most
  int64_t capacity = 0; ///< rows that no rank exceeds: tokens * min(k, experts)
};

/// Load of `tokens` tokens that choose `topK` of `experts`, spread over `ranks`
/// ranks in contiguous blocks of a placement that balances the expected load.
/// Every rank holds `redundant` experts beyond its share: second copies of the
/// most loaded ones, which share their rows (expertSlots()).
ExpertLoad expertLoad(const Popularity &popularity, int64_t experts,
                      int64_t topK, int64_t ranks, int64_t tokens,
                      int64_t redundant = 0);

/// The expert that each slot holds, rank after rank: `experts` / `ranks` slots
/// (one more on the first ranks if uneven) and `redundant` more on each.
/// Without copies the slots are the experts in order. Under a power law expert
/// 0 is the most popular one. A rank holds two copies of one expert only if no
/// other has room.
///
/// Process: each further copy goes to the expert with the most rows per copy;
///   then the copies, by falling rows, to the rank with the least rows that has
///   room and does not hold the expert (EPLB: replicate, then pack).
std::vector<int64_t> expertSlots(const Popularity &popularity, int64_t experts,
                                 int64_t topK, int64_t ranks,
                                 int64_t redundant);

/// Rows per token that the fullest rank of that placement expects.
double fullestRank(const Popularity &popularity, int64_t experts, int64_t topK,
                   int64_t ranks, int64_t redundant);

/// The same for one rank whose experts work side by side, each on units of its
/// own: the fullest one finishes last, so that `maxRows` counts every hit
/// expert as if it had as many rows.
ExpertLoad sideBySideLoad(const Popularity &popularity, int64_t experts,
                          int64_t topK, int64_t tokens);

/// Distinct ranks that one token's experts are on (expectation), with
/// group-limited routing. Uniform routing: G(1 - C(E-E/G, k)/C(E, k)), with E
/// the experts of the token's groups: the same over how many of those a rank
/// holds.
double distinctRanksPerToken(int64_t experts, int64_t topK, int64_t ranks,
                             int64_t groups, int64_t topGroups);

} // namespace portolan

#endif // PORTOLAN_ANALYSIS_WORKLOAD_H
