//===- Estimate.cpp - the only price --------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The process is stated in Estimate.h. No constant of a machine is here.
//
//===----------------------------------------------------------------------===//

#include "portolan/Analysis/Estimate.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace portolan;

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double valueOr(const std::optional<Quantity> &quantity, Corner corner,
               double otherwise) {
  return quantity ? quantity->at(corner) : otherwise;
}

/// A format's own figure, or that of the widest listed format: an efficiency
/// that is given once holds for all.
double
byFormat(const std::array<std::optional<Quantity>, kNumFormats> &quantities,
         Format format, Corner corner) {
  if (const std::optional<Quantity> &own = quantities[unsigned(format)])
    return own->at(corner);
  for (Format other : {Format::bf16, Format::fp16, Format::f32})
    if (const std::optional<Quantity> &wide = quantities[unsigned(other)])
      return wide->at(corner);
  return kUnknown;
}

/// Rate of an engine that is not bound to a matmul format.
double plainRate(const Engine *engine, Corner corner) {
  if (!engine)
    return kUnknown;
  for (Format format : {Format::f32, Format::bf16, Format::fp16})
    if (const auto &peak = engine->peakOperationsPerSecond[unsigned(format)]) {
      const auto &efficiency = engine->efficiency[unsigned(format)];
      return peak->at(corner) * valueOr(efficiency, corner, 1);
    }
  return kUnknown;
}

/// Seconds of `amount` at `rate`; nothing to do takes no time, whatever is
/// known.
double timeOf(double amount, double rate) {
  return amount > 0 ? amount / rate : 0;
}

/// std::max that does not lose an unknown.
double latest(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return kUnknown;
  return std::max(a, b);
}

} // namespace

llvm::StringRef portolan::spell(Bound bound) {
  constexpr llvm::StringLiteral names[] = {"compute", "memory", "link",
                                           "latency", "launch"};
  return names[unsigned(bound)];
}

void Parts::add(const Parts &other, double times) {
  computeSeconds += times * other.computeSeconds;
  memorySeconds += times * other.memorySeconds;
  linkSeconds += times * other.linkSeconds;
  latencySeconds += times * other.latencySeconds;
  paddingSeconds += times * other.paddingSeconds;
  imbalanceSeconds += times * other.imbalanceSeconds;
  launchSeconds += times * other.launchSeconds;
}

void Parts::scale(double factor) {
  Parts copy = *this;
  *this = Parts();
  add(copy, factor);
}

void portolan::forEachPart(
    const Parts &parts,
    llvm::function_ref<void(llvm::StringRef, double)> visit) {
  visit("compute", parts.computeSeconds);
  visit("memory", parts.memorySeconds);
  visit("link", parts.linkSeconds);
  visit("latency", parts.latencySeconds);
  visit("padding", parts.paddingSeconds);
  visit("imbalance", parts.imbalanceSeconds);
  visit("launch", parts.launchSeconds);
}

