//===- FloorPlan.cpp - rectangles of a wafer ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Process: n rectangles are put into r rows, the first rows holding one more if
//   uneven. A row of c rectangles is c / n of the grid high and cut into c
//   equal parts, so that all areas are equal but for rounding. Of the two
//   numbers of rows around sqrt(n * height / width) the one with the shorter
//   longest side.
//
//===----------------------------------------------------------------------===//

#include "dialects/Wafer/Realize/FloorPlan.h"
#include <algorithm>
#include <cmath>

using namespace portolan;
using namespace portolan::wafer;

namespace {

/// Rows of a plan and the sides of its slowest rectangle.
struct Rows {
  int64_t count = 1;
  Region slowest;
};

/// The grid lies with its longer side along x.
Region slowestOf(const Region &grid, int64_t count, int64_t rows) {
  Region slowest{0, 0};
  int64_t base = count / rows;
  for (int64_t inRow : {base, base + (count % rows ? 1 : 0)}) {
    int64_t height = grid.shortSide * inRow / count;
    int64_t width = grid.longSide / inRow;
    Region region{std::max(height, width), std::min(height, width)};
    if (region.longSide > slowest.longSide)
      slowest = region;
  }
  return slowest;
}

Rows chooseRows(const Region &grid, int64_t count) {
  double ideal =
      std::sqrt(double(count) * double(grid.shortSide) / double(grid.longSide));
  Rows best{0, {}};
  for (int64_t rows : {int64_t(ideal), int64_t(ideal) + 1}) {
    rows = std::clamp<int64_t>(rows, 1, std::min(count, grid.shortSide));
    Region slowest = slowestOf(grid, count, rows);
    if (best.count == 0 || slowest.longSide < best.slowest.longSide)
      best = {rows, slowest};
  }
  return best;
}

} // namespace

Region wafer::gridOf(const Topology &topology) {
  if (topology.units.size() != 2)
    return {1, 1};
  return {std::max(topology.units[0], topology.units[1]),
          std::min(topology.units[0], topology.units[1])};
}

std::vector<Rect> wafer::floorPlan(const Region &grid, int64_t count) {
  std::vector<Rect> plan;
  int64_t rows = chooseRows(grid, count).count;
  int64_t placed = 0;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t inRow = count / rows + (row < count % rows ? 1 : 0);
    int64_t top = grid.shortSide * placed / count;
    int64_t bottom = grid.shortSide * (placed + inRow) / count;
    for (int64_t i = 0; i < inRow; ++i) {
      int64_t left = grid.longSide * i / inRow;
      int64_t right = grid.longSide * (i + 1) / inRow;
      plan.push_back({left, top, right - left, bottom - top});
    }
    placed += inRow;
  }
  return plan;
}

Region wafer::regionOf(const Region &grid, int64_t count) {
  if (count <= 1)
    return grid;
  Region region = chooseRows(grid, count).slowest;
  return {std::max<int64_t>(region.longSide, 1),
          std::max<int64_t>(region.shortSide, 1)};
}
