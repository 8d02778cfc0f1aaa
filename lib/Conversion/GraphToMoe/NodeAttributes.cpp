//===- NodeAttributes.cpp - checked reading of node attributes ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/NodeAttributes.h"
#include <charconv>

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

double shortest(float value) {
  char text[64];
  auto written = std::to_chars(text, text + sizeof(text) - 1, value);
  *written.ptr = '\0';
  return std::strtod(text, nullptr);
}

} // namespace

void NodeAttributes::fail(const Twine &message) {
  if (firstProblem.empty())
    firstProblem = message.str();
}

template <typename T> T NodeAttributes::read(StringRef name, StringRef kind) {
  known.insert(name);
  Attribute attribute = node.attribute(name);
  auto typed = dyn_cast_or_null<T>(attribute);
  if (attribute && !typed)
    fail("attribute '" + name + "' expects " + kind);
  return typed;
}

int64_t NodeAttributes::integer(StringRef name, int64_t absent) {
  auto attribute = read<IntegerAttr>(name, "an integer");
  return attribute ? attribute.getInt() : absent;
}

double NodeAttributes::number(StringRef name, double absent) {
  auto attribute = read<FloatAttr>(name, "a number");
  if (!attribute)
    return absent;
  double value = attribute.getValueAsDouble();
  if (std::isnan(value))
    fail("attribute '" + name + "' expects a number, got NaN");
  return std::isfinite(value) ? shortest(float(value)) : value;
}

StringRef NodeAttributes::string(StringRef name, StringRef absent) {
  auto attribute = read<StringAttr>(name, "a string");
  return attribute ? attribute.getValue() : absent;
}

void NodeAttributes::expect(StringRef name, int64_t value) {
  int64_t actual = integer(name, value);
  if (actual != value)
    fail("attribute '" + name + "' expects " + Twine(value) + ", got " +
         Twine(actual));
}

std::string NodeAttributes::problem() {
  for (NamedAttribute attribute : node.getOpAttributes())
    if (!known.contains(attribute.getName()))
      fail("attribute '" + attribute.getName().getValue() + "' is unknown");
  return firstProblem;
}
