//===- WiringTest.cpp - routes that there are not -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Routes.h"
#include "portolan/Target/Family.h"
#include "gtest/gtest.h"

using namespace portolan;

TEST(Wiring, RefusesAnAlgorithmOfAnotherKind) {
  Wiring wiring = Wiring::ofSwitch(4);
  llvm::Expected<GatherRoutes> gather =
      wiring.gather(Algorithm::neighbour, {4, 1}, 0);
  ASSERT_FALSE(bool(gather));
  EXPECT_EQ(llvm::toString(gather.takeError()),
            "the algorithm neighbour over 4 ranks with stride 1: expects one "
            "that gathers or reduces over chips");
  llvm::Expected<ExchangeRoutes> exchange =
      wiring.exchange(Algorithm::ring, {4, 1}, 0);
  ASSERT_FALSE(bool(exchange));
  EXPECT_EQ(llvm::toString(exchange.takeError()),
            "the algorithm ring: expects one that exchanges rows");
}

TEST(Wiring, RefusesAGroupOfNoWholeAxes) {
  Machine machine = llvm::cantFail(loadMachine("tpu7x:4x4x4"));
  const Family &family = *llvm::cantFail(familyOf(machine));
  PlanPoint plan;
  plan.set(PlanClass::instance, PlanValue(64));
  Deployment deployment = llvm::cantFail(deploymentOf(plan, machine.topology));
  Wiring wiring(machine, family.gridOf(deployment, machine), 64);
  llvm::Expected<GatherRoutes> routes =
      wiring.gather(Algorithm::bidirectionalRing, {8, 2}, 0);
  ASSERT_FALSE(bool(routes));
  EXPECT_EQ(llvm::toString(routes.takeError()),
            "the algorithm bidirectional_ring over 8 ranks with stride 2: "
            "expects whole axes");
}
