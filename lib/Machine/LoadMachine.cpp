//===- LoadMachine.cpp - from TARGET to a machine ----------------------------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the machine file of a target, parses it and fills the plain structure
// from its machine.system. What the parser and the verifiers say becomes one
// error.
//
//===----------------------------------------------------------------------===//

#include "dialects/Machine/IR/Machine.h"
#include "lib/Machine/Shape.h"
#include "lib/Machine/ShippedMachines.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "portolan/Machine/Core.h"
#include "portolan/Machine/Machine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/SourceMgr.h"

using namespace portolan;
namespace md = portolan::machine;

//===----------------------------------------------------------------------===//
// From operations to the structure
//===----------------------------------------------------------------------===//

// The loader casts between these enumerations of the dialect and Machine.h.
static_assert(unsigned(EngineKind::gather) ==
                  unsigned(md::EngineClass::Gather) &&
              unsigned(EngineKind::vector) ==
                  unsigned(md::EngineClass::Vector));
static_assert(unsigned(TopologyKind::torus) ==
                  unsigned(md::TopologyClass::Torus) &&
              unsigned(TopologyKind::waferMesh) ==
                  unsigned(md::TopologyClass::WaferMesh));
static_assert(unsigned(WrapRule::allAxesMultiple) ==
                  unsigned(md::Wrap::AllAxesMultiple) &&
              unsigned(WrapRule::axisEquals) == unsigned(md::Wrap::AxisEquals));

static_assert(unsigned(MatrixUnit::tensorMemory) ==
              unsigned(md::MatrixUnitClass::TmemMma));

static Confidence convert(md::ConfidenceLevel level) {
  switch (level) {
  case md::ConfidenceLevel::Vendor:
    return Confidence::vendor;
  case md::ConfidenceLevel::VendorThirdHand:
    return Confidence::vendorThirdHand;
  case md::ConfidenceLevel::MeasuredByVendor:
  case md::ConfidenceLevel::MeasuredByThirdParty:
    return Confidence::measured;
  case md::ConfidenceLevel::Paper:
    return Confidence::paper;
  case md::ConfidenceLevel::Memory:
    return Confidence::memory;
  case md::ConfidenceLevel::Estimated:
    return Confidence::estimated;
  case md::ConfidenceLevel::Derived:
    return Confidence::derived;
  case md::ConfidenceLevel::Assumed:
    return Confidence::assumed;
  }
  return Confidence::assumed; // Unreachable: the switch covers the enumeration.
}

static Quantity convert(md::QuantityAttr attr) {
  Quantity quantity;
  quantity.value = {attr.getLowValue(), attr.getNominalValue(),
                    attr.getHighValue()};
  quantity.confidence = convert(attr.getConfidence());
  quantity.unit = attr.getUnit().str();
  quantity.source = attr.getSource().str();
  return quantity;
}

static std::optional<Quantity> convertOptional(md::QuantityAttr attr) {
  if (!attr)
    return std::nullopt;
  return convert(attr);
}

template <typename Vector>
static void assign(Vector &target,
                   std::optional<llvm::ArrayRef<int64_t>> numbers) {
  if (numbers)
    target.assign(numbers->begin(), numbers->end());
}

/// Calls `set` with the index of the named format, or of every format for
/// "any".
static void forFormats(llvm::StringRef name,
                       llvm::function_ref<void(unsigned)> set) {
  for (Format format : kAllFormats)
    if (name == md::kAnyFormat || name == spell(format))
      set(unsigned(format));
}

static Engine convert(md::EngineOp op) {
  Engine engine;
  engine.name = op.getEngineName().str();
  engine.kind = EngineKind(op.getKind());
  assign(engine.tokenTiles, op.getTokenTiles());
  engine.columnTile = op.getColumnTile().value_or(1);
  engine.contractionTile = op.getContractionTile().value_or(1);
  engine.units = op.getUnits().value_or(1);
  engine.contractionStep.fill(engine.contractionTile);
  engine.partitions = op.getPartitions().value_or(1);
  engine.saturatingBytes = convertOptional(op.getSaturatingBytesAttr());
  for (md::RateOp rate : op.getBody().getOps<md::RateOp>())
    forFormats(rate.getFormat(), [&](unsigned format) {
      engine.peakOperationsPerSecond[format] = convert(rate.getPeak());
      engine.efficiency[format] = convertOptional(rate.getEfficiencyAttr());
      engine.rowGranule[format] = rate.getRowGranule().value_or(1);
      if (rate.getContractionStep())
        engine.contractionStep[format] = *rate.getContractionStep();
    });
  return engine;
}

