//===- Remarks.h - why a decision does not carry over ----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The catalogue of Remarks.td as data, and its entries as MLIR remarks.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_PLAN_IR_REMARKS_H
#define PORTOLAN_DIALECTS_PLAN_IR_REMARKS_H

#include "mlir/IR/Location.h"
#include "portolan/Target/Family.h"

namespace portolan::plan {

struct RemarkEntry {
  llvm::StringLiteral id, category, sentence, suggestion;
};

/// All reasons, sorted by id.
llvm::ArrayRef<RemarkEntry> remarkCatalogue();

/// The entry of an id; null if the catalogue lacks it.
const RemarkEntry *findRemark(llvm::StringRef id);

/// Category of every remark emitted here, for --remarks-filter.
inline constexpr llvm::StringLiteral kRemarkCategory = "portolan-carryover";

/// Emits a Missed remark named after the refusal's id: what was decided and
/// what became of it, the sentence and suggestion of the catalogue, and the
/// figures of the refusal. `verdict` is "repaired", "slower" or "infeasible".
void emitMissed(mlir::Location location, PlanClass planClass, PlanValue value,
                PlanValue targetValue, llvm::StringRef verdict,
                const Refusal &refusal);

} // namespace portolan::plan

#endif // PORTOLAN_DIALECTS_PLAN_IR_REMARKS_H
