//===- Grid.h - the axes that ranks are numbered along ---------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_MACHINE_GRID_H
#define PORTOLAN_MACHINE_GRID_H

#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace portolan {

/// An axis of a torus or of a line of chips.
struct RankAxis {
  int64_t size = 1;
  bool closed = false; ///< the last chip has a link to the first
  /// Seconds per byte of a link over those of the fastest axis.
  double slowness = 1;
};

/// The chips of a model copy as its ranks count them, innermost axis first;
/// no axes on a switch.
struct RankGrid {
  llvm::SmallVector<RankAxis, 3> axes;
  /// Neighbours share many links (regions of a wafer): what one of them carries
  /// is not told by a message.
  bool isFabric = false;

  bool isSwitch() const { return axes.empty(); }
};

} // namespace portolan

#endif // PORTOLAN_MACHINE_GRID_H
