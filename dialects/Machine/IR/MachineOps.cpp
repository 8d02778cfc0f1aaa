//===- MachineOps.cpp - verifiers of the machine dialect --------------------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each verifier checks its op's own attributes. The rules, their labels and the
// reason for each are in dialects/Machine/README.md.
//
//===----------------------------------------------------------------------===//

#include "dialects/Machine/IR/Machine.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "portolan/Support/Format.h"
#include "portolan/Support/NumberFormats.h"
#include <cmath>

using namespace mlir;
using namespace portolan::machine;

//===----------------------------------------------------------------------===//
// Format names
//===----------------------------------------------------------------------===//

static ParseResult parseFormatName(OpAsmParser &parser, StringAttr &format) {
  SMLoc location = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  if (keyword != kAnyFormat && !portolan::parseFormat(keyword)) {
    InFlightDiagnostic diagnostic = parser.emitError(location);
    diagnostic << "expects a number format (";
    for (portolan::Format known : portolan::kAllFormats)
      diagnostic << portolan::spell(known) << ", ";
    return diagnostic << "or any), got '" << keyword << "'";
  }
  format = parser.getBuilder().getStringAttr(keyword);
  return success();
}

static void printFormatName(OpAsmPrinter &printer, Operation *,
                            StringAttr format) {
  printer << format.getValue();
}

#define GET_OP_CLASSES
#include "dialects/Machine/IR/MachineOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Figures
//===----------------------------------------------------------------------===//

namespace {
/// Which side of a figure makes the machine faster or larger.
enum class Better { larger, smaller };
} // namespace

/// Checks a figure against its field: rules quantity_c1 to quantity_c6.
static LogicalResult verifyFigure(Operation *op, StringRef field,
                                  QuantityAttr figure, StringRef unit,
                                  Better better) {
  if (!figure)
    return success();
  // quantity_c1
  if (figure.getUnit().getValue().empty())
    return op->emitOpError() << "field '" << field << "' expects a unit ('"
                             << unit << "'), got none";
  // quantity_c2
  if (figure.getSource().getValue().trim().empty())
    return op->emitOpError()
           << "field '" << field << "' expects a source, got none";
  // quantity_c3
  if (figure.getUnit().getValue() != unit)
    return op->emitOpError()
           << "field '" << field << "' expects the unit '" << unit << "', got '"
           << figure.getUnit().getValue() << "'";
  // quantity_c4
  ConfidenceLevel confidence = figure.getConfidence();
  if ((confidence == ConfidenceLevel::Derived ||
       confidence == ConfidenceLevel::Assumed) &&
      (!figure.getLow() || !figure.getHigh()))
    return op->emitOpError()
           << "field '" << field << "' is "
           << (confidence == ConfidenceLevel::Derived ? "derived" : "assumed")
           << " and expects 'low' and 'high', got "
           << (figure.getLow()    ? "no 'high'"
               : figure.getHigh() ? "no 'low'"
                                  : "neither");
  // quantity_c5
  double low = figure.getLowValue(), value = figure.getNominalValue(),
         high = figure.getHighValue();
  for (double number : {low, value, high})
    if (!std::isfinite(number) || number < 0)
      return op->emitOpError() << "field '" << field
                               << "' expects finite figures of at least 0, got "
                               << spellNumber(number);
  // quantity_c6
  if (better == Better::larger ? low > value || value > high
                               : low < value || value < high)
    return op->emitOpError()
           << "field '" << field << "' expects "
           << (better == Better::larger ? "low <= value <= high"
                                        : "low >= value >= high")
           << " (low is the slower or smaller machine), got "
           << spellNumber(low) << ", " << spellNumber(value) << ", "
           << spellNumber(high);
  return success();
}

/// As verifyFigure, for a share of something: rule quantity_c7.
static LogicalResult verifyFraction(Operation *op, StringRef field,
                                    QuantityAttr figure, Better better) {
  if (!figure)
    return success();
  if (failed(verifyFigure(op, field, figure, "fraction", better)))
    return failure();
  for (double number :
       {figure.getLowValue(), figure.getNominalValue(), figure.getHighValue()})
    if (number > 1 || (better == Better::larger && number == 0))
      return op->emitOpError()
             << "field '" << field << "' expects a fraction "
             << (better == Better::larger ? "above 0 and at most 1"
                                          : "from 0 to 1")
             << ", got " << spellNumber(number);
  return success();
}

