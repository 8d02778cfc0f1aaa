//===- WorkloadOptions.cpp - the workload flags of the commands -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WorkloadOptions.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>

using namespace portolan;
namespace cl = llvm::cl;
using llvm::StringRef;

namespace {

constexpr int64_t kLargestCount = 1000000000;
constexpr double kSecondsPerMillisecond = 1e-3;
/// A power law steeper than this puts all rows on one expert.
constexpr double kSteepestPowerLaw = 10;
constexpr StringRef kDefaultMaxTpotMs = "50,20";
constexpr StringRef kDefaultMaxTtftMs = "2000";

llvm::Error badFlag(StringRef flag, const llvm::Twine &expected,
                    StringRef got) {
  return llvm::createStringError("--" + flag + ": expects " + expected +
                                 ", got '" + got + "'");
}

/// A finite number above zero.
std::optional<double> positive(StringRef text) {
  double value;
  if (text.empty() || text.getAsDouble(value) || !std::isfinite(value) ||
      value <= 0)
    return std::nullopt;
  return value;
}

llvm::Expected<std::vector<double>> parseLimits(StringRef flag,
                                                StringRef text) {
  std::vector<double> limits;
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts) {
    std::optional<double> value = positive(part.trim());
    if (!value)
      return badFlag(flag, "milliseconds above 0, separated by commas", text);
    limits.push_back(*value * kSecondsPerMillisecond);
  }
  return limits;
}

/// A file of shares, one per expert.
llvm::Expected<Popularity> readShares(StringRef path, const ModelShape &model) {
  if (llvm::sys::fs::is_directory(path) || !llvm::sys::fs::exists(path))
    return badFlag("popularity", "uniform, power-law:A or a file of shares",
                   path);
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return llvm::createStringError("--popularity: cannot read '" + path +
                                   "': " + buffer.getError().message());
  Popularity popularity;
  popularity.kind = Popularity::Kind::shares;
  popularity.text = path.str();
  llvm::SmallVector<StringRef> words;
  llvm::SplitString((*buffer)->getBuffer(), words);
  double sum = 0;
  for (StringRef word : words) {
    double share;
    if (word.getAsDouble(share) || !std::isfinite(share) || share < 0)
      return llvm::createStringError(
          path + ": expects shares of at least 0, got '" + word + "'");
    popularity.shares.push_back(share);
    sum += share;
  }
  if (int64_t(words.size()) != model.experts || sum <= 0)
    return llvm::createStringError(
        path + ": expects " + llvm::Twine(model.experts) +
        " shares that are not all 0, one per expert, got " +
        llvm::Twine(words.size()));
  return popularity;
}

llvm::Expected<Popularity> parsePopularity(StringRef text,
                                           const ModelShape &model) {
  Popularity popularity;
  popularity.text = text.str();
  if (text == "uniform") {
    popularity.kind = Popularity::Kind::uniform;
    return popularity;
  }
  if (text.consume_front("power-law:")) {
    std::optional<double> exponent = positive(text);
    if (!exponent || *exponent > kSteepestPowerLaw)
      return badFlag("popularity", "power-law:A with A above 0 and at most 10",
                     popularity.text);
    popularity.kind = Popularity::Kind::powerLaw;
    popularity.exponent = *exponent;
    return popularity;
  }
  return readShares(text, model);
}

} // namespace

llvm::Expected<int64_t> portolan::parseCount(StringRef flag, StringRef text) {
  int64_t value;
  if (text.getAsInteger(10, value) || value < 1 || value > kLargestCount)
    return badFlag(
        flag, "a whole number from 1 to " + llvm::Twine(kLargestCount), text);
  return value;
}

