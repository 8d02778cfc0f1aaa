//===- RunSpmd.cpp - run a partitioned model on logical ranks -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/RunSpmd.h"

using namespace mlir;
using namespace portolan;

llvm::Expected<SpmdRun> portolan::runSpmd(ModuleOp module,
                                          llvm::ArrayRef<NamedTensor> inputs,
                                          llvm::StringRef weightsFolder,
                                          const PlanPoint &plan,
                                          Fabric &fabric) {
  llvm::Expected<DeviceProgram> program =
      partitionProgram(module, inputs, plan, fabric.ranks());
  if (!program)
    return program.takeError();
  Wiring wiring = Wiring::ofSwitch(program->deployment.stageSize);
  llvm::Expected<std::vector<PassResult>> results =
      runProgram(ProgramPass{&*program, inputs}, weightsFolder, fabric, wiring);
  if (!results)
    return results.takeError();
  PassResult &result = results->front();
  SpmdRun run;
  run.outputs = std::move(result.outputs);
  for (const CallLog &log : result.logs)
    run.traffic.push_back(trafficOf(log));
  run.program = std::move(program->module);
  return run;
}
