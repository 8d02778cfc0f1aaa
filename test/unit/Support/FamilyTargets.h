//===- FamilyTargets.h - a small machine of every family -------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One target per family, small enough to lower hundreds of programs for.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SUPPORT_FAMILYTARGETS_H
#define PORTOLAN_TEST_UNIT_SUPPORT_FAMILYTARGETS_H

namespace portolan::test {

/// In the order of allFamilies(), which a test compares.
inline constexpr const char *kFamilyTargets[] = {"gb300-nvl72:8", "tpu7x:2x2x2",
                                                 "trn2:4", "cs3:4"};

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SUPPORT_FAMILYTARGETS_H
