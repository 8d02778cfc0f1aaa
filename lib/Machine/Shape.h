//===- Shape.h - the shape of a target -----------------------------*- C++ -*-
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading of the part of a target after the colon. Internal to lib/Machine.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_MACHINE_SHAPE_H
#define PORTOLAN_LIB_MACHINE_SHAPE_H

#include "portolan/Machine/Machine.h"

namespace portolan {

/// "4x4x4".
std::string spellShape(llvm::ArrayRef<int64_t> shape);

/// "1, 2, 4".
std::string spellNumbers(llvm::ArrayRef<int64_t> numbers);

/// What a shape looks like: "a number of GPUs", "AxBxC (chips per axis)".
std::string describeShape(const ShapeRule &rule);

/// The numbers of `text`, checked against the rule. `target` is for messages.
llvm::Expected<llvm::SmallVector<int64_t, 3>>
parseShape(const ShapeRule &rule, llvm::StringRef target, llvm::StringRef text);

/// Which axes of a torus close to a ring.
llvm::SmallVector<bool, 3> wrapAxes(WrapRule rule, int64_t multiple,
                                    llvm::ArrayRef<int64_t> axes);

/// Fills the axes, wraps and domain of machine.topology. `grid` is the torus
/// that a plain number of chips is folded onto (may be empty); `domain` is 0
/// unless chips share a switch.
llvm::Error layOut(Machine &machine, llvm::StringRef target,
                   llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> grid,
                   int64_t domain);

} // namespace portolan

#endif // PORTOLAN_LIB_MACHINE_SHAPE_H
