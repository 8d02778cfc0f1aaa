//===- FormatTest.cpp - number formats ------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/Format.h"
#include "gtest/gtest.h"

using namespace portolan;

TEST(Format, SpellAndParseAreInverse) {
  for (Format format : kAllFormats)
    EXPECT_EQ(parseFormat(spell(format)), format);
}

TEST(Format, UnknownNameIsRefused) {
  EXPECT_FALSE(parseFormat("fp9").has_value());
  EXPECT_FALSE(parseFormat("").has_value());
}

// 16 four-bit elements share one eight-bit scale: 4 + 8/16 = 4.5 bits.
TEST(Format, BlockScalesCountAsBytes) {
  EXPECT_DOUBLE_EQ(bytesPerElement(Format::nvfp4) * 16, 9.0);
  EXPECT_DOUBLE_EQ(bytesPerElement(Format::mxfp4) * 32, 17.0);
  EXPECT_DOUBLE_EQ(bytesPerElement(Format::bf16), 2.0);
}

TEST(Format, LadderEndsAtBf16) {
  EXPECT_EQ(nextWider(Format::nvfp4), Format::fp8);
  EXPECT_EQ(nextWider(Format::int4), Format::int8);
  EXPECT_EQ(nextWider(Format::fp8), Format::bf16);
  EXPECT_FALSE(nextWider(Format::bf16).has_value());
}