static Memory convert(md::MemoryOp op) {
  Memory memory;
  memory.name = op.getMemoryName().str();
  memory.capacityBytes = convert(op.getCapacity());
  memory.bandwidthBytesPerSecond = convertOptional(op.getBandwidthAttr());
  for (md::StreamOp stream : op.getBody().getOps<md::StreamOp>())
    forFormats(stream.getFormat(), [&](unsigned format) {
      memory.efficiency[format] = convert(stream.getEfficiency());
    });
  return memory;
}

static Link convert(md::LinkOp op) {
  Link link;
  link.name = op.getLinkName().str();
  link.bandwidthBytesPerSecond = convert(op.getBandwidth());
  if (mlir::ArrayAttr axes = op.getAxisBandwidthAttr())
    for (mlir::Attribute axis : axes)
      link.axisBandwidthBytesPerSecond.push_back(
          convert(mlir::cast<md::QuantityAttr>(axis)));
  link.efficiency = convert(op.getEfficiency());
  link.latencySeconds = convert(op.getLatency());
  link.startSeconds = convert(op.getStart());
  link.messageGapSeconds = convert(op.getMessageGap());
  link.inNetworkReduction = op.getInNetworkReduction();
  link.multicast = op.getMulticast();
  link.reductionGain = convertOptional(op.getReductionGainAttr());
  link.computeTax = convertOptional(op.getComputeTaxAttr());
  link.memoryTax = convertOptional(op.getMemoryTaxAttr());
  return link;
}

static ShapeRule convert(md::ShapeRuleOp op) {
  ShapeRule rule;
  rule.unit = op.getCounts().str();
  rule.chipsPerUnit = op.getChipsPerUnit();
  rule.rank = op.getRank();
  assign(rule.defaultShape, op.getDefaultShape());
  assign(rule.maximum, op.getMaximum());
  assign(rule.legalAxisSizes, op.getLegal());
  rule.cube = op.getCube().value_or(0);
  rule.maximumChips = op.getMaximumChips().value_or(0);
  return rule;
}

