//===- RoutesTest.cpp - collectives carried out by their algorithms -------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A collective as a family realizes it, carried out on logical chips: every
// rank gets the right numbers, and the busiest link carries what the step was
// priced by.
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/RunTarget.h"
#include "gtest/gtest.h"

using namespace portolan;

namespace {

/// A tensor as compiled code passes it.
struct MemRef {
  MemRef(std::vector<int64_t> shape, std::vector<float> values)
      : floats(std::move(values)) {
    describe(floats.data(), shape);
  }
  explicit MemRef(std::vector<int64_t> table) : sizes(std::move(table)) {
    describe(sizes.data(), {int64_t(sizes.size())});
  }
  void describe(void *data, const std::vector<int64_t> &shape) {
    auto address = int64_t(reinterpret_cast<intptr_t>(data));
    descriptor = {address, address, 0};
    descriptor.insert(descriptor.end(), shape.begin(), shape.end());
    descriptor.resize(descriptor.size() + shape.size(), 0);
    rank = int64_t(shape.size());
    unranked = {rank, int64_t(reinterpret_cast<intptr_t>(descriptor.data()))};
  }
  void *get() { return unranked.data(); }

  std::vector<float> floats;
  std::vector<int64_t> sizes, descriptor, unranked;
  int64_t rank = 0;
};

template <typename... Arguments>
void callRuntime(llvm::StringRef name, Arguments... arguments) {
  static const std::vector<RuntimeSymbol> symbols = fabricSymbols();
  auto symbol = llvm::find_if(symbols, [&](const RuntimeSymbol &candidate) {
    return candidate.name == ("_mlir_ciface_portolan_" + name).str();
  });
  ASSERT_NE(symbol, symbols.end()) << name.str();
  reinterpret_cast<void (*)(Arguments...)>(symbol->address)(arguments...);
}

struct Case {
  const char *name, *target;
  OpKind kind;
  Reduction reduction;
  Algorithm algorithm; ///< that the family realizes it by
  Group group;
  Exchange exchange = Exchange::allToAll;
  /// How far the busiest link may be from the formula.
  double tolerance = 1e-9;
};

/// Elements of a tensor: every piece of every channel is whole.
constexpr int64_t kElements = 64 * 64 * 6;

float valueOf(int64_t rank, int64_t index) {
  return float((rank * 7 + index * 3) % 64);
}

class Collective : public ::testing::TestWithParam<Case> {
protected:
  /// Carries the collective out on `rank` and checks what it gets.
  void carryOut(RankContext &rank) {
    Group group = GetParam().group;
    auto handle = int64_t(reinterpret_cast<intptr_t>(&rank));
    callRuntime("begin", handle, int64_t(0), int64_t(GetParam().kind),
                group.size, group.stride);
    int64_t self = rank.member(group), piece = kElements / group.size;
    std::vector<float> own(kElements);
    for (int64_t i = 0; i < kElements; ++i)
      own[i] = valueOf(rank.rank, i);
    MemRef sizes(std::vector<int64_t>(group.size, piece));
    auto sum = [&](int64_t index) {
      float total = 0;
      for (int64_t i = 0; i < group.size; ++i)
        total += valueOf(rank.peer(group, i), index);
      return total;
    };
    switch (GetParam().kind) {
    case OpKind::allReduce: {
      MemRef in({kElements}, own),
          out({kElements}, std::vector<float>(kElements, -1));
      callRuntime("all_reduce_f32", handle, in.get(), out.get(), int64_t(-1));
      for (int64_t i = 0; i < kElements; ++i)
        wrong += out.floats[i] != sum(i);
      return;
    }
    case OpKind::reduceScatter: {
      MemRef in({kElements}, own), out({piece}, std::vector<float>(piece, -1));
      callRuntime("reduce_scatter_f32", handle, in.get(), out.get(),
                  sizes.get(), int64_t(0), int64_t(-1));
      for (int64_t i = 0; i < piece; ++i)
        wrong += out.floats[i] != sum(self * piece + i);
      return;
    }
    case OpKind::allGather: {
      own.resize(piece);
      MemRef in({piece}, own),
          out({kElements}, std::vector<float>(kElements, -1));
      callRuntime("all_gather_f32", handle, in.get(), out.get(), sizes.get(),
                  int64_t(0), int64_t(-1));
      for (int64_t i = 0; i < kElements; ++i)
        wrong +=
            out.floats[i] != valueOf(rank.peer(group, i / piece), i % piece);
      return;
    }
    default: {
      MemRef in({kElements}, own),
          out({kElements}, std::vector<float>(kElements, -1));
      callRuntime("all_to_all_f32", handle, in.get(), out.get(), int64_t(-1));
      for (int64_t i = 0; i < kElements; ++i)
        wrong += out.floats[i] !=
                 valueOf(rank.peer(group, i / piece), self * piece + i % piece);
      return;
    }
    }
  }
  std::atomic<int64_t> wrong = 0;
};

} // namespace

