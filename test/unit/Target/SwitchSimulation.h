//===- SwitchSimulation.h - messages through a switch, one by one -*- C++
//-*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The reference of closed formulas: every message takes its place in the queue
// of the port that sends it and of the port that receives it, each of which
// passes one at a time at its rate; a sender starts its next message a gap
// after the one before has left. Messages wait for those that they depend on.
// The switch itself is without limits. Ports of several tiers are independent.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_TARGET_SWITCHSIMULATION_H
#define PORTOLAN_TEST_UNIT_TARGET_SWITCHSIMULATION_H

#include "portolan/Machine/Machine.h"
#include <algorithm>
#include <map>
#include <queue>
#include <vector>

namespace portolan::test {

class SwitchSimulation {
public:
  explicit SwitchSimulation(const Machine &machine) : machine(machine) {}

  /// The number of a message that `from` sends after those that it was given
  /// before on this tier, and after `needed` have arrived.
  size_t send(int64_t from, int64_t to, double bytes, unsigned tier,
              std::vector<size_t> needed = {}) {
    messages.push_back({from, to, bytes, tier, std::move(needed)});
    return messages.size() - 1;
  }

  /// Seconds until everything has arrived, starts not counted.
  double seconds() const;

  /// Bytes that the fullest port of a tier sends or receives.
  double fullestPort(unsigned tier) const {
    std::map<std::pair<int64_t, bool>, double> ports;
    double most = 0;
    for (const Message &message : messages)
      if (message.tier == tier)
        for (auto [rank, sends] :
             {std::pair(message.from, true), std::pair(message.to, false)})
          most = std::max(most, ports[{rank, sends}] += message.bytes);
    return most;
  }

private:
  struct Message {
    int64_t from, to;
    double bytes;
    unsigned tier;
    std::vector<size_t> needed;
  };

  const Machine &machine;
  std::vector<Message> messages;
};

inline double SwitchSimulation::seconds() const {
  using Port = std::pair<int64_t, unsigned>; // rank and tier
  std::map<Port, std::vector<size_t>> queues;
  for (size_t i = 0; i < messages.size(); ++i)
    queues[{messages[i].from, messages[i].tier}].push_back(i);
  std::map<Port, double> sends, receives;
  std::map<Port, size_t> next;
  std::vector<double> arrival(messages.size(), -1);
  std::vector<std::vector<Port>> waiting(messages.size());
  // Heads of queues by the time at which they may start.
  using Event = std::pair<double, Port>;
  std::priority_queue<Event, std::vector<Event>, std::greater<Event>> events;
  auto offer = [&](const Port &port) {
    std::vector<size_t> &queue = queues[port];
    if (next[port] == queue.size())
      return;
    double ready = sends[port];
    for (size_t needed : messages[queue[next[port]]].needed) {
      if (arrival[needed] < 0) {
        waiting[needed].push_back(port);
        return;
      }
      ready = std::max(ready, arrival[needed]);
    }
    events.push({ready, port});
  };
  for (auto &queue : queues)
    offer(queue.first);
  double last = 0;
  while (!events.empty()) {
    auto [ready, port] = events.top();
    events.pop();
    size_t index = queues[port][next[port]++];
    const Message &message = messages[index];
    const Link &link = machine.links[message.tier];
    double rate =
        link.bandwidthBytesPerSecond.nominal() * link.efficiency.nominal();
    double latency = link.latencySeconds.nominal();
    double &inlet = receives[{message.to, message.tier}];
    double begin = std::max(ready + latency, inlet);
    double end = begin + message.bytes / rate;
    inlet = arrival[index] = end;
    sends[port] = end - latency + link.messageGapSeconds.nominal();
    last = std::max(last, end);
    offer(port);
    for (const Port &other : waiting[index])
      offer(other);
  }
  return last;
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_TARGET_SWITCHSIMULATION_H
