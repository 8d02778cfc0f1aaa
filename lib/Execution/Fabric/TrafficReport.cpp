//===- TrafficReport.cpp - what moved, and what was stated ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: the ranks of a stage run alike programs, so that the n-th entries of
// their logs are one collective (of several groups at once). Its messages are
// routed over the links, phase by phase: on a switch through the ports of both
// ends, on a torus along one axis after another, the shorter way round.
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/TrafficReport.h"
#include <algorithm>
#include <cmath>
#include <map>

using namespace portolan;

namespace {

/// Bytes on directed links, in one phase of a collective.
class LinkBytes {
public:
  explicit LinkBytes(const Wiring &wiring) : wiring(wiring) {}

  void send(int64_t from, int64_t to, double bytes) {
    const RankGrid &grid = wiring.rankGrid();
    if (grid.isSwitch()) {
      unsigned tier = wiring.tierOf(from, to);
      add(tier, {from, 0, 1}, bytes);
      add(tier, {to, 0, -1}, bytes);
      return;
    }
    int64_t at = from, stride = 1;
    for (unsigned axis = 0; axis < grid.axes.size(); ++axis) {
      const RankAxis &its = grid.axes[axis];
      int64_t here = at / stride % its.size, there = to / stride % its.size;
      int64_t ahead = (there - here + its.size) % its.size;
      if (!its.closed)
        walk(axis, at, stride, there > here ? 1 : -1, std::abs(there - here),
             bytes);
      else if (2 * ahead == its.size && its.size > 2) {
        walk(axis, at, stride, 1, ahead, bytes / 2);
        walk(axis, at, stride, -1, ahead, bytes / 2);
      } else if (2 * ahead <= its.size)
        walk(axis, at, stride, 1, ahead, bytes);
      else
        walk(axis, at, stride, -1, its.size - ahead, bytes);
      at += (there - here) * stride;
      stride *= its.size;
    }
  }
  /// Between a rank and the switch itself.
  void port(int64_t rank, bool up, double bytes) {
    add(0, {rank, 0, up ? 1 : -1}, bytes);
  }
  double busiest(unsigned linkClass) const {
    double most = 0;
    for (const auto &[link, bytes] : load[linkClass])
      most = std::max(most, bytes);
    return most;
  }

private:
  struct Link {
    int64_t rank;
    unsigned axis;
    int direction;
    bool operator<(const Link &other) const {
      return std::tie(rank, axis, direction) <
             std::tie(other.rank, other.axis, other.direction);
    }
  };
  void add(unsigned linkClass, Link link, double bytes) {
    load[linkClass][link] += bytes;
  }
  void walk(unsigned axis, int64_t at, int64_t stride, int direction,
            int64_t steps, double bytes) {
    const RankAxis &its = wiring.rankGrid().axes[axis];
    for (int64_t step = 0; step < steps; ++step) {
      // Two chips of a closed axis have one link, whichever way round.
      bool pair = its.closed && its.size == 2;
      add(its.slowness > 1, {at, axis, pair ? 1 : direction}, bytes);
      int64_t here = at / stride % its.size;
      at += ((here + direction + its.size) % its.size - here) * stride;
    }
  }

  const Wiring &wiring;
  std::array<std::map<Link, double>, kLinkClasses> load;
};

/// What a step states of the busiest link, by class.
std::array<double, kLinkClasses> statedBusiest(const Step &step,
                                               const Wiring &wiring) {
  std::array<double, kLinkClasses> stated = {0, 0};
  stated[step.linkTier ? 1 : 0] += step.load.bottleneckBytes;
  stated[1] += step.outerLoad.bottleneckBytes;
  const RankGrid &grid = wiring.rankGrid();
  for (unsigned axis = 0; axis < grid.axes.size() && axis < 3; ++axis)
    stated[grid.axes[axis].slowness > 1] += step.load.axisBytes[axis];
  return stated;
}

/// Ranks that a message connects are of one class if any link of it is slow.
unsigned classOf(const Wiring &wiring, int64_t from, int64_t to) {
  const RankGrid &grid = wiring.rankGrid();
  if (grid.isSwitch())
    return wiring.tierOf(from, to);
  int64_t stride = 1;
  for (const RankAxis &axis : grid.axes) {
    if (axis.slowness > 1 &&
        from / stride % axis.size != to / stride % axis.size)
      return 1;
    stride *= axis.size;
  }
  return 0;
}

class Collector {
public:
  explicit Collector(const Wiring &wiring) : wiring(wiring) {}