/// The machine without its shape.
static Machine convert(md::SystemOp op) {
  Machine machine;
  machine.name = op.getSymName().str();
  machine.family = md::stringifyFamilyKind(op.getFamily()).str();
  machine.title = op.getTitle().str();
  machine.isDefaultTarget = op.getDefaultTarget().value_or(false);
  for (mlir::Operation &child : op.getBody().front())
    llvm::TypeSwitch<mlir::Operation *>(&child)
        .Case([&](md::ShapeRuleOp rule) { machine.shapeRule = convert(rule); })
        .Case([&](md::TopologyOp topology) {
          machine.topology.kind = TopologyKind(topology.getKind());
          if (topology.getWrap())
            machine.topology.wrapRule = WrapRule(*topology.getWrap());
          machine.topology.wrapMultiple =
              topology.getWrapMultiple().value_or(0);
          assign(machine.topology.units, topology.getUnits());
          machine.topology.server = topology.getServer().value_or(1);
        })
        .Case([&](md::EngineOp engine) {
          machine.engines.push_back(convert(engine));
        })
        .Case([&](md::MemoryOp memory) {
          machine.memories.push_back(convert(memory));
        })
        .Case([&](md::LinkOp link) { machine.links.push_back(convert(link)); })
        .Case([&](md::CollectivesOp rules) {
          machine.collectives = {
              int64_t(rules.getRanks()), int64_t(rules.getGroups()),
              convert(rules.getMeshLimit()), convert(rules.getDoublingLimit())};
        })
        .Case([&](md::StorageFormatOp storage) {
          machine.storageFormats.push_back({*parseFormat(storage.getFormat()),
                                            convert(storage.getDequantize())});
          if (auto encoding = storage.getEncoding())
            machine.storageFormats.back().encoding =
                parseElementFormat(*encoding);
        })
        .Case([&](md::OverheadsOp overheads) {
          machine.kernelLaunchSeconds =
              convertOptional(overheads.getKernelLaunchAttr());
          machine.stepOverheadSeconds =
              convertOptional(overheads.getStepAttr());
          machine.reserveFraction = convertOptional(overheads.getReserveAttr());
        })
        .Case([&](md::PowerOp power) {
          machine.powerWattsPerChip = convert(power.getPerChip());
        })
        .Case([&](md::PriceOp price) {
          machine.priceUsdPerChipHour = convert(price.getPerChip());
        });
  return machine;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

namespace {
/// A parsed machine file; the context outlives the module.
struct MachineFile {
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  md::SystemOp system;
  std::string sha256;
};
} // namespace

/// "file:line:column: message" of a diagnostic.
static std::string spell(const mlir::Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (auto where =
          mlir::dyn_cast<mlir::FileLineColLoc>(diagnostic.getLocation()))
    stream << where.getFilename().getValue() << ':' << where.getLine() << ':'
           << where.getColumn() << ": ";
  stream << diagnostic.str();
  return text;
}

static llvm::Expected<MachineFile> parseMachineFile(llvm::StringRef fileName,
                                                    llvm::StringRef text) {
  MachineFile file;
  file.context = std::make_unique<mlir::MLIRContext>(
      mlir::MLIRContext::Threading::DISABLED);
  file.context->loadDialect<md::MachineDialect>();
  std::string message;
  mlir::ScopedDiagnosticHandler handler(
      file.context.get(), [&](mlir::Diagnostic &diagnostic) {
        // The first error is the cause; later ones follow from it.
        if (message.empty() &&
            diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
          message = spell(diagnostic);
        return mlir::success();
      });
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, fileName), llvm::SMLoc());
  file.module = mlir::parseSourceFile<mlir::ModuleOp>(
      sources, mlir::ParserConfig(file.context.get()));
  if (!file.module)
    return llvm::createStringError(
        message.empty() ? fileName + ": cannot be parsed" : message);
  auto systems = file.module->getOps<md::SystemOp>();
  auto count = std::distance(systems.begin(), systems.end());
  if (count != 1)
    return llvm::createStringError(
        fileName + ": expects one machine.system, got " + llvm::Twine(count));
  file.system = *systems.begin();
  llvm::SHA256 hash;
  hash.update(text);
  file.sha256 = llvm::toHex(hash.final(), /*LowerCase=*/true);
  return file;
}

