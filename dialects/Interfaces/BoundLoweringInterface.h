//===- BoundLoweringInterface.h - lowered when bound -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The interface of ops that the binding of a workload lowers.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_INTERFACES_BOUNDLOWERINGINTERFACE_H
#define PORTOLAN_DIALECTS_INTERFACES_BOUNDLOWERINGINTERFACE_H

#include "mlir/IR/OpDefinition.h"

#include "dialects/Interfaces/BoundLoweringInterface.h.inc"

#endif // PORTOLAN_DIALECTS_INTERFACES_BOUNDLOWERINGINTERFACE_H