/// As verifyFigure, for what is never 0 (a speed, a size, a price): rule
/// quantity_c8.
static LogicalResult verifyPositive(Operation *op, StringRef field,
                                    QuantityAttr figure, StringRef unit,
                                    Better better = Better::larger) {
  if (!figure)
    return success();
  if (failed(verifyFigure(op, field, figure, unit, better)))
    return failure();
  if (figure.getLowValue() == 0 || figure.getHighValue() == 0)
    return op->emitOpError()
           << "field '" << field
           << "' expects a figure above 0, got 0 (leave out what is unknown)";
  return success();
}

static LogicalResult verifyAboveZero(Operation *op, StringRef field,
                                     std::optional<int64_t> number) {
  if (number && *number < 1)
    return op->emitOpError()
           << "field '" << field << "' expects at least 1, got " << *number;
  return success();
}

static LogicalResult
verifyAllAboveZero(Operation *op, StringRef field,
                   std::optional<ArrayRef<int64_t>> numbers) {
  if (numbers)
    for (int64_t number : *numbers)
      if (failed(verifyAboveZero(op, field, std::optional<int64_t>(number))))
        return failure();
  return success();
}

static LogicalResult verifyNamedFormat(Operation *op, StringRef format) {
  if (format != kAnyFormat && !portolan::parseFormat(format))
    return op->emitOpError()
           << "expects a known number format, got '" << format << "'";
  return success();
}

/// Rule format_c1: no format twice below one op.
template <typename ChildOp>
static LogicalResult verifyDistinctFormats(Operation *op, Region &body) {
  llvm::StringMap<Operation *> seen;
  for (auto child : body.getOps<ChildOp>())
    if (!seen.try_emplace(child.getFormat(), child).second)
      return child->emitOpError() << "expects each format once, got '"
                                  << child.getFormat() << "' twice";
  if (seen.size() > 1 && seen.contains(kAnyFormat))
    return op->emitOpError() << "expects 'any' or a list of formats, got both";
  return success();
}

//===----------------------------------------------------------------------===//
// System, shape rule and topology
//===----------------------------------------------------------------------===//

LogicalResult SystemOp::verifyRegions() {
  // system_c1
  auto expectAtMostOne = [&](auto range, StringRef what,
                             bool required) -> LogicalResult {
    auto count = std::distance(range.begin(), range.end());
    if (count > 1 || (required && count == 0))
      return emitOpError() << "expects " << (required ? "exactly" : "at most")
                           << " one " << what << ", got " << count;
    return success();
  };
  Region &body = getBody();
  if (failed(expectAtMostOne(body.getOps<ShapeRuleOp>(), "machine.shape_rule",
                             /*required=*/true)) ||
      failed(expectAtMostOne(body.getOps<TopologyOp>(), "machine.topology",
                             /*required=*/true)) ||
      failed(expectAtMostOne(body.getOps<OverheadsOp>(), "machine.overheads",
                             /*required=*/false)) ||
      failed(expectAtMostOne(body.getOps<CollectivesOp>(),
                             "machine.collectives", /*required=*/false)) ||
      failed(expectAtMostOne(body.getOps<CoreOp>(), "machine.core",
                             /*required=*/false)) ||
      failed(expectAtMostOne(body.getOps<PowerOp>(), "machine.power",
                             /*required=*/false)) ||
      failed(expectAtMostOne(body.getOps<PriceOp>(), "machine.price",
                             /*required=*/false)))
    return failure();
  // system_c2
  bool seen[4] = {false, false, false, false};
  for (EngineOp engine : body.getOps<EngineOp>()) {
    bool &present = seen[unsigned(engine.getKind())];
    if (present)
      return engine->emitOpError()
             << "expects one engine of a kind, got two '"
             << stringifyEngineClass(engine.getKind()) << "'";
    present = true;
  }
  // system_c3
  if (body.getOps<MemoryOp>().empty())
    return emitOpError() << "expects at least one machine.memory, got none";
  // format_c1
  if (failed(verifyDistinctFormats<StorageFormatOp>(*this, body)))
    return failure();
  // system_c4
  ShapeRuleOp rule = *body.getOps<ShapeRuleOp>().begin();
  if (getDefaultShape() && getDefaultShape()->size() != size_t(rule.getRank()))
    return emitOpError() << "field 'default_shape' expects " << rule.getRank()
                         << " numbers, got " << getDefaultShape()->size();
  if (getDefaultTarget().value_or(false) && !getDefaultShape() &&
      !rule.getDefaultShape())
    return emitOpError() << "a default target expects 'default_shape', as its "
                            "machine.shape_rule has no 'default'";
  return verifyAllAboveZero(*this, "default_shape", getDefaultShape());
}

