//===- Sheet.h - a machine for people and programs -------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints a machine as a sheet, one figure a line with its corners, confidence
// and source, and as JSON.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_MACHINE_SHEET_H
#define PORTOLAN_MACHINE_SHEET_H

#include "portolan/Machine/Machine.h"
#include "llvm/Support/JSON.h"

namespace portolan {

/// "2.5 Pflop/s", "1.8 us", "0.84".
std::string spellFigure(double value, llvm::StringRef unit);

/// How the part of a target after the colon is read: "a number of GPUs, at most
/// 72; without a colon 72".
std::string spellShapeRule(const ShapeRule &rule);

void printMachineSheet(const Machine &machine, llvm::raw_ostream &stream);

/// The fields are described in docs of `portolan machines --json`: name,
/// family, title, sha256, chips, default, shape, topology, engines, memories,
/// links, formats, figures (path, low, nominal, high, unit, confidence,
/// source), unknown (path, reason).
llvm::json::Value machineToJson(const Machine &machine);

} // namespace portolan

#endif // PORTOLAN_MACHINE_SHEET_H
