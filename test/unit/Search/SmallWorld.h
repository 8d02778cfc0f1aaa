//===- SmallWorld.h - small models, machines and a family ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the tests of the search run on: instances small enough to try every plan
// at every concurrency. The family is of the tests' own, so that the search is
// tested against the interface and not against one family.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SEARCH_SMALLWORLD_H
#define PORTOLAN_TEST_UNIT_SEARCH_SMALLWORLD_H

#include "portolan/Search/Evaluate.h"
#include <random>

namespace portolan::test {

/// A small MoE model: one dense and one MoE layer class.
ModelShape smallModel(std::mt19937 &random);

/// A machine of `chips` chips whose memory holds a handful of requests.
Machine smallMachine(std::mt19937 &random, int64_t chips, double weightBytes);

/// Bytes of all weights of a model in bf16.
double weightBytesOf(const ModelShape &model);

Workload smallWorkload(std::mt19937 &random);

/// A family whose space has every class that the search treats specially, with
/// capabilities that can be taken away.
class SmallFamily : public Family {
public:
  bool readsFp8 = true;
  bool reducesInNetwork = true;
  bool fuses = false;
  bool copiesExperts = false;
  /// Activations and caches, too, may be fp8.
  bool narrowsAll = false;
  bool overlaps = true;
  /// Extra start-up of every exchange.
  double exchangeStarts = 1;
  llvm::StringRef familyName = "small";

  llvm::StringRef name() const override { return familyName; }
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
  bool formatsOnlyScale() const override { return true; }
};

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SEARCH_SMALLWORLD_H
