//===- Family.h - what a target family decides -----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one interface behind which a family's knowledge lives: its declared space
// of plans, what is legal and why not, how a foreign value is repaired, and how
// local ops become steps. A family's code is in dialects/<Family>/Realize.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TARGET_FAMILY_H
#define PORTOLAN_TARGET_FAMILY_H

#include "portolan/Analysis/Partition.h"
#include "portolan/Analysis/Step.h"
#include "portolan/Machine/Grid.h"
#include "portolan/Plan/PlanPoint.h"

namespace portolan {

/// What legality depends on.
struct PlanContext {
  const ModelShape &model;
  const Machine &machine;
  const Workload &workload;
};

/// Why a value is not legal: an entry of the remark catalogue with its figures.
struct Refusal {
  std::string id;       ///< catalogue id: "format_not_native"
  std::string reason;   ///< one sentence
  std::string resource; ///< "matmul engine", "hbm", "axis y"
  double needed = 0;
  double available = 0;
  std::string unit;
  std::string op; ///< op kind that needs it: "experts"
};

class Family {
public:
  virtual ~Family();

  /// "switched": the name in machine files and of the dialect.
  virtual llvm::StringRef name() const = 0;

  /// The values of a class in declared order, given the classes before it in
  /// `prefix`. Their product over all classes is Space(t): every plan that is
  /// reached class by class is legal. Never empty: a class that no op uses has
  /// the one value `none`.
  virtual void values(PlanClass planClass, const PlanPoint &prefix,
                      const PlanContext &context,
                      llvm::SmallVectorImpl<PlanValue> &values) const = 0;

  /// Why `value` is not among values(); nothing if it is.
  virtual std::optional<Refusal> legalize(PlanClass planClass, PlanValue value,
                                          const PlanPoint &prefix,
                                          const PlanContext &context) const = 0;

  /// The legal value that the family's ladder gives for a foreign `value`
  /// (design section 6). Legal values are returned unchanged.
  virtual PlanValue repair(PlanClass planClass, PlanValue value,
                           const PlanPoint &prefix,
                           const PlanContext &context) const = 0;

  /// How each local op is carried out under a plan: exactly one step per op
  /// (two with overlap two_batch, whose ops are those of half a micro-batch),
  /// in issue order. Requires a legal plan.
  virtual void realize(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
                       const Deployment &deployment, const Machine &machine,
                       Steps &steps) const = 0;

  /// Whether computations other than experts are carried out as ComputeRules
  /// says, whatever the plan: a bound then knows their padding.
  virtual bool computesByRules() const { return false; }

  /// Whether number formats decide no more than operand and payload bytes,
  /// their rates and what ComputeRules makes of them: a plan in formats that
  /// are narrower and faster is then never slower nor larger, and later classes
  /// have at least the values that they have with the other formats.
  virtual bool formatsOnlyScale() const { return false; }

  /// Mnemonic of the system op that carries a step: "grouped_gemm".
  virtual llvm::StringRef systemOpName(const Step &step) const = 0;

  /// The axes that the ranks of a model copy are numbered along; none where
  /// all chips are at a switch, or where only neighbours exchange messages.
  virtual RankGrid gridOf(const Deployment &deployment,
                          const Machine &machine) const {
    return RankGrid();
  }
};

/// The family of a machine; an error that lists the families that exist.
llvm::Expected<const Family *> familyOf(const Machine &machine);

/// Families that exist, in the order of the design.
llvm::ArrayRef<const Family *> allFamilies();

} // namespace portolan

#endif // PORTOLAN_TARGET_FAMILY_H
