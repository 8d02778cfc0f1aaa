//===- MessageTest.cpp - text of others in messages -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/Message.h"
#include "gtest/gtest.h"

using namespace portolan;

TEST(Message, KeepsText) {
  EXPECT_EQ(oneLine("node 'a/b' (\xc3\xa9)"), "node 'a/b' (\xc3\xa9)");
}

TEST(Message, ShowsControlCharacters) {
  EXPECT_EQ(oneLine(llvm::StringRef("a\nb\0\x1b[31m\x7f", 10)),
            "a\\0Ab\\00\\1B[31m\\7F");
}

TEST(Message, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(oneLine("a\xff!"), "a\xef\xbf\xbd!");
}

// Both ends of a name of a megabyte.
TEST(Message, LeavesOutTheMiddle) {
  std::string name(1 << 20, 'x');
  EXPECT_EQ(oneLine("node '" + name + "': why", 20), "node 'xxxx...xxxx': why");
}

TEST(Message, LeavesSuccessAlone) {
  EXPECT_FALSE(bool(oneLine(llvm::Error::success())));
  EXPECT_EQ(llvm::toString(oneLine(llvm::createStringError("a\tb"))), "a\\09b");
}
