//===- PlanDialect.cpp - registration of the plan dialect -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Plan/IR/Plan.h"
#include "mlir/IR/Builders.h"

using namespace portolan;
using namespace portolan::plan;

#include "dialects/Plan/IR/PlanDialect.cpp.inc"

void PlanDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Plan/IR/PlanOps.cpp.inc"
      >();
}

mlir::DictionaryAttr plan::pointAttr(const PlanPoint &point,
                                     mlir::MLIRContext &context) {
  mlir::Builder builder(&context);
  llvm::SmallVector<mlir::NamedAttribute> entries;
  for (PlanClass planClass : allPlanClasses())
    entries.push_back(builder.getNamedAttr(
        spell(planClass),
        builder.getStringAttr(spell(planClass, point.get(planClass)))));
  return builder.getDictionaryAttr(entries);
}

llvm::Expected<PlanPoint> plan::pointOf(mlir::ModuleOp module) {
  auto recorded = module->getAttrOfType<mlir::DictionaryAttr>(kPointAttr);
  if (!recorded)
    return llvm::createStringError("module: expects attribute 'plan.point', "
                                   "which a plan records");
  PlanPoint point;
  for (PlanClass planClass : allPlanClasses()) {
    auto text = recorded.getAs<mlir::StringAttr>(spell(planClass));
    if (!text)
      return llvm::createStringError("plan.point: expects a value of " +
                                     spell(planClass));
    llvm::Expected<PlanValue> value =
        portolan::parsePlanValue(planClass, text.getValue());
    if (!value)
      return value.takeError();
    point.set(planClass, *value);
  }
  return point;
}

void plan::setTarget(mlir::ModuleOp module, llvm::StringRef target,
                     const Workload &workload) {
  mlir::Builder builder(module.getContext());
  module->setAttr(kTargetAttr, builder.getStringAttr(target));
  llvm::SmallVector<mlir::NamedAttribute> entries = {
      builder.getNamedAttr("context_tokens",
                           builder.getI64IntegerAttr(workload.contextTokens)),
      builder.getNamedAttr(
          "formats", builder.getStringAttr(workload.formats == FormatPolicy::any
                                               ? "any"
                                               : "as-shipped")),
      builder.getNamedAttr("output_tokens",
                           builder.getI64IntegerAttr(workload.outputTokens)),
      builder.getNamedAttr("phase",
                           builder.getStringAttr(spell(workload.phase)))};
  if (workload.acceptanceRate)
    entries.push_back(builder.getNamedAttr(
        "acceptance_rate", builder.getF64FloatAttr(*workload.acceptanceRate)));
  const Popularity &popularity = workload.popularity;
  if (popularity.kind == Popularity::Kind::shares)
    entries.push_back(builder.getNamedAttr(
        "popularity", builder.getDenseF64ArrayAttr(popularity.shares)));
  else if (popularity.text != Popularity().text)
    entries.push_back(builder.getNamedAttr(
        "popularity", popularity.kind == Popularity::Kind::uniform
                          ? mlir::Attribute(builder.getStringAttr("uniform"))
                          : builder.getF64FloatAttr(popularity.exponent)));
  module->setAttr(kWorkloadAttr, builder.getDictionaryAttr(entries));
}

/// "uniform", the exponent of a power law, or the share of each expert.
static bool readPopularity(mlir::Attribute value, Popularity &popularity) {
  if (auto text = llvm::dyn_cast<mlir::StringAttr>(value)) {
    popularity.kind = Popularity::Kind::uniform;
    popularity.text = "uniform";
    return text.getValue() == "uniform";
  }
  if (auto exponent = llvm::dyn_cast<mlir::FloatAttr>(value)) {
    popularity.exponent = exponent.getValueAsDouble();
    return popularity.exponent > 0;
  }
  auto shares = llvm::dyn_cast<mlir::DenseF64ArrayAttr>(value);
  if (!shares)
    return false;
  popularity.kind = Popularity::Kind::shares;
  popularity.shares.assign(shares.asArrayRef().begin(),
                           shares.asArrayRef().end());
  return llvm::all_of(popularity.shares,
                      [](double share) { return share >= 0; });
}

/// The workload that a payload names; defaults where it says nothing. Legality
/// does not depend on limits.
static llvm::Expected<Workload> workloadOf(mlir::ModuleOp module) {
  Workload workload;
  auto stated = module->getAttrOfType<mlir::DictionaryAttr>(kWorkloadAttr);
  if (!stated)
    return workload;
  for (mlir::NamedAttribute entry : stated) {
    llvm::StringRef name = entry.getName().getValue();
    auto number = llvm::dyn_cast<mlir::IntegerAttr>(entry.getValue());
    auto text = llvm::dyn_cast<mlir::StringAttr>(entry.getValue());
    if (name == "context_tokens" && number && number.getInt() > 0)
      workload.contextTokens = number.getInt();
    else if (name == "output_tokens" && number && number.getInt() > 0)
      workload.outputTokens = number.getInt();
    else if (std::optional<Phase> phase =
                 text ? parsePhase(text.getValue()) : std::nullopt;
             phase && name == "phase")
      workload.phase = *phase;
    else if (name == "formats" && text && text.getValue() == "any")
      workload.formats = FormatPolicy::any;
    else if (name == "formats" && text && text.getValue() == "as-shipped")
      workload.formats = FormatPolicy::asShipped;
    else if (auto rate = llvm::dyn_cast<mlir::FloatAttr>(entry.getValue());
             name == "acceptance_rate" && rate && rate.getValueAsDouble() > 0 &&
             rate.getValueAsDouble() < 1)
      workload.acceptanceRate = rate.getValueAsDouble();
    else if (name == "popularity" &&
             readPopularity(entry.getValue(), workload.popularity))
      continue;
    else
      return llvm::createStringError(
          "plan.workload: expects context_tokens, output_tokens, phase, "
          "formats, popularity and acceptance_rate with their values, got '" +
          name + "'");
  }
  return workload;
}

llvm::Expected<TargetExtension *>
TargetExtension::load(mlir::transform::TransformState &state,
                      mlir::ModuleOp module) {
  auto name = module->getAttrOfType<mlir::StringAttr>(kTargetAttr);
  if (!name)
    return llvm::createStringError(
        "module: expects attribute 'plan.target' with the name of a target");
  llvm::Expected<Machine> machine = loadMachine(name.getValue());
  if (!machine)
    return machine.takeError();
  llvm::Expected<const Family *> family = familyOf(*machine);
  if (!family)
    return family.takeError();
  llvm::Expected<ModelShape> model = extractModelShape(module);
  if (!model)
    return model.takeError();
  llvm::Expected<Workload> workload = workloadOf(module);
  if (!workload)
    return workload.takeError();
  auto owned = std::make_unique<Owned>(
      Owned{std::move(*model), std::move(*machine), std::move(*workload)});
  PlanContext context{owned->model, owned->machine, owned->workload};
  TargetExtension &extension =
      state.addExtension<TargetExtension>(**family, context);
  extension.owned = std::move(owned);
  return &extension;
}
