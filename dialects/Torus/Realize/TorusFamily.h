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
#include "portolan/Target/Family.h"

namespace portolan::torus {

class TorusFamily final : public Family {
public:
  llvm::StringRef name() const override { return "torus"; }
  void values(PlanClass planClass, const PlanPoint &prefix,
              const PlanContext &context,
              llvm::SmallVectorImpl<PlanValue> &values) const override;
  std::optional<Refusal> legalize(PlanClass planClass, PlanValue value,
                                  const PlanPoint &prefix,
                                  const PlanContext &context) const override;
  PlanValue repair(PlanClass planClass, PlanValue value,
                   const PlanPoint &prefix,
                   const PlanContext &context) const override;
  void realize(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
               const Deployment &deployment, const Machine &machine,
               Steps &steps) const override;
  llvm::StringRef systemOpName(const Step &step) const override;
};

/// The (sub-)slice of `topology` that an instance of `chips` occupies; nothing
/// if no product of axis divisors has that many.
std::optional<Topology> sliceOf(const Topology &topology, int64_t chips);

/// The first axis of `group` that does not close into a ring, as an index into
/// the group's axes; nothing if every axis does. Two chips are a ring.
std::optional<unsigned> openAxis(const TorusGroup &group);

/// Bytes of the memory level next to the first one; 0 if there is none.
double nearCapacityBytes(const Machine &machine);

} // namespace portolan::torus

#endif // PORTOLAN_DIALECTS_TORUS_REALIZE_TORUSFAMILY_H