/// Gives the machine of a file the shape `text`, or its default if empty, or
/// the example of the file if that is allowed.
static llvm::Expected<Machine> shapeMachine(const MachineFile &file,
                                            llvm::StringRef target,
                                            llvm::StringRef text,
                                            bool allowExample) {
  md::SystemOp system = file.system;
  Machine machine = convert(system);
  machine.sha256 = file.sha256;
  const ShapeRule &rule = machine.shapeRule;
  llvm::SmallVector<int64_t, 3> shape = rule.defaultShape;
  if (!text.empty() || target.ends_with(":")) {
    auto parsed = parseShape(rule, target, text);
    if (!parsed)
      return parsed.takeError();
    shape = *parsed;
  } else if (shape.empty() && allowExample && system.getDefaultShape()) {
    shape.assign(system.getDefaultShape()->begin(),
                 system.getDefaultShape()->end());
  } else if (shape.empty()) {
    std::string example = spellShape(
        system.getDefaultShape().value_or(llvm::ArrayRef<int64_t>()));
    return llvm::createStringError(
        llvm::Twine("target '") + target +
        "': expects a shape after a colon, " + describeShape(rule) +
        (example.empty() ? ""
                         : ", as in '" + machine.name + ":" + example + "'") +
        ", got none");
  }
  md::TopologyOp topology = *system.getBody().getOps<md::TopologyOp>().begin();
  if (llvm::Error error =
          layOut(machine, target, shape,
                 topology.getGrid().value_or(llvm::ArrayRef<int64_t>()),
                 topology.getDomain().value_or(0)))
    return std::move(error);
  for (const Link &link : machine.links)
    if (!link.axisBandwidthBytesPerSecond.empty() &&
        link.axisBandwidthBytesPerSecond.size() != machine.topology.axes.size())
      return llvm::createStringError(
          llvm::Twine("machine '") + machine.name + "': link '" + link.name +
          "' expects 'axis_bandwidth' for " +
          llvm::Twine(machine.topology.axes.size()) + " axes, got " +
          llvm::Twine(link.axisBandwidthBytesPerSecond.size()));
  if (shape != rule.defaultShape)
    machine.name += ":" + spellShape(shape);
  return machine;
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

/// The parsed file of a target, and the shape after its colon.
static llvm::Expected<std::pair<MachineFile, std::string>>
findFile(llvm::StringRef target) {
  using Found = std::pair<MachineFile, std::string>;
  auto parsed = [](llvm::Expected<MachineFile> file,
                   llvm::StringRef shape) -> llvm::Expected<Found> {
    if (!file)
      return file.takeError();
    return Found{std::move(*file), shape.str()};
  };
  auto loadFile = [&](llvm::StringRef path,
                      llvm::StringRef shape) -> llvm::Expected<Found> {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (!buffer)
      return llvm::createStringError("target '" + target + "': cannot read '" +
                                     path +
                                     "': " + buffer.getError().message());
    return parsed(parseMachineFile(path, (*buffer)->getBuffer()), shape);
  };
  // A path may hold a colon itself.
  TargetName split = splitTarget(target);
  if (llvm::sys::fs::is_regular_file(target))
    return loadFile(target, "");
  if (llvm::sys::fs::is_regular_file(split.name))
    return loadFile(split.name, split.shape);

  auto text = shippedMachineText(split.name);
  if (!text)
    return text.takeError();
  return parsed(parseMachineFile(split.name + ".mlir", *text), split.shape);
}

static llvm::Expected<Machine> findMachine(llvm::StringRef target,
                                           bool allowExample) {
  auto found = findFile(target);
  if (!found)
    return found.takeError();
  return shapeMachine(found->first, target, found->second, allowExample);
}

llvm::Expected<Core> portolan::loadCore(llvm::StringRef target) {
  auto found = findFile(target);
  if (!found)
    return found.takeError();
  md::SystemOp system = found->first.system;
  auto cores = system.getBody().getOps<md::CoreOp>();
  if (cores.empty())
    return llvm::createStringError("machine '" + system.getSymName() +
                                   "': machine.core is unknown");
  md::CoreOp op = *cores.begin();
  Core core;
  core.matrixUnit = MatrixUnit(op.getMatrixUnit());
  core.largestCluster = op.getLargestCluster();
  core.sharedMemoryBytes = convert(op.getSharedMemory());
  core.accumulatorMemoryBytes = convertOptional(op.getAccumulatorMemoryAttr());
  core.target = op.getTarget().value_or("").str();
  return core;
}

llvm::Expected<Machine> portolan::loadMachine(llvm::StringRef target) {
  return findMachine(target, /*allowExample=*/false);
}

llvm::Expected<Machine> portolan::describeMachine(llvm::StringRef target) {
  return findMachine(target, /*allowExample=*/true);
}

llvm::ArrayRef<llvm::StringRef> portolan::shippedMachineNames() {
  static const std::vector<llvm::StringRef> names = [] {
    std::vector<llvm::StringRef> result;
    for (const ShippedMachine &shipped : shippedMachines())
      result.push_back(shipped.name);
    return result;
  }();
  return names;
}

llvm::Expected<llvm::StringRef>
portolan::shippedMachineText(llvm::StringRef name) {
  for (const ShippedMachine &shipped : shippedMachines())
    if (shipped.name == name)
      return shipped.text;
  return llvm::createStringError(llvm::Twine("target '") + name +
                                 "': expects a machine file or one of " +
                                 llvm::join(shippedMachineNames(), ", "));
}

std::vector<std::string> portolan::defaultTargets() {
  std::vector<std::string> targets;
  for (const ShippedMachine &shipped : shippedMachines()) {
    auto file = parseMachineFile(shipped.name, shipped.text);
    // The tests parse every file that ships.
    if (!file) {
      llvm::consumeError(file.takeError());
      continue;
    }
    if (!file->system.getDefaultTarget().value_or(false))
      continue;
    std::string target = shipped.name.str();
    if (auto shape = file->system.getDefaultShape())
      target += ":" + spellShape(*shape);
    targets.push_back(target);
  }
  return targets;
}
