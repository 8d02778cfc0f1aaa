//===- SwitchFabricTest.cpp - prices of racks against a simulation --------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each collective, realized and priced for a shipped machine, takes the time
// that its messages take one by one (SwitchSimulation.h), within 2 %. The
// starts of kernels are added to both. And no exchange of rows sends less than
// what must cross: a token's row once per domain that has one of its experts.
//
//===----------------------------------------------------------------------===//

#include "SwitchSimulation.h"
#include "TestTargets.h"
#include "portolan/Analysis/Estimate.h"
#include "portolan/Analysis/Partition.h"
#include <numeric>
#include <random>
#include <set>

using namespace portolan;
using namespace portolan::test;

namespace {

struct Case {
  const char *name, *target;
  OpKind kind;
  Group group;
  Reduction reduction = Reduction::oneShot;
};

std::vector<int64_t> ranksOf(Group group) {
  std::vector<int64_t> ranks;
  for (int64_t i = 0; i < group.size; ++i)
    ranks.push_back(i * group.stride);
  return ranks;
}

/// Each sends a piece to each other, its neighbour first.
void sendToAll(SwitchSimulation &fabric, llvm::ArrayRef<int64_t> ranks,
               double bytes,
               llvm::function_ref<unsigned(size_t, size_t)> tier) {
  size_t n = ranks.size();
  for (size_t i = 0; i < n; ++i)
    for (size_t k = 1; k < n; ++k)
      fabric.send(ranks[i], ranks[(i + k) % n], bytes, tier(i, (i + k) % n));
}

/// `rounds` in which each rank passes a piece on that it got the round before.
/// `needed` is what each rank waits for at first; returns what came last.
std::vector<std::vector<size_t>>
sendRound(SwitchSimulation &fabric, llvm::ArrayRef<int64_t> ranks, double bytes,
          unsigned rounds, unsigned tier,
          std::vector<std::vector<size_t>> needed) {
  size_t n = ranks.size();
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<std::vector<size_t>> arrived(n);
    for (size_t i = 0; i < n; ++i)
      arrived[(i + 1) % n] = {
          fabric.send(ranks[i], ranks[(i + 1) % n], bytes, tier, needed[i])};
    needed = std::move(arrived);
  }
  return needed;
}

/// Seconds of a reduction in the switch: it adds chunks of each rank's slice
/// and hands them to it; the rank writes the sums once, and the switch copies
/// them to all, while later chunks are on their way. Numbers above the ranks
/// stand for the switch, which is half-way and has a port for each message.
/// Loads and stores are no messages of a gap each.
double reduceInNetwork(Machine machine, llvm::ArrayRef<int64_t> ranks,
                       double payload) {
  constexpr unsigned kChunks = 128;
  size_t n = ranks.size();
  double chunk = payload / double(n) / kChunks;
  Link &link = machine.links.front();
  // Chunks of all slices that are sent until the first sums are there.
  unsigned ahead =
      1 + unsigned(std::ceil(link.latencySeconds.nominal() *
                             link.bandwidthBytesPerSecond.nominal() *
                             link.efficiency.nominal() / (chunk * double(n))));
  ahead = std::min(ahead, kChunks);
  link.messageGapSeconds.value.fill(0);
  link.latencySeconds.value.fill(link.latencySeconds.nominal() / 2);
  SwitchSimulation fabric(machine);
  int64_t hub = 1 << 20;
  std::vector<std::vector<size_t>> sums(kChunks);
  for (unsigned c = 0; c < kChunks + ahead; ++c) {
    for (size_t slice = 0; slice < n && c < kChunks; ++slice) {
      std::vector<size_t> parts;
      for (size_t i = 0; i < n; ++i)
        parts.push_back(fabric.send(ranks[i], hub++, chunk, 0));
      sums[c].push_back(fabric.send(hub++, ranks[slice], chunk, 0, parts));
    }
    for (size_t slice = 0; slice < n && c >= ahead; ++slice) {
      size_t up =
          fabric.send(ranks[slice], hub++, chunk, 0, {sums[c - ahead][slice]});
      for (size_t i = 0; i < n; ++i)
        if (i != slice)
          fabric.send(hub++, ranks[i], chunk, 0, {up});
    }
  }
  return fabric.seconds();
}

class SwitchFabric : public ::testing::TestWithParam<Case> {};

