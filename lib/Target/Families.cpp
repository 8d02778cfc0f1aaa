//===- Families.cpp - the families that exist -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only place that lists target families.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Realize/SwitchedFamily.h"
#include "dialects/Torus/Realize/TorusFamily.h"
#include "dialects/Trainium/Realize/TrainiumFamily.h"
#include "dialects/Wafer/Realize/WaferFamily.h"

using namespace portolan;

Family::~Family() = default;

llvm::ArrayRef<const Family *> portolan::allFamilies() {
  static const switched::SwitchedFamily switchedFamily;
  static const torus::TorusFamily torusFamily;
  static const trainium::TrainiumFamily trainiumFamily;
  static const wafer::WaferFamily waferFamily;
  static const Family *const families[] = {&switchedFamily, &torusFamily,
                                           &trainiumFamily, &waferFamily};
  return families;
}

llvm::Expected<const Family *> portolan::familyOf(const Machine &machine) {
  std::string names;
  for (const Family *family : allFamilies()) {
    if (family->name() == machine.family)
      return family;
    names += (names.empty() ? "" : ", ") + family->name().str();
  }
  return llvm::createStringError("machine '" + machine.name +
                                 "': expects a family among " + names +
                                 ", got '" + machine.family + "'");
}
