//===- ConvertSwitchedKernelsToNvvm.cpp - kernel programs as NVVM ---------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/Kernels.h"
#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"
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

DictionaryAttr launchOf(Builder &b, const KernelForm &form) {
  KernelForm copy = form;
  NamedAttrList entries;
  entries.set("grid", b.getI64IntegerAttr(copy.kernel.getUnits()));
  entries.set("block", b.getI64IntegerAttr(copy.roles.threads()));
  entries.set("cluster", b.getI64IntegerAttr(copy.kernel.getCluster()));
  entries.set("shared_memory_bytes", b.getI64IntegerAttr(copy.sharedBytes));
  SmallVector<Attribute> parameters;
  for (const Parameter &parameter : copy.parameters)
    parameters.push_back(describe(b, parameter));
  entries.set("parameters", b.getArrayAttr(parameters));
  return entries.getDictionary(b.getContext());
}

struct ConvertSwitchedKernelsToNvvm
    : portolan::impl::ConvertSwitchedKernelsToNvvmBase<
          ConvertSwitchedKernelsToNvvm> {
  using ConvertSwitchedKernelsToNvvmBase::ConvertSwitchedKernelsToNvvmBase;

  /// The form of a program, or nothing; why not is an error or a remark.
  FailureOr<KernelForm> read(switched::KernelOp kernel, const Core &core) {
    if (!keepRefused)
      return formOf(kernel, core);
    std::vector<std::pair<Location, std::string>> reasons;
    FailureOr<KernelForm> form = failure();
    {
      ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &reason) {
        reasons.push_back({reason.getLocation(), reason.str()});
      });
      form = formOf(kernel, core);
    }
    for (const auto &reason : reasons)
      emitRemark(reason.first, reason.second);
    return form;
  }

  LogicalResult convert(ArrayRef<switched::KernelOp> kernels,
                        const Core &core) {
    if (core.target.empty())
      return refuse(kernels.front(), "ptx_target_c1",
                    "expects a machine whose core names its target");
    std::vector<KernelForm> forms;
    std::vector<size_t> numbers; // in program order, those left out included
    for (auto [number, kernel] : llvm::enumerate(kernels)) {
      FailureOr<KernelForm> form = read(kernel, core);
      if (failed(form) && !keepRefused)
        return failure();
      if (succeeded(form)) {
        forms.push_back(std::move(*form));
        numbers.push_back(number);
      }
    }
    if (forms.empty())
      return success();
    ModuleOp module = getOperation();
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    Location loc = forms.front().kernel.getLoc();
    // Sizes of scaled blocks have names since version 8.8 of the language;
    // anything else is as old as its target.
    bool isScaled = llvm::any_of(
        forms, [](const KernelForm &form) { return form.isScaled(); });
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
    for (auto [number, form] : llvm::zip_equal(numbers, forms)) {
      b.setInsertionPointToEnd(gpu.getBody());
      LLVM::LLVMFuncOp function =
          KernelWriter(b, form).write(nameOf(form.kernel, number));
      function->setAttr(kLaunchName, launchOf(b, form));
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
