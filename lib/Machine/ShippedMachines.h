//===- ShippedMachines.h - the embedded machine files --------------*- C++ -*-
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table that the build writes from dialects/Machine/Specs.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_MACHINE_SHIPPEDMACHINES_H
#define PORTOLAN_LIB_MACHINE_SHIPPEDMACHINES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace portolan {

struct ShippedMachine {
  llvm::StringLiteral name;
  llvm::StringLiteral text;
};

/// In the order of the design.
llvm::ArrayRef<ShippedMachine> shippedMachines();

} // namespace portolan

#endif // PORTOLAN_LIB_MACHINE_SHIPPEDMACHINES_H
