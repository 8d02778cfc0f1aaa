//===- TorusFamily.h - tori of chips as a family ---------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chips joined to their neighbours along the axes of a torus: a group of ranks
// is a run of whole axes, and an axis wraps only where the machine says so.
// Rationale, declared space and labelled rules: dialects/Torus/README.md.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_TORUS_REALIZE_TORUSFAMILY_H
#define PORTOLAN_DIALECTS_TORUS_REALIZE_TORUSFAMILY_H

#include "portolan/Analysis/Collectives.h"
#include "portolan/Target/ChipFamily.h"

namespace portolan::torus {

class TorusFamily final : public ChipFamily {
public:
  llvm::StringRef name() const override { return "torus"; }
  void realize(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
               const Deployment &deployment, const Machine &machine,
               Steps &steps) const override;
  llvm::StringRef systemOpName(const Step &step) const override;
  RankGrid gridOf(const Deployment &deployment,
                  const Machine &machine) const override;

protected:
  Groups groupsOf(int64_t instance, const Machine &machine) const override;
  Refusal refuseGroup(PlanClass planClass, PlanValue value,
                      const PlanPoint &prefix,
                      const PlanContext &context) const override;
  std::string whyNoExchange(Exchange exchange, const PlanPoint &prefix,
                            const PlanContext &context) const override;
  void addReductions(Group group, const PlanPoint &prefix,
                     const PlanContext &context,
                     PlanValues &values) const override;
  Refusal refuseReduction(Reduction reduction, Group group,
                          const PlanPoint &prefix,
                          const PlanContext &context) const override;
  /// The memory next to the engines is managed by the program.
  bool placesNearMemory() const override { return true; }
  Ladders ladders(const PlanPoint &prefix,
                  const PlanContext &context) const override;
};

} // namespace portolan::torus

#endif // PORTOLAN_DIALECTS_TORUS_REALIZE_TORUSFAMILY_H