LogicalResult ShapeRuleOp::verify() {
  // shape_rule_c1
  if (getCounts().empty())
    return emitOpError() << "field 'counts' expects a name, got none";
  if (getRank() < 1 || getRank() > 3)
    return emitOpError() << "field 'rank' expects 1, 2 or 3, got " << getRank();
  if (failed(verifyAboveZero(*this, "chips_per_unit",
                             std::optional<int64_t>(getChipsPerUnit()))) ||
      failed(verifyAllAboveZero(*this, "default", getDefaultShape())) ||
      failed(verifyAllAboveZero(*this, "maximum", getMaximum())) ||
      failed(verifyAllAboveZero(*this, "legal", getLegal())) ||
      failed(verifyAboveZero(*this, "cube", getCube())) ||
      failed(verifyAboveZero(*this, "maximum_chips", getMaximumChips())))
    return failure();
  // shape_rule_c2
  for (auto [field, numbers] :
       {std::pair<StringRef, std::optional<ArrayRef<int64_t>>>(
            "default", getDefaultShape()),
        std::pair<StringRef, std::optional<ArrayRef<int64_t>>>("maximum",
                                                               getMaximum())})
    if (numbers && numbers->size() != size_t(getRank()))
      return emitOpError() << "field '" << field << "' expects " << getRank()
                           << " numbers (the rank), got " << numbers->size();
  return success();
}

LogicalResult TopologyOp::verify() {
  if (failed(verifyAboveZero(*this, "domain", getDomain())) ||
      failed(verifyAboveZero(*this, "server", getServer())) ||
      failed(verifyAllAboveZero(*this, "grid", getGrid())) ||
      failed(verifyAboveZero(*this, "wrap", getWrapMultiple())) ||
      failed(verifyAllAboveZero(*this, "units", getUnits())))
    return failure();
  // topology_c1
  if ((getKind() == TopologyClass::FullSwitch) != getDomain().has_value())
    return emitOpError() << "field 'domain' belongs to a full_switch, and a "
                            "full_switch expects it";
  // topology_c5
  if (getServer() && (!getDomain() || *getDomain() % *getServer()))
    return emitOpError() << "field 'server' expects a divisor of 'domain' of a "
                            "full_switch, got "
                         << *getServer();
  // topology_c2
  if ((getKind() == TopologyClass::Torus) != getWrap().has_value())
    return emitOpError()
           << "field 'wrap' belongs to a torus, and a torus expects it";
  if (getGrid() && getKind() != TopologyClass::Torus)
    return emitOpError() << "field 'grid' belongs to a torus";
  // topology_c3
  bool needsNumber =
      getWrap() == Wrap::AllAxesMultiple || getWrap() == Wrap::AxisEquals;
  if (needsNumber != getWrapMultiple().has_value())
    return emitOpError() << "field 'wrap' expects a number after "
                            "'all_axes_multiple' and 'axis_equals' only";
  // topology_c4
  if (getUnits() &&
      (getKind() != TopologyClass::WaferMesh || getUnits()->size() != 2))
    return emitOpError() << "field 'units' expects two numbers of a wafer_mesh";
  return success();
}

