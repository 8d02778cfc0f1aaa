//===- Machine.h - a system as data ----------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The plain data that a machine file (one `machine.system`) states: engines,
// memories, links, topology, overheads, power and price. Every figure carries
// its source and how well it is known. Generic code asks this structure; it
// never asks which machine it is. A figure that is absent is unknown, and
// needing it is an error (require()), never 0.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_MACHINE_MACHINE_H
#define PORTOLAN_MACHINE_MACHINE_H

#include "portolan/Machine/Topology.h"
#include "portolan/Support/Format.h"
#include "portolan/Support/NumberFormats.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace portolan {

/// How well a figure is known, best first. `derived` and `assumed` figures are
/// the leaves that a report lists, with the share of step time resting on them.
enum class Confidence : uint8_t {
  vendor,          ///< V: stated by the vendor.
  vendorThirdHand, ///< V3: a vendor's claim read on a third-party page.
  measured,        ///< Mv, M3: measured.
  paper,           ///< P: published paper.
  memory,          ///< mem: expert knowledge without a page.
  estimated,       ///< E: third-party estimate.
  derived,         ///< D: derived from other figures by a stated formula.
  assumed,         ///< assumed: taken from a sister machine or a stated guess.
};

/// The corner at which everything is priced.
enum class Corner : uint8_t { low, nominal, high };
inline constexpr unsigned kNumCorners = 3;

/// A figure: its three corners (equal unless derived, assumed or disputed),
/// its source and how well it is known. `low` is always the corner that makes
/// the machine slower or smaller: for a latency that is the larger number.
struct Quantity {
  std::array<double, kNumCorners> value = {0, 0, 0};
  Confidence confidence = Confidence::assumed;
  std::string unit;
  std::string source;

  double at(Corner corner) const { return value[unsigned(corner)]; }
  double nominal() const { return at(Corner::nominal); }
  bool isAssumed() const {
    return confidence == Confidence::derived ||
           confidence == Confidence::assumed;
  }
};

/// What an engine of a chip does.
enum class EngineKind : uint8_t { matmul, vector, transcendental, gather };
inline constexpr unsigned kNumEngineKinds = 4;

/// The names as written in machine files ("matmul", "V"); measured is "M".
llvm::StringRef spell(EngineKind kind);
llvm::StringRef spell(Confidence confidence);

/// One kind of execution unit of a chip, all its instances together. A chip
/// has at most one engine of a kind; chiplets and cores inside a chip are
/// counted in.
struct Engine {
  std::string name;
  EngineKind kind = EngineKind::matmul;
  /// operations/s of the whole chip per compute format (matmul: flop/s, a
  /// multiply-add is two; vector and transcendental: results/s; gather:
  /// bytes/s). A format that is not listed is not native.
  std::array<std::optional<Quantity>, kNumFormats> peakOperationsPerSecond;
  /// The fraction of the peak that well-shaped kernels reach, per format.
  std::array<std::optional<Quantity>, kNumFormats> efficiency;
  /// Native tile of a matmul engine in elements: tokens (rows that are padded),
  /// output columns, contraction; empty for the other kinds.
  /// `tokenTiles` lists the token tiles that kernels exist for, ascending.
  llvm::SmallVector<int64_t, 8> tokenTiles;
  int64_t columnTile = 1;
  int64_t contractionTile = 1;
  /// Smallest number of rows that a tile of a format is padded to in the local
  /// memory layout (TPU: 8, 16, 32 sublanes); 1 where there is no such rule.
  std::array<int64_t, kNumFormats> rowGranule = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  /// Contraction of one instruction per format: the contraction tile, or more.
  /// Weights in such a format are laid out in whole steps.
  std::array<int64_t, kNumFormats> contractionStep = {1, 1, 1, 1, 1,
                                                      1, 1, 1, 1};
  /// Gather engine: the smallest transfer that reaches its rate; one of half
  /// the size reaches half of it. Absent: the size of transfers does not
  /// matter.
  std::optional<Quantity> saturatingBytes;
  /// Gather engine: parts of a core's memory, each written by its own
  /// transfers.
  int64_t partitions = 1;
  /// Independent units that share one tile grid (SMs, MXUs), for wave
  /// quantization; 1 if the figure is not known.
  int64_t units = 1;

  bool computes(Format format) const {
    return peakOperationsPerSecond[unsigned(format)].has_value();
  }
};

/// A memory level of a chip. Level 0 of Machine::memories holds weights and
/// cache; further levels are nearer to the engines.
struct Memory {
  std::string name;
  Quantity capacityBytes;
  std::optional<Quantity> bandwidthBytesPerSecond;
  /// Fraction of the bandwidth that streaming kernels reach, per storage
  /// format.
  std::array<std::optional<Quantity>, kNumFormats> efficiency;
};

/// A tier of links. Tier 0 is the scale-up domain (NVLink, ICI, NeuronLink,
/// fabric); tier 1 the scale-out network.
struct Link {
  std::string name;
  /// bytes/s in one direction: of a chip's whole port on a switch, of one link
  /// of one axis on a torus.
  Quantity bandwidthBytesPerSecond;
  /// Torus whose axes differ: per axis. Mesh: of one of its links. Else empty.
  llvm::SmallVector<Quantity, 3> axisBandwidthBytesPerSecond;
  /// Usable fraction of the bandwidth for large messages.
  Quantity efficiency;
  /// Seconds per hop of a message that has been started.
  Quantity latencySeconds;
  /// Seconds to start one collective step on this tier, launch included.
  Quantity startSeconds;
  /// Seconds that the sender spends per extra message of a burst (LogGP g).
  Quantity messageGapSeconds;
  bool inNetworkReduction = false;
  bool multicast = false;
  /// Measured gain of in-network reduction over the best other all-reduce.
  std::optional<Quantity> reductionGain;
  /// Share of a chip's compute units that an overlapped communication takes
  /// (0 where DMA engines do it).
  std::optional<Quantity> computeTax;
  /// Share of a chip's memory bandwidth that a running communication takes (0
  /// or absent where it has engines of its own).
  std::optional<Quantity> memoryTax;
};

