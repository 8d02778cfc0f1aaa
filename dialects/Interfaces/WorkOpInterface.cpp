//===- WorkOpInterface.cpp - ops that state their work --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/WorkOpInterface.h"

#include "dialects/Interfaces/WorkOpInterface.cpp.inc"
