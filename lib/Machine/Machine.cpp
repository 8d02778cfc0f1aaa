//===- Machine.cpp - queries of a machine ------------------------------------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Machine/Machine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using namespace portolan;

llvm::StringRef portolan::spell(EngineKind kind) {
  static constexpr llvm::StringLiteral kNames[kNumEngineKinds] = {
      "matmul", "vector", "transcendental", "gather"};
  return kNames[unsigned(kind)];
}

llvm::StringRef portolan::spell(Confidence confidence) {
  static constexpr llvm::StringLiteral kNames[] = {"V",   "V3", "M", "P",
                                                   "mem", "E",  "D", "assumed"};
  return kNames[unsigned(confidence)];
}

const Engine *Machine::findEngine(EngineKind kind) const {
  for (const Engine &engine : engines)
    if (engine.kind == kind)
      return &engine;
  return nullptr;
}

llvm::Expected<const Engine *> Machine::engine(EngineKind kind) const {
  if (const Engine *found = findEngine(kind))
    return found;
  return llvm::createStringError(llvm::Twine("machine '") + name +
                                 "': expects an engine of kind '" +
                                 spell(kind) + "', got none");
}

const StorageFormat *Machine::findStorageFormat(Format format) const {
  for (const StorageFormat &storage : storageFormats)
    if (storage.format == format)
      return &storage;
  return nullptr;
}

ElementFormat Machine::fp8Encoding() const {
  const StorageFormat *storage = findStorageFormat(Format::fp8);
  return storage && storage->encoding ? *storage->encoding
                                      : ElementFormat::e4m3fn;
}

/// Whether every value of a block of `storage` is one of `compute`, up to the
/// scale: fp4 elements are fp8 ones, and integers of n bits need n - 1 bits of
/// mantissa and sign. A format with other block scales is not a cast away.
static bool holds(Format compute, Format storage) {
  if (compute == storage || compute == Format::f32)
    return true;
  switch (storage) {
  case Format::f32:
  case Format::bf16:
  case Format::fp16:
    return false;
  case Format::fp8:
  case Format::mxfp8:
  case Format::int8:
    return compute == Format::bf16 || compute == Format::fp16;
  case Format::nvfp4:
  case Format::mxfp4:
    return compute == Format::fp8 || compute == Format::bf16 ||
           compute == Format::fp16;
  case Format::int4:
    return compute == Format::fp8 || compute == Format::int8 ||
           compute == Format::bf16 || compute == Format::fp16;
  }
  return false;
}

std::optional<Format> Machine::computeFormatFor(Format storage) const {
  const Engine *matmul = findEngine(EngineKind::matmul);
  if (!matmul)
    return std::nullopt;
  auto peak = [&](Format format) {
    return matmul->peakOperationsPerSecond[unsigned(format)]->nominal();
  };
  std::optional<Format> best;
  for (Format candidate : kAllFormats) {
    if (!matmul->computes(candidate) || !holds(candidate, storage))
      continue;
    // Equally narrow formats: the faster one, then the first of the list.
    if (!best || bitsPerElement(candidate) < bitsPerElement(*best) ||
        (bitsPerElement(candidate) == bitsPerElement(*best) &&
         peak(candidate) > peak(*best)))
      best = candidate;
  }
  return best;
}

llvm::Expected<const Quantity *>
portolan::require(const Machine &machine,
                  const std::optional<Quantity> &quantity,
                  llvm::StringRef what) {
  if (quantity)
    return &*quantity;
  return llvm::createStringError(llvm::Twine("machine '") + machine.name +
                                 "': " + what + " is unknown");
}

//===----------------------------------------------------------------------===//
// The walk over all figures
//===----------------------------------------------------------------------===//

void portolan::forEachQuantity(
    Machine &machine,
    llvm::function_ref<void(llvm::StringRef path, Quantity &)> visit) {
  auto visitOne = [&](const llvm::Twine &path, Quantity &quantity) {
    visit(path.str(), quantity);
  };
  auto visitOptional = [&](const llvm::Twine &path,
                           std::optional<Quantity> &quantity) {
    if (quantity)
      visit(path.str(), *quantity);
  };
  auto visitFormats =
      [&](const llvm::Twine &path,
          std::array<std::optional<Quantity>, kNumFormats> &quantities) {
        std::string prefix = path.str();
        for (Format format : kAllFormats)
          visitOptional(llvm::Twine(prefix) + "." + spell(format),
                        quantities[unsigned(format)]);
      };

  for (Engine &engine : machine.engines) {
    std::string path = "engine." + spell(engine.kind).str();
    visitFormats(path + ".peak", engine.peakOperationsPerSecond);
    visitFormats(path + ".efficiency", engine.efficiency);
    visitOptional(path + ".saturating_bytes", engine.saturatingBytes);
  }
  for (Memory &memory : machine.memories) {
    std::string path = "memory." + memory.name;
    visitOne(path + ".capacity", memory.capacityBytes);
    visitOptional(path + ".bandwidth", memory.bandwidthBytesPerSecond);
    visitFormats(path + ".efficiency", memory.efficiency);
  }
  for (Link &link : machine.links) {
    std::string path = "link." + link.name;
    visitOne(path + ".bandwidth", link.bandwidthBytesPerSecond);
    for (auto [axis, quantity] :
         llvm::enumerate(link.axisBandwidthBytesPerSecond))
      visitOne(path + ".axis_bandwidth." + std::to_string(axis), quantity);
    visitOne(path + ".efficiency", link.efficiency);
    visitOne(path + ".latency", link.latencySeconds);
    visitOne(path + ".start", link.startSeconds);
    visitOne(path + ".message_gap", link.messageGapSeconds);
    visitOptional(path + ".reduction_gain", link.reductionGain);
    visitOptional(path + ".compute_tax", link.computeTax);
    visitOptional(path + ".memory_tax", link.memoryTax);
  }
  if (machine.collectives) {
    visitOne("collectives.mesh_limit", machine.collectives->meshLimitBytes);
    visitOne("collectives.doubling_limit",
             machine.collectives->doublingLimitBytes);
  }
  for (StorageFormat &storage : machine.storageFormats)
    visitOne("storage_format." + spell(storage.format).str() + ".dequantize",
             storage.dequantizeOperationsPerElement);
  visitOptional("overheads.kernel_launch", machine.kernelLaunchSeconds);
  visitOptional("overheads.step", machine.stepOverheadSeconds);
  visitOptional("overheads.reserve", machine.reserveFraction);
  visitOptional("power.per_chip", machine.powerWattsPerChip);
  visitOptional("price.per_chip", machine.priceUsdPerChipHour);
}
