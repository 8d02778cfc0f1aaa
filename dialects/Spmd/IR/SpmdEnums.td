//===- SpmdEnums.td - enumerations of the spmd dialect -----*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SPMD_IR_SPMDENUMS_TD
#define PORTOLAN_DIALECTS_SPMD_IR_SPMDENUMS_TD

include "mlir/IR/EnumAttr.td"
include "dialects/Spmd/IR/SpmdDialect.td"

#endif // PORTOLAN_DIALECTS_SPMD_IR_SPMDENUMS_TD
