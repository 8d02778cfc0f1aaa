//===- SwitchedFamily.h - switched racks as a family -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Accelerators behind a switch: any group of ranks can be expressed, one hop
// apart inside a domain; a scale-out network joins domains. Rationale, declared
// space and labelled rules: dialects/Switched/README.md.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SWITCHED_REALIZE_SWITCHEDFAMILY_H
#define PORTOLAN_DIALECTS_SWITCHED_REALIZE_SWITCHEDFAMILY_H

#include "portolan/Target/ChipFamily.h"

namespace portolan::switched {

class SwitchedFamily final : public ChipFamily {
public:
  llvm::StringRef name() const override { return "switched"; }
  void realize(llvm::ArrayRef<LocalOp> ops, const PlanPoint &plan,
               const Deployment &deployment, const Machine &machine,
               Steps &steps) const override;
  llvm::StringRef systemOpName(const Step &step) const override;
  bool formatsOnlyScale() const override { return true; }

protected:
  Groups groupsOf(int64_t instance, const Machine &machine) const override;
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
  /// Even a recorded graph starts its kernels one after another.
  bool launchesKernels() const override { return true; }
  Ladders ladders(const PlanPoint &prefix,
                  const PlanContext &context) const override;
};

/// Whether every group of ranks that spans `span` consecutive ranks lies inside
/// one domain of the machine. Groups begin at multiples of their span within an
/// instance, and instances fill the shape one after another.
bool liesInDomain(int64_t span, const Deployment &deployment,
                  const Machine &machine);

} // namespace portolan::switched

#endif // PORTOLAN_DIALECTS_SWITCHED_REALIZE_SWITCHEDFAMILY_H
