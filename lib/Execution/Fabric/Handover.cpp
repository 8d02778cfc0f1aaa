//===- Handover.cpp - a prompt on one copy, its decode on another ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Handover.h"
#include "lib/Execution/Fabric/PreparedPass.h"
#include "portolan/Execution/Run.h"

using namespace mlir;
using namespace portolan;
using llvm::Twine;

namespace {

/// Ranks of one copy among those of a fabric.
class CopyFabric : public Fabric {
public:
  CopyFabric(Fabric &whole, int64_t first, int64_t count)
      : whole(whole), first(first), count(count) {
    for (int64_t rank : whole.localRanks())
      if (rank >= first && rank < first + count)
        numbers.push_back(rank - first);
  }
  int64_t ranks() const override { return count; }
  llvm::ArrayRef<int64_t> localRanks() const override { return numbers; }
  llvm::Error run(llvm::function_ref<llvm::Error(int64_t)>) override {
    return llvm::createStringError("expects the fabric of both copies to run");
  }
  void send(int64_t from, int64_t to, OpKind kind,
            llvm::ArrayRef<char> bytes) override {
    if (to < 0 || to >= count)
      return fail("rank " + Twine(from) + ": " + spell(kind) +
                  " expects a rank below " + Twine(count) + ", got " +
                  Twine(to));
    whole.send(first + from, first + to, kind, bytes);
  }
  void receive(int64_t to, int64_t from, OpKind kind,
               llvm::MutableArrayRef<char> into) override {
    whole.receive(first + to, from < 0 || from >= count ? -1 : first + from,
                  kind, into);
  }
  void fail(const Twine &message) override { whole.fail(message); }
  bool failed() const override { return whole.failed(); }

private:
  Fabric &whole;
  int64_t first, count;
  std::vector<int64_t> numbers;
};

/// One copy: its program, its memory and its ranks.
struct Copy {
  CompiledProgram compiled;
  std::unique_ptr<PreparedPass> pass;
  std::vector<RankResult> results; ///< filled where rank 0 lives

  llvm::Error prepare(const ProgramPass &of, WeightFiles &weights,
                      llvm::ArrayRef<int64_t> localRanks) {
    llvm::Expected<CompiledProgram> program =
        compileProgram(*of.program, RunFormats::ofTypes);
    if (!program)
      return program.takeError();
    compiled = std::move(*program);
    llvm::Expected<std::vector<const Tensor *>> matched =
        matchInputs(*of.program->model, of.inputs);
    if (!matched)
      return matched.takeError();
    pass = std::make_unique<PreparedPass>(*of.program, compiled,
                                          std::move(*matched), weights);
    results.resize(of.program->ranks());
    if (llvm::Error error = pass->prepare())
      return error;
    return pass->fill(localRanks);
  }
  llvm::Error gather(const ProgramPass &of,
                     std::vector<NamedTensor> &outputs) const {
    llvm::Expected<std::vector<Tensor>> tensors = pass->gather(results);
    if (!tensors)
      return tensors.takeError();
    for (auto [name, tensor] :
         llvm::zip_equal(outputNames(*of.program->model), *tensors))
      outputs.push_back({name, std::move(tensor)});
    return llvm::Error::success();
  }
};

/// The piece of a cache that `rank` sends and its peer takes; null if neither
/// has one.
llvm::Expected<const Tensor *> pieceOf(const HandedCache &cache, int64_t rank,
                                       const Copy &prompt,
                                       const RankResult &result, Copy &step) {
  std::optional<unsigned> sent = prompt.pass->resultPiece(rank, cache.result);
  bool isTaken = step.pass->holds(rank, cache.argument);
  if (sent.has_value() != isTaken)
    return llvm::createStringError(
        "result " + Twine(cache.result) + ": expects a rank and its peer to " +
        "hold it or not, got rank " + Twine(rank) + " that alone " +
        (isTaken ? "takes" : "sends") + " a piece");
  return sent ? &result.tensors[*sent] : nullptr;
}

} // namespace

llvm::Expected<HandoverRun>
portolan::runHandedOver(const ProgramPass &prompt, const ProgramPass &step,
                        llvm::ArrayRef<HandedCache> caches,
                        llvm::StringRef weightsFolder, Fabric &fabric,
                        const Wiring &wiring) {
  int64_t ranks = prompt.program->ranks();
  if (step.program->ranks() != ranks || fabric.ranks() != 2 * ranks)
    return llvm::createStringError("expects two copies of " + Twine(ranks) +
                                   " ranks, got one of " +
                                   Twine(step.program->ranks()) +
                                   " on a fabric of " + Twine(fabric.ranks()));
  CopyFabric first(fabric, 0, ranks), second(fabric, ranks, ranks);
  WeightFiles weights(weightsFolder);
  Copy prompted, stepped;
  if (llvm::Error error = prompted.prepare(prompt, weights, first.localRanks()))
    return std::move(error);
  if (llvm::Error error = stepped.prepare(step, weights, second.localRanks()))
    return std::move(error);

  HandoverRun run;
  run.handedBytes.assign(ranks, 0);
  auto computePrompt = [&](int64_t rank) -> llvm::Error {
    llvm::Expected<RankResult> result = prompted.pass->run(rank, first, wiring);
    if (!result)
      return result.takeError();
    for (const HandedCache &cache : caches) {
      llvm::Expected<const Tensor *> piece =
          pieceOf(cache, rank, prompted, *result, stepped);
      if (!piece)
        return piece.takeError();
      if (*piece)
        fabric.send(rank, ranks + rank, OpKind::send, (*piece)->bytes);
    }
    if (rank == 0)
      prompted.results[0] = std::move(*result);
    else
      sendResult(fabric, rank, 0, *result);
    return llvm::Error::success();
  };
  auto goOn = [&](int64_t rank) -> llvm::Error {
    for (const HandedCache &cache : caches)
      if (Tensor *piece = stepped.pass->argumentPiece(rank, cache.argument)) {
        fabric.receive(ranks + rank, rank, OpKind::send, piece->bytes);
        run.handedBytes[rank] += int64_t(piece->bytes.size());
      }
    llvm::Expected<RankResult> result = stepped.pass->run(rank, second, wiring);
    if (!result)
      return result.takeError();
    sendResult(fabric, ranks + rank, 0, *result);
    return llvm::Error::success();
  };
  llvm::Error error = fabric.run([&](int64_t rank) -> llvm::Error {
    if (rank >= ranks)
      return goOn(rank - ranks);
    if (llvm::Error failure = computePrompt(rank))
      return failure;
    for (int64_t other = 0; rank == 0 && other < 2 * ranks; ++other) {
      RankResult &room = other < ranks ? prompted.results[other]
                                       : stepped.results[other - ranks];
      if (other == 0)
        continue;
      if (llvm::Error failure = receiveResult(fabric, 0, other, room))
        return failure;
    }
    return llvm::Error::success();
  });
  if (error)
    return std::move(error);
  if (!llvm::is_contained(fabric.localRanks(), 0))
    return run;
  if (llvm::Error failure = prompted.gather(prompt, run.promptOutputs))
    return std::move(failure);
  if (llvm::Error failure = stepped.gather(step, run.stepOutputs))
    return std::move(failure);
  return run;
}
