//===- WaferFamily.h - wafers of PEs as a family ----------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A rank is a wafer. Stages are whole wafers or regions of them; what other
// families spread over ranks is spread over the PEs of a region here.
// Rationale, declared space and labelled rules: dialects/Wafer/README.md.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_WAFER_REALIZE_WAFERFAMILY_H
#define PORTOLAN_DIALECTS_WAFER_REALIZE_WAFERFAMILY_H

#include "portolan/Target/SpaceRules.h"

namespace portolan::wafer {

class WaferFamily final : public Family {
public:
  llvm::StringRef name() const override { return "wafer"; }
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
  RankGrid gridOf(const Deployment &, const Machine &) const override {
    RankGrid grid;
    grid.isFabric = true;
    return grid;
  }
};

} // namespace portolan::wafer

#endif // PORTOLAN_DIALECTS_WAFER_REALIZE_WAFERFAMILY_H