TEST_P(Collective, DoesWhatItWasPricedFor) {
  const Case &c = GetParam();
  Machine machine = llvm::cantFail(loadMachine(c.target));
  const Family &family = *llvm::cantFail(familyOf(machine));
  PlanPoint plan;
  plan.set(PlanClass::instance, PlanValue(machine.chips()));
  plan.set(PlanClass::reduction, PlanValue(c.reduction));
  plan.set(PlanClass::dispatchExchange, PlanValue(c.exchange));
  Deployment deployment = llvm::cantFail(deploymentOf(plan, machine.topology));
  LocalOp op;
  op.kind = c.kind;
  op.group = c.group;
  op.payloadBytes = op.meanPayloadBytes = kElements * sizeof(float);
  Steps steps;
  family.realize(op, plan, deployment, machine, steps);
  ASSERT_EQ(steps.size(), 1u);
  ASSERT_EQ(steps.front().algorithm, c.algorithm)
      << spell(steps.front().algorithm).str();

  ThreadFabric fabric(machine.chips());
  Wiring wiring(machine, family.gridOf(deployment, machine),
                deployment.stageSize);
  PassResult result;
  result.transfers.push_back({"test.collective", steps.front()});
  result.logs.resize(machine.chips());
  llvm::Error error = fabric.run([&](int64_t number) {
    RankContext rank(fabric, wiring, steps.front().algorithm, number);
    carryOut(rank);
    result.logs[number] = std::move(rank.log);
    return llvm::Error::success();
  });
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  EXPECT_EQ(wrong, 0);

  llvm::Expected<std::vector<TransferTraffic>> traffic =
      trafficOf(result, wiring);
  ASSERT_TRUE(bool(traffic)) << llvm::toString(traffic.takeError());
  ASSERT_EQ(traffic->size(), 1u);
  const TransferTraffic &row = traffic->front();
  EXPECT_TRUE(row.movesWhatItStates()) << row.payloadBytes;
  EXPECT_GT(row.statedBusiestBytes[0] + row.statedBusiestBytes[1], 0);
  for (unsigned linkClass = 0; linkClass < kLinkClasses; ++linkClass)
    if (row.statedBusiestBytes[linkClass] > 0)
      EXPECT_NEAR(row.busiestBytes[linkClass],
                  row.statedBusiestBytes[linkClass],
                  c.tolerance * row.statedBusiestBytes[linkClass])
          << "class " << linkClass;
}

constexpr Reduction kAny = Reduction::oneShot;

