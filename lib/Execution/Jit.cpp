//===- Jit.cpp - compile a module and call it -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A call passes memref descriptors by pointer through MLIR's C interface. A
// returned buffer belongs to the caller, which copies and frees it.
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Jit.h"
#include "lib/Execution/Diagnostics.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "portolan/RegisterAll.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace portolan;

Executable::Executable() = default;
Executable::~Executable() = default;

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

namespace {

llvm::Expected<ValueSignature> signatureOf(func::FuncOp function, Type type) {
  ValueSignature value;
  if (type.isInteger(64) || type.isIndex() ||
      isa<LLVM::LLVMPointerType>(type)) {
    value.isTensor = false;
    value.type = ElementType::i64;
    return value;
  }
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::optional<ElementType> element =
      tensor ? storageTypeOf(tensor.getElementType()) : std::nullopt;
  std::string text;
  llvm::raw_string_ostream(text) << type;
  if (!element)
    return llvm::createStringError("function '" + function.getName() +
                                   "' expects tensors of f64, f32, bf16, f16, "
                                   "i64, i32, i8 or i1 to be run, got " +
                                   text);
  value.type = *element;
  value.shape.assign(tensor.getShape().begin(), tensor.getShape().end());
  return value;
}

llvm::Error collectSignature(func::FuncOp function, FunctionSignature &result) {
  for (Type type : function.getArgumentTypes()) {
    llvm::Expected<ValueSignature> value = signatureOf(function, type);
    if (!value)
      return value.takeError();
    result.arguments.push_back(std::move(*value));
  }
  for (Type type : function.getResultTypes()) {
    llvm::Expected<ValueSignature> value = signatureOf(function, type);
    if (!value)
      return value.takeError();
    if (!value->isTensor)
      return llvm::createStringError("function '" + function.getName() +
                                     "' expects tensor results to be run");
    result.results.push_back(std::move(*value));
  }
  return llvm::Error::success();
}

llvm::Error checkArgument(llvm::StringRef function, size_t index,
                          const ValueSignature &expected,
                          const TensorView &got) {
  bool fits =
      expected.type == got.type && expected.shape.size() == got.shape.size();
  for (size_t i = 0; fits && i < got.shape.size(); ++i)
    fits = ShapedType::isDynamic(expected.shape[i]) ||
           expected.shape[i] == got.shape[i];
  if (fits)
    return llvm::Error::success();
  return llvm::createStringError(
      "argument " + llvm::Twine(index) + " of '" + function + "' expects " +
      spellDims(expected.shape) + " of " + spell(expected.type) + ", got " +
      spellDims(got.shape) + " of " + spell(got.type));
}

} // namespace

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