double simulate(const Case &test, const Machine &machine, double payload) {
  SwitchSimulation fabric(machine);
  std::vector<int64_t> ranks = ranksOf(test.group);
  int64_t domain = machine.topology.domain;
  auto tier = [&](size_t i, size_t j) -> unsigned {
    return ranks[i] / domain == ranks[j] / domain ? 0 : 1;
  };
  auto flat = [](size_t, size_t) { return 0u; };
  double n = double(ranks.size());
  size_t inside = std::max<int64_t>(domain / test.group.stride, 1);
  bool spans = ranks.size() > inside;
  switch (test.kind) {
  case OpKind::allToAllV:
    if (!spans) {
      sendToAll(fabric, ranks, payload / n, tier);
      break;
    }
    // A board after another, and in each the rank of the same place first.
    for (size_t i = 0; i < ranks.size(); ++i)
      for (size_t board = 0; board < ranks.size() / inside; ++board)
        for (size_t k = 0; k < inside; ++k) {
          size_t to = (i / inside + board) % (ranks.size() / inside) * inside +
                      (i + k) % inside;
          if (to != i)
            fabric.send(ranks[i], ranks[to], payload / n, tier(i, to));
        }
    break;
  case OpKind::allGather:
  case OpKind::reduceScatter: {
    if (!spans) {
      sendToAll(fabric, ranks, payload / n, flat);
      break;
    }
    // A gather: across, by ranks of the same place, then inside. (The messages
    // of a scatter are those in reverse.)
    double across = 0;
    {
      SwitchSimulation outer(machine);
      std::vector<int64_t> rail;
      for (size_t i = 0; i < ranks.size(); i += inside)
        rail.push_back(ranks[i]);
      sendToAll(outer, rail, payload / n, [](size_t, size_t) { return 1u; });
      across = outer.seconds();
    }
    llvm::ArrayRef<int64_t> own =
        llvm::ArrayRef<int64_t>(ranks).take_front(inside);
    sendToAll(fabric, own, payload / double(inside), flat);
    return across + fabric.seconds();
  }
  default:
    if (!spans && test.reduction == Reduction::oneShot) {
      sendToAll(fabric, ranks, payload, flat);
      break;
    }
    if (!spans && test.reduction == Reduction::inNetwork)
      return reduceInNetwork(machine, ranks, payload);
    {
      // Rings inside all domains, on each rail, and inside again.
      size_t members = spans ? inside : ranks.size();
      size_t domains = ranks.size() / members;
      std::vector<std::vector<size_t>> needed(ranks.size());
      auto ring = [&](std::vector<size_t> places, double bytes, unsigned rounds,
                      unsigned tier) {
        std::vector<int64_t> chosen;
        std::vector<std::vector<size_t>> before;
        for (size_t place : places) {
          chosen.push_back(ranks[place]);
          before.push_back(needed[place]);
        }
        auto after = sendRound(fabric, chosen, bytes, rounds, tier, before);
        for (auto [place, messages] : llvm::zip_equal(places, after))
          needed[place] = messages;
      };
      auto insideDomains = [&] {
        for (size_t d = 0; d < domains; ++d) {
          std::vector<size_t> places;
          for (size_t i = 0; i < members; ++i)
            places.push_back(d * members + i);
          ring(places, payload / double(members), unsigned(members - 1), 0);
        }
      };
      insideDomains();
      if (spans)
        for (size_t i = 0; i < members; ++i) {
          std::vector<size_t> places;
          for (size_t d = 0; d < domains; ++d)
            places.push_back(d * members + i);
          ring(places, payload / double(members) / double(domains),
               2 * unsigned(domains - 1), 1);
        }
      insideDomains();
    }
    break;
  }
  return fabric.seconds();
}

