//===- ConvertGraphToMoe.cpp - raising of imported graphs -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two passes over the nodes: backwards to learn which values are needed, and
// forwards to raise the nodes that define them. A node whose operands could
// not be raised is skipped, so that only causes are reported. What cannot be
// raised stays.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/ExpertFusion.h"
#include "lib/Conversion/GraphToMoe/NarrowWeights.h"
#include "lib/Conversion/GraphToMoe/Raiser.h"
#include "lib/Conversion/GraphToMoe/Residue.h"
#include "lib/Conversion/GraphToMoe/SimplifyGraph.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "portolan/Conversion/GraphToMoe.h"
#include "portolan/Import/Onnx.h"
#include "portolan/Support/Message.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace portolan {
#define GEN_PASS_DEF_CONVERTGRAPHTOMOE
#define GEN_PASS_DECL
#include "lib/Conversion/GraphToMoe/GraphToMoePasses.h.inc"
} // namespace portolan

namespace {

std::string nameOf(Operation *op) {
  if (auto name = dyn_cast<NameLoc>(op->getLoc()))
    return name.getName().str();
  return "?";
}

/// The nodes that could not be raised.
struct Failures {
  graph::NodeOp first;
  std::string reason;
  unsigned count = 0;
  /// Whether the first one reads something that was raised: where a form is
  /// not recognised, the nodes of its constants and shapes fail as well.
  bool isCause = false, isBlamed = false;

  llvm::MapVector<Operation *, std::string> reasons;

  void add(graph::NodeOp node, std::string why, const Raiser &raiser) {
    ++count;
    // Constants and shapes are there for others.
    StringRef op = node.getOpType();
    if (op != "Constant" && op != "Shape" && op != "ConstantOfShape")
      reasons.insert({node, why});
    bool reads =
        node.getOpType() != "Shape" &&
        llvm::any_of(node.getInputs(), [&](Value value) {
          return value.getDefiningOp<graph::NodeOp>() && raiser.isRaised(value);
        });
    if (reads && !isCause && !isBlamed)
      first = nullptr;
    isCause |= reads;
    if (!first) {
      first = node;
      reason = std::move(why);
    }
  }
  /// States the cause of failures that may follow.
  void blame(graph::NodeOp node, std::string why) {
    reasons.insert({node, why});
    if (isBlamed)
      return;
    isBlamed = true;
    first = node;
    reason = std::move(why);
  }

