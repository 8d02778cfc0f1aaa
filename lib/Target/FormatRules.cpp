//===- FormatRules.cpp - number formats against a machine -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values, refusals and repair of weight_format, activation_format and
// kv_format. A format is legal if the machine reads its storage and its matmul
// engine computes it, or a format that it widens to.
//
//===----------------------------------------------------------------------===//

#include "portolan/Target/SpaceRules.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// The pair of a storage format, if the machine reads and computes it.
std::optional<FormatPair> pairFor(Format storage, const Machine &machine) {
  if (!machine.reads(storage))
    return std::nullopt;
  if (std::optional<Format> compute = machine.computeFormatFor(storage))
    return FormatPair{storage, *compute};
  return std::nullopt;
}

/// The first contraction of the model's planned weights that is no multiple of
/// the step in which the matmul engine takes `compute`; 0 if all are.
int64_t brokenContraction(const ModelShape &model, const Machine &machine,
                          Format compute) {
  const Engine *matmul = machine.findEngine(EngineKind::matmul);
  int64_t step = matmul ? matmul->contractionStep[unsigned(compute)] : 1;
  if (!matmul || step <= matmul->contractionTile)
    return 0;
  for (const LayerShape &layer : model.layers)
    for (const ModelOp &op : layer.ops) {
      bool feedsForward =
          op.local.kind == OpKind::mlp || op.local.kind == OpKind::experts;
      if (!feedsForward && op.local.kind != OpKind::linear)
        continue;
      if (op.local.inner % step)
        return op.local.inner;
      if (feedsForward && op.local.outer % step)
        return op.local.outer;
    }
  return 0;
}

/// The pair of a storage format for weights, which are laid out in whole
/// contraction steps.
std::optional<FormatPair> weightPairFor(Format storage,
                                        const PlanContext &context) {
  std::optional<FormatPair> pair = pairFor(storage, context.machine);
  if (pair && brokenContraction(context.model, context.machine, pair->compute))
    return std::nullopt;
  return pair;
}

/// `storage` or the first wider step of the ladder that the machine reads.
std::optional<FormatPair>
widenUntil(Format storage,
           llvm::function_ref<std::optional<FormatPair>(Format)> pairOf) {
  for (std::optional<Format> step = storage; step; step = nextWider(*step))
    if (std::optional<FormatPair> pair = pairOf(*step))
      return pair;
  return std::nullopt;
}

std::optional<FormatPair> widenUntilReadable(Format storage,
                                             const Machine &machine) {
  return widenUntil(storage,
                    [&](Format format) { return pairFor(format, machine); });
}

bool isNarrower(Format a, Format b) {
  return bitsPerElement(a) < bitsPerElement(b);
}

/// Shipped storage as this machine keeps it; without any readable step of the
/// ladder the class is empty and says none.
std::optional<FormatPair> addShipped(Format shipped, const Machine &machine,
                                     PlanValues &values) {
  std::optional<FormatPair> pair = widenUntilReadable(shipped, machine);
  values.push_back(pair ? encodeFormats(*pair) : kNone);
  return pair;
}

Format shippedOf(PlanClass planClass, const ModelShape &model) {
  switch (planClass) {
  case PlanClass::activationFormat:
    return model.shippedActivation;
  case PlanClass::kvFormat:
    return model.shippedCache;
  default:
    return model.shippedWeight;
  }
}

/// "f32, bf16, fp8".
std::string listNative(const Engine &engine) {
  std::string text;
  for (Format format : kAllFormats)
    if (engine.computes(format))
      text += (text.empty() ? "" : ", ") + spell(format).str();
  return text;
}

double narrowestBits(llvm::function_ref<bool(Format)> accepts) {
  double bits = 0;
  for (Format format : kAllFormats)
    if (accepts(format) && (bits == 0 || bitsPerElement(format) < bits))
      bits = bitsPerElement(format);
  return bits;
}

} // namespace

void portolan::addWeightFormats(const PlanContext &context,
                                PlanValues &values) {
  Format shipped = context.model.shippedWeight;
  auto pairOf = [&](Format format) { return weightPairFor(format, context); };
  std::optional<FormatPair> kept = widenUntil(shipped, pairOf);
  values.push_back(kept ? encodeFormats(*kept) : kNone);
  if (context.workload.formats != FormatPolicy::any)
    return;
  for (Format format : kAllFormats)
    if (isNarrower(format, shipped))
      if (std::optional<FormatPair> pair = pairOf(format))
        values.push_back(encodeFormats(*pair));
}

void portolan::addActivationFormats(const PlanPoint &prefix,
                                    const PlanContext &context,
                                    PlanValues &values) {
  if (prefix.get(PlanClass::weightFormat) == kNone) {
    values.push_back(kNone);
    return;
  }
  Format compute = prefix.formats(PlanClass::weightFormat).compute;
  std::optional<FormatPair> kept =
      widenUntilReadable(context.model.shippedActivation, context.machine);
  if (!kept) {
    values.push_back(kNone);
    return;
  }
  values.push_back(encodeFormats({kept->storage, compute}));
  if (context.workload.formats != FormatPolicy::any)
    return;
  // The steps from the compute format upwards, listed widest first.
  llvm::SmallVector<Format, 4> ladder;
  for (std::optional<Format> step = compute; step; step = nextWider(*step))
    if (isNarrower(*step, kept->storage) && context.machine.reads(*step))
      ladder.push_back(*step);
  for (Format step : llvm::reverse(ladder))
    values.push_back(encodeFormats({step, compute}));
  // Where narrow weights are computed wider, activations may be kept and sent
  // as 8-bit checkpoints have them, whatever this model ships.
  Format weight = prefix.formats(PlanClass::weightFormat).storage;
  if (bitsPerElement(weight) <= 8 && isNarrower(Format::fp8, compute) &&
      isNarrower(Format::fp8, kept->storage) &&
      context.machine.reads(Format::fp8))
    values.push_back(encodeFormats({Format::fp8, compute}));
}

