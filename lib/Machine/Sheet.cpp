//===- Sheet.cpp - a machine for people and programs ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both forms walk the figures with forEachQuantity, so that a figure that is
// added to the structure appears in both.
//
//===----------------------------------------------------------------------===//

#include "portolan/Machine/Sheet.h"
#include "lib/Machine/Shape.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace portolan;

//===----------------------------------------------------------------------===//
// Spelling
//===----------------------------------------------------------------------===//

std::string portolan::spellFigure(double value, llvm::StringRef unit) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (unit == "fraction" || unit == "ratio" || value == 0) {
    stream << llvm::format("%.4g", value);
    if (value == 0 && unit != "fraction" && unit != "ratio")
      stream << ' ' << unit;
    return text;
  }
  llvm::StringRef prefix;
  bool scales = unit == "flop/s" || unit == "results/s" || unit == "bytes/s" ||
                unit == "bytes" || unit == "s" || unit == "W";
  if (scales) {
    static constexpr llvm::StringLiteral kPrefixes[] = {
        "n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
    // Powers of 1000, from 1e-9 to 1e18.
    int power = int(std::floor(std::log10(value) / 3 + 1e-12));
    power = std::clamp(power, -3, 6);
    value /= std::pow(1000.0, power);
    prefix = kPrefixes[power + 3];
  }
  if (unit == "bytes")
    unit = "B";
  else if (unit == "bytes/s")
    unit = "B/s";
  stream << llvm::format("%.4g ", value) << prefix << unit;
  return text;
}

std::string portolan::spellShapeRule(const ShapeRule &rule) {
  std::string text = describeShape(rule);
  if (rule.chipsPerUnit != 1)
    text += " of " + std::to_string(rule.chipsPerUnit) + " chips";
  if (!rule.legalAxisSizes.empty())
    text += " out of " + spellNumbers(rule.legalAxisSizes);
  if (!rule.maximum.empty())
    text += ", at most " + spellShape(rule.maximum);
  if (rule.cube)
    text += ", every axis a multiple of " + std::to_string(rule.cube) +
            " if one is larger";
  if (rule.maximumChips)
    text += ", at most " + std::to_string(rule.maximumChips) + " chips";
  text += rule.defaultShape.empty()
              ? "; required"
              : "; without a colon " + spellShape(rule.defaultShape);
  return text;
}

static llvm::StringRef spell(TopologyKind kind) {
  switch (kind) {
  case TopologyKind::fullSwitch:
    return "full_switch";
  case TopologyKind::torus:
    return "torus";
  case TopologyKind::waferMesh:
    return "wafer_mesh";
  }
  return ""; // Unreachable: the switch covers the enumeration.
}

