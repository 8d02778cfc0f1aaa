//===- RunCommand.cpp - portolan run --------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs a model on data sets and compares its outputs with expected ones.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "PlannedProgram.h"
#include "TargetRunner.h"
#include "dialects/Graph/IR/Graph.h"
#include "mlir/IR/MLIRContext.h"
#include "portolan/Execution/Run.h"
#include "portolan/Execution/RunSpmd.h"
#include "portolan/Import/DataSet.h"
#include "portolan/Import/Model.h"
#include "portolan/Plan/PlanFile.h"
#include "portolan/RegisterAll.h"
#include "portolan/Support/InternalError.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace portolan;
namespace cl = llvm::cl;
using llvm::createStringError;

namespace {

struct RunRequest {
  std::string model, inputs, expect;
  double rtol = 0, atol = 0;
  std::string level, plan, target, stratum, fabric;
  int64_t ranks = 0, messageLimit = 0;
};

llvm::Error checkRequest(const RunRequest &request) {
  for (auto [name, value] :
       {std::pair<const char *, double>{"--rtol", request.rtol},
        {"--atol", request.atol}})
    if (!(value >= 0) || std::isinf(value))
      return createStringError(llvm::Twine(name) +
                               ": expects a number >= 0, got " +
                               llvm::formatv("{0}", value).str());
  if (request.model.empty())
    return createStringError("expects a model, see portolan run --help");
  if (request.inputs.empty())
    return createStringError("expects --inputs DIR");
  if (!request.level.empty() && request.level != "spmd")
    return createStringError("--level: expects spmd, got '" + request.level +
                             "'");
  if (!request.level.empty() && !request.target.empty())
    return createStringError(
        "--target: expects no --level beside it: a target has its own");
  if (request.level.empty() && request.ranks != 0)
    return createStringError("--ranks: expects --level spmd");
  if (request.level.empty() && request.target.empty() && !request.plan.empty())
    return createStringError("--plan: expects --level spmd or --target");
  if (request.level.empty() && request.target.empty() &&
      request.fabric != "threads")
    return createStringError("--fabric: expects --level spmd or --target");
  if (request.target.empty() && request.stratum != "system")
    return createStringError("--stratum: expects --target");
  if (!request.level.empty() && (request.ranks < 1 || request.plan.empty()))
    return createStringError(
        "--level spmd: expects --ranks N with N >= 1 and --plan FILE");
  return llvm::Error::success();
}

/// Nodes that compute on activations have no rows that ranks could share.
llvm::Error checkRaised(mlir::ModuleOp module) {
  graph::NodeOp first;
  module.walk([&](graph::NodeOp node) {
    if (!node->hasAttr("graph.work") && !node->hasAttr("graph.unpriced"))
      return mlir::WalkResult::advance();
    first = node;
    return mlir::WalkResult::interrupt();
  });
  if (!first)
    return llvm::Error::success();
  auto name = llvm::dyn_cast<mlir::NameLoc>(first.getLoc());
  return createStringError(
      "expects no nodes to be divided among ranks, got node '" +
      (name ? name.getName().getValue() : llvm::StringRef("?")) + "' (op '" +
      first.getOpType() + "'), which stays decomposed");
}

/// Runs the model as it is, on `target` if there is one, or on the ranks that
/// were asked for.
llvm::Expected<std::vector<NamedTensor>>
runOn(const RunRequest &request, TargetRunner *target, FabricMaker &fabrics,
      mlir::ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
      llvm::StringRef folder) {
  if (!target && request.level.empty())
    return runModule(module, inputs, folder);
  if (llvm::Error error = checkRaised(module))
    return std::move(error);
  if (target)
    return target->run(module, inputs, folder, fabrics);
  llvm::Expected<PlanPoint> plan = readPlan(request.plan, *module.getContext());
  if (!plan)
    return plan.takeError();
  llvm::Expected<Fabric *> fabric = fabrics.ofRanks(request.ranks);
  if (!fabric)
    return fabric.takeError();
  llvm::Expected<SpmdRun> run =
      runSpmd(module, inputs, folder, *plan, **fabric);
  if (!run)
    return run.takeError();
  return std::move(run->outputs);
}

/// The outputs that `expected` compares with, by name or, if the files have no
/// names, by position.
llvm::Expected<std::vector<const NamedTensor *>>
matchOutputs(const DataSet &expected, llvm::ArrayRef<NamedTensor> outputs) {
  if (expected.outputs.empty())
    return createStringError(expected.folder + ": expects output_0.pb");
  if (expected.outputs.size() > outputs.size())
    return createStringError(expected.folder + ": expects at most " +
                             llvm::Twine(outputs.size()) + " outputs, got " +
                             llvm::Twine(expected.outputs.size()));
  std::vector<const NamedTensor *> matched;
  for (auto [index, tensor] : llvm::enumerate(expected.outputs)) {
    const NamedTensor *output = &outputs[index];
    if (!tensor.name.empty())
      output = llvm::find_if(outputs, [name = tensor.name](auto &candidate) {
        return candidate.name == name;
      });
    if (output == outputs.end())
      return createStringError(
          expected.folder + ": output_" + llvm::Twine(index) +
          ".pb: expects the name of an output, got '" + tensor.name + "'");
    matched.push_back(output);
  }
  return matched;
}

/// Prints the largest error of each output; returns how many differ.
llvm::Expected<unsigned> compareSet(const RunRequest &request,
                                    const DataSet &expected,
                                    llvm::ArrayRef<NamedTensor> outputs) {
  llvm::Expected<std::vector<const NamedTensor *>> matched =
      matchOutputs(expected, outputs);
  if (!matched)
    return matched.takeError();
  unsigned differing = 0;
  for (auto [output, wanted] : llvm::zip_equal(*matched, expected.outputs)) {
    llvm::outs() << "  " << output->name << " "
                 << spellDims(output->tensor.shape) << ": ";
    llvm::Expected<Difference> difference =
        compare(output->tensor, wanted.tensor, request.rtol, request.atol);
    if (!difference) {
      llvm::outs() << llvm::toString(difference.takeError()) << "\n";
      ++differing;
      continue;
    }
    llvm::outs() << llvm::formatv("largest error {0:e2}",
                                  difference->maxAbsolute);
    if (difference->outOfTolerance != 0) {
      llvm::outs() << llvm::formatv(
          " at element {0} (expected {1}), {2} of {3} beyond the tolerance",
          difference->index, difference->atExpected, difference->outOfTolerance,
          output->tensor.size());
      ++differing;
    }
    llvm::outs() << "\n";
  }
  return differing;
}

llvm::Expected<int> run(const RunRequest &request, FabricMaker &fabrics) {
  if (llvm::Error error = checkRequest(request))
    return std::move(error);
  // First of all: processes of one run hear of each other's end from here on.
  if (llvm::Error error = fabrics.open(request.fabric, request.messageLimit))
    return std::move(error);
  mlir::DialectRegistry registry;
  registerUpstream(registry);
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  reportWarnings(context);
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> module =
      loadModel(request.model, context);
  if (!module)
    return module.takeError();
  llvm::Expected<std::vector<DataSet>> sets = readDataSets(request.inputs);
  if (!sets)
    return sets.takeError();
  std::vector<DataSet> expected;
  if (!request.expect.empty()) {
    llvm::Expected<std::vector<DataSet>> read = readDataSets(request.expect);
    if (!read)
      return read.takeError();
    expected = std::move(*read);
    if (expected.size() != sets->size())
      return createStringError(
          request.expect + ": expects " + llvm::Twine(sets->size()) +
          " data sets as in --inputs, got " + llvm::Twine(expected.size()));
  }

  std::unique_ptr<TargetRunner> target;
  if (!request.target.empty()) {
    llvm::Expected<Stratum> stratum = stratumOf(request.stratum);
    if (!stratum)
      return stratum.takeError();
    llvm::Expected<std::unique_ptr<TargetRunner>> created =
        TargetRunner::create(request.model, request.target, request.plan,
                             *stratum);
    if (!created)
      return created.takeError();
    target = std::move(*created);
  }
  llvm::StringRef folder = llvm::sys::path::parent_path(request.model);
  unsigned compared = 0, differing = 0;
  for (auto [index, set] : llvm::enumerate(*sets)) {
    llvm::Expected<std::vector<NamedTensor>> outputs =
        runOn(request, target.get(), fabrics, **module, set.inputs,
              folder.empty() ? "." : folder);
    if (!outputs)
      return createStringError(set.folder + ": " +
                               llvm::toString(outputs.takeError()));
    if (!fabrics.isRoot())
      continue;
    llvm::outs() << llvm::sys::path::filename(set.folder) << "\n";
    if (target)
      target->print(llvm::outs());
    if (expected.empty()) {
      for (const NamedTensor &output : *outputs)
        llvm::outs() << "  " << output.name << " "
                     << spellDims(output.tensor.shape) << "\n";
      continue;
    }
    llvm::Expected<unsigned> differs =
        compareSet(request, expected[index], *outputs);
    if (!differs)
      return differs.takeError();
    differing += *differs;
    compared += expected[index].outputs.size();
  }
  if (target && target->contradictions())
    return llvm::make_error<InternalError>(
        std::to_string(target->contradictions()) +
        " transfers moved other bytes than they state");
  if (expected.empty() || !fabrics.isRoot())
    return kExitDone;
  llvm::outs() << compared - differing << " of " << compared
               << " outputs agree ("
               << llvm::format("rtol %g, atol %g", request.rtol, request.atol)
               << ")\n";
  return differing == 0 ? kExitDone : kExitDiffers;
}

} // namespace

