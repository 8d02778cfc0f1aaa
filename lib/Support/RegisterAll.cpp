//===- RegisterAll.cpp - every dialect and pass of Portolan ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/RegisterAll.h"
#include "dialects/Graph/IR/Graph.h"
#include "dialects/Machine/IR/Machine.h"
#include "dialects/Moe/IR/Moe.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "dialects/Plan/IR/Plan.h"
#include "dialects/Spmd/IR/Spmd.h"
#include "dialects/Spmd/Transforms/Passes.h"
#include "dialects/Switched/IR/Switched.h"
#include "dialects/Switched/Transforms/Passes.h"
#include "dialects/Torus/IR/Torus.h"
#include "dialects/Torus/Transforms/Passes.h"
#include "dialects/Trainium/IR/Trainium.h"
#include "dialects/Trainium/Transforms/Passes.h"
#include "dialects/Wafer/IR/Wafer.h"
#include "dialects/Wafer/Transforms/Passes.h"
#include "portolan/Conversion/GraphToLinalg.h"
#include "portolan/Conversion/GraphToMoe.h"
#include "portolan/Conversion/MoeToLinalg.h"
#include "portolan/Conversion/MoeToSpmd.h"
#include "portolan/Conversion/SpmdToRuntime.h"
#include "portolan/Conversion/SpmdToSystem.h"
#include "portolan/Conversion/SwitchedToLinalg.h"
#include "portolan/Conversion/SwitchedToNvvm.h"
#include "portolan/Conversion/SystemToSpmd.h"
#include "portolan/Support/BytecodeVersion.h"

using namespace portolan;

static void insertDialects(mlir::DialectRegistry &registry) {
  registry.insert<machine::MachineDialect>();
  registry.insert<moe::MoeDialect>();
  registry.insert<plan::PlanDialect>();
  registry.insert<spmd::SpmdDialect>();
  registry.insert<switched::SwitchedDialect>();
  registry.insert<torus::TorusDialect>();
  registry.insert<trainium::TrainiumDialect>();
  registry.insert<wafer::WaferDialect>();
  registry.insert<graph::GraphDialect>();
}

void portolan::registerAllDialects(mlir::DialectRegistry &registry) {
  mlir::DialectRegistry own;
  insertDialects(own);
  registerGraphLowering(own);
  addBytecodeVersions(own);
  own.appendTo(registry);
}

void portolan::registerAllPasses() {
  switched::registerSwitchedPasses();
  torus::registerTorusPasses();
  trainium::registerTrainiumPasses();
  wafer::registerWaferPasses();
  registerSpmdToSystemPasses();
  registerMoeToSpmdPasses();
  spmd::registerSpmdPasses();
  registerSpmdToRuntimePasses();
  registerSwitchedToNvvmPasses();
  registerSystemToSpmdPasses();
  registerSwitchedToLinalgPasses();
  registerGraphToMoePasses();
  registerGraphToLinalgPasses();
  moe::registerMoePasses();
  registerMoeToLinalgPasses();
}