//===----------------------------------------------------------------------===//
// Engines and memories
//===----------------------------------------------------------------------===//

LogicalResult EngineOp::verify() {
  if (failed(verifyAboveZero(*this, "units", getUnits())) ||
      failed(verifyAllAboveZero(*this, "token_tiles", getTokenTiles())) ||
      failed(verifyAboveZero(*this, "column_tile", getColumnTile())) ||
      failed(
          verifyAboveZero(*this, "contraction_tile", getContractionTile())) ||
      failed(verifyAboveZero(*this, "partitions", getPartitions())) ||
      failed(verifyPositive(*this, "saturating_bytes", getSaturatingBytesAttr(),
                            "bytes", Better::smaller)))
    return failure();
  // engine_c4
  if (getKind() != EngineClass::Gather &&
      (getPartitions() || getSaturatingBytes()))
    return emitOpError() << "fields 'partitions' and 'saturating_bytes' belong "
                            "to a gather engine";
  // engine_c1
  bool isMatmul = getKind() == EngineClass::Matmul;
  bool hasTile = getTokenTiles() || getColumnTile() || getContractionTile();
  bool hasWholeTile = getTokenTiles() && !getTokenTiles()->empty() &&
                      getColumnTile() && getContractionTile();
  if (isMatmul ? !hasWholeTile : hasTile)
    return emitOpError() << "fields 'token_tiles', 'column_tile' and "
                            "'contraction_tile' belong to a matmul engine, "
                            "which expects all three";
  // engine_c2
  if (isMatmul && !llvm::is_sorted(*getTokenTiles(), std::less_equal<>()))
    return emitOpError() << "field 'token_tiles' expects ascending numbers";
  return success();
}

LogicalResult EngineOp::verifyRegions() {
  // engine_c3
  if (getBody().getOps<RateOp>().empty())
    return emitOpError() << "expects at least one machine.rate, got none";
  return verifyDistinctFormats<RateOp>(*this, getBody());
}

LogicalResult CoreOp::verify() {
  if (failed(verifyAboveZero(*this, "largest_cluster",
                             std::optional<int64_t>(getLargestCluster()))) ||
      failed(verifyPositive(*this, "shared_memory", getSharedMemoryAttr(),
                            "bytes")) ||
      failed(verifyPositive(*this, "accumulator_memory",
                            getAccumulatorMemoryAttr(), "bytes")))
    return failure();
  // core_c1
  if ((getMatrixUnit() == MatrixUnitClass::TmemMma) !=
      getAccumulatorMemory().has_value())
    return emitOpError() << "field 'accumulator_memory' belongs to a tmem_mma, "
                            "and a tmem_mma expects it";
  return success();
}

LogicalResult RateOp::verify() {
  if (failed(verifyNamedFormat(*this, getFormat())) ||
      failed(verifyAboveZero(*this, "row_granule", getRowGranule())) ||
      failed(verifyAboveZero(*this, "contraction_step", getContractionStep())))
    return failure();
  auto engine = cast<EngineOp>((*this)->getParentOp());
  EngineClass kind = engine.getKind();
  // engine_c5
  int64_t tile = engine.getContractionTile().value_or(1);
  if (getContractionStep() &&
      (kind != EngineClass::Matmul || *getContractionStep() % tile))
    return emitOpError() << "field 'contraction_step' expects a multiple of "
                            "'contraction_tile' of a matmul engine, got "
                         << *getContractionStep();
  StringRef unit = kind == EngineClass::Matmul   ? "flop/s"
                   : kind == EngineClass::Gather ? "bytes/s"
                                                 : "results/s";
  if (failed(verifyPositive(*this, "peak", getPeakAttr(), unit)))
    return failure();
  return verifyFraction(*this, "efficiency", getEfficiencyAttr(),
                        Better::larger);
}

LogicalResult MemoryOp::verify() {
  if (failed(verifyPositive(*this, "capacity", getCapacityAttr(), "bytes")))
    return failure();
  return verifyPositive(*this, "bandwidth", getBandwidthAttr(), "bytes/s");
}

