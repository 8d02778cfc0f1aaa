//===- ExpertsCase.h - experts as kernels and as plain loops ---*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One grouped GEMM with its operands: written out as kernels and run, or
// computed by loops that know nothing of tiles.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_KERNELRUN_EXPERTSCASE_H
#define PORTOLAN_TEST_UNIT_KERNELRUN_EXPERTSCASE_H

#include "../Execution/Harness.h"
#include "dialects/Switched/IR/Switched.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include <cmath>

namespace portolan::test {

struct ExpertsCase {
  std::string target = "hgx-h100";
  int64_t rows = 16, width = 64, inner = 64;
  std::vector<int32_t> counts = {7, 9};
  bool gated = true;
  std::string compute = "fp8", weights = "fp8", activations = "fp8";
  int64_t tile = 16;
  double limit = 0, alpha = 1, offset = 0, gateCap = 0, linearCap = 0;

  /// With @main of the one step.
  std::string text() const;
  /// Rows, counts, gate if there is one, up, down.
  std::vector<Tensor> operands(Random &random) const;
  /// What the step yields, in double precision. Rows of no expert are 0.
  Array expected(llvm::ArrayRef<Tensor> operands) const;
};

inline std::string ExpertsCase::text() const {
  auto type = [](std::initializer_list<int64_t> shape, const char *element) {
    std::string text = "tensor<";
    for (int64_t size : shape)
      text += std::to_string(size) + "x";
    return text + element + ">";
  };
  int64_t experts = int64_t(counts.size());
  std::string x = type({rows, width}, "f32"), n = type({experts}, "i32");
  std::string up = type({experts, width, inner}, "f32");
  std::string down = type({experts, inner, width}, "f32");
  auto number = [](const char *name, double value) {
    return std::string(name) + " = " + std::to_string(value) + " : f64, ";
  };
  return "func.func @main(%x: " + x + ", %n: " + n +
         (gated ? ", %g: " + up : "") + ", %u: " + up + ", %d: " + down +
         ") -> " + x + " {\n%y = switched.grouped_gemm(%x, %n, " +
         (gated ? "%g, " : "") +
         "%u, %d) covers \"moe.experts\" {activation = #moe<activation silu>, "
         "activation_format = #moe.format<\"" +
         activations + "\", \"" + compute + "\">, " + number("limit", limit) +
         number("alpha", alpha) + number("linear_offset", offset) +
         number("gate_cap", gateCap) + number("linear_cap", linearCap) +
         "operandSegmentSizes = array<i32: 1, 1, " + (gated ? "1" : "0") +
         ", 1, 1, 0, 0, 0>, weight_format = #moe.format<\"" + weights +
         "\", \"" + compute +
         "\">} {engine = \"matmul\", issued_operations = 1.0e13 : f64, "
         "kernels = 2.0 : f64, token_tile = " +
         std::to_string(tile) + " : i64} : (" + x + ", " + n + ", " +
         (gated ? up + ", " : "") + up + ", " + down + ") -> " + x +
         "\nreturn %y : " + x + "\n}\n";
}

inline std::vector<Tensor> ExpertsCase::operands(Random &random) const {
  int64_t experts = int64_t(counts.size());
  std::vector<Tensor> operands;
  operands.push_back(random.array({rows, width}).tensor());
  Tensor held(ElementType::i32, {experts});
  for (int64_t i = 0; i < experts; ++i)
    reinterpret_cast<int32_t *>(held.bytes.data())[i] = counts[i];
  operands.push_back(std::move(held));
  for (int i = gated ? 0 : 1; i < 2; ++i)
    operands.push_back(random.array({experts, width, inner}, 0.3).tensor());
  operands.push_back(random.array({experts, inner, width}, 0.3).tensor());
  return operands;
}

inline Array ExpertsCase::expected(llvm::ArrayRef<Tensor> operands) const {
  Array x(operands[0]), up(operands[gated ? 3 : 2]), down(operands.back());
  Array gate(gated ? Array(operands[2]) : Array());
  Array result({rows, width});
  int64_t row = 0;
  for (int64_t expert = 0; expert < int64_t(counts.size()); ++expert)
    for (int32_t i = 0; i < counts[expert]; ++i, ++row) {
      std::vector<double> hidden(inner);
      for (int64_t c = 0; c < inner; ++c) {
        double linear = 0, g = 0;
        for (int64_t h = 0; h < width; ++h) {
          linear += double(x(row, h)) * up(expert, h, c);
          if (gated)
            g += double(x(row, h)) * gate(expert, h, c);
        }
        if (!gated)
          std::swap(linear, g);
        if (gated && limit > 0) {
          g = std::min(g, limit);
          linear = std::max(std::min(linear, limit), -limit);
        }
        double factor = gateCap > 0 ? gateCap * std::tanh(g / gateCap) : g;
        double activated = factor / (1 + std::exp(-alpha * g));
        linear += offset;
        if (linearCap > 0)
          linear = linearCap * std::tanh(linear / linearCap);
        hidden[c] = gated ? activated * linear : activated;
      }
      for (int64_t h = 0; h < width; ++h) {
        double sum = 0;
        for (int64_t c = 0; c < inner; ++c)
          sum += hidden[c] * down(expert, c, h);
        result(row, h) = float(sum);
      }
    }
  return result;
}

/// Runs passes on a module that is valid; false, and the messages, if one
/// fails.
inline bool runPipeline(mlir::ModuleOp module, const std::string &pipeline,
                        std::string &message) {
  mlir::MLIRContext *context = module.getContext();
  mlir::ScopedDiagnosticHandler handler(context, [&](mlir::Diagnostic &d) {
    message += d.str() + "\n";
    return mlir::success();
  });
  registerAllPasses();
  mlir::PassManager passes(context);
  return mlir::succeeded(mlir::verify(module)) &&
         mlir::succeeded(mlir::parsePassPipeline(pipeline, passes)) &&
         mlir::succeeded(passes.run(module));
}

/// The results of @main with its steps written out for `target`, after `change`
/// if there is one.
inline llvm::Expected<std::vector<NamedTensor>>
runKernelModule(const std::string &text, const std::string &target,
                llvm::ArrayRef<NamedTensor> inputs,
                llvm::function_ref<bool(mlir::ModuleOp)> change = {}) {
  std::unique_ptr<mlir::MLIRContext> context = makeContext();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
  if (!module)
    return llvm::createStringError("the test's module does not parse");
  std::string message;
  if (!runPipeline(*module, "switched-lower-to-kernels{target=" + target + "}",
                   message))
    return llvm::createStringError(message);
  if (change && !change(*module))
    return llvm::createStringError("found nothing to change");
  if (!runPipeline(*module, "convert-switched-to-linalg", message))
    return llvm::createStringError(message);
  return runModule(*module, inputs, "");
}

/// The only result.
inline llvm::Expected<Tensor>
runKernels(const std::string &text, const std::string &target,
           llvm::ArrayRef<Tensor> operands,
           llvm::function_ref<bool(mlir::ModuleOp)> change = {}) {
  std::vector<NamedTensor> named;
  for (const Tensor &operand : operands)
    named.push_back({"", operand});
  llvm::Expected<std::vector<NamedTensor>> outputs =
      runKernelModule(text, target, named, change);
  if (!outputs)
    return outputs.takeError();
  return std::move(outputs->front().tensor);
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_KERNELRUN_EXPERTSCASE_H