TEST_P(SwitchFabric, TakesWhatItsMessagesTake) {
  const Case &test = GetParam();
  Machine machine = llvm::cantFail(loadMachine(test.target));
  // What the switch was measured to gain is less than what its bytes promise;
  // the formula of the bytes is in question here.
  if (test.reduction == Reduction::inNetwork)
    machine.links.front().reductionGain->value.fill(1e9);
  Setting setting(machine);
  PlanPoint plan = setting.firstPlan();
  plan.set(PlanClass::reduction, PlanValue(test.reduction));
  PricedMachine priced(machine, Corner::nominal);
  for (double payload : {4096.0, 1.0e6, 64.0e6}) {
    LocalOp op;
    op.kind = test.kind;
    op.group = test.group;
    op.payloadBytes = op.meanPayloadBytes = payload;
    Step step = setting.realizeOne(op, plan);
    Parts parts;
    double price = priced.stepSeconds(step, /*overlapped=*/false, parts);
    double starts = 0;
    for (auto [tier, load] :
         {std::pair<unsigned, LinkLoad>(step.linkTier, step.load),
          std::pair<unsigned, LinkLoad>(step.linkTier + 1, step.outerLoad)})
      if (load.starts > 0)
        starts += load.starts * machine.links[tier].startSeconds.nominal();
    double simulated = starts + simulate(test, machine, payload);
    RecordProperty("bytes_" + std::to_string(int64_t(payload)),
                   std::to_string(price / simulated));
    EXPECT_NEAR(price, simulated, 0.02 * simulated) << payload << " bytes";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Racks, SwitchFabric,
    ::testing::Values(
        Case{"Exchange", "gb300-nvl72", OpKind::allToAllV, {72, 1}},
        Case{"ExchangeOfABoard", "hgx-h100:1", OpKind::allToAllV, {8, 1}},
        Case{"ExchangeOfBoards", "hgx-h100:9", OpKind::allToAllV, {72, 1}},
        Case{"ExchangeOnARail", "hgx-h100:9", OpKind::allToAllV, {9, 8}},
        Case{"Gather", "gb300-nvl72", OpKind::allGather, {72, 1}},
        Case{"GatherOfBoards", "hgx-h100:2", OpKind::allGather, {16, 1}},
        Case{"ScatterOfBoards", "hgx-h100:9", OpKind::reduceScatter, {72, 1}},
        Case{"OneShot", "gb300-nvl72", OpKind::allReduce, {8, 1}},
        Case{"Ring", "hgx-b200:1", OpKind::allReduce, {8, 1}, Reduction::ring},
        Case{"RingOfBoards",
             "hgx-h100:2",
             OpKind::allReduce,
             {16, 1},
             Reduction::ring},
        Case{"InNetwork",
             "gb300-nvl72",
             OpKind::allReduce,
             {8, 1},
             Reduction::inNetwork},
        Case{"InNetworkOfSixteen",
             "gb300-nvl72",
             OpKind::allReduce,
             {16, 1},
             Reduction::inNetwork}),
    [](const auto &info) { return std::string(info.param.name); });

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Tokens of DeepSeek-V3's router, 8 experts of 4 of 8 groups of 32, on boards
/// of eight.
class RowsOfTokens {
public:
  RowsOfTokens(int64_t ranks, int64_t domain, int64_t tokensPerRank) {
    std::mt19937 random(7);
    across.assign(ranks, 0);
    flat = across;
    for (int64_t rank = 0; rank < ranks; ++rank)
      for (int64_t token = 0; token < tokensPerRank; ++token) {
        std::vector<int64_t> groups = {0, 1, 2, 3, 4, 5, 6, 7};
        std::shuffle(groups.begin(), groups.end(), random);
        std::vector<int64_t> experts;
        for (int64_t group = 0; group < 4; ++group)
          for (int64_t expert = 0; expert < 32; ++expert)
            experts.push_back(groups[group] * 32 + expert);
        std::shuffle(experts.begin(), experts.end(), random);
        std::set<int64_t> holders, domains;
        for (int64_t choice = 0; choice < 8; ++choice) {
          // 256 experts over the ranks, the first ones one more.
          int64_t expert = experts[choice], holder = 0;
          while (expert >= 256 / ranks + (holder < 256 % ranks))
            expert -= 256 / ranks + (holder++ < 256 % ranks);
          holders.insert(holder);
          domains.insert(holder / domain);
        }
        for (int64_t holder : holders)
          flat[rank] += holder / domain != rank / domain;
        for (int64_t other : domains)
          across[rank] += other != rank / domain;
        distinctRanks += double(holders.size());
        distinctDomains += double(domains.size());
      }
    distinctRanks /= double(ranks * tokensPerRank);
    distinctDomains /= double(ranks * tokensPerRank);
  }

  std::vector<double> across; ///< rows that leave a rank's board once each
  std::vector<double> flat;   ///< the same, once per rank
  double distinctRanks = 0, distinctDomains = 0;
};

TEST(SwitchExchange, ExpectsTheRowsOfARouter) {
  constexpr int64_t kTokens = 2000;
  for (int64_t boards : {2, 4, 8}) {
    Deployment deployment;
    deployment.stageSize = deployment.ep = 8 * boards;
    deployment.stageDomain = 8;
    RowsOfTokens rows(8 * boards, 8, kTokens);
    ExpertLoad load;
    load.meanRows = load.maxRows = 1;
    auto levels =
        exchangeLevels(Exchange::hierarchical, deployment, 256, 8, 8, 4,
                       kTokens * deployment.stageSize, kTokens, load);
    ASSERT_EQ(levels.size(), 2u);
    EXPECT_NEAR(levels[0].packedMean, kTokens * rows.distinctDomains,
                0.02 * kTokens * rows.distinctDomains)
        << boards;
    EXPECT_NEAR(levels[1].packedMean, kTokens * rows.distinctRanks,
                0.02 * kTokens * rows.distinctRanks)
        << boards;
    // What crosses: a share of (D - 1) / D of the first level, which is no less
    // than one row per token and board, and less than one per rank.
    double crossing =
        levels[0].packedMean * double(boards - 1) / double(boards);
    double sent = std::accumulate(rows.across.begin(), rows.across.end(), 0.0) /
                  double(rows.across.size());
    double flat = std::accumulate(rows.flat.begin(), rows.flat.end(), 0.0) /
                  double(rows.flat.size());
    EXPECT_GE(crossing, 0.98 * sent);
    EXPECT_LE(crossing, 1.02 * sent);
    EXPECT_LT(crossing, flat);
  }
}

} // namespace