  llvm::Error add(const PassResult &pass) {
    int64_t size = wiring.ranksOfStage();
    int64_t ranks = int64_t(pass.logs.size());
    for (int64_t first = 0; first < ranks; first += size) {
      llvm::ArrayRef<CallLog> stage(pass.logs.data() + first, size);
      for (size_t index = 0; index < stage.front().size(); ++index)
        if (llvm::Error error = addCollective(pass, stage, first, index))
          return error;
      for (const CallLog &log : stage)
        if (log.size() != stage.front().size())
          return llvm::createStringError(
              "the ranks of the stage of rank " + llvm::Twine(first) +
              " took part in " + llvm::Twine(log.size()) + " and " +
              llvm::Twine(stage.front().size()) + " collectives");
    }
    return llvm::Error::success();
  }
  std::vector<TransferTraffic> take() { return std::move(rows); }

private:
  llvm::Error addCollective(const PassResult &pass,
                            llvm::ArrayRef<CallLog> stage, int64_t first,
                            size_t index) {
    OpKind kind = stage.front()[index].kind;
    TransferTraffic *row = nullptr;
    // By phase.
    std::map<int32_t, LinkBytes> links;
    std::array<double, kLinkClasses> stated = {0, 0};
    for (auto [member, log] : llvm::enumerate(stage)) {
      int64_t rank = first + int64_t(member);
      if (index >= log.size() || log[index].kind != kind)
        return llvm::createStringError(
            "rank " + llvm::Twine(rank) + " expects " + spell(kind) +
            " as its collective " + llvm::Twine(index) + ", as rank " +
            llvm::Twine(first) + " has, got " +
            (index < log.size() ? spell(log[index].kind) : "none"));
      const CollectiveCall &call = log[index];
      if (call.site < 0 || call.site >= int64_t(pass.transfers.size()))
        return llvm::createStringError(
            "rank " + llvm::Twine(rank) +
            " took part in a collective that is no transfer of the program");
      const Transfer &transfer = pass.transfers[call.site];
      row = &rowOf(transfer);
      row->calls += 1;
      row->payloadBytes += call.payloadBytes;
      double statedPayload = transfer.step.work.message.bytes;
      // The step is for the rows that are expected.
      double scale = statedPayload > 0 ? call.payloadBytes / statedPayload : 0;
      if (kind == OpKind::allToAllV)
        statedPayload = transfer.rowBytes * double(call.rows);
      row->statedPayloadBytes += statedPayload;
      std::array<double, kLinkClasses> its =
          statedBusiest(transfer.step, wiring);
      for (unsigned linkClass = 0; linkClass < kLinkClasses; ++linkClass)
        stated[linkClass] = std::max(stated[linkClass], its[linkClass] * scale);
      for (const SentBytes &sent : call.sent) {
        row->messages += 1;
        LinkBytes &phase = links.try_emplace(sent.phase, wiring).first->second;
        if (sent.to == SentBytes::kSwitch) {
          row->sentBytes[0] += sent.bytes;
          phase.port(rank, /*up=*/true, sent.bytes);
          phase.port(rank, /*up=*/false, call.fromSwitchBytes);
          continue;
        }
        row->sentBytes[classOf(wiring, rank, sent.to)] += sent.bytes;
        phase.send(rank, sent.to, sent.bytes);
      }
    }
    // A receiver's share of a message is its sender's.
    if (kind == OpKind::receive || wiring.rankGrid().isFabric)
      return llvm::Error::success();
    for (unsigned linkClass = 0; linkClass < kLinkClasses; ++linkClass) {
      row->statedBusiestBytes[linkClass] += stated[linkClass];
      for (const auto &[phase, bytes] : links)
        row->busiestBytes[linkClass] += bytes.busiest(linkClass);
    }
    return llvm::Error::success();
  }

  TransferTraffic &rowOf(const Transfer &transfer) {
    auto known = llvm::find_if(rows, [&](const TransferTraffic &row) {
      return row.op == transfer.op && row.algorithm == transfer.step.algorithm;
    });
    if (known != rows.end())
      return *known;
    TransferTraffic &row = rows.emplace_back();
    row.op = transfer.op;
    row.algorithm = transfer.step.algorithm;
    return row;
  }

  const Wiring &wiring;
  std::vector<TransferTraffic> rows;
};

} // namespace

bool TransferTraffic::movesWhatItStates() const {
  return std::abs(payloadBytes - statedPayloadBytes) <=
         1e-9 * std::max(payloadBytes, statedPayloadBytes);
}

llvm::Expected<std::vector<TransferTraffic>>
portolan::trafficOf(llvm::ArrayRef<PassResult> passes, const Wiring &wiring) {
  Collector collector(wiring);
  for (const PassResult &pass : passes)
    if (llvm::Error error = collector.add(pass))
      return std::move(error);
  return collector.take();
}
