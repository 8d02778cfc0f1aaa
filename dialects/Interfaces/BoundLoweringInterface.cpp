//===- BoundLoweringInterface.cpp - lowered when bound --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/BoundLoweringInterface.h"

#include "dialects/Interfaces/BoundLoweringInterface.cpp.inc"
