//===- FileTest.cpp - files that are safe to read -------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/File.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <sys/stat.h>

using namespace portolan;
using llvm::StringRef;

namespace {

/// A model's folder, "model", in a folder of its own.
class FileTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("portolan-file", root));
    ASSERT_FALSE(llvm::sys::fs::create_directory(path("model")));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(root); }

  std::string path(StringRef name) {
    llvm::SmallString<128> joined(root);
    llvm::sys::path::append(joined, name);
    return joined.str().str();
  }
  void write(StringRef name, StringRef text) {
    std::error_code error;
    llvm::raw_fd_ostream(path(name), error) << text;
    ASSERT_FALSE(error) << error.message();
  }
  void link(StringRef to, StringRef name) {
    ASSERT_FALSE(llvm::sys::fs::create_link(to, path(name)));
  }

  static std::string
  textOf(llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer) {
    if (!buffer)
      return "error: " + llvm::toString(buffer.takeError());
    return (*buffer)->getBuffer().str();
  }
  std::string inside(StringRef file) {
    return textOf(readFileInside(path("model"), file));
  }

  llvm::SmallString<128> root;
  const std::string leaves = "error: expects a file inside the model's folder, "
                             "got a link that leaves it";
  const std::string misspelt =
      "error: expects a path inside the model's folder";
};

} // namespace

TEST_F(FileTest, ReadsAFile) {
  write("a", "text");
  EXPECT_EQ(textOf(readFile(path("a"))), "text");
  EXPECT_EQ(textOf(readFile(path("a"), /*isText=*/true)), "text");
}

TEST_F(FileTest, RefusesAFolder) {
  EXPECT_EQ(textOf(readFile(path("model"))),
            "error: expects a file, got a directory");
}

// Opening it for reading would wait for a writer for ever.
TEST_F(FileTest, RefusesANamedPipeWithoutWaitingForIt) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(textOf(readFile(path("pipe"))),
            "error: expects a file, got a special file");
}

TEST_F(FileTest, RefusesAnEndlessDevice) {
  EXPECT_EQ(textOf(readFile("/dev/zero")),
            "error: expects a file, got a special file");
}

TEST_F(FileTest, RefusesALargerFileThanItsBound) {
  write("a", "text");
  EXPECT_EQ(textOf(readFile(path("a"), /*isText=*/true, /*maxBytes=*/4)),
            "text");
  EXPECT_EQ(textOf(readFile(path("a"), /*isText=*/true, /*maxBytes=*/3)),
            "error: expects a file of at most 3 bytes, got 4");
}

TEST_F(FileTest, ReadsAFileInAFolderOfTheModel) {
  ASSERT_FALSE(llvm::sys::fs::create_directory(path("model/weights")));
  write("model/weights/a..b", "text");
  EXPECT_EQ(inside("weights/a..b"), "text");
  EXPECT_EQ(inside("./weights//a..b"), "text");
}

TEST_F(FileTest, FollowsALinkThatStaysInside) {
  write("model/a", "text");
  link("a", "model/b");
  EXPECT_EQ(inside("b"), "text");
}

// As Hugging Face's cache does with whole snapshots.
TEST_F(FileTest, FollowsALinkThatIsTheFolder) {
  write("model/a", "text");
  link(path("model"), "snapshot");
  EXPECT_EQ(textOf(readFileInside(path("snapshot"), "a")), "text");
}

TEST_F(FileTest, RefusesALinkOfAFileThatLeaves) {
  write("a", "text");
  link(path("a"), "model/a");
  EXPECT_EQ(inside("a"), leaves);
}

TEST_F(FileTest, RefusesALinkOfAFolderThatLeaves) {
  ASSERT_FALSE(llvm::sys::fs::create_directory(path("other")));
  write("other/a", "text");
  link("../other", "model/weights");
  EXPECT_EQ(inside("weights/a"), leaves);
}

// "/.../model-2" starts with "/.../model".
TEST_F(FileTest, RefusesALinkToAFolderWithALongerName) {
  ASSERT_FALSE(llvm::sys::fs::create_directory(path("model-2")));
  write("model-2/a", "text");
  link("../model-2/a", "model/a");
  EXPECT_EQ(inside("a"), leaves);
}

TEST_F(FileTest, RefusesALinkThatEndsNowhere) {
  link("b", "model/a");
  EXPECT_EQ(inside("a"), "error: cannot be opened: No such file or directory");
}

TEST_F(FileTest, RefusesALinkToItself) {
  link("a", "model/a");
  EXPECT_EQ(inside("a"),
            "error: cannot be opened: Too many levels of symbolic links");
}

TEST_F(FileTest, RefusesASpellingThatCouldLeave) {
  for (StringRef file : {"", "/etc/passwd", "..", "../a", "a/../../b", "a/.."})
    EXPECT_EQ(inside(file), misspelt) << file.str();
}

// The system would read "a" of it.
TEST_F(FileTest, RefusesANulByte) {
  write("model/a", "text");
  EXPECT_EQ(inside(StringRef("a\0b", 3)), misspelt);
}

TEST_F(FileTest, RefusesTheFolderItselfAndNamedPipes) {
  EXPECT_EQ(inside("."), "error: expects a file inside the model's folder, got "
                         "a link that leaves it");
  ASSERT_FALSE(llvm::sys::fs::create_directory(path("model/a")));
  EXPECT_EQ(inside("a"), "error: expects a file, got a directory");
  ASSERT_EQ(mkfifo(path("model/pipe").c_str(), 0600), 0);
  EXPECT_EQ(inside("pipe"), "error: expects a file, got a special file");
}

TEST_F(FileTest, RefusesAFolderThatIsNotThere) {
  std::string folder = path("none");
  EXPECT_EQ(textOf(readFileInside(folder, "a")),
            "error: expects the folder '" + folder +
                "': No such file or directory");
}