PricedMachine::PricedMachine(const Machine &machine, Corner corner)
    : source(&machine), pricedCorner(corner) {
  const Engine *matmul = machine.findEngine(EngineKind::matmul);
  for (Format format : kAllFormats) {
    double rate = kUnknown;
    if (matmul && matmul->computes(format))
      rate = matmul->peakOperationsPerSecond[unsigned(format)]->at(corner) *
             byFormat(matmul->efficiency, format, corner);
    matmulRate[unsigned(format)] = rate;
  }
  vectorRate = plainRate(machine.findEngine(EngineKind::vector), corner);
  transcendentalRate =
      plainRate(machine.findEngine(EngineKind::transcendental), corner);
  const Engine *gather = machine.findEngine(EngineKind::gather);
  gatherRate = plainRate(gather, corner);
  saturatingBytes =
      gather ? valueOr(gather->saturatingBytes, corner, kUnknown) : kUnknown;
  for (const Memory &memory : machine.memories) {
    auto &rates = memoryRate.emplace_back();
    double peak = valueOr(memory.bandwidthBytesPerSecond, corner, kUnknown);
    for (Format format : kAllFormats)
      rates[unsigned(format)] =
          peak * byFormat(memory.efficiency, format, corner);
  }
  for (const Link &link : machine.links) {
    double efficiency = link.efficiency.at(corner);
    LinkRate rate = {link.bandwidthBytesPerSecond.at(corner) * efficiency,
                     link.latencySeconds.at(corner),
                     link.startSeconds.at(corner),
                     link.messageGapSeconds.at(corner),
                     valueOr(link.reductionGain, corner, kUnknown),
                     valueOr(link.computeTax, corner, 0),
                     valueOr(link.memoryTax, corner, 0),
                     {kUnknown, kUnknown, kUnknown}};
    for (auto [own, axis] :
         llvm::zip(rate.axisBytesPerSecond, link.axisBandwidthBytesPerSecond))
      own = axis.at(corner) * efficiency;
    links.push_back(rate);
  }
  kernelLaunch = valueOr(machine.kernelLaunchSeconds, corner, kUnknown);
  stepOverhead = valueOr(machine.stepOverheadSeconds, corner, kUnknown);
  capacity = machine.memories.empty()
                 ? kUnknown
                 : machine.memories.front().capacityBytes.at(corner);
  reserve = capacity * valueOr(machine.reserveFraction, corner, kUnknown);
}

PricedMachine::KernelTimes PricedMachine::kernelTimes(const Step &step,
                                                      bool overlapped) const {
  const Work &work = step.work;
  bool shares = overlapped && !links.empty();
  double tax = shares ? links.front().computeTax : 0.0;
  double memoryShare = step.share * (shares ? 1 - links.front().memoryTax : 1);
  // Of the chip's units, those that neither idle nor communicate.
  double busy = step.share * (1 - tax);
  double matmul = matmulRate[unsigned(work.compute)] * busy;
  KernelTimes times;
  times.useful = timeOf(work.matmulOperations, matmul);
  times.issued =
      timeOf(std::max(step.issuedOperations, work.matmulOperations), matmul);
  times.vector =
      latest(timeOf(work.vectorOperations + step.dequantizeOperations,
                    vectorRate * busy),
             timeOf(work.transcendentalOperations, transcendentalRate * busy));

  const auto &rates = memoryRate[step.memoryLevel];
  double activations = timeOf(work.activationInBytes + work.activationOutBytes -
                                  step.residentBytes,
                              memoryRate.front()[unsigned(Format::bf16)]);
  times.memory =
      (timeOf(work.weightBytes, rates[unsigned(work.weightStorage)]) +
       timeOf(work.cacheReadBytes + work.cacheWriteBytes,
              rates[unsigned(work.cacheStorage)]) +
       activations) /
      memoryShare;
  times.activations = activations / memoryShare;

  times.body = latest(latest(times.issued, times.memory), times.vector);
  if (step.transferBytes > 0) {
    // Each byte is moved once, by transfers that may be too small.
    double filled = std::min(1.0, step.transferBytes / saturatingBytes);
    if (std::isnan(saturatingBytes))
      filled = kUnknown;
    double gather = timeOf(std::max({work.weightBytes, work.activationInBytes,
                                     work.activationOutBytes}),
                           gatherRate * filled * memoryShare);
    times.body = latest(times.body, gather);
    if (times.body == gather && times.body != times.memory)
      times.memory = times.activations = gather;
  }
  return times;
}

