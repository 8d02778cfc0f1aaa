//===- PrintRaising.cpp - what is raised and what is not ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The report of a raising as text, and the pass that prints it.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/IR/Graph.h"
#include "portolan/Conversion/GraphToMoe.h"

using namespace mlir;
using namespace portolan;

namespace portolan {
#define GEN_PASS_DEF_MOEPRINTRAISING
#include "lib/Conversion/GraphToMoe/GraphToMoePasses.h.inc"
} // namespace portolan

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string counted(unsigned count, StringRef what) {
  return std::to_string(count) + " " + what.str() + (count == 1 ? "" : "s");
}

/// Numbers as "0-2, 5".
static std::string spellRanges(ArrayRef<unsigned> numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1)
      ++last;
    if (!text.empty())
      text += ", ";
    text += std::to_string(numbers[i]);
    if (last != i)
      text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

unsigned RaisingReport::keptCount() const {
  size_t count = outside.kept.size();
  for (const RaisedPart &layer : layers)
    count += layer.kept.size();
  return count;
}

std::string RaisingReport::summary() const {
  unsigned count = keptCount();
  if (count == 0)
    return {};
  SmallVector<unsigned> where;
  for (auto [index, layer] : llvm::enumerate(layers))
    if (!layer.kept.empty())
      where.push_back(index);
  std::string text = counted(count, "node");
  text += count == 1 ? " stays" : " stay";
  text += " decomposed";
  if (!where.empty())
    text +=
        (where.size() == 1 ? " in layer " : " in layers ") + spellRanges(where);
  if (!outside.kept.empty())
    text +=
        where.empty() ? " outside of the layers" : " and outside of the layers";
  return text + ": run portolan-opt --moe-print-raising for names and reasons";
}

static bool isSame(const RaisedPart &lhs, const RaisedPart &rhs) {
  auto equal = [](const auto &a, const auto &b) {
    return a.first == b.first && a.second.ops == b.second.ops &&
           a.second.nodes == b.second.nodes;
  };
  return lhs.function == rhs.function && lhs.kept.empty() && rhs.kept.empty() &&
         lhs.raised.size() == rhs.raised.size() &&
         std::equal(lhs.raised.begin(), lhs.raised.end(), rhs.raised.begin(),
                    equal);
}

static void printPart(llvm::raw_ostream &stream, const RaisedPart &part) {
  for (const auto &[name, kind] : part.raised)
    stream << "  " << name << ": " << kind.ops << " for "
           << counted(kind.nodes, "node") << "\n";
  llvm::MapVector<StringRef, unsigned> servants;
  for (const KeptNode &node : part.kept)
    if (node.reason.empty())
      ++servants[node.opType];
    else
      stream << "  stays: '" << node.name << "' (op '" << node.opType
             << "', domain '" << node.domain << "'): " << node.reason << "\n";
  if (servants.empty())
    return;
  stream << "  stay because these need them:";
  const char *separator = " ";
  for (auto [opType, count] : servants) {
    stream << separator << count << " " << opType;
    separator = ", ";
  }
  stream << "\n";
}

void RaisingReport::print(llvm::raw_ostream &stream) const {
  for (size_t i = 0; i < layers.size();) {
    size_t last = i;
    while (last + 1 < layers.size() && isSame(layers[i], layers[last + 1]))
      ++last;
    stream << (last == i ? "layer " : "layers ") << i;
    if (last != i)
      stream << "-" << last;
    stream << " (@" << layers[i].function << ")\n";
    printPart(stream, layers[i]);
    i = last + 1;
  }
  stream << "outside of the layers\n";
  printPart(stream, outside);
  unsigned ops = 0, stand = 0;
  auto add = [&](const RaisedPart &part) {
    for (const auto &[name, kind] : part.raised) {
      ops += kind.ops;
      stand += kind.nodes;
    }
  };
  add(outside);
  for (const RaisedPart &layer : layers)
    add(layer);
  stream << "total: " << counted(nodes, "node") << ", "
         << counted(layers.size(), "layer") << "; " << counted(ops, "op")
         << " for " << counted(stand, "node") << ", "
         << counted(keptCount(), "node")
         << (keptCount() == 1 ? " stays\n" : " stay\n");
  for (const std::string &warning : warnings)
    stream << "warning: " << warning << "\n";
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct MoePrintRaising : portolan::impl::MoePrintRaisingBase<MoePrintRaising> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (main && !main.isExternal() &&
        main.getBody().front().getOps<graph::NodeOp>().empty()) {
      emitError(module.getLoc())
          << "expects nodes of an imported graph in @main, got none";
      return signalPassFailure();
    }
    OwningOpRef<ModuleOp> copy(module.clone());
    RaisingReport report;
    if (llvm::Error error = raiseGraphToMoe(*copy, &report)) {
      emitError(module.getLoc()) << llvm::toString(std::move(error));
      return signalPassFailure();
    }
    report.print(llvm::outs());
    markAllAnalysesPreserved();
  }
};

} // namespace

std::unique_ptr<Pass> portolan::createMoePrintRaisingPass() {
  return std::make_unique<MoePrintRaising>();
}