static std::string spellTopology(const Machine &machine) {
  const Topology &topology = machine.topology;
  std::string text = spell(topology.kind).str();
  switch (topology.kind) {
  case TopologyKind::fullSwitch:
    return text + ", " + std::to_string(topology.domain) + " chips a domain" +
           (topology.server > 1
                ? ", " + std::to_string(topology.server) + " chips a server"
                : "");
  case TopologyKind::torus: {
    text += " " + spellShape(topology.axes);
    if (!llvm::is_contained(topology.wraps, true))
      return text + ", no axis wraps";
    if (!llvm::is_contained(topology.wraps, false))
      return text + ", every axis wraps";
    text += ", wraps on axis";
    for (auto [axis, wraps] : llvm::enumerate(topology.wraps))
      if (wraps)
        text += " " + std::to_string(axis);
    return text;
  }
  case TopologyKind::waferMesh:
    return text + ", " + spellShape(topology.units) + " elements a wafer";
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Figures
//===----------------------------------------------------------------------===//

namespace {
struct Figure {
  std::string path;
  Quantity quantity;

  llvm::StringRef prefix() const {
    return llvm::StringRef(path).rsplit('.').first;
  }
  bool sameAs(const Figure &other) const {
    return prefix() == other.prefix() &&
           quantity.value == other.quantity.value &&
           quantity.source == other.quantity.source;
  }
};
} // namespace

static std::vector<Figure> figuresOf(const Machine &machine) {
  std::vector<Figure> figures;
  Machine copy = machine;
  forEachQuantity(copy, [&](llvm::StringRef path, Quantity &quantity) {
    figures.push_back({path.str(), quantity});
  });
  return figures;
}

/// Figures that are the same for every format are one of format "any".
static std::vector<Figure> collapseFormats(llvm::ArrayRef<Figure> figures) {
  std::vector<Figure> result;
  for (size_t i = 0; i < figures.size();) {
    llvm::ArrayRef<Figure> rest = figures.drop_front(i);
    bool same = rest.size() >= kNumFormats;
    for (size_t format = 0; same && format < kNumFormats; ++format)
      same = rest[format].sameAs(rest.front()) &&
             llvm::StringRef(rest[format].path)
                 .ends_with(portolan::spell(kAllFormats[format]));
    result.push_back(rest.front());
    if (same)
      result.back().path = rest.front().prefix().str() + ".any";
    i += same ? kNumFormats : 1;
  }
  return result;
}

/// Optional figures that the file leaves out.
static std::vector<std::string> unknownFigures(const Machine &machine) {
  std::vector<std::string> unknown;
  for (unsigned kind = 0; kind < kNumEngineKinds; ++kind)
    if (!machine.findEngine(EngineKind(kind)))
      unknown.push_back("engine." + portolan::spell(EngineKind(kind)).str());
  for (const Memory &memory : machine.memories)
    if (!memory.bandwidthBytesPerSecond)
      unknown.push_back("memory." + memory.name + ".bandwidth");
  auto check = [&](const std::optional<Quantity> &quantity,
                   llvm::StringRef path) {
    if (!quantity)
      unknown.push_back(path.str());
  };
  check(machine.kernelLaunchSeconds, "overheads.kernel_launch");
  check(machine.stepOverheadSeconds, "overheads.step");
  check(machine.reserveFraction, "overheads.reserve");
  check(machine.powerWattsPerChip, "power.per_chip");
  check(machine.priceUsdPerChipHour, "price.per_chip");
  return unknown;
}

//===----------------------------------------------------------------------===//
// The sheet
//===----------------------------------------------------------------------===//

void portolan::printMachineSheet(const Machine &machine,
                                 llvm::raw_ostream &stream) {
  stream << machine.name << ": " << machine.title << '\n';
  auto line = [&](llvm::StringRef key, const llvm::Twine &value) {
    stream << llvm::left_justify(key, 10) << value << '\n';
  };
  line("family", machine.family);
  line("chips", llvm::Twine(machine.chips()));
  line("topology", spellTopology(machine));
  line("shape", spellShapeRule(machine.shapeRule));
  if (machine.isDefaultTarget)
    line("default", "yes");
  line("sha256", machine.sha256);
  for (const StorageFormat &storage : machine.storageFormats) {
    auto compute = machine.computeFormatFor(storage.format);
    std::string format = portolan::spell(storage.format).str();
    if (storage.encoding)
      format += " (" + portolan::spell(*storage.encoding).str() + ")";
    line("reads", format + ", computes " +
                      (compute ? portolan::spell(*compute) : "nothing"));
  }
  for (const Engine &engine : machine.engines) {
    std::string text = portolan::spell(engine.kind).str() + ": " + engine.name;
    if (engine.units != 1)
      text += ", " + std::to_string(engine.units) + " units";
    if (!engine.tokenTiles.empty())
      text += ", tokens " + spellNumbers(engine.tokenTiles) + ", columns " +
              std::to_string(engine.columnTile) + ", contraction " +
              std::to_string(engine.contractionTile);
    for (Format format : kAllFormats)
      if (engine.contractionStep[unsigned(format)] > engine.contractionTile)
        text += ", " + portolan::spell(format).str() + " contraction " +
                std::to_string(engine.contractionStep[unsigned(format)]);
    if (engine.partitions > 1)
      text += ", " + std::to_string(engine.partitions) + " partitions";
    line("engine", text);
  }
  bool isSwitch = machine.topology.kind == TopologyKind::fullSwitch;
  for (const Link &link : machine.links)
    line("link",
         link.name +
             (isSwitch && !link.axisBandwidthBytesPerSecond.empty()
                  ? ", one between each two chips"
                  : "") +
             (link.inNetworkReduction ? ", reduces in the network" : "") +
             (link.multicast ? ", multicasts" : ""));
  if (machine.collectives)
    line("runtime", llvm::Twine(machine.collectives->ranksPerChip) +
                        " ranks a chip, at most " +
                        llvm::Twine(machine.collectives->maximumGroups) +
                        " groups a program");

  std::vector<Figure> figures = collapseFormats(figuresOf(machine));
  size_t width = 0;
  for (const Figure &figure : figures)
    width = std::max(width, figure.path.size());
  stream << "\nfigures (slower .. faster corner; V vendor, V3 vendor at third "
            "hand, M measured,\nP paper, mem from memory, E estimate, D "
            "derived, assumed)\n";
  for (const Figure &figure : figures) {
    const Quantity &quantity = figure.quantity;
    stream << "  " << llvm::left_justify(figure.path, width) << "  "
           << spellFigure(quantity.nominal(), quantity.unit);
    if (quantity.at(Corner::low) != quantity.at(Corner::high))
      stream << " (" << spellFigure(quantity.at(Corner::low), quantity.unit)
             << " .. " << spellFigure(quantity.at(Corner::high), quantity.unit)
             << ')';
    stream << "  [" << portolan::spell(quantity.confidence) << "] "
           << quantity.source << '\n';
  }
  std::vector<std::string> unknown = unknownFigures(machine);
  if (!unknown.empty())
    stream << "unknown: " << llvm::join(unknown, ", ") << '\n';
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static llvm::json::Array toJson(llvm::ArrayRef<int64_t> numbers) {
  return llvm::json::Array(numbers);
}

llvm::json::Value portolan::machineToJson(const Machine &machine) {
  using llvm::json::Array;
  using llvm::json::Object;
  const ShapeRule &rule = machine.shapeRule;
  Object shape{{"unit", rule.unit},
               {"chips_per_unit", rule.chipsPerUnit},
               {"rank", int64_t(rule.rank)},
               {"default", toJson(rule.defaultShape)},
               {"maximum", toJson(rule.maximum)},
               {"legal", toJson(rule.legalAxisSizes)},
               {"cube", rule.cube},
               {"maximum_chips", rule.maximumChips}};
  Array wraps;
  for (bool wrap : machine.topology.wraps)
    wraps.push_back(wrap);
  Object topology{{"kind", ::spell(machine.topology.kind)},
                  {"axes", toJson(machine.topology.axes)},
                  {"wraps", std::move(wraps)},
                  {"domain", machine.topology.domain},
                  {"server", machine.topology.server},
                  {"units", toJson(machine.topology.units)}};
  Array engines;
  for (const Engine &engine : machine.engines) {
    Object granules, steps;
    for (Format format : kAllFormats) {
      if (!engine.computes(format))
        continue;
      granules[portolan::spell(format)] = engine.rowGranule[unsigned(format)];
      steps[portolan::spell(format)] = engine.contractionStep[unsigned(format)];
    }
    engines.push_back(Object{{"name", engine.name},
                             {"kind", portolan::spell(engine.kind)},
                             {"units", engine.units},
                             {"token_tiles", toJson(engine.tokenTiles)},
                             {"column_tile", engine.columnTile},
                             {"contraction_tile", engine.contractionTile},
                             {"contraction_step", std::move(steps)},
                             {"partitions", engine.partitions},
                             {"row_granule", std::move(granules)}});
  }
  Array memories, links, formats, figures, unknown;
  Object collectives;
  if (const auto &rules = machine.collectives)
    collectives = Object{{"ranks", rules->ranksPerChip},
                         {"groups", rules->maximumGroups}};
  for (const Memory &memory : machine.memories)
    memories.push_back(memory.name);
  for (const Link &link : machine.links)
    links.push_back(Object{{"name", link.name},
                           {"in_network_reduction", link.inNetworkReduction},
                           {"multicast", link.multicast}});
  for (const StorageFormat &storage : machine.storageFormats) {
    Object entry{{"storage", portolan::spell(storage.format)}};
    if (auto compute = machine.computeFormatFor(storage.format))
      entry["compute"] = portolan::spell(*compute);
    if (storage.encoding)
      entry["encoding"] = portolan::spell(*storage.encoding);
    formats.push_back(std::move(entry));
  }
  for (const Figure &figure : figuresOf(machine))
    figures.push_back(
        Object{{"path", figure.path},
               {"low", figure.quantity.at(Corner::low)},
               {"nominal", figure.quantity.nominal()},
               {"high", figure.quantity.at(Corner::high)},
               {"unit", figure.quantity.unit},
               {"confidence", portolan::spell(figure.quantity.confidence)},
               {"source", figure.quantity.source}});
  for (const std::string &path : unknownFigures(machine))
    unknown.push_back(
        Object{{"path", path}, {"reason", "the machine file states none"}});
  return Object{{"schema_version", 1},
                {"name", machine.name},
                {"family", machine.family},
                {"title", machine.title},
                {"sha256", machine.sha256},
                {"chips", machine.chips()},
                {"default", machine.isDefaultTarget},
                {"shape", std::move(shape)},
                {"topology", std::move(topology)},
                {"engines", std::move(engines)},
                {"memories", std::move(memories)},
                {"links", std::move(links)},
                {"collectives", std::move(collectives)},
                {"formats", std::move(formats)},
                {"figures", std::move(figures)},
                {"unknown", std::move(unknown)}};
}
