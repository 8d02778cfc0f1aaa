//===- MachineAttrs.cpp - attributes of the machine dialect -----------------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parses and prints #machine.quantity. A unit or a source that is left out
// parses as empty: only the op that holds the figure can name the field, so
// its verifier reports it.
//
//===----------------------------------------------------------------------===//

#include "dialects/Machine/IR/Machine.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace portolan::machine;

#define GET_ATTRDEF_CLASSES
#include "dialects/Machine/IR/MachineAttrs.cpp.inc"

void MachineDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Machine/IR/MachineAttrs.cpp.inc"
      >();
}

std::string portolan::machine::spellNumber(double number) {
  double size = std::fabs(number);
  bool plain = size == 0 || (size >= 1e-3 && size < 1e6);
  llvm::SmallString<32> text;
  for (unsigned digits = 1; digits <= 17; ++digits) {
    text.clear();
    llvm::raw_svector_ostream stream(text);
    if (plain)
      stream << llvm::format("%.*g", int(digits), number);
    else
      stream << llvm::format("%.*e", int(digits), number);
    // %g changes to an exponent when the digits do not reach the point.
    double read = 0;
    if ((!plain || !text.str().contains('e')) &&
        !llvm::StringRef(text).getAsDouble(read, /*AllowInexact=*/true) &&
        read == number)
      break;
  }
  if (plain)
    return text.str().str();
  // "2.5e+15" -> "2.5e15", "1.0e-06" -> "1.0e-6".
  auto [mantissa, exponent] = llvm::StringRef(text).split('e');
  bool negative = exponent.consume_front("-");
  exponent.consume_front("+");
  exponent = exponent.ltrim('0');
  return (mantissa + (negative ? "e-" : "e") + exponent).str();
}

/// A number, with or without a decimal point.
static ParseResult parseNumber(AsmParser &parser, FloatAttr &attr) {
  double number = 0;
  int64_t integer = 0;
  OptionalParseResult asInteger = parser.parseOptionalInteger(integer);
  if (asInteger.has_value()) {
    if (failed(*asInteger))
      return failure();
    number = double(integer);
  } else if (failed(parser.parseFloat(number))) {
    return failure();
  }
  attr = parser.getBuilder().getF64FloatAttr(number);
  return success();
}

static ParseResult parseText(AsmParser &parser, StringAttr &attr) {
  std::string text;
  if (failed(parser.parseOptionalString(&text)))
    text.clear();
  attr = parser.getBuilder().getStringAttr(text);
  return success();
}

static ParseResult parseConfidence(AsmParser &parser, ConfidenceLevel &level) {
  SMLoc location = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<ConfidenceLevel> parsed = symbolizeConfidenceLevel(keyword);
  if (!parsed)
    return parser.emitError(location)
           << "expects a confidence (V, V3, Mv, M3, P, mem, E, D or assumed), "
              "got '"
           << keyword << "'";
  level = *parsed;
  return success();
}

Attribute QuantityAttr::parse(AsmParser &parser, Type) {
  FloatAttr value, low, high;
  StringAttr unit, source;
  ConfidenceLevel confidence = ConfidenceLevel::Assumed;
  if (parser.parseLess() || parseNumber(parser, value) ||
      parseText(parser, unit))
    return {};
  if (succeeded(parser.parseOptionalKeyword("low")) && parseNumber(parser, low))
    return {};
  if (succeeded(parser.parseOptionalKeyword("high")) &&
      parseNumber(parser, high))
    return {};
  if (parser.parseComma() || parseConfidence(parser, confidence))
    return {};
  // The comma and the source go together; both may be missing.
  if (failed(parser.parseOptionalComma()))
    source = parser.getBuilder().getStringAttr("");
  else if (parseText(parser, source))
    return {};
  if (parser.parseGreater())
    return {};
  return QuantityAttr::get(parser.getContext(), value, low, high, unit,
                           confidence, source);
}

void QuantityAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printer << spellNumber(getValue().getValueAsDouble());
  printer << ' ';
  printer.printString(getUnit().getValue());
  if (getLow()) {
    printer << " low ";
    printer << spellNumber(getLow().getValueAsDouble());
  }
  if (getHigh()) {
    printer << " high ";
    printer << spellNumber(getHigh().getValueAsDouble());
  }
  printer << ", " << stringifyConfidenceLevel(getConfidence()) << ", ";
  printer.printString(getSource().getValue());
  printer << '>';
}
