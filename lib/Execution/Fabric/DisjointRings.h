//===- DisjointRings.h - rings that share no link --------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_EXECUTION_FABRIC_DISJOINTRINGS_H
#define PORTOLAN_LIB_EXECUTION_FABRIC_DISJOINTRINGS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <vector>

namespace portolan {

/// Directed rings over the chips of a torus of one or two closed axes, each
/// visiting all chips, no link used twice in one direction: as many as a pass
/// can use at once. Chips are counted first axis innermost. On a switch, and
/// for two chips, one ring. None if there is no such ring.
std::vector<llvm::SmallVector<int32_t, 16>>
disjointRings(llvm::ArrayRef<int64_t> sizes, bool isSwitch);

} // namespace portolan

#endif // PORTOLAN_LIB_EXECUTION_FABRIC_DISJOINTRINGS_H
