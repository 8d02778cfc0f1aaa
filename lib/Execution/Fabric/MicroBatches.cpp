//===- MicroBatches.cpp - inputs cut along the batch ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Execution/Fabric/MicroBatches.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "portolan/Execution/Run.h"

using namespace mlir;
using namespace portolan;

namespace {

/// The name of an argument's first dimension; empty without one.
StringRef batchName(func::FuncOp main, unsigned argument) {
  auto dims = main.getArgAttrOfType<ArrayAttr>(argument, moe::kDimsAttr);
  if (!dims || dims.empty())
    return "";
  return cast<StringAttr>(dims[0]).getValue();
}

/// Rows [first, first + count) of the first dimension.
Tensor rowsOf(const Tensor &whole, int64_t first, int64_t count) {
  llvm::SmallVector<int64_t> shape(whole.shape.begin(), whole.shape.end());
  shape[0] = count;
  Tensor piece(whole.type, shape);
  int64_t rowBytes =
      whole.shape[0] ? int64_t(whole.bytes.size()) / whole.shape[0] : 0;
  std::copy_n(whole.bytes.begin() + first * rowBytes, count * rowBytes,
              piece.bytes.begin());
  return piece;
}

} // namespace

llvm::Expected<std::vector<std::vector<NamedTensor>>>
portolan::cutBatch(ModuleOp module, llvm::ArrayRef<NamedTensor> inputs,
                   int64_t count) {
  llvm::Expected<std::vector<const Tensor *>> matched =
      matchInputs(module, inputs);
  if (!matched)
    return matched.takeError();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  int64_t sequences = matched->empty() || matched->front()->shape.empty()
                          ? 0
                          : matched->front()->shape.front();
  count = std::clamp<int64_t>(count, 1, std::max<int64_t>(sequences, 1));
  StringRef name = matched->empty() ? "" : batchName(main, 0);
  if (count > 1 && name.empty())
    return llvm::createStringError(
        "a batch of " + llvm::Twine(sequences) + " in " + llvm::Twine(count) +
        " micro-batches: expects a model whose batch has a name, got a static "
        "one");
  std::vector<std::vector<NamedTensor>> batches(count);
  int64_t first = 0;
  for (int64_t batch = 0; batch < count; ++batch) {
    int64_t size = sequences / count + (batch < sequences % count);
    for (auto [index, tensor] : llvm::enumerate(*matched)) {
      auto named = main.getArgAttrOfType<StringAttr>(index, "moe.name");
      bool isCut = count > 1 && batchName(main, index) == name;
      if (isCut && tensor->shape.front() != sequences)
        return llvm::createStringError("input " + llvm::Twine(index) +
                                       ": expects a batch of " +
                                       llvm::Twine(sequences) + ", got " +
                                       llvm::Twine(tensor->shape.front()));
      batches[batch].push_back(
          {named ? named.str() : "",
           isCut ? rowsOf(*tensor, first, size) : *tensor});
    }
    first += size;
  }
  return batches;
}

llvm::Expected<std::vector<NamedTensor>>
portolan::joinBatch(std::vector<std::vector<NamedTensor>> outputs) {
  std::vector<NamedTensor> joined = std::move(outputs.front());
  for (auto &batch : llvm::drop_begin(outputs))
    for (auto [whole, piece] : llvm::zip_equal(joined, batch)) {
      Tensor &tensor = whole.tensor;
      if (tensor.shape.empty() ||
          ArrayRef<int64_t>(tensor.shape).drop_front() !=
              ArrayRef<int64_t>(piece.tensor.shape).drop_front())
        return llvm::createStringError(
            "output '" + whole.name +
            "': expects micro-batches that differ in their first dimension, "
            "got " +
            spellDims(tensor.shape) + " and " + spellDims(piece.tensor.shape));
      tensor.shape.front() += piece.tensor.shape.front();
      tensor.bytes.insert(tensor.bytes.end(), piece.tensor.bytes.begin(),
                          piece.tensor.bytes.end());
    }
  return joined;
}
