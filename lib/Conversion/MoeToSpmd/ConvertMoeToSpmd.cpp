//===- ConvertMoeToSpmd.cpp - the pass convert-moe-to-spmd ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the decisions from the option or from the module and partitions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Spmd/IR/Spmd.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "portolan/Conversion/MoeToSpmd.h"
#include "portolan/Machine/Machine.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace portolan;

namespace portolan {
#define GEN_PASS_DEF_CONVERTMOETOSPMD
#include "lib/Conversion/MoeToSpmd/MoeToSpmdPasses.h.inc"
} // namespace portolan

namespace {

llvm::Error setDecision(PlanPoint &point, StringRef name, StringRef text) {
  std::optional<PlanClass> planClass = parsePlanClass(name.trim());
  if (!planClass)
    return llvm::createStringError("plan: expects a decision class, got '" +
                                   name.trim() + "'");
  llvm::Expected<PlanValue> value = parsePlanValue(*planClass, text.trim());
  if (!value)
    return value.takeError();
  point.set(*planClass, *value);
  return llvm::Error::success();
}

llvm::Expected<Popularity> parsePopularity(StringRef text) {
  Popularity popularity;
  popularity.text = text.str();
  if (text == "uniform") {
    popularity.kind = Popularity::Kind::uniform;
    return popularity;
  }
  if (!text.consume_front("power-law:") ||
      text.getAsDouble(popularity.exponent) || !(popularity.exponent >= 0))
    return llvm::createStringError(
        "popularity: expects uniform or power-law:A, got '" + popularity.text +
        "'");
  return popularity;
}

struct ConvertMoeToSpmd
    : public portolan::impl::ConvertMoeToSpmdBase<ConvertMoeToSpmd> {
  using ConvertMoeToSpmdBase::ConvertMoeToSpmdBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (llvm::Error error = convert(module)) {
      module.emitError() << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

private:
  llvm::Error convert(ModuleOp module) {
    MoeToSpmdOptions options;
    auto attribute = module->getAttrOfType<DictionaryAttr>(kPlanPointName);
    if (plan.empty() && !attribute)
      return llvm::createStringError(
          "plan: expects the option plan or the attribute plan.point, got "
          "neither");
    llvm::Expected<PlanPoint> point =
        plan.empty() ? planPointOf(attribute) : parsePlanPoint(plan);
    if (!point)
      return point.takeError();
    options.plan = *point;
    llvm::Expected<Deployment> deployment = deployed(options.plan);
    if (!deployment)
      return deployment.takeError();
    options.deployment = *deployment;
    llvm::Expected<Popularity> law = parsePopularity(popularity);
    if (!law)
      return law.takeError();
    options.popularity = *law;
    if (failed(convertMoeToSpmd(module, options)))
      signalPassFailure();
    return llvm::Error::success();
  }

  /// What the plan is on the machine that the options describe.
  llvm::Expected<Deployment> deployed(const PlanPoint &point) {
    if (chips < 1 || domain < 0)
      return llvm::createStringError(
          "chips, domain: expects at least 1 and 0, got " + Twine(chips) +
          " and " + Twine(domain));
    if (target.empty())
      return deploymentOf(point, chips, domain ? domain : chips);
    if (chips != 1 || domain != 0)
      return llvm::createStringError(
          "target: expects neither chips nor domain beside it, got '" +
          Twine(target) + "'");
    llvm::Expected<Machine> machine = loadMachine(target);
    if (!machine)
      return machine.takeError();
    return deploymentOf(point, machine->topology);
  }
};

} // namespace

llvm::Expected<PlanPoint> portolan::parsePlanPoint(StringRef text) {
  PlanPoint point;
  SmallVector<StringRef> decisions;
  text.split(decisions, ',', -1, /*KeepEmpty=*/false);
  for (StringRef decision : decisions) {
    auto [name, value] = decision.split('=');
    if (llvm::Error error = setDecision(point, name, value))
      return std::move(error);
  }
  return point;
}

llvm::Expected<PlanPoint> portolan::planPointOf(DictionaryAttr attribute) {
  PlanPoint point;
  for (NamedAttribute decision : attribute) {
    std::string text;
    if (auto word = dyn_cast<StringAttr>(decision.getValue()))
      text = word.getValue().str();
    else if (auto number = dyn_cast<IntegerAttr>(decision.getValue()))
      text = std::to_string(number.getInt());
    else
      return llvm::createStringError(
          "plan.point: expects a string or a number for " +
          decision.getName().getValue());
    if (llvm::Error error =
            setDecision(point, decision.getName().getValue(), text))
      return std::move(error);
  }
  return point;
}