Command portolan::runCommand() {
  static cl::SubCommand sub("run", "Run a model on the CPU");
  static cl::opt<std::string> model(cl::Positional, cl::sub(sub),
                                    cl::desc("MODEL"),
                                    cl::value_desc("name or file"));
  static cl::opt<std::string> inputs(
      "inputs", cl::sub(sub), cl::value_desc("DIR"),
      cl::desc("One data set (input_0.pb, ...) or a folder of "
               "test_data_set_*"));
  static cl::opt<std::string> expect(
      "expect", cl::sub(sub), cl::value_desc("DIR"),
      cl::desc("Compare with output_0.pb, ... of these data sets"));
  static cl::opt<double> rtol("rtol", cl::sub(sub), cl::init(0),
                              cl::value_desc("R"),
                              cl::desc("Relative tolerance (default 0)"));
  static cl::opt<double> atol("atol", cl::sub(sub), cl::init(1e-4),
                              cl::value_desc("R"),
                              cl::desc("Absolute tolerance (default 1e-4)"));
  static cl::opt<std::string> level(
      "level", cl::sub(sub), cl::value_desc("spmd"),
      cl::desc("Run the partitioned model on logical ranks"));
  static cl::opt<int64_t> ranks("ranks", cl::sub(sub), cl::init(0),
                                cl::value_desc("N"),
                                cl::desc("Logical ranks of one model copy"));
  static cl::opt<std::string> plan("plan", cl::sub(sub), cl::value_desc("FILE"),
                                   cl::desc("How the model is divided; with "
                                            "--target, the tuned plan without "
                                            "it"));
  static cl::opt<std::string> target(
      "target", cl::sub(sub), cl::value_desc("TARGET"),
      cl::desc("Run the model as lowered for a machine with its shape"));
  static cl::opt<std::string> stratum(
      "stratum", cl::sub(sub), cl::init("system"),
      cl::value_desc("system|kernel"),
      cl::desc("With --target: run each op as what it covers (default), or "
               "hot ones as their kernels"));
  static cl::opt<std::string> fabric(
      "fabric", cl::sub(sub), cl::init("threads"),
      cl::value_desc("threads|mpi"),
      cl::desc("Ranks as threads (default), or as the processes of mpirun"));
  static cl::opt<int64_t> messageLimit(
      "message-limit", cl::sub(sub),
      cl::init(kMessageLimit / std::chrono::seconds(1)),
      cl::value_desc("SECONDS"),
      cl::desc("Longest wait of a rank for a message (default 60)"));
  return {&sub, [] {
            FabricMaker fabrics;
            llvm::Expected<int> status =
                run({model, inputs, expect, rtol, atol, level, plan, target,
                     stratum, fabric, ranks, messageLimit},
                    fabrics);
            return status ? *status : exitStatusOf(status.takeError());
          }};
}