void portolan::addCacheFormats(const PlanContext &context, PlanValues &values) {
  if (context.model.heads == 0) {
    values.push_back(kNone);
    return;
  }
  Format shipped = context.model.shippedCache;
  addShipped(shipped, context.machine, values);
  // Attention kernels over a narrower cache are published for fp8.
  if (context.workload.formats == FormatPolicy::any &&
      isNarrower(Format::fp8, shipped))
    if (std::optional<FormatPair> pair = pairFor(Format::fp8, context.machine))
      values.push_back(encodeFormats(*pair));
}

Refusal portolan::refuseFormat(PlanClass planClass, PlanValue value,
                               const PlanPoint &prefix,
                               const PlanContext &context) {
  const Machine &machine = context.machine;
  StringRef op = planClass == PlanClass::kvFormat
                     ? attentionOp(context.model)
                     : feedForwardOp(context.model);
  if (value < 0 || value / 16 >= int32_t(kNumFormats) ||
      value % 16 >= int32_t(kNumFormats))
    return refuseUnavailable(
        planClass, value, "matmuls read operands, so a format is needed", op);
  FormatPair pair = decodeFormats(value);
  bool reads = machine.reads(pair.storage);
  const Engine *matmul = machine.findEngine(EngineKind::matmul);
  if (!matmul || !matmul->computes(pair.compute)) {
    std::string native = matmul ? listNative(*matmul) : "nothing";
    return refuse("format_not_native",
                  Twine("the matmul engine computes ") + native + ", not " +
                      spell(pair.compute) +
                      (reads ? "" : ", and no kernel reads it as storage"),
                  matmul ? StringRef(matmul->name) : StringRef("matmul engine"),
                  bitsPerElement(pair.compute),
                  matmul ? narrowestBits([&](Format format) {
                    return matmul->computes(format);
                  })
                         : 0,
                  "bits/element", op);
  }
  if (!reads)
    return refuse(
        "format_not_readable",
        Twine("no published kernel of this machine reads ") +
            spell(pair.storage),
        "storage formats", bitsPerElement(pair.storage),
        narrowestBits([&](Format format) { return machine.reads(format); }),
        "bits/element", op);

  if (int64_t contraction =
          planClass == PlanClass::weightFormat
              ? brokenContraction(context.model, machine, pair.compute)
              : 0) {
    int64_t step = matmul->contractionStep[unsigned(pair.compute)];
    return refuse("tile_padding",
                  Twine("the matmul engine takes ") + spell(pair.compute) +
                      " in contractions of " + Twine(step) +
                      ", which do not divide " + Twine(contraction),
                  matmul->name, double(step), double(contraction), "elements",
                  op);
  }

  if (planClass == PlanClass::activationFormat &&
      pair.compute != prefix.formats(PlanClass::weightFormat).compute)
    return refuseUnavailable(
        planClass, value,
        Twine(
            "both operands of a matmul are computed in the weights' format, ") +
            spell(prefix.formats(PlanClass::weightFormat).compute),
        op);
  Format shipped = shippedOf(planClass, context.model);
  if (isNarrower(shipped, pair.storage))
    return refuseUnavailable(planClass, value,
                             Twine("wider than the shipped ") + spell(shipped) +
                                 ", which holds the same values",
                             op);
  if (context.workload.formats == FormatPolicy::asShipped &&
      pair.storage != shipped)
    return refuseUnavailable(planClass, value,
                             Twine("formats are as shipped: ") + spell(shipped),
                             op);
  if (std::optional<Format> compute = machine.computeFormatFor(pair.storage);
      planClass != PlanClass::activationFormat && compute &&
      *compute != pair.compute)
    return refuseUnavailable(planClass, value,
                             Twine(spell(pair.storage)) + " is computed in " +
                                 spell(*compute) +
                                 ", the narrowest native format that holds it",
                             op);
  return refuseUnavailable(planClass, value,
                           Twine(spell(pair.storage)) +
                               " is not a step between the shipped " +
                               spell(shipped) + " and " + spell(pair.compute),
                           op);
}

PlanValue portolan::repairFormat(PlanValue value, ArrayRef<PlanValue> values) {
  if (llvm::is_contained(values, value))
    return value;
  if (value >= 0)
    for (std::optional<Format> step = decodeFormats(value).storage; step;
         step = nextWider(*step))
      for (PlanValue candidate : values)
        if (candidate >= 0 && decodeFormats(candidate).storage == *step)
          return candidate;
  // Wider than everything legal: the shipped storage holds the same values.
  return values.front();
}
