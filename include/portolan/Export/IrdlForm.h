//===- IrdlForm.h - modules for an MLIR without our code -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The IRDL form of a module is text that an MLIR reads, checks and prints which
// knows Portolan's dialects from their IRDL files alone. It is the generic form
// with what IRDL cannot describe spelled out:
//
// - a dialect of IRDL has no properties: all attributes are in one dictionary;
// - its attributes are lists of attributes: one of ours holds its own text,
//   `#spmd.group<"<8 by 1>">` for `#spmd.group<8 by 1>`;
// - its ops have no traits, so that none of ours can end a block or do without
//   an end: such a block ends in `ub.unreachable`;
// - its lists of operands or results have one type: an op of ours with a list
//   says in `operandSegmentSizes` which of 32 optional operands it uses;
// - its ops have a fixed number of regions: `graph.node` with two bodies is
//   `graph.node_regions_2`.
//
// Nothing is lost: reading the form back gives the module again.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXPORT_IRDLFORM_H
#define PORTOLAN_EXPORT_IRDLFORM_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace portolan {

/// Prints `op` in IRDL form; fails, with a diagnostic, if a list of operands or
/// results is longer than 32.
mlir::LogicalResult printIrdlForm(mlir::Operation *op,
                                  llvm::raw_ostream &stream);

/// Reads a module in IRDL form; null, with a diagnostic, if it is not one.
mlir::OwningOpRef<mlir::ModuleOp> parseIrdlForm(llvm::StringRef text,
                                                mlir::MLIRContext &context);

/// Registers --export-irdl-form and --import-irdl-form of portolan-translate.
void registerIrdlFormTranslations();

} // namespace portolan

#endif // PORTOLAN_EXPORT_IRDLFORM_H
