//===- ConvertSwitchedKernelsToNvvm.cpp - kernel programs as NVVM ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/Kernels.h"
#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"
#include "lib/Conversion/SwitchedToNvvm/RowKernels.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "portolan/Conversion/SwitchedToNvvm.h"

namespace portolan {
#define GEN_PASS_DEF_CONVERTSWITCHEDKERNELSTONVVM
#include "lib/Conversion/SwitchedToNvvm/SwitchedToNvvmPasses.h.inc"
} // namespace portolan

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;

namespace {

/// A name that PTX accepts: that of the function around it and a number.
std::string nameOf(switched::KernelOp kernel, size_t number) {
  std::string name;
  if (auto function = kernel->getParentOfType<FunctionOpInterface>())
    name = function.getName().str();
  for (char &letter : name)
    if (!llvm::isAlnum(letter))
      letter = '_';
  if (name.empty() || llvm::isDigit(name.front()))
    name = "kernel_" + name;
  return name + "_" + std::to_string(number);
}

DictionaryAttr describe(Builder &b, const Parameter &parameter) {
  NamedAttrList entries;
  entries.set("argument", b.getI64IntegerAttr(parameter.argument));
  if (parameter.isMap || parameter.ofScales)
    entries.set("format", b.getStringAttr(spell(parameter.format)));
  if (parameter.ofScales)
    entries.set("of_scales", b.getUnitAttr());
  entries.set("kind",
              b.getStringAttr(parameter.isMap ? "tensor_map" : "pointer"));
  if (parameter.isMap) {
    entries.set("sizes", b.getDenseI64ArrayAttr(parameter.sizes));
    entries.set("box", b.getDenseI64ArrayAttr(parameter.box));
    entries.set("swizzle_bytes", b.getI64IntegerAttr(parameter.swizzleBytes));
  }
  return entries.getDictionary(b.getContext());
}

/// What a host has to know to start a kernel.
DictionaryAttr launchOf(Builder &b, switched::KernelOp kernel, int64_t threads,
                        int64_t sharedBytes, ArrayRef<Parameter> parameters) {
  NamedAttrList entries;
  entries.set("grid", b.getI64IntegerAttr(kernel.getUnits()));
  entries.set("block", b.getI64IntegerAttr(threads));
  entries.set("cluster", b.getI64IntegerAttr(kernel.getCluster()));
  entries.set("shared_memory_bytes", b.getI64IntegerAttr(sharedBytes));
  SmallVector<Attribute> described;
  for (const Parameter &parameter : parameters)
    described.push_back(describe(b, parameter));
  entries.set("parameters", b.getArrayAttr(described));
  return entries.getDictionary(b.getContext());
}

/// A program and how it is emitted, as one of the two forms.
struct Emission {
  switched::KernelOp kernel;
  size_t number = 0; ///< in program order, those left out included
  std::optional<KernelForm> product;
  std::optional<RowsForm> rows;

  LogicalResult read(const Core &core) {
    if (packsRows(kernel)) {
      FailureOr<RowsForm> form = rowsFormOf(kernel, core);
      if (succeeded(form))
        rows = std::move(*form);
      return form;
    }
    FailureOr<KernelForm> form = formOf(kernel, core);
    if (succeeded(form))
      product = std::move(*form);
    return form;
  }

  void write(OpBuilder &b) {
    std::string name = nameOf(kernel, number);
    if (rows) {
      LLVM::LLVMFuncOp function = writeRows(b, *rows, name);
      function->setAttr(kLaunchName,
                        launchOf(b, kernel, kRowThreads, rows->sharedBytes,
                                 rows->parameters));
      return;
    }
    LLVM::LLVMFuncOp function = KernelWriter(b, *product).write(name);
    function->setAttr(kLaunchName,
                      launchOf(b, kernel, product->roles.threads(),
                               product->sharedBytes, product->parameters));
  }
};

struct ConvertSwitchedKernelsToNvvm
    : portolan::impl::ConvertSwitchedKernelsToNvvmBase<
          ConvertSwitchedKernelsToNvvm> {
  using ConvertSwitchedKernelsToNvvmBase::ConvertSwitchedKernelsToNvvmBase;

  /// Reads a program; why it has no emission is an error or a remark.
  LogicalResult read(Emission &emission, const Core &core) {
    if (!keepRefused)
      return emission.read(core);
    std::vector<std::pair<Location, std::string>> reasons;
    LogicalResult result = success();
    {
      ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &reason) {
        reasons.push_back({reason.getLocation(), reason.str()});
      });
      result = emission.read(core);
    }
    for (const auto &reason : reasons)
      emitRemark(reason.first, reason.second);
    return result;
  }

  LogicalResult convert(ArrayRef<switched::KernelOp> kernels,
                        const Core &core) {
    if (core.target.empty())
      return refuse(kernels.front(), "ptx_target_c1",
                    "expects a machine whose core names its target");
    std::vector<Emission> emissions;
    for (auto [number, kernel] : llvm::enumerate(kernels)) {
      Emission emission;
      emission.kernel = kernel;
      emission.number = number;
      if (succeeded(read(emission, core)))
        emissions.push_back(std::move(emission));
      else if (!keepRefused)
        return failure();
    }
    if (emissions.empty())
      return success();
    ModuleOp module = getOperation();
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    Location loc = emissions.front().kernel.getLoc();
    // Sizes of scaled blocks have names since version 8.8 of the language;
    // anything else is as old as its target.
    bool isScaled = llvm::any_of(emissions, [](const Emission &emission) {
      return emission.product && emission.product->isScaled();
    });
    // The dialect's own table of chips is behind the assembler's; rules of the
    // machine have been checked above.
    auto target = NVVM::NVVMTargetAttr::get(
        b.getContext(), /*optLevel=*/2, "nvptx64-nvidia-cuda", core.target,
        isScaled ? "+ptx88" : "", DictionaryAttr(), ArrayAttr(),
        /*verifyTarget=*/false);
    auto gpu =
        gpu::GPUModuleOp::create(b, loc, "kernels", b.getArrayAttr(target));
    b.setInsertionPointToStart(gpu.getBody());
    LLVM::GlobalOp::create(
        b, loc, LLVM::LLVMArrayType::get(b.getIntegerType(8), 0),
        /*isConstant=*/false, LLVM::Linkage::External, kSharedMemory,
        Attribute(), /*alignment=*/1024, kShared);
    for (Emission &emission : emissions) {
      b.setInsertionPointToEnd(gpu.getBody());
      emission.write(b);
    }
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<switched::KernelOp> kernels;
    module.walk([&](switched::KernelOp op) { kernels.push_back(op); });
    if (kernels.empty())
      return markAllAnalysesPreserved();
    // A program of another machine is refused here, not by an assembler.
    if (failed(switched::verifyKernels(module, target)))
      return signalPassFailure();
    FailureOr<std::string> name = switched::targetOf(module, target);
    if (failed(name))
      return signalPassFailure();
    llvm::Expected<Core> core = loadCore(*name);
    if (!core) {
      module.emitError(llvm::toString(core.takeError()));
      return signalPassFailure();
    }
    if (failed(convert(kernels, *core)))
      signalPassFailure();
  }
};

} // namespace