/// What the runtime of a machine knows of collectives.
struct CollectiveRules {
  int64_t ranksPerChip = 1;    ///< ranks that the runtime sees on a chip
  int64_t maximumGroups = 0;   ///< communicators of one program
  Quantity meshLimitBytes;     ///< below: all pairs at once
  Quantity doublingLimitBytes; ///< below: recursive doubling; above: rings
};

/// A weight storage format that kernels of this machine can read, beyond what
/// its engines compute: read as `storage`, computed as the narrowest native
/// format no narrower.
struct StorageFormat {
  Format format = Format::bf16;
  /// Vector operations per element to widen it before the matmul; 0 if native.
  Quantity dequantizeOperationsPerElement;
  /// The encoding of 8-bit floats, where the machine file names one.
  std::optional<ElementFormat> encoding = std::nullopt;
};

/// How the part of TARGET after the colon is read.
struct ShapeRule {
  /// What the numbers count: "GPUs", "boards", "chips per axis", "wafers".
  std::string unit;
  /// Chips per unit (a board of eight: 8).
  int64_t chipsPerUnit = 1;
  /// 1 for a plain number, 3 for AxBxC.
  unsigned rank = 1;
  /// The shape meant without a colon; empty if the shape is required.
  llvm::SmallVector<int64_t, 3> defaultShape;
  /// Largest legal value per axis.
  llvm::SmallVector<int64_t, 3> maximum;
  /// Legal values of an axis (any axis); empty: every number up to `maximum`.
  llvm::SmallVector<int64_t, 8> legalAxisSizes;
  /// If an axis is larger than this, every axis is a multiple of it; 0: no
  /// rule.
  int64_t cube = 0;
  /// Largest legal number of chips; 0: no rule.
  int64_t maximumChips = 0;
};

/// One system of one shape.
struct Machine {
  /// Canonical name with its shape: "NAME:4x4x4".
  std::string name;
  /// "switched", "torus", "trainium" or "wafer": selects the dialect.
  std::string family;
  std::string title;
  /// SHA-256 of the machine file's text, in hex.
  std::string sha256;
  bool isDefaultTarget = false;

  ShapeRule shapeRule;
  Topology topology;
  std::vector<Engine> engines;
  std::vector<Memory> memories;
  std::vector<Link> links;
  std::optional<CollectiveRules> collectives;
  std::vector<StorageFormat> storageFormats;

  /// Seconds per kernel launched inside a captured step.
  std::optional<Quantity> kernelLaunchSeconds;
  /// Seconds per step spent by the framework between steps (scheduler,
  /// sampling).
  std::optional<Quantity> stepOverheadSeconds;
  /// Fraction of level-0 memory that the serving stack keeps for itself.
  std::optional<Quantity> reserveFraction;
  /// Watts of the whole system per chip, and dollars per chip and hour.
  std::optional<Quantity> powerWattsPerChip;
  std::optional<Quantity> priceUsdPerChipHour;

  int64_t chips() const { return topology.chips(); }

  /// The engine of a kind; an error that names machine and kind if absent.
  llvm::Expected<const Engine *> engine(EngineKind kind) const;
  const Engine *findEngine(EngineKind kind) const;
  const StorageFormat *findStorageFormat(Format format) const;

  /// Readable as a weight, activation or cache storage format.
  bool reads(Format format) const {
    return findStorageFormat(format) != nullptr;
  }
  /// What fp8 is on this machine: e4m3fn, in which checkpoints ship, unless the
  /// machine file says otherwise.
  ElementFormat fp8Encoding() const;
  /// The narrowest native matmul format that `storage` can be widened to
  /// without loss (fp4 to fp8, int4 to fp8 or int8, 8 bits to 16); of equally
  /// narrow ones the fastest.
  std::optional<Format> computeFormatFor(Format storage) const;
};

/// The value of an optional figure, or an error "machine 'NAME': WHAT is
/// unknown".
llvm::Expected<const Quantity *>
require(const Machine &machine, const std::optional<Quantity> &quantity,
        llvm::StringRef what);

/// Visits every figure of a machine with its dotted path
/// ("engine.matmul.peak.fp8"): printing, property tests and assumed-share use
/// this one walk.
void forEachQuantity(
    Machine &machine,
    llvm::function_ref<void(llvm::StringRef path, Quantity &)> visit);

/// Splits "NAME:4x4x4" into name and shape.
struct TargetName {
  std::string name;
  std::string shape; ///< empty without a colon.
};
TargetName splitTarget(llvm::StringRef target);

/// Loads TARGET: a machine file (an existing path wins) or the name of one that
/// ships, with its shape. Errors name the target, what was expected and what
/// was found.
llvm::Expected<Machine> loadMachine(llvm::StringRef target);

/// As loadMachine, but a required shape that is left out is the one that the
/// file gives as an example: for printing a machine.
llvm::Expected<Machine> describeMachine(llvm::StringRef target);

/// The names of the machines that ship, in the order of the design.
llvm::ArrayRef<llvm::StringRef> shippedMachineNames();
/// The text of one that ships; an error that lists the names otherwise.
llvm::Expected<llvm::StringRef> shippedMachineText(llvm::StringRef name);

/// The default targets (`default = true`), with their default shapes. Which of
/// their families exist is for the caller to ask (allFamilies).
std::vector<std::string> defaultTargets();

} // namespace portolan

#endif // PORTOLAN_MACHINE_MACHINE_H