INSTANTIATE_TEST_SUITE_P(
    Algorithms, Collective,
    ::testing::Values(
        // One switch of eight, and two domains of eight.
        Case{"oneShot",
             "hgx-h100:1",
             OpKind::allReduce,
             Reduction::oneShot,
             Algorithm::oneShot,
             {8, 1}},
        Case{"switchRing",
             "hgx-h100:1",
             OpKind::allReduce,
             Reduction::ring,
             Algorithm::ring,
             {8, 1}},
        Case{"inNetwork",
             "hgx-h100:1",
             OpKind::allReduce,
             Reduction::inNetwork,
             Algorithm::inNetwork,
             {8, 1}},
        Case{"oneShotStrided",
             "hgx-h100:1",
             OpKind::allReduce,
             Reduction::oneShot,
             Algorithm::oneShot,
             {4, 2}},
        Case{"switchGather",
             "hgx-h100:1",
             OpKind::allGather,
             kAny,
             Algorithm::direct,
             {8, 1}},
        Case{"switchScatter",
             "hgx-h100:1",
             OpKind::reduceScatter,
             kAny,
             Algorithm::direct,
             {4, 1}},
        Case{"switchExchange",
             "hgx-h100:1",
             OpKind::allToAll,
             kAny,
             Algorithm::direct,
             {8, 1}},
        Case{"domainsReduce",
             "hgx-h100:2",
             OpKind::allReduce,
             Reduction::ring,
             Algorithm::hierarchical,
             {16, 1}},
        Case{"domainsGather",
             "hgx-h100:2",
             OpKind::allGather,
             kAny,
             Algorithm::hierarchical,
             {16, 1}},
        Case{"domainsExchange",
             "hgx-h100:2",
             OpKind::allToAll,
             kAny,
             Algorithm::direct,
             {2, 8},
             Exchange::hierarchical},
        Case{"domainsExchangeAtOnce",
             "hgx-h100:2",
             OpKind::allToAll,
             kAny,
             Algorithm::direct,
             {16, 1}},
        Case{"domainsStrided",
             "hgx-h100:2",
             OpKind::allReduce,
             Reduction::ring,
             Algorithm::hierarchical,
             {8, 2}},
        // A closed cube, part of it, and lines.
        Case{"cubeReduce",
             "tpu7x:4x4x4",
             OpKind::allReduce,
             Reduction::bidirectionalRing,
             Algorithm::bidirectionalRing,
             {64, 1}},
        Case{"cubeRing",
             "tpu7x:4x4x4",
             OpKind::allReduce,
             Reduction::ring,
             Algorithm::ring,
             {64, 1}},
        Case{"planeGather",
             "tpu7x:4x4x4",
             OpKind::allGather,
             kAny,
             Algorithm::bidirectionalRing,
             {16, 4}},
        Case{"axisScatter",
             "tpu7x:4x4x4",
             OpKind::reduceScatter,
             kAny,
             Algorithm::bidirectionalRing,
             {4, 1}},
        Case{"cubeExchange",
             "tpu7x:4x4x4",
             OpKind::allToAll,
             kAny,
             Algorithm::dimensionOrdered,
             {64, 1}},
        Case{"unequalAxesReduce",
             "tpu7x:4x4x8",
             OpKind::allReduce,
             Reduction::bidirectionalRing,
             Algorithm::bidirectionalRing,
             {128, 1}},
        Case{"unequalAxesExchange",
             "tpu7x:4x4x8",
             OpKind::allToAll,
             kAny,
             Algorithm::dimensionOrdered,
             {128, 1}},
        Case{"unequalLinesGather",
             "tpu7x:2x2x4",
             OpKind::allGather,
             kAny,
             Algorithm::bidirectionalRing,
             {16, 1}},
        Case{"lineReduce",
             "tpu7x:2x2x2",
             OpKind::allReduce,
             Reduction::bidirectionalRing,
             Algorithm::bidirectionalRing,
             {8, 1}},
        Case{"lineExchange",
             "tpu7x:2x2x2",
             OpKind::allToAll,
             kAny,
             Algorithm::dimensionOrdered,
             {8, 1}},
        // Chips of several ranks on a torus of 4 x 4 and of 4 x 4 x 4.
        Case{"mesh",
             "trn2:16",
             OpKind::allReduce,
             Reduction::mesh,
             Algorithm::mesh,
             {16, 1}},
        Case{"doubling",
             "trn2:16",
             OpKind::allReduce,
             Reduction::recursiveDoubling,
             Algorithm::recursiveDoubling,
             {16, 1}},
        Case{"ring",
             "trn2:16",
             OpKind::allReduce,
             Reduction::ring,
             Algorithm::ring,
             {16, 1}},
        Case{"kangaRing",
             "trn2:16",
             OpKind::allReduce,
             Reduction::kangaRing,
             Algorithm::kangaRing,
             {16, 1}},
        Case{"rowRing",
             "trn2:16",
             OpKind::allReduce,
             Reduction::ring,
             Algorithm::ring,
             {4, 1}},
        Case{"exchange",
             "trn2:16",
             OpKind::allToAll,
             kAny,
             Algorithm::dimensionOrdered,
             {16, 1}},
        Case{"slowAxisMesh",
             "trn2-ultraserver",
             OpKind::allReduce,
             Reduction::mesh,
             Algorithm::mesh,
             {64, 1}},
        Case{"slowAxisDoubling",
             "trn2-ultraserver",
             OpKind::allReduce,
             Reduction::recursiveDoubling,
             Algorithm::recursiveDoubling,
             {64, 1}},
        Case{"slowAxisKangaRing",
             "trn2-ultraserver",
             OpKind::allReduce,
             Reduction::kangaRing,
             Algorithm::kangaRing,
             {64, 1}},
        Case{"slowAxisRing",
             "trn2-ultraserver",
             OpKind::allReduce,
             Reduction::ring,
             Algorithm::ring,
             {16, 4}},
        Case{"twoLevels",
             "trn2-ultraserver",
             OpKind::allToAll,
             kAny,
             Algorithm::hierarchical,
             {64, 1},
             Exchange::hierarchical}),
    [](const auto &info) { return std::string(info.param.name); });
