//===- FloorPlan.h - rectangles of a wafer ----------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the stages of a wafer, and the experts of a stage, lie: rectangles of
// about equal area, as square as the grid allows, that do not overlap. Pure
// functions of the grid and the count.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_WAFER_REALIZE_FLOORPLAN_H
#define PORTOLAN_DIALECTS_WAFER_REALIZE_FLOORPLAN_H

#include "portolan/Machine/Machine.h"

namespace portolan::wafer {

/// A rectangle of PEs on the grid: its first PE and its sides.
struct Rect {
  int64_t x = 0, y = 0;
  int64_t width = 0, height = 0;

  int64_t area() const { return width * height; }
};

/// The sides of a rectangle in PEs, the longer one first.
struct Region {
  int64_t longSide = 1, shortSide = 1;

  double area() const { return double(longSide) * double(shortSide); }
  bool operator==(const Region &other) const {
    return longSide == other.longSide && shortSide == other.shortSide;
  }
};

/// The grid of one wafer as a region; one PE if the machine states no grid.
Region gridOf(const Topology &topology);

/// `count` rectangles side by side in rows whose heights go with how many
/// rectangles they hold. Requires that the grid has room: count <= area.
std::vector<Rect> floorPlan(const Region &grid, int64_t count);

/// The sides of the slowest rectangle of floorPlan(): the one with the longest
/// side. One PE if the grid has no room. Allocates nothing.
Region regionOf(const Region &grid, int64_t count);

} // namespace portolan::wafer

#endif // PORTOLAN_DIALECTS_WAFER_REALIZE_FLOORPLAN_H
