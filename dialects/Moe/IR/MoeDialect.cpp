//===- MoeDialect.cpp - dialect and attributes of moe ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Dequantize.h"
#include "dialects/Moe/IR/FakeQuantize.h"
#include "dialects/Moe/IR/Moe.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

#include "dialects/Moe/IR/MoeDialect.cpp.inc"
#include "dialects/Moe/IR/MoeEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Moe/IR/MoeAttrs.cpp.inc"

void MoeDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Moe/IR/MoeAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Moe/IR/MoeOps.cpp.inc"
      >();
  addOperations<DequantizeOp, FakeQuantizeOp>();
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

std::optional<Format> moe::formatOf(Type type) {
  if (type.isF32())
    return Format::f32;
  if (type.isBF16())
    return Format::bf16;
  if (type.isF16())
    return Format::fp16;
  if (isa<Float8E4M3FNType, Float8E4M3B11FNUZType, Float8E5M2Type>(type))
    return Format::fp8;
  if (isa<Float4E2M1FNType>(type))
    return Format::nvfp4;
  if (type.isInteger(8))
    return Format::int8;
  if (type.isInteger(4))
    return Format::int4;
  return std::nullopt;
}

FormatPair moe::formatPairOf(FormatAttr attr) {
  // The attribute's verifier has accepted both names.
  return {*parseFormat(attr.getStorage()), *parseFormat(attr.getCompute())};
}

FormatAttr moe::formatAttrOf(MLIRContext *context, FormatPair pair) {
  return FormatAttr::get(context, spell(pair.storage), spell(pair.compute));
}

LogicalResult FormatAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef storage, StringRef compute) {
  for (StringRef name : {storage, compute})
    if (!parseFormat(name))
      return emitError() << "expects a number format, got '" << name << "'";
  return success();
}

//===----------------------------------------------------------------------===//
// Workload and load
//===----------------------------------------------------------------------===//

LogicalResult WorkloadAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   Phase phase, int64_t sequences,
                                   int64_t contextTokens, int64_t newTokens) {
  if (sequences < 0 || contextTokens < 0 || newTokens < 1)
    return emitError() << "expects sequences >= 0, context >= 0 and "
                          "new_tokens >= 1, got "
                       << sequences << ", " << contextTokens << " and "
                       << newTokens;
  return success();
}

LogicalResult LoadAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               APFloat mean, APFloat max, int64_t capacity,
                               APFloat hit) {
  double meanRows = mean.convertToDouble(), maxRows = max.convertToDouble();
  double hitExperts = hit.convertToDouble();
  // The negated form also refuses NaN.
  if (!(meanRows >= 0 && maxRows >= meanRows && double(capacity) >= maxRows &&
        hitExperts >= 0 && std::isfinite(hitExperts)))
    return emitError() << "expects 0 <= mean <= max <= capacity and hit >= 0, "
                          "got mean "
                       << meanRows << ", max " << maxRows << ", capacity "
                       << capacity << ", hit " << hitExperts;
  return success();
}

Attribute LoadAttr::parse(AsmParser &parser, Type) {
  double mean, max, hit;
  int64_t capacity;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword("mean") ||
      parser.parseEqual() || parser.parseFloat(mean) || parser.parseComma() ||
      parser.parseKeyword("max") || parser.parseEqual() ||
      parser.parseFloat(max) || parser.parseComma() ||
      parser.parseKeyword("capacity") || parser.parseEqual() ||
      parser.parseInteger(capacity) || parser.parseComma() ||
      parser.parseKeyword("hit") || parser.parseEqual() ||
      parser.parseFloat(hit) || parser.parseGreater())
    return {};
  return LoadAttr::getChecked([&] { return parser.emitError(loc); },
                              parser.getContext(), APFloat(mean), APFloat(max),
                              capacity, APFloat(hit));
}

// printFloat writes the shortest text that reads back as the same double, so
// that a load read back prices the same as the one that was written.
void LoadAttr::print(AsmPrinter &printer) const {
  printer << "<mean = ";
  printer.printFloat(getMean());
  printer << ", max = ";
  printer.printFloat(getMax());
  printer << ", capacity = " << getCapacity() << ", hit = ";
  printer.printFloat(getHit());
  printer << ">";
}
