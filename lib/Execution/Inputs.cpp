//===- Inputs.cpp - inputs of main: matching and checking -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "portolan/Execution/Run.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace portolan;

namespace {

llvm::Expected<func::FuncOp> findMain(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return llvm::createStringError("expects a function @main, got none");
  return main;
}

std::string argumentName(func::FuncOp main, unsigned index) {
  if (auto name = main.getArgAttrOfType<StringAttr>(index, moe::kNameAttr))
    return name.str();
  return "argument " + std::to_string(index);
}

} // namespace

llvm::Expected<std::vector<const Tensor *>>
portolan::matchInputs(ModuleOp module, llvm::ArrayRef<NamedTensor> inputs) {
  llvm::Expected<func::FuncOp> main = findMain(module);
  if (!main)
    return main.takeError();
  unsigned count = main->getNumArguments();
  std::vector<const Tensor *> matched(count, nullptr);
  bool named = llvm::any_of(
      inputs, [](const NamedTensor &input) { return !input.name.empty(); });
  if (!named) {
    if (inputs.size() != count)
      return llvm::createStringError("expects " + llvm::Twine(count) +
                                     " inputs, got " +
                                     llvm::Twine(inputs.size()));
    for (auto [slot, input] : llvm::zip_equal(matched, inputs))
      slot = &input.tensor;
    return matched;
  }
  llvm::SmallVector<std::string> names;
  for (unsigned i = 0; i < count; ++i)
    names.push_back(argumentName(*main, i));
  for (const NamedTensor &input : inputs) {
    auto it = llvm::find(names, input.name);
    if (it == names.end())
      return llvm::createStringError("input '" + input.name +
                                     "' expects one of " +
                                     llvm::join(names, ", "));
    const Tensor *&slot = matched[it - names.begin()];
    if (slot)
      return llvm::createStringError("input '" + input.name +
                                     "' is given twice");
    slot = &input.tensor;
  }
  for (unsigned i = 0; i < count; ++i)
    if (!matched[i])
      return llvm::createStringError("input '" + names[i] +
                                     "' is missing from the data set");
  return matched;
}

llvm::Expected<llvm::StringMap<int64_t>>
portolan::sizesOfInputs(ModuleOp module,
                        llvm::ArrayRef<const Tensor *> inputs) {
  llvm::Expected<func::FuncOp> main = findMain(module);
  if (!main)
    return main.takeError();
  llvm::StringMap<int64_t> sizes;
  llvm::StringMap<std::string> seenAt;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (!input)
      continue;
    std::string name = argumentName(*main, i);
    auto fail = [&, i = i](const llvm::Twine &why) -> llvm::Error {
      return llvm::createStringError("input '" + argumentName(*main, i) +
                                     "' expects " + why);
    };
    auto type = dyn_cast<RankedTensorType>(main->getArgument(i).getType());
    std::optional<ElementType> element =
        type ? elementTypeOf(type.getElementType()) : std::nullopt;
    if (!element)
      return fail("a tensor type that can be run");
    if (*element != input->type)
      return fail(spell(*element) + " elements, got " + spell(input->type));
    bool fits = type.getRank() == int64_t(input->shape.size());
    auto names = main->getArgAttrOfType<ArrayAttr>(i, moe::kDimsAttr);
    for (int64_t dim = 0; fits && dim < type.getRank(); ++dim) {
      int64_t size = input->shape[dim];
      if (!type.isDynamicDim(dim)) {
        fits = type.getDimSize(dim) == size;
        continue;
      }
      auto dimName = names && dim < int64_t(names.size())
                         ? dyn_cast<StringAttr>(names[dim])
                         : StringAttr();
      if (!dimName || dimName.empty())
        continue; // moe-bind-workload says what is missing.
      auto [it, isNew] = sizes.try_emplace(dimName.getValue(), size);
      if (isNew)
        seenAt[dimName.getValue()] = name;
      else if (it->second != size)
        return fail(dimName.getValue() + " = " + llvm::Twine(it->second) +
                    " as '" + seenAt[dimName.getValue()] + "' has, got " +
                    llvm::Twine(size));
    }
    if (!fits)
      return fail("shape " + spellDims(type.getShape()) + ", got " +
                  spellDims(input->shape));
  }
  return sizes;
}

std::vector<std::string> portolan::outputNames(ModuleOp module) {
  std::vector<std::string> names;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (unsigned i = 0, e = main.getNumResults(); i < e; ++i) {
    auto name = main.getResultAttrOfType<StringAttr>(i, moe::kNameAttr);
    names.push_back(name ? name.str() : "output_" + std::to_string(i));
  }
  return names;
}

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

namespace {

/// Follows an argument into the functions that it is passed to.
class IndexChecker {
public:
  IndexChecker(ModuleOp module, const Tensor &input, llvm::StringRef name)
      : module(module), input(input), name(name) {}

  llvm::Error check(Value value) {
    if (!seen.insert(value).second)
      return llvm::Error::success();
    for (OpOperand &use : value.getUses())
      if (llvm::Error error = checkUse(use))
        return error;
    return llvm::Error::success();
  }

private:
  llvm::Error checkUse(OpOperand &use) {
    Operation *user = use.getOwner();
    if (auto op = dyn_cast<moe::EmbeddingOp>(user);
        op && use.get() == op.getIds())
      return checkBelow(op.getTable(), "ids");
    if (auto op = dyn_cast<moe::RopeOp>(user);
        op && use.get() == op.getPositions())
      return checkBelow(op.getCosine(), "positions");
    auto call = dyn_cast<func::CallOp>(user);
    if (!call)
      return llvm::Error::success();
    auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
    if (!callee || callee.isExternal())
      return llvm::Error::success();
    return check(callee.getArgument(use.getOperandNumber()));
  }

  llvm::Error checkBelow(Value table, llvm::StringRef what) {
    int64_t bound = cast<RankedTensorType>(table.getType()).getDimSize(0);
    for (int64_t i = 0, e = input.size(); i < e; ++i)
      if (input.intAt(i) < 0 || input.intAt(i) >= bound)
        return llvm::createStringError("input '" + name + "' expects " + what +
                                       " in [0, " + llvm::Twine(bound) +
                                       "), got " + llvm::Twine(input.intAt(i)));
    return llvm::Error::success();
  }

  ModuleOp module;
  const Tensor &input;
  llvm::StringRef name;
  llvm::DenseSet<Value> seen;
};

} // namespace

llvm::Error portolan::checkIndexInputs(ModuleOp module,
                                       llvm::ArrayRef<const Tensor *> inputs) {
  llvm::Expected<func::FuncOp> main = findMain(module);
  if (!main)
    return main.takeError();
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (!input || isFloat(input->type))
      continue;
    IndexChecker checker(module, *input, argumentName(*main, i));
    if (llvm::Error error = checker.check(main->getArgument(i)))
      return error;
  }
  return llvm::Error::success();
}
