//===- PlanFile.cpp - plans as files and through the interpreter ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Plan/PlanFile.h"
#include "dialects/Plan/IR/Plan.h"
#include "mlir/Dialect/Transform/IR/TransformOps.h"
#include "mlir/Dialect/Transform/Transforms/TransformInterpreterUtils.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::plan;

namespace {

/// Turns the first diagnostic that is an error into text, as one clear error is
/// wanted.
class FirstError {
public:
  explicit FirstError(MLIRContext &context)
      : handler(&context, [this](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return failure();
          if (text.empty()) {
            llvm::raw_string_ostream stream(text);
            if (auto where = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
              stream << where.getFilename().getValue() << ":" << where.getLine()
                     << ":" << where.getColumn() << ": ";
            stream << diagnostic;
          }
          return success();
        }) {}

  llvm::Error take(llvm::StringRef otherwise) {
    return llvm::createStringError(text.empty() ? otherwise.str() : text);
  }

private:
  std::string text;
  ScopedDiagnosticHandler handler;
};

void loadDialects(MLIRContext &context) {
  DialectRegistry registry;
  registry.insert<transform::TransformDialect, PlanDialect>();
  context.appendDialectRegistry(registry);
  context.loadDialect<transform::TransformDialect, PlanDialect>();
}

/// Parses a plan file's text; an error is taken from `errors`.
llvm::Expected<OwningOpRef<ModuleOp>>
parseScript(llvm::StringRef text, llvm::StringRef name, MLIRContext &context) {
  loadDialects(context);
  FirstError errors(context);
  OwningOpRef<ModuleOp> script =
      parseSourceString<ModuleOp>(text, ParserConfig(&context), name);
  if (!script)
    return errors.take((name + ": expects a plan").str());
  return script;
}

/// The sequence of a script that is run.
transform::NamedSequenceOp entryOf(ModuleOp script) {
  return script.lookupSymbol<transform::NamedSequenceOp>(
      transform::TransformDialect::kTransformEntryPointSymbolName);
}

llvm::Error
runScript(const PlanPoint &plan, const Family &family, PlanContext context,
          ModuleOp module,
          llvm::function_ref<void(transform::TransformState &)> install) {
  MLIRContext &ir = *module.getContext();
  llvm::Expected<OwningOpRef<ModuleOp>> script =
      parseScript(printPlan(plan), "plan", ir);
  if (!script)
    return script.takeError();
  FirstError errors(ir);
  transform::TransformOptions options;
  options.enableExpensiveChecks(false);
  RaggedArray<transform::MappedValue> extra;
  LogicalResult result = transform::applyTransforms(
      module, cast<transform::TransformOpInterface>(*entryOf(**script)), extra,
      options, /*enforceToplevelTransformOp=*/false,
      [&](transform::TransformState &state) {
        state.addExtension<TargetExtension>(family, context);
        install(state);
      });
  if (failed(result))
    return errors.take("the plan cannot be applied");
  return llvm::Error::success();
}

} // namespace

std::string portolan::printPlan(const PlanPoint &plan) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  auto value = [&](PlanClass planClass) {
    return spell(planClass, plan.get(planClass));
  };
  stream << "module attributes {transform.with_named_sequence} {\n"
            "  transform.named_sequence @__transform_main("
            "%model: !transform.any_op {transform.readonly}) {\n"
         << "    plan.set_format %model weights = "
         << value(PlanClass::weightFormat)
         << " activations = " << value(PlanClass::activationFormat)
         << " kv = " << value(PlanClass::kvFormat) << "\n"
         << "    plan.instance %model chips = " << value(PlanClass::instance)
         << "\n"
         << "    plan.pipeline %model stages = " << value(PlanClass::pipeline)
         << "\n"
         << "    plan.shard_attention %model tp = "
         << value(PlanClass::attentionTp)
         << " cp = " << value(PlanClass::attentionCp) << "\n"
         << "    plan.shard_experts %model tp = " << value(PlanClass::expertTp)
         << " form = " << value(PlanClass::placementForm) << "\n"
         << "    plan.place_experts %model replicas = "
         << value(PlanClass::replicas) << "\n"
         << "    plan.place_weights %model residency = "
         << value(PlanClass::residency) << "\n"
         << "    plan.exchange %model dispatch = "
         << value(PlanClass::dispatchExchange)
         << " combine = " << value(PlanClass::combineExchange) << "\n"
         << "    plan.reduction %model algorithm = "
         << value(PlanClass::reduction) << "\n"
         << "    plan.overlap %model form = " << value(PlanClass::overlap)
         << "\n"
         << "    plan.batch %model micro_batches = "
         << value(PlanClass::batchForm) << "\n"
         << "    plan.split_phases %model prefill = "
         << value(PlanClass::phaseSplit) << "\n"
         << "    plan.fuse %model form = " << value(PlanClass::fusion) << "\n"
         << "    plan.tile %model tokens = " << value(PlanClass::tile) << "\n"
         << "    plan.speculate %model tokens = "
         << value(PlanClass::speculation) << "\n"
         << "    plan.commit %model\n"
            "    transform.yield\n"
            "  }\n"
            "}\n";
  return text;
}

llvm::Expected<PlanPoint> portolan::parsePlan(llvm::StringRef text,
                                              llvm::StringRef name,
                                              MLIRContext &context) {
  llvm::Expected<OwningOpRef<ModuleOp>> script =
      parseScript(text, name, context);
  if (!script)
    return script.takeError();
  auto refuse = [&](const llvm::Twine &what) {
    return llvm::createStringError(name + ": " + what);
  };
  transform::NamedSequenceOp entry = entryOf(**script);
  if (!entry)
    return refuse("expects a plan: a transform.named_sequence "
                  "@__transform_main of plan ops");
  if (llvm::range_size((*script)->getOps()) != 1)
    return refuse("expects one named sequence and nothing else");
  if (entry.isExternal() || entry.getBody().front().getNumArguments() != 1)
    return refuse("expects a sequence of one argument, the model");
  Block &body = entry.getBody().front();
  {
    FirstError errors(context);
    if (failed(verifyNormalForm(body)))
      return errors.take("not a plan");
  }
  PlanPoint point;
  for (auto [op, info] : llvm::zip(body, planOps()))
    for (PlanClass planClass : info.classes)
      point.set(
          planClass,
          llvm::cantFail(portolan::parsePlanValue(
              planClass,
              op.getAttrOfType<StringAttr>(spell(planClass)).getValue())));
  return point;
}

llvm::Expected<PlanPoint> portolan::readPlan(llvm::StringRef path,
                                             MLIRContext &context) {
  if (llvm::sys::fs::is_directory(path))
    return llvm::createStringError(path + ": expects a plan file, got a "
                                          "directory");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return llvm::createStringError(
        path + ": cannot read the plan: " + buffer.getError().message());
  return parsePlan((*buffer)->getBuffer(), path, context);
}

llvm::Error portolan::applyPlan(const PlanPoint &plan, const Family &family,
                                PlanContext context, ModuleOp module) {
  return runScript(plan, family, context, module,
                   [](transform::TransformState &) {});
}

llvm::Expected<Repair> portolan::replayPlan(const PlanPoint &plan,
                                            const Family &family,
                                            PlanContext context,
                                            ModuleOp module) {
  Repair repair;
  if (llvm::Error error = runScript(
          plan, family, context, module, [&](transform::TransformState &state) {
            state.addExtension<LedgerExtension>(family, context, repair);
          }))
    return std::move(error);
  return repair;
}
