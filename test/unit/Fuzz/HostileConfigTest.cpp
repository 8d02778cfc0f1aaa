//===- HostileConfigTest.cpp - configurations that want to do harm --------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each field of each configuration that ships or is tested takes values that
// no model has. A field is used, refused or ignored; nothing else happens.
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Targets.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace portolan::fuzz;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

namespace {

/// JSON texts, some of which are no JSON.
const char *const kValues[] = {"0",
                               "-1",
                               "1",
                               "3",
                               "65",
                               "1000000000",
                               "4294967296",
                               "9223372036854775807",
                               "-9223372036854775808",
                               "18446744073709551616",
                               "0.5",
                               "1e400",
                               "-1e400",
                               "1e-400",
                               "nan",
                               "\"16\"",
                               "\"\"",
                               "null",
                               "true",
                               "[]",
                               "{}",
                               "[0]",
                               "[1, \"x\"]",
                               "[[]]",
                               "{\"a\": {}}",
                               "\"\\u0000\"",
                               "\"\xff\""};

std::vector<std::string> configurations() {
  std::vector<std::string> texts;
  for (const char *folder :
       {"/lib/Import/Models", "/test/Import/HfConfig/Inputs"}) {
    std::error_code error;
    std::vector<std::string> paths;
    for (llvm::sys::fs::directory_iterator
             at(std::string(PORTOLAN_TEST_SOURCE) + folder, error),
         end;
         !error && at != end; at.increment(error))
      if (llvm::StringRef(at->path()).ends_with(".json") &&
          !llvm::StringRef(at->path()).ends_with("index.json"))
        paths.push_back(at->path());
    std::sort(paths.begin(), paths.end());
    for (const std::string &path : paths)
      texts.push_back((*llvm::MemoryBuffer::getFile(path))->getBuffer().str());
  }
  return texts;
}

/// A number that stands for the value to be replaced.
constexpr int64_t kMark = 987654321987654321;

/// Calls `visit` with each variant of `root` in which one field, of whatever
/// depth, is kMark, and with the number of the field.
void forEachField(Value &root, Value &at, unsigned &count,
                  llvm::function_ref<void(unsigned)> visit) {
  auto swap = [&](Value &value) {
    Value old = std::move(value);
    value = kMark;
    visit(count++);
    value = std::move(old);
    forEachField(root, value, count, visit);
  };
  if (Object *object = at.getAsObject())
    for (auto &field : *object)
      swap(field.second);
  else if (Array *array = at.getAsArray(); array && !array->empty())
    swap(array->front());
}

std::string textOf(const Value &value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

} // namespace

TEST(HostileConfig, EveryFieldTakesEveryValue) {
  unsigned accepted = 0, refused = 0;
  std::vector<std::string> texts = configurations();
  ASSERT_GE(texts.size(), 4u);
  for (const std::string &text : texts) {
    Value root = llvm::cantFail(llvm::json::parse(text));
    // Models of many layers take long: they get some of the values.
    unsigned stride = text.size() > 1500 || texts.size() > 16 ? 5 : 1;
    unsigned count = 0;
    forEachField(root, root, count, [&](unsigned field) {
      std::string marked = textOf(root), mark = std::to_string(kMark);
      size_t place = marked.find(mark);
      ASSERT_NE(place, std::string::npos);
      for (size_t i = field % stride; i < std::size(kValues); i += stride) {
        std::string changed = marked;
        changed.replace(place, mark.size(), kValues[i]);
        Outcome outcome = takeConfig(changed);
        ++(outcome.accepted() ? accepted : refused);
        EXPECT_EQ(outcome.error.find('\n'), std::string::npos) << outcome.error;
        EXPECT_LT(outcome.error.size(), 500u) << outcome.error;
      }
    });
  }
  EXPECT_GT(accepted, 100u);
  EXPECT_GT(refused, 1000u);
}

TEST(HostileConfig, LayersAreBounded) {
  std::string text = configurations().back();
  Value root = llvm::cantFail(llvm::json::parse(text));
  (*root.getAsObject())["num_hidden_layers"] = 1000000000;
  EXPECT_EQ(takeConfig(textOf(root)).error,
            "config.json: num_hidden_layers: expects an integer from 1 to "
            "4096, got 1000000000");
}

TEST(HostileConfig, LongFieldsAreShortened) {
  std::string type(1 << 20, 'x');
  Outcome outcome = takeConfig("{\"model_type\": \"" + type + "\"}");
  EXPECT_LT(outcome.error.size(), 1000u);
}

TEST(HostileConfig, ManyFieldsAreRead) {
  std::string text = "{\"model_type\": \"mixtral\"";
  for (int i = 0; i < 100000; ++i)
    text += ", \"f" + std::to_string(i) + "\": 0";
  EXPECT_FALSE(takeConfig(text + "}").accepted());
}
