//===- Harness.h - models with random weights for tests --------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gives a module random weights in a file of a temporary folder and random
// inputs, both the same in every run.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SPMDRUN_HARNESS_H
#define PORTOLAN_TEST_UNIT_SPMDRUN_HARNESS_H

#include "dialects/Moe/IR/Moe.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "portolan/Conversion/MoeToSpmd.h"
#include "portolan/Execution/Run.h"
#include "portolan/Execution/RunSpmd.h"
#include "portolan/RegisterAll.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cstring>

namespace portolan::test {

/// Deterministic values in [-1, 1).
class Values {
public:
  float next() {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return float(int32_t(state >> 32)) / 2147483648.0f;
  }
  int64_t below(int64_t bound) {
    return int64_t((next() + 1) / 2 * float(bound)) % bound;
  }

private:
  uint64_t state = 42;
};

/// A model with weights, ready to be run.
class TestModel {
public:
  TestModel() : context(registry()) { context.loadAllAvailableDialects(); }
  ~TestModel() { llvm::sys::fs::remove_directories(folder); }

  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry dialects;
    registerAllDialects(dialects);
    return dialects;
  }

  /// Fills every weight that holds no value; a name that contains "norm" or
  /// starts with "g" and has one dimension is a gain around 1. `zero`: a weight
  /// that stays zero.
  void addWeights(llvm::StringRef zero = "") {
    llvm::SmallString<128> made;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("portolan-spmd", made));
    folder = std::string(made);
    std::string bytes;
    mlir::Builder builder(&context);
    for (auto data : module->getOps<moe::WeightDataOp>()) {
      if (data.getValue())
        continue;
      auto type = llvm::cast<mlir::RankedTensorType>(data.getType());
      bool isTable = type.getElementType().isInteger(32);
      ASSERT_TRUE(isTable || type.getElementType().isF32());
      std::vector<float> values(type.getNumElements());
      bool isGain = type.getRank() == 1;
      for (float &value : values)
        value = isGain ? 1 + 0.2f * random.next() : 0.3f * random.next();
      // Experts by token: those of small numbers.
      if (isTable)
        for (float &value : values) {
          int32_t expert = int32_t(random.below(2));
          std::memcpy(&value, &expert, sizeof(value));
        }
      if (data.getSymName() == zero)
        std::fill(values.begin(), values.end(), 0.0f);
      data.setFileAttr(builder.getStringAttr("weights.bin"));
      data.setOffsetAttr(builder.getI64IntegerAttr(bytes.size()));
      data.setLengthAttr(
          builder.getI64IntegerAttr(values.size() * sizeof(float)));
      bytes.append(reinterpret_cast<const char *>(values.data()),
                   values.size() * sizeof(float));
      weights[data.getSymName()] = std::move(values);
    }
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, "weights.bin");
    std::error_code error;
    llvm::raw_fd_ostream(path, error) << bytes;
    ASSERT_FALSE(error);
  }

  /// Random inputs; the first argument are ids, the second positions.
  void addInputs(int64_t batch, int64_t newTokens, int64_t past,
                 int64_t vocabulary) {
    auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
    for (unsigned i = 0; i < main.getNumArguments(); ++i) {
      auto type =
          llvm::cast<mlir::RankedTensorType>(main.getArgumentTypes()[i]);
      auto name = main.getArgAttrOfType<mlir::StringAttr>(i, "moe.name");
      auto dims = main.getArgAttrOfType<mlir::ArrayAttr>(i, moe::kDimsAttr);
      llvm::SmallVector<int64_t> shape(type.getShape());
      for (auto [dim, extent] : llvm::enumerate(shape)) {
        if (!mlir::ShapedType::isDynamic(extent))
          continue;
        extent = dim == 0 ? batch : i < 2 ? newTokens : past;
        // An entry for several tokens.
        if (dims)
          if (auto part = moe::partOfTokens(
                  llvm::cast<mlir::StringAttr>(dims[dim]).getValue()))
            extent /= part->second;
      }
      Tensor tensor(*elementTypeOf(type.getElementType()), shape);
      if (i < 2) {
        std::vector<int64_t> values(tensor.size());
        for (auto [at, value] : llvm::enumerate(values))
          value = i == 0 ? random.below(vocabulary)
                         : past + int64_t(at) % newTokens;
        tensor = Tensor::ofInts(ElementType::i64, shape, values);
      } else {
        std::vector<float> values(tensor.size());
        for (float &value : values)
          value = random.next();
        tensor = Tensor::ofFloats(shape, values);
      }
      inputs.push_back({name ? name.str() : "", std::move(tensor)});
    }
  }

  std::vector<NamedTensor> reference() {
    llvm::Expected<std::vector<NamedTensor>> outputs =
        runModule(*module, inputs, folder);
    EXPECT_TRUE(bool(outputs)) << llvm::toString(outputs.takeError());
    return outputs ? std::move(*outputs) : std::vector<NamedTensor>();
  }

  llvm::Expected<SpmdRun> spmd(llvm::StringRef plan, int64_t ranks) {
    llvm::Expected<PlanPoint> point = parsePlanPoint(plan);
    if (!point)
      return point.takeError();
    ThreadFabric fabric(ranks);
    return runSpmd(*module, inputs, folder, *point, fabric);
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  llvm::StringMap<std::vector<float>> weights;
  std::vector<NamedTensor> inputs;
  std::string folder;
  Values random;
};

/// Expects equal outputs within 1e-4, or `rtol` of what is expected.
inline void expectClose(llvm::ArrayRef<NamedTensor> actual,
                        llvm::ArrayRef<NamedTensor> expected, double rtol = 0) {
  ASSERT_EQ(actual.size(), expected.size());
  for (auto [got, want] : llvm::zip(actual, expected)) {
    llvm::Expected<Difference> difference =
        compare(got.tensor, want.tensor, rtol, 1e-4);
    ASSERT_TRUE(bool(difference)) << llvm::toString(difference.takeError());
    EXPECT_EQ(difference->outOfTolerance, 0)
        << want.name << ": " << difference->maxAbsolute << " at "
        << difference->index;
  }
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SPMDRUN_HARNESS_H