llvm::Expected<std::unique_ptr<Executable>>
portolan::compile(ModuleOp module, llvm::ArrayRef<RuntimeSymbol> symbols) {
  [[maybe_unused]] static const bool targetReady = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  MLIRContext *context = module.getContext();
  DialectRegistry registry;
  registerUpstream(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  context->appendDialectRegistry(registry);

  std::unique_ptr<Executable> executable(new Executable());
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      if (llvm::Error error = collectSignature(
              function, executable->signatures[function.getName()]))
        return std::move(error);

  OwningOpRef<ModuleOp> lowered(module.clone());
  PassManager passes(context);
  buildLinalgToLLVMPipeline(passes);
  if (llvm::Error error = runPasses(passes, *lowered))
    return std::move(error);

  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  auto machine = builder->createTargetMachine();
  if (!machine)
    return machine.takeError();
  // A decoder of a few layers is compiled in 0.4 s this way, at -O2 in 1.6 s;
  // what is run here is small, so compiling is most of it.
  auto optimize = makeOptimizingTransformer(/*optLevel=*/0, /*sizeLevel=*/0,
                                            machine->get());
  ExecutionEngineOptions options;
  options.transformer = optimize;
  options.jitCodeGenOptLevel = llvm::CodeGenOptLevel::Less;
  options.enableGDBNotificationListener = false;
  options.enablePerfNotificationListener = false;
  // The translation warns of argument attributes that are our own.
  ScopedDiagnosticHandler quiet(context, [](Diagnostic &diagnostic) {
    return success(diagnostic.getSeverity() == DiagnosticSeverity::Warning);
  });
  auto engine = ExecutionEngine::create(*lowered, options, std::move(*machine));
  if (!engine)
    return engine.takeError();
  executable->engine = std::move(*engine);
  executable->engine->registerSymbols([&](llvm::orc::MangleAndInterner mangle) {
    llvm::orc::SymbolMap map;
    for (const RuntimeSymbol &symbol : symbols)
      map[mangle(symbol.name)] = {
          llvm::orc::ExecutorAddr::fromPtr(symbol.address),
          llvm::JITSymbolFlags::Exported};
    return map;
  });
  executable->engine->initialize();
  return executable;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

const FunctionSignature *Executable::signature(llvm::StringRef function) const {
  auto it = signatures.find(function);
  return it == signatures.end() ? nullptr : &it->second;
}

namespace {

/// A memref descriptor as the C interface lays it out: allocated and aligned
/// pointer, offset, sizes, strides; each has 64 bits.
struct Descriptor {
  llvm::SmallVector<int64_t> words;

  static size_t sizeOf(size_t rank) { return 3 + 2 * rank; }

  explicit Descriptor(const TensorView &view) {
    int64_t data = int64_t(reinterpret_cast<intptr_t>(view.data));
    words = {data, data, 0};
    words.append(view.shape.begin(), view.shape.end());
    llvm::SmallVector<int64_t> strides(view.shape.size(), 1);
    for (size_t i = view.shape.size(); i > 1; --i)
      strides[i - 2] = strides[i - 1] * view.shape[i - 1];
    words.append(strides);
  }
};

/// Copies a returned tensor out of its (dense, row-major) buffer.
Tensor copyResult(const ValueSignature &signature, const int64_t *words) {
  size_t rank = signature.shape.size();
  Tensor tensor(signature.type, llvm::ArrayRef<int64_t>(words + 3, rank));
  const char *data = reinterpret_cast<const char *>(words[1]) +
                     words[2] * bytesPerElement(signature.type);
  if (!tensor.bytes.empty())
    std::memcpy(tensor.bytes.data(), data, tensor.bytes.size());
  return tensor;
}

} // namespace

llvm::Expected<std::vector<Tensor>>
Executable::call(llvm::StringRef function, llvm::ArrayRef<TensorView> tensors,
                 llvm::ArrayRef<int64_t> scalars) const {
  const FunctionSignature *signature = this->signature(function);
  if (!signature)
    return llvm::createStringError("expects a public function '" + function +
                                   "', got none");
  size_t wantTensors = llvm::count_if(
      signature->arguments, [](const ValueSignature &v) { return v.isTensor; });
  size_t wantScalars = signature->arguments.size() - wantTensors;
  if (tensors.size() != wantTensors || scalars.size() != wantScalars)
    return llvm::createStringError(
        "function '" + function + "' expects " + llvm::Twine(wantTensors) +
        " tensors and " + llvm::Twine(wantScalars) + " scalars, got " +
        llvm::Twine(tensors.size()) + " and " + llvm::Twine(scalars.size()));
  auto entry = engine->lookupPacked(("_mlir_ciface_" + function).str());
  if (!entry)
    return entry.takeError();

  size_t resultWords = 0;
  for (const ValueSignature &result : signature->results)
    resultWords += Descriptor::sizeOf(result.shape.size());
  std::vector<int64_t> results(resultWords);
  std::vector<Descriptor> descriptors;
  for (const TensorView &tensor : tensors)
    descriptors.emplace_back(tensor);
  std::vector<void *> pointers; ///< what each pointer argument is
  std::vector<int64_t> values(scalars.begin(), scalars.end());
  std::vector<void *> arguments; ///< where each argument is
  pointers.reserve(tensors.size() + 1);
  auto addPointer = [&](void *pointer) {
    pointers.push_back(pointer);
    arguments.push_back(&pointers.back());
  };
  if (!results.empty())
    addPointer(results.data());
  size_t tensor = 0, scalar = 0;
  for (auto [index, value] : llvm::enumerate(signature->arguments)) {
    if (!value.isTensor) {
      arguments.push_back(&values[scalar++]);
      continue;
    }
    if (llvm::Error error =
            checkArgument(function, index, value, tensors[tensor]))
      return std::move(error);
    addPointer(descriptors[tensor++].words.data());
  }
  (*entry)(arguments.data());

  std::vector<Tensor> outputs;
  llvm::DenseSet<int64_t> buffers;
  size_t at = 0;
  for (const ValueSignature &result : signature->results) {
    outputs.push_back(copyResult(result, &results[at]));
    buffers.insert(results[at]);
    at += Descriptor::sizeOf(result.shape.size());
  }
  for (int64_t buffer : buffers)
    std::free(reinterpret_cast<void *>(buffer));
  return outputs;
}
