//===- Shape.cpp - the shape of a target -------------------------------------
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the part of a target after the colon by the machine's shape rule and
// lays the chips out on its topology.
//
//===----------------------------------------------------------------------===//

#include "lib/Machine/Shape.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <cassert>

using namespace portolan;

/// No system is larger; it keeps products far from overflow.
static constexpr int64_t kMaximumNumber = 1 << 20;

TargetName portolan::splitTarget(llvm::StringRef target) {
  auto [name, shape] = target.rsplit(':');
  return {name.str(), shape.str()};
}

std::string portolan::spellShape(llvm::ArrayRef<int64_t> shape) {
  return llvm::join(
      llvm::map_range(shape, [](int64_t n) { return std::to_string(n); }), "x");
}

std::string portolan::spellNumbers(llvm::ArrayRef<int64_t> numbers) {
  return llvm::join(
      llvm::map_range(numbers, [](int64_t n) { return std::to_string(n); }),
      ", ");
}

std::string portolan::describeShape(const ShapeRule &rule) {
  if (rule.rank == 1)
    return "a number of " + rule.unit;
  return std::string(rule.rank == 2 ? "AxB" : "AxBxC") + " (" + rule.unit + ")";
}

llvm::Expected<llvm::SmallVector<int64_t, 3>>
portolan::parseShape(const ShapeRule &rule, llvm::StringRef target,
                     llvm::StringRef text) {
  auto fail = [&](const llvm::Twine &message) {
    return llvm::createStringError(llvm::Twine("target '") + target +
                                   "': " + message);
  };
  llvm::SmallVector<llvm::StringRef, 3> parts;
  text.split(parts, 'x');
  if (parts.size() != rule.rank)
    return fail("shape expects " + describeShape(rule) + ", got '" + text +
                "'");

  llvm::SmallVector<int64_t, 3> shape;
  for (llvm::StringRef part : parts) {
    int64_t number = 0;
    if (part.empty() || !llvm::all_of(part, llvm::isDigit) ||
        part.getAsInteger(10, number))
      return fail("shape expects " + describeShape(rule) + ", got '" + text +
                  "'");
    if (number < 1 || number > kMaximumNumber)
      return fail("shape expects numbers from 1 to " +
                  llvm::Twine(kMaximumNumber) + ", got '" + part + "'");
    shape.push_back(number);
  }

  int64_t chips = rule.chipsPerUnit;
  for (auto [axis, number] : llvm::enumerate(shape)) {
    if (axis < rule.maximum.size() && number > rule.maximum[axis])
      return fail("shape expects at most " + llvm::Twine(rule.maximum[axis]) +
                  " " + rule.unit + ", got " + llvm::Twine(number));
    if (!rule.legalAxisSizes.empty() &&
        !llvm::is_contained(rule.legalAxisSizes, number))
      return fail("shape expects " + rule.unit + " out of " +
                  llvm::join(llvm::map_range(
                                 rule.legalAxisSizes,
                                 [](int64_t n) { return std::to_string(n); }),
                             ", ") +
                  ", got " + llvm::Twine(number));
    chips *= number;
    if (chips > kMaximumNumber)
      break;
  }
  int64_t limit = rule.maximumChips ? rule.maximumChips : kMaximumNumber;
  if (chips > limit)
    return fail("shape expects at most " + llvm::Twine(limit) +
                " chips, got '" + text + "'");
  auto needsCubes = [&](int64_t number) { return number > rule.cube; };
  auto isNotCubes = [&](int64_t number) { return number % rule.cube != 0; };
  if (rule.cube && llvm::any_of(shape, needsCubes) &&
      llvm::any_of(shape, isNotCubes))
    return fail("shape expects every axis to be a multiple of " +
                llvm::Twine(rule.cube) + " if one is larger than " +
                llvm::Twine(rule.cube) + ", got '" + text + "'");
  return shape;
}

llvm::SmallVector<bool, 3> portolan::wrapAxes(WrapRule rule, int64_t multiple,
                                              llvm::ArrayRef<int64_t> axes) {
  llvm::SmallVector<bool, 3> wraps;
  bool whole = llvm::all_of(
      axes, [&](int64_t axis) { return multiple && axis % multiple == 0; });
  for (int64_t axis : axes) {
    switch (rule) {
    case WrapRule::never:
      wraps.push_back(false);
      break;
    case WrapRule::always:
      wraps.push_back(true);
      break;
    case WrapRule::allAxesMultiple:
      wraps.push_back(whole);
      break;
    case WrapRule::axisEquals:
      wraps.push_back(axis == multiple);
      break;
    }
  }
  return wraps;
}

llvm::Error portolan::layOut(Machine &machine, llvm::StringRef target,
                             llvm::ArrayRef<int64_t> shape,
                             llvm::ArrayRef<int64_t> grid, int64_t domain) {
  Topology &topology = machine.topology;
  topology.axes.assign(shape.begin(), shape.end());
  topology.axes.front() *= machine.shapeRule.chipsPerUnit;

  // A plain number of chips fills the axes of a fixed grid, first axis first.
  if (!grid.empty()) {
    int64_t left = topology.chips();
    topology.axes.clear();
    for (int64_t size : grid) {
      int64_t part = std::min(left, size);
      if (left % part != 0)
        return llvm::createStringError(
            llvm::Twine("target '") + target + "': expects " +
            machine.shapeRule.unit + " that fill whole axes of the torus " +
            spellShape(grid) + ", got '" + spellShape(shape) + "'");
      topology.axes.push_back(part);
      left /= part;
    }
    if (left != 1)
      return llvm::createStringError(
          llvm::Twine("target '") + target + "': expects " +
          machine.shapeRule.unit + " that fill whole axes of the torus " +
          spellShape(grid) + ", got '" + spellShape(shape) + "'");
  }
  topology.wraps =
      wrapAxes(topology.wrapRule, topology.wrapMultiple, topology.axes);
  // A torus is one domain; a wafer is one by itself; of a switch at most what
  // is in use.
  switch (topology.kind) {
  case TopologyKind::fullSwitch:
    topology.domain = std::min(domain, topology.chips());
    break;
  case TopologyKind::torus:
    topology.domain = topology.chips();
    break;
  case TopologyKind::waferMesh:
    topology.domain = 1;
    break;
  }
  return llvm::Error::success();
}
