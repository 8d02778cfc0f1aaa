//===- Ptx.cpp - kernels as PTX text --------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// gpu-module-to-binary does the same with more: it asks the environment for a
// CUDA toolkit and links its device library. Nothing here calls that library,
// and what is printed must not depend on what is installed.
//
//===----------------------------------------------------------------------===//

#include "portolan/Export/Ptx.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "portolan/RegisterAll.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace portolan;

/// The one module of kernels.
static FailureOr<gpu::GPUModuleOp> kernelsOf(ModuleOp module) {
  SmallVector<gpu::GPUModuleOp> found(module.getOps<gpu::GPUModuleOp>());
  if (found.size() != 1) {
    module.emitError("expects one gpu.module, got ") << found.size();
    return failure();
  }
  return found.front();
}

/// LLVM's back end for what the module names.
static FailureOr<std::unique_ptr<llvm::TargetMachine>>
backEndOf(gpu::GPUModuleOp kernels) {
  ArrayAttr targets = kernels.getTargetsAttr();
  auto target = targets && targets.size() == 1
                    ? dyn_cast<NVVM::NVVMTargetAttr>(targets[0])
                    : NVVM::NVVMTargetAttr();
  if (!target) {
    kernels.emitOpError("expects one target of the nvvm dialect");
    return failure();
  }
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple(target.getTriple());
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  std::unique_ptr<llvm::TargetMachine> machine;
  if (found)
    machine.reset(found->createTargetMachine(triple, target.getChip(),
                                             target.getFeatures(), {}, {}));
  if (!machine ||
      !machine->getMCSubtargetInfo()->isCPUStringValid(target.getChip())) {
    kernels.emitOpError("expects a target that LLVM knows, got ")
        << target.getTriple() << " " << target.getChip();
    return failure();
  }
  return machine;
}

LogicalResult portolan::exportPtx(ModuleOp module, llvm::raw_ostream &stream) {
  FailureOr<gpu::GPUModuleOp> kernels = kernelsOf(module);
  if (failed(kernels))
    return failure();
  auto machine = backEndOf(*kernels);
  if (failed(machine))
    return failure();

  MLIRContext *context = module.getContext();
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  registerConvertNVVMToLLVMInterface(registry);
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  context->appendDialectRegistry(registry);

  OwningOpRef<gpu::GPUModuleOp> lowered = kernels->clone();
  PassManager passes(context, gpu::GPUModuleOp::getOperationName());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertToLLVMPass());
  passes.addPass(createConvertNVVMToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  if (failed(passes.run(*lowered)))
    return failure();

  // What a host is told of a kernel is no matter of LLVM's.
  lowered->walk([](LLVM::LLVMFuncOp function) {
    function->removeAttr("portolan.launch");
  });
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> translated =
      translateModuleToLLVMIR(*lowered, llvmContext, "kernels");
  if (!translated)
    return failure();
  translated->setTargetTriple((*machine)->getTargetTriple());
  translated->setDataLayout((*machine)->createDataLayout());
  if (llvm::Error error = makeOptimizingTransformer(
          /*optLevel=*/2, /*sizeLevel=*/0, machine->get())(translated.get()))
    return kernels->emitOpError(llvm::toString(std::move(error)));

  llvm::SmallString<0> text;
  {
    llvm::raw_svector_ostream out(text);
    llvm::legacy::PassManager emission;
    if ((*machine)->addPassesToEmitFile(emission, out, nullptr,
                                        llvm::CodeGenFileType::AssemblyFile))
      return kernels->emitOpError("expects a back end that prints assembly");
    emission.run(*translated);
  }
  stream << text;
  return success();
}

void portolan::registerPtxTranslation() {
  TranslateFromMLIRRegistration registration(
      "export-ptx", "print the kernels of a module as PTX",
      [](ModuleOp module, llvm::raw_ostream &stream) {
        return exportPtx(module, stream);
      },
      [](DialectRegistry &registry) {
        registerUpstream(registry);
        registerAllDialects(registry);
      });
}