LogicalResult MemoryOp::verifyRegions() {
  return verifyDistinctFormats<StreamOp>(*this, getBody());
}

LogicalResult StreamOp::verify() {
  if (failed(verifyNamedFormat(*this, getFormat())))
    return failure();
  return verifyFraction(*this, "efficiency", getEfficiencyAttr(),
                        Better::larger);
}

//===----------------------------------------------------------------------===//
// Links, storage formats and the rest
//===----------------------------------------------------------------------===//

LogicalResult LinkOp::verify() {
  if (ArrayAttr axes = getAxisBandwidthAttr())
    for (Attribute axis : axes)
      if (failed(verifyPositive(*this, "axis_bandwidth",
                                cast<QuantityAttr>(axis), "bytes/s")))
        return failure();
  if (failed(
          verifyPositive(*this, "bandwidth", getBandwidthAttr(), "bytes/s")) ||
      failed(verifyFraction(*this, "efficiency", getEfficiencyAttr(),
                            Better::larger)) ||
      failed(verifyFigure(*this, "latency", getLatencyAttr(), "s",
                          Better::smaller)) ||
      failed(
          verifyFigure(*this, "start", getStartAttr(), "s", Better::smaller)) ||
      failed(verifyFigure(*this, "message_gap", getMessageGapAttr(), "s",
                          Better::smaller)) ||
      failed(verifyPositive(*this, "reduction_gain", getReductionGainAttr(),
                            "ratio")) ||
      failed(verifyFraction(*this, "compute_tax", getComputeTaxAttr(),
                            Better::smaller)) ||
      failed(verifyFraction(*this, "memory_tax", getMemoryTaxAttr(),
                            Better::smaller)))
    return failure();
  // link_c1
  if (getReductionGain() && !getInNetworkReduction())
    return emitOpError()
           << "field 'reduction_gain' expects 'in_network_reduction'";
  return success();
}

LogicalResult CollectivesOp::verify() {
  if (failed(verifyAboveZero(*this, "ranks", getRanks())) ||
      failed(verifyAboveZero(*this, "groups", getGroups())) ||
      failed(
          verifyPositive(*this, "mesh_limit", getMeshLimitAttr(), "bytes")) ||
      failed(verifyPositive(*this, "doubling_limit", getDoublingLimitAttr(),
                            "bytes")))
    return failure();
  // collectives_c1
  double mesh = getMeshLimit().getNominalValue();
  double doubling = getDoublingLimit().getNominalValue();
  if (mesh > doubling)
    return emitOpError() << "field 'mesh_limit' expects at most "
                            "'doubling_limit', got "
                         << spellNumber(mesh) << " above "
                         << spellNumber(doubling);
  return success();
}

LogicalResult StorageFormatOp::verify() {
  // storage_format_c1
  if (getFormat() == kAnyFormat)
    return emitOpError() << "expects one number format, got 'any'";
  if (failed(verifyNamedFormat(*this, getFormat())))
    return failure();
  // storage_format_c2
  if (std::optional<StringRef> name = getEncoding()) {
    std::optional<ElementFormat> encoding = parseElementFormat(*name);
    if (!encoding || !quantizationOf(*parseFormat(getFormat()), encoding))
      return emitOpError() << "field 'encoding' expects an encoding of "
                           << getFormat() << ", got '" << *name << "'";
  }
  return verifyFigure(*this, "dequantize", getDequantizeAttr(),
                      "operations/element", Better::smaller);
}

LogicalResult OverheadsOp::verify() {
  if (failed(verifyFigure(*this, "kernel_launch", getKernelLaunchAttr(), "s",
                          Better::smaller)) ||
      failed(verifyFigure(*this, "step", getStepAttr(), "s", Better::smaller)))
    return failure();
  return verifyFraction(*this, "reserve", getReserveAttr(), Better::smaller);
}

LogicalResult PowerOp::verify() {
  return verifyPositive(*this, "per_chip", getPerChipAttr(), "W",
                        Better::smaller);
}

LogicalResult PriceOp::verify() {
  return verifyPositive(*this, "per_chip", getPerChipAttr(), "USD/h",
                        Better::smaller);
}
