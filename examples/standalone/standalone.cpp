//===- standalone.cpp - a program over an installed Portolan --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads a moe module that uses an op of this project, gives its dimensions
// their sizes with one of Portolan's passes, and asks every op for its work.
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/WorkOpInterface.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "portolan/RegisterAll.h"

#include "GateDialect.h.inc"
#define GET_OP_CLASSES
#include "GateOps.h.inc"

#include "GateDialect.cpp.inc"
#define GET_OP_CLASSES
#include "GateOps.cpp.inc"

using namespace mlir;

void gate::GateDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "GateOps.cpp.inc"
      >();
}

/// As an addition of the same tensors: the interface wants shapes and formats,
/// and the rules of work are Portolan's.
FailureOr<portolan::LocalOp> gate::ScaledAddOp::describe() {
  auto type = cast<RankedTensorType>(getLhs().getType());
  std::optional<portolan::Format> format =
      portolan::moe::formatOf(type.getElementType());
  if (!type.hasStaticShape() || type.getRank() == 0 || !format)
    return emitOpError("expects a static tensor of a known format, got ")
           << type;
  portolan::LocalOp local;
  local.kind = portolan::OpKind::add;
  local.outer = type.getShape().back();
  local.rows = local.meanRows =
      double(type.getNumElements()) / double(local.outer);
  local.activation = local.compute = *format;
  return local;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "standalone: error: expects a .mlir file\n";
    return 1;
  }
  DialectRegistry registry;
  portolan::registerUpstream(registry); // func, tensor, ...
  portolan::registerAllDialects(registry);
  registry.insert<gate::GateDialect>();
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(argv[1], &context);
  if (!module)
    return 1;

  PassManager passes(&context);
  portolan::moe::MoeBindWorkloadOptions options;
  options.batch = 4;
  options.newTokens = 1;
  passes.addPass(portolan::moe::createMoeBindWorkload(options));
  if (failed(passes.run(*module)))
    return 1;

  WalkResult walked = module->walk([](portolan::WorkOpInterface op) {
    FailureOr<portolan::LocalOp> local = portolan::describeOp(op);
    if (failed(local))
      return WalkResult::interrupt();
    portolan::Work work = portolan::workOf(*local);
    llvm::outs() << op->getName() << ": matmul " << work.matmulOperations
                 << ", vector " << work.vectorOperations << ", weights "
                 << work.weightBytes << " bytes\n";
    return WalkResult::advance();
  });
  return walked.wasInterrupted();
}
