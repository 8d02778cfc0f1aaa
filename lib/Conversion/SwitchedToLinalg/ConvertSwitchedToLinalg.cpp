//===- ConvertSwitchedToLinalg.cpp - kernel programs on the host ----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToLinalg/Host.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "portolan/Conversion/SwitchedToLinalg.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched_to_linalg;

namespace portolan {
#define GEN_PASS_DEF_CONVERTSWITCHEDTOLINALG
#include "lib/Conversion/SwitchedToLinalg/SwitchedToLinalgPasses.h.inc"
} // namespace portolan

namespace {

struct ConvertSwitchedToLinalg
    : public portolan::impl::ConvertSwitchedToLinalgBase<
          ConvertSwitchedToLinalg> {
  using ConvertSwitchedToLinalgBase::ConvertSwitchedToLinalgBase;
  void runOnOperation() override {
    std::optional<ElementFormat> encoding = parseElementFormat(fp8);
    if (!encoding || !quantizationOf(Format::fp8, encoding)) {
      getOperation().emitError("fp8: expects e4m3fn, e5m2, e4m3, e4m3fnuz or "
                               "e4m3b11fnuz, got '")
          << fp8 << "'";
      return signalPassFailure();
    }
    SmallVector<switched::KernelStepOp> steps;
    getOperation().walk(
        [&](switched::KernelStepOp step) { steps.push_back(step); });
    OpBuilder builder(&getContext());
    for (switched::KernelStepOp step : steps)
      if (failed(Host(builder, {formats, *encoding}).lower(step)))
        return signalPassFailure();
  }
};

} // namespace
