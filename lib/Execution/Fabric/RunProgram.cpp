//===- RunProgram.cpp - run the programs of ranks -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: programs are compiled once, however many passes run them; ranks run
// their part of each pass; rank 0 puts the results together from the pieces
// that it is sent.
//
//===----------------------------------------------------------------------===//

#include "lib/Execution/Fabric/PreparedPass.h"
#include "portolan/Execution/Run.h"
#include <map>

using namespace mlir;
using namespace portolan;

llvm::Expected<std::vector<PassResult>>
portolan::runProgram(llvm::ArrayRef<ProgramPass> passes,
                     llvm::StringRef weightsFolder, Fabric &fabric,
                     const Wiring &wiring, RunFormats formats) {
  WeightFiles weights(weightsFolder);
  std::map<const DeviceProgram *, CompiledProgram> compiled;
  std::vector<std::unique_ptr<PreparedPass>> prepared;
  for (const ProgramPass &pass : passes) {
    if (pass.program->ranks() != fabric.ranks())
      return llvm::createStringError(
          "expects a program of " + llvm::Twine(fabric.ranks()) +
          " ranks, as many as the fabric has, got one of " +
          llvm::Twine(pass.program->ranks()));
    auto known = compiled.find(pass.program);
    if (known == compiled.end()) {
      llvm::Expected<CompiledProgram> program =
          compileProgram(*pass.program, formats);
      if (!program)
        return program.takeError();
      known = compiled.emplace(pass.program, std::move(*program)).first;
    }
    llvm::Expected<std::vector<const Tensor *>> matched =
        matchInputs(*pass.program->model, pass.inputs);
    if (!matched)
      return matched.takeError();
    prepared.push_back(std::make_unique<PreparedPass>(
        *pass.program, known->second, std::move(*matched), weights));
    if (llvm::Error error = prepared.back()->prepare())
      return std::move(error);
    if (llvm::Error error = prepared.back()->fill(fabric.localRanks()))
      return std::move(error);
  }

  // By pass, then rank; only rank 0 fills them.
  std::vector<std::vector<RankResult>> results(passes.size());
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    std::vector<RankResult> own;
    for (const std::unique_ptr<PreparedPass> &pass : prepared) {
      llvm::Expected<RankResult> result = pass->run(rank, fabric, wiring);
      if (!result)
        return result.takeError();
      own.push_back(std::move(*result));
    }
    if (rank != 0) {
      for (const RankResult &result : own)
        sendResult(fabric, rank, 0, result);
      return llvm::Error::success();
    }
    for (size_t pass = 0; pass < passes.size(); ++pass) {
      results[pass].resize(fabric.ranks());
      results[pass][0] = std::move(own[pass]);
      for (int64_t other = 1; other < fabric.ranks(); ++other)
        if (llvm::Error failure =
                receiveResult(fabric, 0, other, results[pass][other]))
          return failure;
    }
    return llvm::Error::success();
  });
  if (error)
    return std::move(error);
  std::vector<PassResult> gathered(passes.size());
  if (!llvm::is_contained(fabric.localRanks(), 0))
    return gathered;
  for (auto [pass, result] : llvm::enumerate(gathered)) {
    llvm::Expected<std::vector<Tensor>> outputs =
        prepared[pass]->gather(results[pass]);
    if (!outputs)
      return outputs.takeError();
    for (auto [name, tensor] :
         llvm::zip_equal(outputNames(*passes[pass].program->model), *outputs))
      result.outputs.push_back({name, std::move(tensor)});
    for (RankResult &ofRank : results[pass])
      result.logs.push_back(std::move(ofRank.log));
    result.transfers = compiled.find(passes[pass].program)->second.transfers;
  }
  return gathered;
}