  llvm::Error error() {
    std::string more = count == 1 ? ""
                                  : " (" + std::to_string(count) +
                                        " nodes in all cannot be raised)";
    return llvm::createStringError(
        "node '" + nameOf(first) + "' (op '" + first.getOpType() +
        "', domain '" + first.getDomain() +
        "') cannot be raised to moe: " + reason + more);
  }
};

/// Marks the values that the outputs need, backwards.
llvm::DenseSet<Value> findNeeded(func::FuncOp main, const Rules &rules,
                                 Raiser &raiser) {
  Block &block = main.getBody().front();
  llvm::DenseSet<Value> needed(block.getTerminator()->operand_begin(),
                               block.getTerminator()->operand_end());
  for (Operation &op : llvm::reverse(block)) {
    auto node = dyn_cast<graph::NodeOp>(op);
    if (!node || llvm::none_of(node.getOutputs(), [&](Value value) {
          return needed.contains(value);
        }))
      continue;
    Values values;
    if (const Rule *rule = rules.find(node, raiser)) {
      bool complete = true;
      for (unsigned i = 0; i < rule->required; ++i)
        complete &= bool(node.input(i));
      if (complete)
        rule->needs(node, raiser, values);
    } else {
      needsInputs(node, raiser, values);
    }
    needed.insert(values.begin(), values.end());
  }
  return needed;
}

void raiseNode(graph::NodeOp node, const Rules &rules, Raiser &raiser,
               Failures &failures) {
  const Rule *rule = rules.find(node, raiser);
  if (!rule)
    return failures.add(node, "no rule raises this op", raiser);
  if (!node.getBodies().empty())
    return failures.add(node, "expects no bodies", raiser);
  for (unsigned i = 0; i < rule->required; ++i)
    if (!node.input(i))
      return failures.add(node, "expects input " + std::to_string(i), raiser);
  Values values;
  rule->needs(node, raiser, values);
  for (Value value : values) {
    if (!raiser.isRaised(value)) {
      // Another node is to blame, unless the value is an input.
      if (isa<BlockArgument>(value))
        failures.add(node, "expects inputs of a known rank", raiser);
      return;
    }
    if (!raiser.raised(value) && !rule->readsViews)
      return failures.add(node,
                          "expects activations of [batch, tokens, "
                          "width] here, got another arrangement",
                          raiser);
  }
  if (failed(rule->raise(node, raiser)))
    failures.add(node, raiser.takeReason(), raiser);
}

/// Makes @main return what its terminator reads by now. `stated` are the types
/// that the file gives the outputs.
llvm::Error updateReturn(func::FuncOp main, ArrayRef<Type> stated) {
  Operation *terminator = main.getBody().front().getTerminator();
  for (auto [index, type, value] :
       llvm::enumerate(stated, terminator->getOperands())) {
    auto expected = dyn_cast<RankedTensorType>(type);
    auto got = dyn_cast<RankedTensorType>(value.getType());
    if (expected && got &&
        (expected.getElementType() != got.getElementType() ||
         failed(verifyCompatibleShape(expected, got)))) {
      std::string text;
      llvm::raw_string_ostream(text)
          << "output " << index << " expects " << expected
          << " as the file states, got " << got;
      return llvm::createStringError(text);
    }
  }
  auto type = main.getFunctionType();
  main.setFunctionType(FunctionType::get(main.getContext(), type.getInputs(),
                                         terminator->getOperandTypes()));
  return llvm::Error::success();
}

/// Whether all outputs of `main` were raised.
llvm::Error checkOutputs(func::FuncOp main, const Raiser &raiser) {
  Operation *terminator = main.getBody().front().getTerminator();
  for (auto [index, value] : llvm::enumerate(terminator->getOperands()))
    if (!raiser.raised(value))
      return llvm::createStringError("output " + Twine(index) +
                                     " expects a tensor of a known rank");
  return llvm::Error::success();
}

/// One sentence about all routers that choose experts which the graph lacks;
/// empty if there are none.
std::string textOfMissing(ArrayRef<MissingExperts> blocks, func::FuncOp main) {
  if (blocks.empty())
    return "";
  // Layers are counted by their attention, as OutlineLayers does.
  llvm::DenseMap<Location, int64_t> layers;
  int64_t attentions = 0;
  for (Operation &op : main.getBody().front()) {
    attentions += isa<moe::AttentionOp, moe::LatentAttentionOp>(op);
    if (isa<moe::RouteOp>(op))
      layers[op.getLoc()] = attentions - 1;
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (MissingExperts block : blocks) {
    auto layer = layers.find(partOf(block.block, "route"));
    if (layer == layers.end())
      continue;
    int64_t count = block.missing.size();
    stream << (text.empty() ? "the graph lacks experts, which count as zero: "
                            : "; ");
    if (layer->second >= 0)
      stream << "layer " << layer->second << ": ";
    stream << "the router '" << nameOf(block.choice) << "' chooses among "
           << block.experts << " experts, got subgraphs of "
           << block.experts - count << " (missing: ";
    llvm::interleaveComma(ArrayRef(block.missing).take_front(8), stream);
    if (count > 8)
      stream << " and " << count - 8 << " others";
    stream << ")";
  }
  return text;
}

struct ConvertGraphToMoe
    : portolan::impl::ConvertGraphToMoeBase<ConvertGraphToMoe> {
  using ConvertGraphToMoeBase::ConvertGraphToMoeBase;

  void runOnOperation() override {
    RaisingReport report;
    if (llvm::Error error = raiseGraphToMoe(getOperation(), &report, strict)) {
      emitError(getOperation().getLoc()) << llvm::toString(std::move(error));
      return signalPassFailure();
    }
    warnOf(report, getOperation().getLoc());
  }
};

} // namespace

void portolan::warnOf(const RaisingReport &report, Location loc) {
  for (const std::string &warning : report.warnings)
    emitWarning(loc) << warning;
  if (std::string summary = report.summary(); !summary.empty())
    emitWarning(loc) << summary;
}

static llvm::Error raise(ModuleOp module, RaisingReport *report, bool strict) {
  module.getContext()
      ->loadDialect<arith::ArithDialect, func::FuncDialect,
                    linalg::LinalgDialect, math::MathDialect, moe::MoeDialect,
                    tensor::TensorDialect>();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return llvm::createStringError("expects a function @main, got none");
  if (!main.getBody().hasOneBlock())
    return llvm::createStringError("expects @main of one block");
  graph::NodeOp own;
  main.walk([&](graph::NodeOp node) {
    if (node.getDomain() == kFusedDomain)
      own = node;
  });
  if (own)
    return llvm::createStringError("node '" + nameOf(own) +
                                   "': expects a domain of ONNX, got '" +
                                   own.getDomain() + "'");
  Rules rules;
  addTokenRules(rules);
  addRotationRules(rules); // Ahead of the parts that they consist of.
  addArrangementRules(rules);
  addRotaryNodeRules(rules);
  addAttentionRules(rules);
  addAttentionNodeRules(rules);
  addDecomposedAttentionRules(rules);
  addAbsorbedAttentionRules(rules);
  addExpertRules(rules);
  addNarrowRules(rules);

  RaisingReport unread;
  RaisingReport &record = report ? *report : unread;
  Block &block = main.getBody().front();
  record.nodes = llvm::range_size(block.getOps<graph::NodeOp>());
  forwardConstants(main);
  expandNarrowProducts(main);
  expandContribNodes(main);
  GraphFacts facts(main);
  foldConditions(main, facts);
  forwardNoOps(main, facts);
  ExpertFusion fusion(main, facts);
  fusion.run();
  // What depends on no activation goes ahead of all nodes.
  Operation *first = block.getTerminator();
  if (auto nodes = block.getOps<graph::NodeOp>(); !nodes.empty())
    first = *nodes.begin();
  OpBuilder builder(first);
  auto border = graph::NoneOp::create(builder, main.getLoc(),
                                      NoneType::get(main.getContext()));
  Raiser raiser(main, facts);
  raiser.ahead.setInsertionPoint(border);
  hoistWeights(raiser);
  llvm::DenseSet<Value> needed = findNeeded(main, rules, raiser);
  auto isNeeded = [&](graph::NodeOp node) {
    return llvm::any_of(node.getOutputs(),
                        [&](Value value) { return needed.contains(value); });
  };
  Residue residue(raiser, fusion);
  Failures failures;
  for (auto node : main.getBody().front().getOps<graph::NodeOp>())
    if (auto problem = fusion.problems().find(node);
        problem != fusion.problems().end() && isNeeded(node))
      failures.blame(node, problem->second);
  // Nodes and what they become stand in one order.
  for (graph::NodeOp node : llvm::to_vector(block.getOps<graph::NodeOp>())) {
    node->moveBefore(block.getTerminator());
    if (!isNeeded(node))
      continue;
    raiseNode(node, rules, raiser, failures);
    if (llvm::any_of(node.getOutputs(),
                     [&](Value value) { return raiser.isRaised(value); }))
      residue.count(node, node->getNextNode());
    else if (!strict)
      residue.adopt(node);
  }
  for (graph::NodeOp node : raiser.postponed)
    if (!raiser.raised(node.getOutputs()[0])) {
      std::string why = "expects an attention that reads this cache";
      if (failures.count == 0)
        failures.add(node, std::move(why), raiser);
      else
        residue.explain(node, std::move(why));
    }
  if (strict && failures.count != 0)
    return failures.error();
  if (llvm::Error error =
          strict ? checkOutputs(main, raiser) : llvm::Error::success())
    return error;
  if (std::string text = textOfMissing(fusion.missingExperts(), main);
      !text.empty())
    record.warnings.push_back(std::move(text));
  for (auto &[node, reason] : failures.reasons)
    residue.explain(cast<graph::NodeOp>(node), reason);
  SmallVector<Type> stated(block.getTerminator()->getOperandTypes());
  residue.settle();
  if (llvm::Error error = updateReturn(main, stated))
    return error;
  residue.eraseRest();
  for (StringRef name :
       {"graph.ir_version", "graph.opsets", "graph.producer", "graph.metadata"})
    module->removeAttr(name);
  raiser.renameDims();
  outlineLayers(main, [&](StringRef function, ArrayRef<Operation *> ops) {
    RaisedPart part;
    part.function = function.str();
    residue.report(ops, part);
    if (function.empty())
      record.outside = std::move(part);
    else
      record.layers.push_back(std::move(part));
  });
  return llvm::Error::success();
}

llvm::Error portolan::raiseGraphToMoe(ModuleOp module, RaisingReport *report,
                                      bool strict) {
  return oneLine(raise(module, report, strict));
}

llvm::Expected<OwningOpRef<ModuleOp>> portolan::loadOnnx(StringRef path,
                                                         MLIRContext &context) {
  llvm::Expected<OwningOpRef<ModuleOp>> module = importOnnx(path, context);
  if (!module)
    return module.takeError();
  RaisingReport report;
  if (llvm::Error error = raiseGraphToMoe(module->get(), &report))
    return llvm::createStringError(path + ": " +
                                   llvm::toString(std::move(error)));
  warnOf(report, NameLoc::get(StringAttr::get(&context, path)));
  // Exporters call every file model.onnx and tell them apart by the folder.
  StringRef name = llvm::sys::path::stem(path);
  StringRef folder =
      llvm::sys::path::filename(llvm::sys::path::parent_path(path));
  module->get().setSymName(name == "model" && !folder.empty() ? folder : name);
  std::string message, place;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
    if (auto node = dyn_cast<NameLoc>(diagnostic.getLocation());
        node && !message.empty() && place.empty())
      place = "node '" + node.getName().str() + "': ";
    return success();
  });
  if (failed(verify(module->get())))
    return llvm::createStringError(path + ": " + oneLine(place + message));
  return module;
}

std::unique_ptr<Pass> portolan::createConvertGraphToMoePass() {
  return std::make_unique<ConvertGraphToMoe>();
}

void portolan::registerGraphToMoePasses() {
  registerPass([] { return createConvertGraphToMoePass(); });
  registerPass([] { return createMoePrintRaisingPass(); });
  registerPass([] { return createGraphFoldNodesPass(); });
}
