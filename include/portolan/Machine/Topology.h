//===- Topology.h - how the chips of a system are connected ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The topology of a machine, as plain data: part of Machine.h.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_MACHINE_TOPOLOGY_H
#define PORTOLAN_MACHINE_TOPOLOGY_H

#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace portolan {

enum class TopologyKind : uint8_t { fullSwitch, torus, waferMesh };

/// When an axis of a torus wraps around.
enum class WrapRule : uint8_t {
  never,
  always,
  /// All axes wrap iff every axis is a multiple of `wrapMultiple`.
  allAxesMultiple,
  /// An axis wraps iff its size is `wrapMultiple`.
  axisEquals,
};

/// How the chips of one system are connected, for the shape in use.
struct Topology {
  TopologyKind kind = TopologyKind::fullSwitch;
  /// Torus or mesh: chips per axis of the shape in use (x, y, z). Switch:
  /// {chips}.
  llvm::SmallVector<int64_t, 3> axes;
  /// Torus: which axes wrap, same length as `axes`.
  llvm::SmallVector<bool, 3> wraps;
  WrapRule wrapRule = WrapRule::never;
  int64_t wrapMultiple = 0;
  /// Chips in one scale-up domain (switch: 72; torus: the whole slice; wafer:
  /// 1).
  int64_t domain = 1;
  /// Switch: chips of one server; 1 if servers make no difference.
  int64_t server = 1;
  /// Wafer: processing elements per axis of one wafer; empty elsewhere.
  llvm::SmallVector<int64_t, 2> units;

  int64_t chips() const {
    int64_t product = 1;
    for (int64_t axis : axes)
      product *= axis;
    return product;
  }
};

} // namespace portolan

#endif // PORTOLAN_MACHINE_TOPOLOGY_H
