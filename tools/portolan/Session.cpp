//===- Session.cpp - what a command works on ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "portolan/Import/Model.h"
#include "portolan/RegisterAll.h"
#include "portolan/Support/InternalError.h"
#include <sys/resource.h>

using namespace portolan;

static mlir::DialectRegistry allDialects() {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  return registry;
}

Session::Session() : context(allDialects()) { reportWarnings(context); }

llvm::Error Session::loadModel(llvm::StringRef name) {
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> loaded =
      loadServedModel(name.empty() ? defaultModelName() : name.str(), context);
  if (!loaded)
    return loaded.takeError();
  module = std::move(*loaded);
  llvm::Expected<ModelShape> shape = extractModelShape(*module);
  if (!shape)
    return shape.takeError();
  model = std::move(*shape);
  llvm::Expected<ParameterCount> parameters = countParameters(*module);
  if (!parameters)
    return parameters.takeError();
  model.parametersTotal = double(parameters->total);
  model.parametersActive = double(parameters->active);
  return llvm::Error::success();
}

llvm::Expected<Target> portolan::loadTarget(llvm::StringRef name) {
  llvm::Expected<Machine> machine = loadMachine(name);
  if (!machine)
    return machine.takeError();
  llvm::Expected<const Family *> family = familyOf(*machine);
  if (!family)
    return family.takeError();
  return Target{name.str(), std::move(*machine), *family};
}

uint64_t portolan::peakResidentBytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  // Linux counts in KiB.
  return uint64_t(usage.ru_maxrss) * 1024;
}

int portolan::exitStatusOf(llvm::Error error) {
  bool isBug = error.isA<InternalError>();
  reportError(std::move(error));
  return isBug ? kExitBug : kExitBadRequest;
}
