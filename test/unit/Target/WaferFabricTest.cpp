//===- WaferFabricTest.cpp - on-wafer transfers against a simulation ------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference is a simulation written here: every wavelet takes a link or a
// ramp for one cycle, a link or an addition delays it by one cycle and a ramp
// by T_R = 2. A PE's core runs one vector operation at a time.
//
//===----------------------------------------------------------------------===//

#include "dialects/Wafer/Realize/Fabric.h"
#include "gtest/gtest.h"
#include <cmath>
#include <functional>
#include <queue>

using namespace portolan;
using namespace portolan::wafer;

namespace {

constexpr int kRampCycles = 2;
constexpr double kStartCycles = 2 * kRampCycles + 1;
constexpr double kWaveletBytes = 4;

/// Cycles of a load on a fabric with one hop and one wavelet per cycle.
double cyclesOf(const LinkLoad &load) {
  return load.starts * kStartCycles + load.hops +
         load.bottleneckBytes / kWaveletBytes;
}

/// A line of PEs and the vector operations on it.
class Line {
public:
  explicit Line(int size) : out(size), in(size), right(size), left(size) {}

  /// A vector operation on a PE: done with a wavelet when every message that it
  /// adds, and the operation before it, have brought theirs.
  int operation(int pe) {
    operations.emplace_back();
    operations.back().pe = pe;
    return int(operations.size()) - 1;
  }
  /// The result of `from` is sent to `to`.
  void message(int from, int to) {
    operations[from].messages.push_back(int(messages.size()));
    messages.push_back({operations[from].pe, operations[to].pe, to});
    ++operations[to].needed;
  }
  /// `to` starts on the same core when `from` is done.
  void then(int from, int to) {
    operations[from].next.push_back(to);
    ++operations[to].needed;
  }
  /// The result of `from` is copied to every PE up to `pe`.
  void multicast(int from, int pe) {
    operations[from].messages.push_back(int(messages.size()));
    messages.push_back({operations[from].pe, pe, /*operation=*/-1});
  }