double PricedMachine::computeSeconds(const Step &step, bool overlapped,
                                     Parts &parts) const {
  auto [useful, issued, vector, memory, activations, body] =
      kernelTimes(step, overlapped);
  double launch = timeOf(step.kernels, 1 / kernelLaunch);
  double slack = 1 - step.balance;
  if (body == issued) {
    parts.computeSeconds += useful * step.balance;
    parts.imbalanceSeconds += useful * slack;
    parts.paddingSeconds += issued - useful;
  } else if (body == memory) {
    // Only activations shrink on a rank with fewer rows.
    parts.memorySeconds += memory - activations * slack;
    parts.imbalanceSeconds += activations * slack;
  } else {
    parts.computeSeconds += body * step.balance;
    parts.imbalanceSeconds += body * slack;
  }
  parts.launchSeconds += launch;
  return body + launch + unitTransferSeconds(step, body, parts);
}

double PricedMachine::unitTransferSeconds(const Step &step, double body,
                                          Parts &parts) const {
  const LinkLoad &load = step.load;
  if (load.starts == 0)
    return 0;
  if (step.linkTier >= links.size())
    return kUnknown;
  const LinkRate &link = links[step.linkTier];
  double transfer = timeOf(load.bottleneckBytes, link.bytesPerSecond) +
                    axisTransferSeconds(load, link);
  // What streams is beside the computation.
  if (step.streamed)
    transfer = latest(0, transfer - body);
  double latency = latencyOf(load, link);
  parts.linkSeconds += transfer;
  parts.latencySeconds += latency;
  return transfer + latency;
}

double PricedMachine::axisTransferSeconds(const LinkLoad &load,
                                          const LinkRate &link) {
  double seconds = 0;
  for (auto [bytes, rate] :
       llvm::zip_equal(load.axisBytes, link.axisBytesPerSecond))
    seconds += timeOf(bytes, rate);
  return seconds;
}

double PricedMachine::latencyOf(const LinkLoad &load, const LinkRate &link) {
  return load.starts * link.start + load.hops * link.latency +
         std::max(0.0, load.extraMessages) * link.gap;
}

double PricedMachine::tierSeconds(const Step &step, const LinkLoad &load,
                                  unsigned tier, Parts &parts) const {
  if (load.starts == 0)
    return 0;
  if (tier >= links.size())
    return kUnknown;
  const LinkRate &link = links[tier];
  double bytes = load.bottleneckBytes;
  if (step.algorithm == Algorithm::inNetwork && tier == step.linkTier) {
    // The measured gain over a ring bounds what the switch saves.
    const Message &message = step.work.message;
    double n = double(message.group.size);
    bytes =
        std::max(bytes, 2 * message.bytes * (n - 1) / n / link.reductionGain);
    if (std::isnan(link.reductionGain))
      bytes = kUnknown;
  }
  double transfer =
      timeOf(bytes, link.bytesPerSecond) + axisTransferSeconds(load, link);
  if (std::isnan(bytes))
    transfer = kUnknown;
  double latency = latencyOf(load, link);
  parts.linkSeconds += transfer * step.balance;
  parts.imbalanceSeconds += transfer * (1 - step.balance);
  parts.latencySeconds += latency;
  return transfer + latency;
}

double PricedMachine::linkSeconds(const Step &step, Parts &parts) const {
  return tierSeconds(step, step.load, step.linkTier, parts) +
         tierSeconds(step, step.outerLoad, step.linkTier + 1, parts);
}

double PricedMachine::prefetchSeconds(const Step &step, bool overlapped) const {
  unsigned nearer = step.memoryLevel + 1;
  if (nearer >= source->memories.size())
    return 0;
  double fits = source->memories[nearer].capacityBytes.at(pricedCorner);
  double streamed =
      std::min(fits, step.work.weightBytes) /
      memoryRate[step.memoryLevel][unsigned(step.work.weightStorage)];
  // What the computation takes is not saved by weights that are there already.
  KernelTimes times = kernelTimes(step, overlapped);
  double exposed = times.memory - latest(times.issued, times.vector);
  return std::min(streamed, std::max(0.0, exposed));
}

double PricedMachine::stepSeconds(const Step &step, bool overlapped,
                                  Parts &parts) const {
  return isCommunication(step.kind) ? linkSeconds(step, parts)
                                    : computeSeconds(step, overlapped, parts);
}

