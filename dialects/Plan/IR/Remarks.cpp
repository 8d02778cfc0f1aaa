//===- Remarks.cpp - why a decision does not carry over -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Plan/IR/Remarks.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/STLExtras.h"

using namespace portolan;
using namespace portolan::plan;

namespace {
constexpr RemarkEntry kCatalogue[] = {
#include "dialects/Plan/IR/Remarks.inc"
};
} // namespace

llvm::ArrayRef<RemarkEntry> plan::remarkCatalogue() { return kCatalogue; }

const RemarkEntry *plan::findRemark(llvm::StringRef id) {
  const RemarkEntry *entry = llvm::find_if(
      kCatalogue, [&](const RemarkEntry &entry) { return entry.id == id; });
  return entry == std::end(kCatalogue) ? nullptr : entry;
}

void plan::emitMissed(mlir::Location location, PlanClass planClass,
                      PlanValue value, PlanValue targetValue,
                      llvm::StringRef verdict, const Refusal &refusal) {
  using mlir::remark::RemarkOpts;
  const RemarkEntry *entry = findRemark(refusal.id);
  // Names are kept by reference: the catalogue outlives every remark.
  llvm::StringRef name =
      entry ? llvm::StringRef(entry->id) : llvm::StringRef("uncatalogued");
  auto remark = mlir::remark::missed(
      location, RemarkOpts::name(name).category(kRemarkCategory));
  std::string text =
      (spell(planClass) + " = " + spell(planClass, value) + " " + verdict)
          .str();
  if (value != targetValue)
    text += " to " + spell(planClass, targetValue);
  remark << llvm::StringRef(text);
  remark << mlir::remark::reason("{0}", refusal.reason);
  if (entry)
    remark << mlir::remark::suggest("{0}", llvm::StringRef(entry->suggestion));
  remark << mlir::remark::metric("class", spell(planClass))
         << mlir::remark::metric("verdict", verdict);
  if (!refusal.resource.empty())
    remark << mlir::remark::metric("resource", refusal.resource);
  if (refusal.needed != 0 || refusal.available != 0)
    remark << mlir::remark::metric("needed", refusal.needed)
           << mlir::remark::metric("available", refusal.available)
           << mlir::remark::metric("unit", refusal.unit);
  if (!refusal.op.empty())
    remark << mlir::remark::metric("op", refusal.op);
}
