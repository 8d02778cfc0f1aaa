//===- Plan.h - the plan dialect -------------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decisions as transform ops, and the two extensions of the transform state
// that they use: the target that they are checked against, and the ledger that
// makes them repair instead of fail.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_PLAN_IR_PLAN_H
#define PORTOLAN_DIALECTS_PLAN_IR_PLAN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Transform/IR/TransformDialect.h"
#include "mlir/Dialect/Transform/IR/TransformTypes.h"
#include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.h"
#include "mlir/IR/BuiltinOps.h"
#include "portolan/Plan/Repair.h"

#include "dialects/Plan/IR/PlanDialect.h.inc"
#define GET_OP_CLASSES
#include "dialects/Plan/IR/PlanOps.h.inc"

namespace portolan::plan {

/// Attributes of a payload module.
inline constexpr llvm::StringLiteral kPointAttr = "plan.point";
inline constexpr llvm::StringLiteral kTargetAttr = "plan.target";
inline constexpr llvm::StringLiteral kWorkloadAttr = "plan.workload";

/// An op of the normal form with the classes that it carries.
struct PlanOpInfo {
  llvm::StringLiteral name;
  llvm::SmallVector<PlanClass, 3> classes;
};
/// The decision ops in order; plan.commit follows them.
llvm::ArrayRef<PlanOpInfo> planOps();

/// Refuses a block that is not a plan in normal form.
mlir::LogicalResult verifyNormalForm(mlir::Block &block);

/// What a plan is for: installed by the caller or read from the payload.
class TargetExtension : public mlir::transform::TransformState::Extension {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TargetExtension)

  TargetExtension(mlir::transform::TransformState &state, const Family &family,
                  PlanContext context)
      : Extension(state), targetFamily(&family), installed(context) {}

  /// Loads the target that `module` names; an error names what is missing.
  static llvm::Expected<TargetExtension *>
  load(mlir::transform::TransformState &state, mlir::ModuleOp module);

  const Family &family() const { return *targetFamily; }
  PlanContext context() const { return *installed; }
  /// Decisions recorded so far.
  PlanPoint point;

private:
  struct Owned {
    ModelShape model;
    Machine machine;
    Workload workload;
  };
  std::unique_ptr<Owned> owned;
  const Family *targetFamily;
  std::optional<PlanContext> installed;
};

/// With it, ops record repaired values and succeed.
class LedgerExtension : public mlir::transform::TransformState::Extension {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LedgerExtension)

  LedgerExtension(mlir::transform::TransformState &state, const Family &family,
                  PlanContext context, Repair &result)
      : Extension(state), sequence(family, context), result(result) {}

  RepairSequence sequence;
  /// Filled by plan.commit.
  Repair &result;
};

/// `point` as the attribute that decisions are recorded in, and back.
mlir::DictionaryAttr pointAttr(const PlanPoint &point,
                               mlir::MLIRContext &context);
llvm::Expected<PlanPoint> pointOf(mlir::ModuleOp module);

/// Names the target of a payload.
void setTarget(mlir::ModuleOp module, llvm::StringRef target,
               const Workload &workload);

} // namespace portolan::plan

#endif // PORTOLAN_DIALECTS_PLAN_IR_PLAN_H