std::string PricedMachine::missing(llvm::ArrayRef<Step> steps) const {
  auto name = [&](llvm::StringRef what) {
    return "machine '" + source->name + "': " + what.str() + " is unknown";
  };
  for (const Step &step : steps) {
    Parts parts;
    if (isCommunication(step.kind)) {
      unsigned last = step.linkTier + (step.outerLoad.starts > 0 ? 1 : 0);
      if (last >= links.size())
        return name("link tier " + std::to_string(last));
      if (std::isnan(linkSeconds(step, parts)))
        return name(step.algorithm == Algorithm::inNetwork
                        ? "in-network reduction gain"
                        : "link " + source->links[step.linkTier].name);
      continue;
    }
    if (step.memoryLevel >= memoryRate.size())
      return name("memory level " + std::to_string(step.memoryLevel));
    if (!std::isnan(computeSeconds(step, false, parts)))
      continue;
    const Work &work = step.work;
    if (work.matmulOperations > 0 &&
        std::isnan(matmulRate[unsigned(work.compute)]))
      return name("matmul rate in " + spell(work.compute).str());
    if (std::isnan(vectorRate))
      return name("vector rate");
    if (std::isnan(transcendentalRate))
      return name("transcendental rate");
    if (std::isnan(kernelLaunch))
      return name("kernel launch time");
    if (step.transferBytes > 0 && std::isnan(gatherRate / saturatingBytes))
      return name("gather rate or its saturating bytes");
    if (step.load.starts > 0 && std::isnan(unitTransferSeconds(step, 0, parts)))
      return name("link tier " + std::to_string(step.linkTier));
    return name("bandwidth of " + source->memories[step.memoryLevel].name);
  }
  return "";
}

Estimate portolan::estimate(llvm::ArrayRef<Step> steps,
                            const PricedMachine &machine) {
  Estimate result;
  bool overlapped = false;
  for (const Step &step : steps)
    overlapped |= step.microBatch != 0;

  // Time at which a queue is free and at which a micro-batch may go on. Queue 0
  // is the chip's compute, the others are link tiers.
  std::array<double, 4> free = {0, 0, 0, 0};
  std::array<double, 2> ready = {0, 0};
  double serial = 0;
  // Communication since the body began or weights were last prefetched: the
  // memory port is idle meanwhile.
  double precedingTransfer = 0;
  for (const Step &step : steps) {
    Parts parts;
    double duration = machine.stepSeconds(step, overlapped, parts);
    if (step.prefetched && precedingTransfer > 0) {
      // What fits into the nearer memory was streamed meanwhile, with the
      // bandwidth that the communication left.
      double beside = precedingTransfer * machine.memoryShareBesideLinks();
      double hidden = std::min({beside, parts.memorySeconds,
                                machine.prefetchSeconds(step, overlapped)});
      parts.memorySeconds -= hidden;
      duration -= hidden;
      precedingTransfer = 0;
    }
    bool communicates = isCommunication(step.kind);
    if (communicates && !overlapped)
      precedingTransfer += duration;
    double &queue = free[communicates ? 1 + step.linkTier : 0];
    double begin = std::max(queue, ready[step.microBatch]);
    queue = ready[step.microBatch] = begin + duration;
    serial += duration;
    result.parts.add(parts);
  }
  result.seconds = std::max(ready[0], ready[1]);
  // Overlapped parts are scaled so that they sum to the time that passes.
  if (serial > 0 && overlapped)
    result.parts.scale(result.seconds / serial);
  const Parts &parts = result.parts;
  double compute =
      parts.computeSeconds + parts.paddingSeconds + parts.imbalanceSeconds;
  std::array<double, 5> bounds = {compute, parts.memorySeconds,
                                  parts.linkSeconds, parts.latencySeconds,
                                  parts.launchSeconds};
  result.bound =
      Bound(std::max_element(bounds.begin(), bounds.end()) - bounds.begin());
  return result;
}
