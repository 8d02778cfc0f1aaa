//===- RunTarget.cpp - run a model as lowered for a target ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/RunTarget.h"
#include "lib/Execution/Fabric/MicroBatches.h"
#include <map>

using namespace mlir;
using namespace portolan;

llvm::Expected<int64_t> portolan::ranksOf(const TargetSetting &setting) {
  llvm::Expected<Deployment> deployment =
      deploymentOf(setting.plan, setting.machine.topology);
  if (!deployment)
    return deployment.takeError();
  return deployment->stages * deployment->stageSize;
}

llvm::Expected<TargetRun>
portolan::runOnTarget(ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
                      llvm::StringRef weightsFolder,
                      const TargetSetting &setting, Fabric &fabric,
                      llvm::function_ref<void(ModuleOp)> change) {
  llvm::Expected<Deployment> deployment =
      deploymentOf(setting.plan, setting.machine.topology);
  if (!deployment)
    return deployment.takeError();
  llvm::Expected<std::vector<std::vector<NamedTensor>>> batches =
      cutBatch(module, inputs, deployment->microBatches);
  if (!batches)
    return batches.takeError();
  // Micro-batches of one size share a program.
  std::map<int64_t, DeviceProgram> programs;
  KernelReport kernels;
  std::vector<ProgramPass> passes;
  for (const std::vector<NamedTensor> &batch : *batches) {
    bool isScalar = batch.empty() || batch.front().tensor.shape.empty();
    int64_t size = isScalar ? 0 : batch.front().tensor.shape.front();
    auto known = programs.find(size);
    if (known == programs.end()) {
      llvm::Expected<DeviceProgram> program =
          lowerProgram(module, batch, setting.plan, setting.machine);
      if (!program)
        return program.takeError();
      if (setting.stratum == Stratum::kernel) {
        llvm::Expected<KernelReport> report = writeOutKernels(
            *program->module, setting.family, setting.target, /*toRun=*/true);
        if (!report)
          return report.takeError();
        kernels.writtenOut += report->writtenOut;
        llvm::append_range(kernels.refusals, report->refusals);
      }
      if (change)
        change(*program->module);
      known = programs.emplace(size, std::move(*program)).first;
    }
    passes.push_back({&known->second, batch});
  }
  Wiring wiring(setting.machine,
                setting.family.gridOf(*deployment, setting.machine),
                deployment->stageSize);
  llvm::Expected<std::vector<PassResult>> results =
      runProgram(passes, weightsFolder, fabric, wiring, setting.formats);
  if (!results)
    return results.takeError();
  TargetRun run;
  run.kernels = std::move(kernels);
  if (results->front().logs.empty())
    return run;
  llvm::Expected<std::vector<TransferTraffic>> traffic =
      trafficOf(*results, wiring);
  if (!traffic)
    return traffic.takeError();
  run.traffic = std::move(*traffic);
  std::vector<std::vector<NamedTensor>> outputs;
  for (PassResult &result : *results)
    outputs.push_back(std::move(result.outputs));
  llvm::Expected<std::vector<NamedTensor>> joined =
      joinBatch(std::move(outputs));
  if (!joined)
    return joined.takeError();
  run.outputs = std::move(*joined);
  return run;
}
