//===- LowerToKernels.cpp - hot steps as kernel programs ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pass: which steps have programs, and what becomes of a step that has
// none. How a program is written is in one file per kind of step.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/Kernels.h"
#include "dialects/Switched/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/TypeSwitch.h"

namespace portolan::switched {
#define GEN_PASS_DEF_SWITCHEDLOWERTOKERNELS
#include "dialects/Switched/Transforms/SwitchedPasses.h.inc"
} // namespace portolan::switched

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

InFlightDiagnostic switched::refuse(Operation *op, bool keepRefused,
                                    StringRef label, const Twine &text) {
  InFlightDiagnostic diagnostic =
      keepRefused ? op->emitRemark() << "'" << op->getName()
                                     << "' op has no kernel program: "
                  : op->emitOpError();
  diagnostic << text.str() << " (switched." << label << ")";
  return diagnostic;
}

InFlightDiagnostic KernelMachine::refuse(Operation *op, StringRef label,
                                         const Twine &text) const {
  return switched::refuse(op, keepRefused, label, text);
}

const Engine *KernelMachine::matmulOf(Operation *op, const Step &step) const {
  const Engine *engine = machine.findEngine(EngineKind::matmul);
  if (engine && step.engine == EngineKind::matmul && step.tokenTile > 0)
    return engine;
  refuse(op, "lower_c1", "expects a token tile of a matmul engine");
  return nullptr;
}

LogicalResult KernelMachine::expectSums(Operation *op, Format compute) const {
  bool taken = hasTensorMemory() ? tcgen05Takes(compute) : wgmmaTakes(compute);
  if (taken && compute != Format::int8)
    return success();
  return refuse(op, "lower_c3",
                "expects a compute format with sums in f32, got " +
                    spell(compute));
}

LogicalResult KernelMachine::expectRows(Operation *op, int64_t elements,
                                        Format format) const {
  if (elements * packedBits(format) % 128 == 0)
    return success();
  return refuse(
      op, "lower_c8",
      "expects rows of a multiple of 16 bytes in global memory, got " +
          Twine(elements) + " elements of " + spell(format));
}

/// `Op` in the place of `step`; the builder is set to the end of its region.
template <typename Op>
static Op createAround(OpBuilder &builder, Operation *step) {
  OperationState state(step->getLoc(), Op::getOperationName());
  state.addOperands(step->getOperands());
  state.addTypes(step->getResultTypes());
  state.addAttributes(step->getAttrDictionary().getValue());
  state.addRegion();
  auto lowered = cast<Op>(builder.create(state));
  builder.createBlock(
      &lowered.getBody(), {}, step->getOperandTypes(),
      SmallVector<Location>(step->getNumOperands(), step->getLoc()));
  return lowered;
}

KernelStepOp switched::createKernelStep(OpBuilder &builder, Operation *step) {
  return createAround<KernelStepOp>(builder, step);
}

KernelTransferOp switched::createKernelTransfer(OpBuilder &builder,
                                                Operation *step) {
  return createAround<KernelTransferOp>(builder, step);
}

/// Which dimensions become one: all but the last, or all.
static SmallVector<ReassociationIndices> rowsOf(int64_t rank, bool leading) {
  SmallVector<ReassociationIndices> groups(1);
  int64_t merged = leading ? rank : rank - 1;
  for (int64_t i = 0; i < merged; ++i)
    groups[0].push_back(i);
  if (!leading)
    groups.push_back({rank - 1});
  return groups;
}

RankedTensorType switched::flatType(RankedTensorType type, bool leading) {
  ArrayRef<int64_t> merged =
      leading ? type.getShape() : type.getShape().drop_back();
  bool isDynamic = llvm::any_of(merged, ShapedType::isDynamic);
  SmallVector<int64_t> shape = {isDynamic ? ShapedType::kDynamic
                                          : ShapedType::getNumElements(merged)};
  if (!leading)
    shape.push_back(type.getShape().back());
  return type.clone(shape);
}

Value switched::flattenRows(OpBuilder &builder, Value value, bool leading) {
  auto type = cast<RankedTensorType>(value.getType());
  RankedTensorType flat = flatType(type, leading);
  if (flat == type)
    return value;
  return tensor::CollapseShapeOp::create(builder, value.getLoc(), flat, value,
                                         rowsOf(type.getRank(), leading));
}

Value switched::unflattenRows(OpBuilder &builder, Value value,
                              RankedTensorType type) {
  if (value.getType() == type)
    return value;
  return tensor::ExpandShapeOp::create(
      builder, value.getLoc(), type, value,
      rowsOf(type.getRank(), /*leading=*/false));
}

