//===- PriceCommand.cpp - portolan price ----------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lowers a model and prices what came out, from the steps of the lowered ops.
//
//===----------------------------------------------------------------------===//

#include "PlannedProgram.h"
#include "portolan/Conversion/Lower.h"
#include "portolan/Report/CarryoverReport.h"
#include "portolan/Support/InternalError.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace portolan;
namespace cl = llvm::cl;

namespace {

struct Price {
  std::vector<LoweredPrice> programs;
  double stepSeconds = 0;
  Evaluation evaluation;

  /// Tokens that share a step under the limit: TTFT is a whole step.
  double tokensPerLimit(bool decodes) const {
    return decodes ? evaluation.tokensPerStep : 1;
  }
};

/// The price read from the lowered module; an InternalError if it is not the
/// one that the tuner works with.
llvm::Expected<Price> priceOf(PlannedProgram &program) {
  Evaluator evaluator(program.session.model, program.target.machine,
                      *program.target.family, program.workload);
  llvm::Expected<Evaluation> evaluation =
      evaluator.at(program.plan, program.concurrency);
  if (!evaluation)
    return evaluation.takeError();
  if (llvm::Error error = program.lower())
    return std::move(error);
  llvm::Expected<std::vector<LoweredPrice>> programs =
      priceLowered(*program.session.module, evaluator.priced());
  if (!programs)
    return programs.takeError();
  Price price;
  price.programs = std::move(*programs);
  price.evaluation = *evaluation;
  double slowest = 0;
  for (const LoweredPrice &entry : price.programs)
    slowest = std::max(slowest, entry.seconds);
  price.stepSeconds = slowest * evaluator.stagePasses(evaluation->deployment) +
                      evaluator.priced().stepOverheadSeconds();
  if (std::abs(price.stepSeconds - evaluation->stepSeconds) >
      1e-9 * evaluation->stepSeconds)
    return llvm::make_error<InternalError>(
        "the lowered program is priced at " +
        std::to_string(price.stepSeconds) + " s, its plan at " +
        std::to_string(evaluation->stepSeconds) + " s");
  return price;
}

void print(llvm::raw_ostream &os, const PlannedProgram &program,
           const Price &price) {
  bool decodes = program.workload.phase == Phase::decode;
  os << program.target.name << ", " << spell(program.workload.phase) << ", "
     << program.concurrency << " requests per copy\n"
     << (decodes ? "TPOT " : "TTFT ")
     << llvm::format("%.4f ms",
                     1e3 * price.stepSeconds / price.tokensPerLimit(decodes))
     << ", bound by " << spell(price.evaluation.bound) << "\n";
  for (const LoweredPrice &entry : price.programs) {
    os << "  @" << entry.entry << " "
       << llvm::format("%.4f ms", 1e3 * entry.seconds);
    forEachPart(entry.parts, [&](llvm::StringRef name, double seconds) {
      os << ", " << name << llvm::format(" %.4f", 1e3 * seconds);
    });
    os << "\n";
  }
}

llvm::json::Value toJson(const PlannedProgram &program, const Price &price) {
  llvm::json::Array entries;
  for (const LoweredPrice &entry : price.programs) {
    llvm::json::Object parts;
    forEachPart(entry.parts, [&](llvm::StringRef name, double seconds) {
      parts[(name + "_s").str()] = seconds;
    });
    entries.push_back(llvm::json::Object{{"entry", entry.entry},
                                         {"stage", entry.stage},
                                         {"seconds", entry.seconds},
                                         {"parts", std::move(parts)}});
  }
  bool decodes = program.workload.phase == Phase::decode;
  return llvm::json::Object{
      {"schema_version", 1},
      {"model", program.session.model.name},
      {"target", program.target.name},
      {"phase", spell(program.workload.phase)},
      {"concurrency", program.concurrency},
      {decodes ? "tpot_ms" : "ttft_ms",
       1e3 * price.stepSeconds / price.tokensPerLimit(decodes)},
      {"bound_by", spell(price.evaluation.bound)},
      {"programs", std::move(entries)}};
}

llvm::Error runPrice(const ProgramOptions &options, llvm::StringRef json) {
  llvm::Expected<std::unique_ptr<PlannedProgram>> program =
      planProgram(options);
  if (!program)
    return program.takeError();
  llvm::Expected<Price> price = priceOf(**program);
  if (!price)
    return price.takeError();
  if (json != "-")
    print(llvm::outs(), **program, *price);
  if (json.empty())
    return llvm::Error::success();
  return writeJson(json, toJson(**program, *price));
}

} // namespace

Command portolan::priceCommand() {
  static cl::SubCommand sub("price", "Price a model lowered for a target");
  static ProgramOptions options(sub);
  static cl::opt<std::string> json(
      "json", cl::sub(sub),
      cl::desc("Write JSON to a file, or - for standard output"),
      cl::value_desc("FILE|-"));
  return {&sub, []() -> int {
            if (llvm::Error error = runPrice(options, json))
              return exitStatusOf(std::move(error));
            return kExitDone;
          }};
}
