//===- Fabric.h - closed formulas of on-wafer transfers ---------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a transfer between the PEs of a wafer loads its links with. Tested
// against a simulation of every wavelet.
//
// Sources: HPDC 2024 (arXiv 2404.15888): a transfer takes max(C, E/N + L) + (2
// T_R + 1) D cycles, with C the wavelets through the busiest ramp, E/N those on
// the mean link, L the longest way in hops, D the longest chain of PEs that
// depend on each other; a start is 2 T_R + 1 cycles, and bottleneck bytes are
// the wavelets of C over all phases. WaferLLM (OSDI 2025): K-trees of two
// levels, transposed layouts, MeshGEMM.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_WAFER_REALIZE_FABRIC_H
#define PORTOLAN_DIALECTS_WAFER_REALIZE_FABRIC_H

#include "dialects/Wafer/Realize/FloorPlan.h"
#include "portolan/Analysis/Step.h"

namespace portolan::wafer {

/// Partial sums of `bytes` on every PE of a line, added by a tree of two levels
/// towards the middle and sent back to all of the line.
LinkLoad kTreeLoad(int64_t line, double bytes);

/// `bytes` copied by routers to every PE within `hops`.
LinkLoad multicastLoad(double hops, double bytes);

/// MeshGEMM on a grid: both operands pass through each PE in `steps` shifts to
/// the next but one PE; `bytes` are those that one PE takes in all.
LinkLoad shiftLoad(int64_t steps, double bytes);

/// `bytes` in all that change places evenly inside a region: half of them cross
/// its middle, half of those in each direction, over the links of its short
/// side.
LinkLoad exchangeLoad(const Region &region, double bytes);

/// Adds a transfer that follows, `times` over.
void addLoad(LinkLoad &sum, const LinkLoad &load, double times = 1);

} // namespace portolan::wafer

#endif // PORTOLAN_DIALECTS_WAFER_REALIZE_FABRIC_H
