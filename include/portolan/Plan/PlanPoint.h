//===- PlanPoint.h - one value per decision class --------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan in normal form: one value per decision class (design section 6),
// `none` where no op uses the class. Values are small integers with a spelling
// per class, so that a search copies and compares plans as plain data.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_PLAN_PLANPOINT_H
#define PORTOLAN_PLAN_PLANPOINT_H

#include "portolan/Support/Format.h"
#include "llvm/Support/Error.h"
#include <array>
#include <string>

namespace portolan {

struct Topology;

/// The decision classes, in the order of repair.
enum class PlanClass : uint8_t {
  weightFormat,
  activationFormat,
  kvFormat,
  instance,
  pipeline,
  attentionTp,
  attentionCp,
  expertTp,
  placementForm,
  replicas,
  residency,
  dispatchExchange,
  combineExchange,
  reduction,
  overlap,
  batchForm,
  phaseSplit,
  fusion,
  tile,
  speculation,
};
inline constexpr unsigned kNumPlanClasses = 20;
inline constexpr std::array<PlanClass, kNumPlanClasses> allPlanClasses() {
  std::array<PlanClass, kNumPlanClasses> all{};
  for (unsigned i = 0; i < kNumPlanClasses; ++i)
    all[i] = PlanClass(i);
  return all;
}

/// "weight_format", ...: as in plan files and JSON.
llvm::StringRef spell(PlanClass planClass);
std::optional<PlanClass> parsePlanClass(llvm::StringRef name);

/// How the values of a class are written.
enum class PlanValueKind : uint8_t {
  format, ///< "nvfp4/fp8" (storage/compute)
  number, ///< 8; `instance` also takes the words all and domain
  word,   ///< a word of the class
};
PlanValueKind valueKindOf(PlanClass planClass);

/// A value of a class. Numbers are >= 0; words and formats are encoded below 0
/// or as a pair; use the helpers.
using PlanValue = int32_t;
inline constexpr PlanValue kNone = -1; ///< `none`: no op uses the class

// Words. Each is legal for the class it is named after only.
inline constexpr PlanValue kInstanceAll = -2;
inline constexpr PlanValue kInstanceDomain = -3;
enum class PlacementForm : PlanValue { distributed = 0, spatial };
enum class Residency : PlanValue { hbm = 0, hbmPrefetch, sram, host };
enum class Exchange : PlanValue {
  allToAll = 0,  ///< dispatch: ragged rows to their experts; combine: back
  allGather,     ///< dispatch: all rows to all ranks, filtered there
  reduceScatter, ///< combine: partial rows summed and scattered
  hierarchical,  ///< across the domain once per domain, then inside
  multicast,     ///< dispatch: multicast and filter
};
enum class Reduction : PlanValue {
  oneShot = 0,
  ring,
  inNetwork,
  bidirectionalRing,
  kTree,
  mesh,
  recursiveDoubling,
  kangaRing,
};
enum class Overlap : PlanValue { twoBatch = 0, async, dataflow };
enum class Fusion : PlanValue {
  elementwise = 0, ///< row- and element-wise ops join the kernel before them
  block,           ///< all kernels between two transfers are one launch
};

constexpr PlanValue encodeFormats(FormatPair pair) {
  return PlanValue(unsigned(pair.storage) * 16 + unsigned(pair.compute));
}
constexpr FormatPair decodeFormats(PlanValue value) {
  return {Format(value / 16), Format(value % 16)};
}

/// A plan: trivially copyable, compared and hashed as bytes.
struct PlanPoint {
  std::array<PlanValue, kNumPlanClasses> values;

  PlanPoint() { values.fill(kNone); }
  PlanValue get(PlanClass planClass) const {
    return values[unsigned(planClass)];
  }
  void set(PlanClass planClass, PlanValue value) {
    values[unsigned(planClass)] = value;
  }
  /// A number, or 1 for `none`.
  int64_t number(PlanClass planClass) const {
    PlanValue value = get(planClass);
    return value == kNone ? 1 : value;
  }
  /// A count, or 0 for `none`.
  int64_t count(PlanClass planClass) const {
    PlanValue value = get(planClass);
    return value == kNone ? 0 : value;
  }
  FormatPair formats(PlanClass planClass) const {
    return decodeFormats(get(planClass));
  }
  template <typename Word> bool is(PlanClass planClass, Word word) const {
    return get(planClass) == PlanValue(word);
  }
  bool operator==(const PlanPoint &other) const {
    return values == other.values;
  }
  bool operator!=(const PlanPoint &other) const { return !(*this == other); }
};

/// "all", "nvfp4/nvfp4", "8", "two_batch", "none".
std::string spell(PlanClass planClass, PlanValue value);

/// The inverse; an error "class: expects ..., got ...".
llvm::Expected<PlanValue> parsePlanValue(PlanClass planClass,
                                         llvm::StringRef text);

/// The parallel degrees that follow from a plan: how the ranks of one model
/// copy are arranged. Ranks of a stage are numbered with tensor parallelism
/// innermost, then context, then data parallelism; expert-tensor parallelism
/// innermost, then experts.
struct Deployment {
  int64_t chips = 1;     ///< of the shape, idle ones included
  int64_t instance = 1;  ///< chips of one model copy
  int64_t copies = 1;    ///< model copies
  int64_t stages = 1;    ///< pp
  int64_t stageSize = 1; ///< chips of a stage: instance / pp, at least 1
  /// Stages that share the fullest chip: 1 unless stages are regions of chips.
  int64_t stagesPerChip = 1;
  int64_t tp = 1, cp = 1, dp = 1;
  int64_t expertTp = 1, ep = 1;
  /// Ranks of a scale-up domain, where a stage is several whole domains and
  /// each holds whole experts; else 0.
  int64_t stageDomain = 0;
  int64_t microBatches = 1; ///< batch_form; one per stage on wafers
  /// Parts of a micro-batch that attention takes one after another: batch_form
  /// on wafers.
  int64_t attentionTiles = 1;
  /// Stages are regions of wafers, each with one micro-batch.
  bool stagesAreRegions = false;

  /// What the batch form counts follows from what stages are.
  void setBatchForm(int64_t form) {
    microBatches = stagesAreRegions ? stages : form;
    attentionTiles = stagesAreRegions ? form : 1;
  }
};

/// The deployment of `plan` on a topology; an error if the degrees do not
/// divide. On a wafer mesh there may be more stages than chips.
llvm::Expected<Deployment> deploymentOf(const PlanPoint &plan,
                                        const Topology &topology);

/// The same on a switch of `chips` chips with scale-up domains of `domain`
/// chips.
llvm::Expected<Deployment> deploymentOf(const PlanPoint &plan, int64_t chips,
                                        int64_t domain);

} // namespace portolan

#endif // PORTOLAN_PLAN_PLANPOINT_H
