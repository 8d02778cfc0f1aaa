//===- FormatOrder.h - formats that are never slower -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A partial order of the number formats of plans. Plans that are equal but for
// their formats need not all be priced: if one is not good enough, neither are
// those whose formats are nowhere narrower or faster.
//
// Process: what every use of a format contributes to a step is compared: bytes
//   per element, seconds to stream an element from each memory level, seconds
//   per matmul operation, vector operations to widen an element. Tiles must be
//   padded no more, so that no more operations are issued.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SEARCH_FORMATORDER_H
#define PORTOLAN_SEARCH_FORMATORDER_H

#include "portolan/Analysis/Estimate.h"
#include "portolan/Target/Family.h"

namespace portolan {

class FormatOrder {
public:
  /// Requires a family whose formats only scale.
  explicit FormatOrder(const PricedMachine &machine) : machine(machine) {}

  /// Whether no plan with the formats of `slow` takes less time or memory, at
  /// any concurrency, than the same plan with those of `fast`. Figures that are
  /// unknown compare as false.
  bool isNeverSlower(const PlanPoint &fast, const PlanPoint &slow) const;

private:
  double secondsPerOperation(Format compute) const;
  double secondsPerElement(Format storage, unsigned level) const;
  /// Vector operations per element.
  double widening(Format storage, Format compute) const;
  bool computesNoSlower(Format fast, Format slow) const;
  bool isUsedNoSlower(FormatPair fast, FormatPair slow) const;

  const PricedMachine &machine;
};

} // namespace portolan

#endif // PORTOLAN_SEARCH_FORMATORDER_H