KernelOp switched::createKernel(OpBuilder &builder, Location loc,
                                TypeRange results, ValueRange inputs,
                                int64_t units, int64_t cluster) {
  auto kernel = KernelOp::create(builder, loc, results, inputs, units, cluster);
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types;
  for (TypeRange list : {TypeRange(inputs.getTypes()), results})
    for (Type type : list) {
      auto tensor = cast<RankedTensorType>(type);
      types.push_back(
          MemRefType::get(tensor.getShape(), tensor.getElementType()));
    }
  builder.createBlock(&kernel.getBody(), {}, types,
                      SmallVector<Location>(types.size(), loc));
  return kernel;
}

namespace {

/// The steps that have, or could have, a program. Products of no rows (the half
/// of a batch that has none) launch nothing; an exchange takes part without
/// rows.
bool isHot(Operation *op) {
  if (isa<GroupedGemmOp, LatentAttentionOp, RouterTopkOp>(op)) {
    FailureOr<LocalOp> local = ::portolan::describeCovered(op);
    return succeeded(local) && local->rows > 0;
  }
  return isa<PackOp, PermuteOp, RowPutOp, AllReduceOp>(op);
}

/// The steps whose programs have a meaning on the host.
bool runsOnHost(Operation *op) {
  return isa<GroupedGemmOp, LatentAttentionOp, RouterTopkOp, PackOp, PermuteOp>(
      op);
}

FailureOr<Operation *> writeOut(Operation *op, const KernelMachine &target) {
  using Written = FailureOr<Operation *>;
  return llvm::TypeSwitch<Operation *, Written>(op)
      .Case([&](GroupedGemmOp op) -> Written {
        return lowerGroupedGemm(op, target);
      })
      .Case([&](LatentAttentionOp op) -> Written {
        return lowerLatentAttention(op, target);
      })
      .Case([&](RouterTopkOp op) -> Written { return lowerRouter(op, target); })
      .Case([&](PackOp op) -> Written { return lowerPack(op, target); })
      .Case([&](PermuteOp op) -> Written { return lowerPermute(op, target); })
      .Case([&](RowPutOp op) -> Written { return lowerRowPut(op, target); })
      .Case([&](AllReduceOp op) -> Written {
        return lowerAllReduce(op, target);
      });
}

struct LowerToKernels
    : switched::impl::SwitchedLowerToKernelsBase<LowerToKernels> {
  using SwitchedLowerToKernelsBase::SwitchedLowerToKernelsBase;
  void runOnOperation() override {
    if (failed(lowerToKernels(getOperation(), target, keepRefused)))
      signalPassFailure();
  }
};

} // namespace

LogicalResult switched::lowerToKernels(ModuleOp module, StringRef target,
                                       bool keepRefused, bool toRun) {
  SmallVector<Operation *> steps;
  module.walk([&](Operation *op) {
    if (isHot(op))
      steps.push_back(op);
  });
  if (steps.empty())
    return success();
  // A caller outside of a pass may not have loaded what is created.
  module.getContext()
      ->loadDialect<arith::ArithDialect, memref::MemRefDialect,
                    tensor::TensorDialect>();
  FailureOr<std::string> name = targetOf(module, target);
  if (failed(name))
    return failure();
  llvm::Expected<Machine> machine = loadMachine(*name);
  if (!machine)
    return module.emitError(llvm::toString(machine.takeError()));
  llvm::Expected<Core> core = loadCore(*name);
  if (!core) {
    std::string reason = "expects a machine with a kernel stratum: " +
                         llvm::toString(core.takeError());
    for (Operation *op : steps) {
      refuse(op, keepRefused, "kernel_core_c1", reason);
      if (!keepRefused)
        return failure();
    }
    return success();
  }
  KernelMachine kernels{*machine, *core, keepRefused};
  for (Operation *op : steps) {
    if (toRun && !runsOnHost(op)) {
      kernels.refuse(op, "host_c1",
                     "expects a program with a meaning on the host");
      if (!keepRefused)
        return failure();
      continue;
    }
    FailureOr<Operation *> lowered = writeOut(op, kernels);
    // What was chosen has to fit: tensor memory is not asked before.
    if (succeeded(lowered) && failed(verifyKernels(*lowered, kernels))) {
      (*lowered)->erase();
      lowered = failure();
    }
    if (succeeded(lowered)) {
      op->replaceAllUsesWith(*lowered);
      op->erase();
    } else if (!keepRefused) {
      return failure();
    }
  }
  return success();
}
