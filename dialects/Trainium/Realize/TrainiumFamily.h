//===- TrainiumFamily.h - NeuronLink systems as a family -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chips joined by a torus or a switch, whose collectives are run by cores of
// their own with an algorithm that suits the size of the message. Whether it is
// a torus is asked from the machine. Rationale, declared space and labelled
// rules: dialects/Trainium/README.md.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_TRAINIUM_REALIZE_TRAINIUMFAMILY_H
#define PORTOLAN_DIALECTS_TRAINIUM_REALIZE_TRAINIUMFAMILY_H

#include "portolan/Target/ChipFamily.h"

namespace portolan::trainium {

class TrainiumFamily final : public ChipFamily {
public:
  llvm::StringRef name() const override { return "trainium"; }
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
  /// Two levels where the links of a stage are not equally fast.
  void addExchanges(const PlanPoint &prefix, const PlanContext &context,
                    PlanValues &values) const override;
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

} // namespace portolan::trainium

#endif // PORTOLAN_DIALECTS_TRAINIUM_REALIZE_TRAINIUMFAMILY_H
