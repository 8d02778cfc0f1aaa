//===- Harness.h - run MLIR text with random tensors -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the execution tests share. References are written as plain loops over
// Array, whose only knowledge is row-major indexing.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_EXECUTION_HARNESS_H
#define PORTOLAN_TEST_UNIT_EXECUTION_HARNESS_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Execution/Run.h"
#include "portolan/RegisterAll.h"
#include "llvm/ADT/StringExtras.h"
#include "gtest/gtest.h"
#include <random>

namespace portolan::test {

/// A row-major array of floats.
struct Array {
  llvm::SmallVector<int64_t, 4> shape;
  std::vector<float> values;

  Array() = default;
  explicit Array(llvm::ArrayRef<int64_t> shape)
      : shape(shape), values(elementCount(shape)) {}
  Array(const Tensor &tensor) : shape(tensor.shape), values(tensor.floats()) {}

  template <typename... Index> float &operator()(Index... index) {
    int64_t at[] = {int64_t(index)...}, flat = 0;
    EXPECT_EQ(sizeof...(index), shape.size());
    for (size_t i = 0; i < sizeof...(index); ++i) {
      EXPECT_LT(at[i], shape[i]);
      flat = flat * shape[i] + at[i];
    }
    return values[flat];
  }

  Tensor tensor() const { return Tensor::ofFloats(shape, values); }
};

/// Values in [-scale, scale), the same on every run and platform.
class Random {
public:
  explicit Random(unsigned seed) : engine(seed) {}

  double next() { return double(engine()) / 4294967296.0; }
  Array array(llvm::ArrayRef<int64_t> shape, double scale = 1) {
    Array result(shape);
    for (float &value : result.values)
      value = float((2 * next() - 1) * scale);
    return result;
  }
  /// An integer in [low, high].
  int64_t integer(int64_t low, int64_t high) {
    return low + int64_t(next() * double(high - low + 1));
  }

private:
  std::mt19937 engine;
};

inline std::unique_ptr<mlir::MLIRContext> makeContext() {
  mlir::DialectRegistry registry;
  registerUpstream(registry);
  registerAllDialects(registry);
  auto context = std::make_unique<mlir::MLIRContext>(registry);
  context->disableMultithreading();
  return context;
}

/// The outputs of @main of `text`, or the error.
inline llvm::Expected<std::vector<NamedTensor>>
runNamed(llvm::StringRef text, llvm::ArrayRef<NamedTensor> inputs,
         llvm::StringRef folder = "") {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
  if (!module)
    return llvm::createStringError("the test's module does not parse");
  return runModule(*module, inputs, folder);
}

/// The same by position; reports an error as a failure of the test.
inline std::vector<Tensor> run(llvm::StringRef text,
                               llvm::ArrayRef<Tensor> inputs) {
  std::vector<NamedTensor> named;
  for (const Tensor &input : inputs)
    named.push_back({"", input});
  llvm::Expected<std::vector<NamedTensor>> outputs = runNamed(text, named);
  std::vector<Tensor> result;
  if (!outputs) {
    ADD_FAILURE() << llvm::toString(outputs.takeError());
    return result;
  }
  for (NamedTensor &output : *outputs)
    result.push_back(std::move(output.tensor));
  return result;
}

/// Fails the test if an element is off by more than `tolerance`.
inline void expectNear(const Tensor &actual, const Array &expected,
                       double tolerance = 1e-5) {
  llvm::Expected<Difference> difference =
      compare(actual, expected.tensor(), 0, tolerance);
  if (!difference) {
    ADD_FAILURE() << llvm::toString(difference.takeError());
    return;
  }
  EXPECT_LE(difference->maxAbsolute, tolerance)
      << "at element " << difference->index << ", expected "
      << difference->atExpected;
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_EXECUTION_HARNESS_H
