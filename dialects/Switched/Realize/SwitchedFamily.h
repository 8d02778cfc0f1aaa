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

#include "portolan/Target/Family.h"

namespace portolan::switched {

class SwitchedFamily final : public Family {
public:
  llvm::StringRef name() const override { return "switched"; }
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

/// Whether every group of ranks that spans `span` consecutive ranks lies inside
/// one domain of the machine. Groups begin at multiples of their span within an
/// instance, and instances fill the shape one after another.
bool liesInDomain(int64_t span, const Deployment &deployment,
                  const Machine &machine);

} // namespace portolan::switched

#endif // PORTOLAN_DIALECTS_SWITCHED_REALIZE_SWITCHEDFAMILY_H
