//===- ChipFamily.h - families whose ranks form groups ---------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What families have in common whose ranks are chips that share the layers of a
// stage: degrees that divide, formats, exchanges and their inverses, tiles. A
// family says which groups its topology forms, which words it knows in the
// classes that its hardware decides, and why it refuses the others.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TARGET_CHIPFAMILY_H
#define PORTOLAN_TARGET_CHIPFAMILY_H

#include "portolan/Target/SpaceRules.h"
#include <functional>

namespace portolan {

class ChipFamily : public Family {
public:
  void values(PlanClass planClass, const PlanPoint &prefix,
              const PlanContext &context,
              llvm::SmallVectorImpl<PlanValue> &values) const final;
  std::optional<Refusal> legalize(PlanClass planClass, PlanValue value,
                                  const PlanPoint &prefix,
                                  const PlanContext &context) const final;
  PlanValue repair(PlanClass planClass, PlanValue value,
                   const PlanPoint &prefix,
                   const PlanContext &context) const final;
  bool computesByRules() const final { return true; }

protected:
  /// Which groups of ranks an instance of so many chips can form.
  using Groups = std::function<bool(Group)>;
  virtual Groups groupsOf(int64_t instance, const Machine &machine) const = 0;

  /// Why a degree that divides and that the model allows has no group.
  virtual Refusal refuseGroup(PlanClass planClass, PlanValue value,
                              const PlanPoint &prefix,
                              const PlanContext &context) const;

  /// Dispatch exchanges of the family beside those that every family has.
  virtual void addExchanges(const PlanPoint &prefix, const PlanContext &context,
                            PlanValues &values) const {}
  /// Why the family has no such exchange (one that is legal nowhere here).
  virtual std::string whyNoExchange(Exchange exchange, const PlanPoint &prefix,
                                    const PlanContext &context) const = 0;

  /// How the ranks of `group` (more than one) add partial sums.
  virtual void addReductions(Group group, const PlanPoint &prefix,
                             const PlanContext &context,
                             PlanValues &values) const = 0;
  virtual Refusal refuseReduction(Reduction reduction, Group group,
                                  const PlanPoint &prefix,
                                  const PlanContext &context) const = 0;

  /// Whether experts can be streamed to the memory level next to the engines
  /// while rows are exchanged: it is placed by software. The weights of one
  /// expert must fit there.
  virtual bool placesNearMemory() const { return false; }

  /// Whether kernels are launched one after another while a step runs, so that
  /// one launch can stand for all between two transfers. (A compiled program
  /// has nothing to launch.)
  virtual bool launchesKernels() const { return false; }

  /// What stands for foreign words, first legal one first.
  struct Ladders {
    llvm::ArrayRef<Reduction> reductions;
    /// For rows that were sent to their experts, and for rows that all ranks
    /// get (`none` is an end that needs no entry).
    llvm::ArrayRef<Exchange> sent, gathered;
    /// For any form of overlap.
    llvm::ArrayRef<Overlap> overlaps;
  };
  virtual Ladders ladders(const PlanPoint &prefix,
                          const PlanContext &context) const = 0;

private:
  Refusal refuseExchange(PlanClass planClass, PlanValue value,
                         const PlanPoint &prefix,
                         const PlanContext &context) const;
  Refusal refuseResidency(PlanValue value, const PlanPoint &prefix,
                          const PlanContext &context) const;
};

} // namespace portolan

#endif // PORTOLAN_TARGET_CHIPFAMILY_H
