//===- PriceLowered.cpp - the price of a lowered module -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: the steps of every body are read from its ops and estimated; an
// entry costs the sum over its bodies, times their calls.
//
//===----------------------------------------------------------------------===//

#include "portolan/Conversion/Lower.h"

using namespace mlir;
using namespace portolan;

llvm::Expected<std::vector<LoweredPrice>>
portolan::priceLowered(ModuleOp module, const PricedMachine &machine) {
  FailureOr<std::vector<LoweredProgram>> programs = loweredPrograms(module);
  if (failed(programs))
    return llvm::createStringError("the module is not a lowered program");
  std::vector<LoweredPrice> prices;
  for (const LoweredProgram &program : *programs) {
    LoweredPrice price{program.entry, program.stage, 0, {}};
    for (const LoweredBody &body : program.bodies) {
      FailureOr<Steps> steps = readSteps(body.ops);
      if (failed(steps))
        return llvm::createStringError("@" + body.function +
                                       ": a system op has no readable step");
      std::string missing = machine.missing(*steps);
      if (!missing.empty())
        return llvm::createStringError(missing);
      Estimate result = estimate(*steps, machine);
      price.seconds += result.seconds * double(body.calls);
      price.parts.add(result.parts, double(body.calls));
    }
    prices.push_back(std::move(price));
  }
  return prices;
}