  /// Cycles until the last of `wavelets` arrives.
  double run(int wavelets) {
    count = wavelets;
    for (Operation &operation : operations)
      operation.arrived.assign(wavelets, 0);
    for (size_t i = 0; i < operations.size(); ++i)
      if (operations[i].needed == 0)
        for (int w = 0; w < wavelets; ++w)
          complete(int(i), w, w);
    while (!events.empty()) {
      Event event = events.top();
      events.pop();
      step(event);
    }
    return last;
  }

private:
  struct Operation {
    int pe = 0, needed = 0, done = 0;
    std::vector<int> messages, next;
    std::vector<int> arrived;
  };
  struct Message {
    int from, to, operation;
  };
  struct Event {
    double time;
    uint64_t order;
    int message, wavelet, hop;
    bool entersCore;
    bool operator<(const Event &other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  /// When a wavelet that comes at `time` has its turn.
  static double take(double &freeAt, double time) {
    double begin = std::max(freeAt, time);
    freeAt = begin + 1;
    return begin;
  }

  void push(double time, int message, int wavelet, int hop, bool entersCore) {
    events.push({time, order++, message, wavelet, hop, entersCore});
  }

  void arrive(int operation, int wavelet, double time) {
    Operation &to = operations[operation];
    if (++to.arrived[wavelet] == to.needed)
      complete(operation, wavelet, time);
  }

  void complete(int operation, int wavelet, double time) {
    last = std::max(last, time);
    for (int message : operations[operation].messages)
      push(time, message, wavelet, 0, false);
    if (++operations[operation].done < count)
      return;
    for (int next : operations[operation].next)
      for (int w = 0; w < count; ++w)
        arrive(next, w, time + w);
  }

  void step(const Event &event) {
    const Message &message = messages[event.message];
    int direction = message.to > message.from ? 1 : -1;
    int distance = std::abs(message.to - message.from);
    if (event.entersCore) {
      int pe = message.from + direction * event.hop;
      double time = take(in[pe], event.time) + kRampCycles;
      last = std::max(last, time);
      if (message.operation >= 0)
        arrive(message.operation, event.wavelet, time + 1);
      return;
    }
    if (event.hop == 0) {
      double time = take(out[message.from], event.time) + kRampCycles;
      push(time, event.message, event.wavelet, 1, false);
      return;
    }
    int at = message.from + direction * (event.hop - 1);
    double time = take(direction > 0 ? right[at] : left[at], event.time) + 1;
    if (event.hop == distance || message.operation < 0)
      push(time, event.message, event.wavelet, event.hop, true);
    if (event.hop < distance)
      push(time, event.message, event.wavelet, event.hop + 1, false);
  }

  std::vector<double> out, in, right, left;
  std::vector<Operation> operations;
  std::vector<Message> messages;
  std::priority_queue<Event> events;
  uint64_t order = 0;
  int count = 0;
  double last = 0;
};

/// The tree of two levels: each half in about sqrt(half) groups.
double simulateKTree(int size, int wavelets) {
  Line line(size);
  int half = (size + 1) / 2;
  int groups = int(std::sqrt(double(half)));
  int top[2], whole[2];
  for (int side : {0, 1}) {
    int length = side ? size - half : half;
    auto pe = [&](int distance) {
      return side ? half + distance : half - 1 - distance;
    };
    std::vector<int> inside, between;
    for (int d = 0; d < length; ++d)
      inside.push_back(line.operation(pe(d)));
    for (int group = 0; group < groups; ++group) {
      int first = length * group / groups;
      for (int d = length * (group + 1) / groups - 1; d > first; --d)
        line.message(inside[d], inside[d - 1]);
      between.push_back(line.operation(pe(first)));
      line.then(inside[first], between.back());
    }
    for (int group = groups - 1; group > 0; --group)
      line.message(between[group], between[group - 1]);
    top[side] = line.operation(pe(0));
    line.then(between[0], top[side]);
    whole[side] = line.operation(pe(0));
    line.then(top[side], whole[side]);
    int outwards = line.operation(pe(0));
    line.then(whole[side], outwards);
    line.multicast(outwards, pe(length - 1));
  }
  line.message(top[0], whole[1]);
  line.message(top[1], whole[0]);
  return line.run(wavelets);
}

} // namespace

// The closed form counts the first wavelet of each of the four phases twice,
// and an addition after the multicast: 5 cycles.
TEST(WaferFabric, KTreeEqualsSimulation) {
  for (int size : {32, 47, 100, 377, 586, 762, 1172})
    for (int wavelets : {1, 4, 16, 64, 256}) {
      double simulated = simulateKTree(size, wavelets);
      double closed =
          cyclesOf(kTreeLoad(size, wavelets * kWaveletBytes)) - kStartCycles;
      EXPECT_NEAR(closed, simulated, 0.02 * simulated)
          << size << " PEs, " << wavelets << " wavelets";
    }
}

// 600 PEs: halves of 300 in 17 groups of at most 18: 17 + 16 additions, one
// swap, one multicast.
TEST(WaferFabric, KTreeByHand) {
  LinkLoad load = kTreeLoad(600, 100);
  EXPECT_EQ(load.starts, 17 + 16 + 1 + 1);
  EXPECT_EQ(load.hops, 599);
  EXPECT_EQ(load.bottleneckBytes, 400);
}

// A chain through every PE would take a start per PE: the tree wins by far.
TEST(WaferFabric, KTreeBeatsAChain) {
  double chain = 599 * (kStartCycles + 1);
  EXPECT_LT(cyclesOf(kTreeLoad(600, 4)) * 4, chain);
}

// The first wavelet of the sum is on its way after the longest chain: no
// all-reduce beats the distance to the far end, nor its own bytes.
TEST(WaferFabric, KTreeNeverBeatsDistanceOrBytes) {
  for (int64_t size = 2; size < 1200; size += 7)
    for (double bytes : {4.0, 64.0, 4096.0}) {
      LinkLoad load = kTreeLoad(size, bytes);
      EXPECT_GE(load.hops, double(size - 1));
      EXPECT_GE(load.bottleneckBytes, bytes);
    }
}

TEST(WaferFabric, ALineOfOneNeedsNoTree) {
  EXPECT_EQ(kTreeLoad(1, 100).starts, 0);
  EXPECT_EQ(kTreeLoad(1, 100).bottleneckBytes, 0);
}

TEST(WaferFabric, MulticastEqualsSimulation) {
  for (int size : {64, 300, 762})
    for (int wavelets : {1, 16, 256}) {
      Line line(size);
      int source = line.operation(0);
      line.multicast(source, size - 1);
      double simulated = line.run(wavelets);
      double closed =
          cyclesOf(multicastLoad(size - 1, wavelets * kWaveletBytes));
      EXPECT_NEAR(closed, simulated, 0.02 * simulated + 2);
    }
}

// MeshGEMM's interleaved ring: 0, 2, 4, ..., 5, 3, 1. Each step, every PE
// passes the tile that it holds to the next one of the ring, whole before it is
// used.
TEST(WaferFabric, ShiftsEqualSimulation) {
  constexpr int size = 32, wavelets = 24;
  std::vector<int> ring;
  for (int pe = 0; pe < size; pe += 2)
    ring.push_back(pe);
  for (int pe = size - 1; pe > 0; pe -= 2)
    ring.push_back(pe);
  Line line(size);
  std::vector<int> holds;
  for (int pe : ring)
    holds.push_back(line.operation(pe));
  for (int step = 0; step < size; ++step) {
    std::vector<int> next;
    for (int pe : ring) {
      int received = line.operation(pe);
      next.push_back(line.operation(pe));
      line.then(received, next.back());
      holds.push_back(received);
    }
    for (int i = 0; i < size; ++i)
      line.message(holds[i], holds[size + (i + 1) % size]);
    holds = next;
  }
  double simulated = line.run(wavelets);
  double closed = cyclesOf(shiftLoad(size, size * wavelets * kWaveletBytes));
  EXPECT_NEAR(closed, simulated, 0.05 * simulated);
}

// Every PE of a rectangle sends as much to every other, along x first: the
// busiest link is in the middle of a long line.
TEST(WaferFabric, ExchangeEqualsLinkLoads) {
  constexpr int longSide = 12, shortSide = 8, units = longSide * shortSide;
  std::vector<double> right(units), down(units);
  for (int from = 0; from < units; ++from)
    for (int to = 0; to < units; ++to) {
      int y = from / longSide;
      for (int x = from % longSide; x < to % longSide; ++x)
        right[y * longSide + x] += 1;
      for (int at = y; at < to / longSide; ++at)
        down[at * longSide + to % longSide] += 1;
    }
  double busiest = std::max(*std::max_element(right.begin(), right.end()),
                            *std::max_element(down.begin(), down.end()));
  LinkLoad load = exchangeLoad({longSide, shortSide}, double(units) * units);
  EXPECT_DOUBLE_EQ(load.bottleneckBytes, busiest);
}

// facts hardware 5.1, last row: 2,048 tokens of 8 x 7,168 16-bit elements over
// a region of 512 x 512: 33.9 us at 3.5 GB/s per link and 1.14 ns per hop.
TEST(WaferFabric, ExchangeMeetsTheCutBoundOfTheFacts) {
  LinkLoad load = exchangeLoad({512, 512}, 2048.0 * 8 * 7168 * 2);
  double seconds = load.bottleneckBytes / 3.5e9 + load.hops * 1.14e-9;
  EXPECT_NEAR(seconds, 33.9e-6, 0.1e-6);
}