WorkloadOptions::WorkloadOptions(cl::SubCommand &sub)
    : phase("phase", cl::sub(sub), cl::init("decode"),
            cl::desc("decode, prefill or both at one rate"),
            cl::value_desc("phase")),
      context("context", cl::sub(sub), cl::init("4096"),
              cl::desc("Tokens of a prompt"), cl::value_desc("N")),
      outputTokens("output-tokens", cl::sub(sub), cl::init("1024"),
                   cl::desc("Tokens generated per request"),
                   cl::value_desc("N")),
      maxTpotMs(
          "max-tpot-ms", cl::sub(sub),
          cl::desc("Limits on the time per output token, each a case of its "
                   "own (50,20)"),
          cl::value_desc("X[,X]")),
      maxTtftMs("max-ttft-ms", cl::sub(sub),
                cl::desc("Limits on the time to the first token, one with both "
                         "phases (2000)"),
                cl::value_desc("X[,X]")),
      popularity("popularity", cl::sub(sub), cl::init("power-law:1.01"),
                 cl::desc("How often each expert is chosen"),
                 cl::value_desc("uniform|power-law:A|FILE")),
      formats("formats", cl::sub(sub), cl::init("any"),
              cl::desc("Formats that a plan may choose: any readable one, or "
                       "as shipped"),
              cl::value_desc("any|as-shipped")),
      acceptanceRate("acceptance-rate", cl::sub(sub),
                     cl::desc("Probability that a drafted token is accepted; "
                              "without it plans draft none"),
                     cl::value_desc("A")) {}

llvm::Error WorkloadOptions::parseAllLimits(RequestedWorkload &result) const {
  Workload &workload = result.workload;
  if (workload.phase == Phase::decode && maxTtftMs.getNumOccurrences())
    return llvm::createStringError(
        "--max-ttft-ms: is a limit of prefill, got phase decode");
  if (workload.phase == Phase::prefill && maxTpotMs.getNumOccurrences())
    return llvm::createStringError(
        "--max-tpot-ms: is a limit of decode, got phase prefill");
  auto read = [](const cl::opt<std::string> &flag, StringRef otherwise) {
    return parseLimits(flag.ArgStr, flag.getNumOccurrences()
                                        ? StringRef(flag.getValue())
                                        : otherwise);
  };
  llvm::Expected<std::vector<double>> tpot = read(maxTpotMs, kDefaultMaxTpotMs);
  if (!tpot)
    return tpot.takeError();
  llvm::Expected<std::vector<double>> ttft = read(maxTtftMs, kDefaultMaxTtftMs);
  if (!ttft)
    return ttft.takeError();
  if (workload.phase == Phase::both && ttft->size() > 1)
    return badFlag("max-ttft-ms", "one limit with both phases",
                   maxTtftMs.getValue());
  workload.maxTtftSeconds = ttft->front();
  result.limitSeconds = workload.decodes() ? *tpot : *ttft;
  return llvm::Error::success();
}

llvm::Expected<RequestedWorkload>
WorkloadOptions::parse(const ModelShape &model) const {
  RequestedWorkload result;
  Workload &workload = result.workload;
  std::optional<Phase> served = parsePhase(phase);
  if (!served)
    return badFlag("phase", "decode, prefill or both", phase);
  workload.phase = *served;

  llvm::Expected<int64_t> contextTokens = parseCount("context", context);
  if (!contextTokens)
    return contextTokens.takeError();
  workload.contextTokens = *contextTokens;
  llvm::Expected<int64_t> output = parseCount("output-tokens", outputTokens);
  if (!output)
    return output.takeError();
  workload.outputTokens = *output;

  if (llvm::Error error = parseAllLimits(result))
    return std::move(error);

  llvm::Expected<Popularity> law = parsePopularity(popularity, model);
  if (!law)
    return law.takeError();
  workload.popularity = std::move(*law);

  if (formats == "any")
    workload.formats = FormatPolicy::any;
  else if (formats == "as-shipped")
    workload.formats = FormatPolicy::asShipped;
  else
    return badFlag("formats", "any or as-shipped", formats);
  if (acceptanceRate.getNumOccurrences()) {
    std::optional<double> rate = positive(acceptanceRate);
    if (!rate || *rate >= 1)
      return badFlag("acceptance-rate", "a number above 0 and below 1",
                     acceptanceRate);
    if (workload.phase != Phase::decode)
      return llvm::createStringError(
          "--acceptance-rate: is of decode alone, got phase " +
          spell(workload.phase));
    workload.acceptanceRate = *rate;
  }
  workload = result.under(result.limitSeconds.front());
  return result;
}
