//===- HfConfigReader.cpp - strict reading of a config.json ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Import/HfConfigReader.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace portolan;
using llvm::StringRef;
using llvm::Twine;

const llvm::json::Value *HfConfigReader::find(StringRef field) const {
  known.insert(field);
  const llvm::json::Value *value = object.get(field);
  return value && value->kind() != llvm::json::Value::Null ? value : nullptr;
}

bool HfConfigReader::has(StringRef field) const { return find(field); }

void HfConfigReader::fail(StringRef field, const Twine &expected,
                          const Twine &found) {
  if (!error)
    error = (Twine(file) + ": " + prefix + field + ": expects " + expected +
             ", got " + found)
                .str();
}

bool HfConfigReader::isArray(StringRef field) const {
  const llvm::json::Value *value = find(field);
  return value && value->getAsArray();
}

void HfConfigReader::fail(StringRef field, const Twine &expected) {
  const llvm::json::Value *value = object.get(field);
  if (!value)
    return fail(field, expected, "no such field");
  std::string text;
  llvm::raw_string_ostream(text) << *value;
  // An error is one readable line, whatever the field holds.
  constexpr size_t kLongest = 60;
  if (text.size() > kLongest) {
    text.resize(kLongest);
    text = llvm::json::fixUTF8(text) + "...";
  }
  fail(field, expected, text);
}

int64_t HfConfigReader::integer(StringRef field, int64_t min, int64_t max) {
  const llvm::json::Value *value = find(field);
  std::optional<int64_t> number =
      value ? value->getAsInteger() : std::optional<int64_t>();
  if (number && *number >= min && *number <= max)
    return *number;
  fail(field, "an integer from " + Twine(min) + " to " + Twine(max));
  return min;
}

double HfConfigReader::positive(StringRef field) {
  const llvm::json::Value *value = find(field);
  std::optional<double> number =
      value ? value->getAsNumber() : std::optional<double>();
  if (number && std::isfinite(*number) && *number > 0)
    return *number;
  fail(field, "a number above 0");
  return 1;
}

double HfConfigReader::negative(StringRef field) {
  const llvm::json::Value *value = find(field);
  std::optional<double> number =
      value ? value->getAsNumber() : std::optional<double>();
  if (number && std::isfinite(*number) && *number < 0)
    return *number;
  fail(field, "a number below 0");
  return -1;
}

bool HfConfigReader::flag(StringRef field) {
  const llvm::json::Value *value = find(field);
  if (std::optional<bool> flag =
          value ? value->getAsBoolean() : std::optional<bool>())
    return *flag;
  fail(field, "true or false");
  return false;
}

bool HfConfigReader::flagOr(StringRef field, bool absent) {
  return has(field) ? flag(field) : absent;
}

unsigned HfConfigReader::choice(StringRef field,
                                llvm::ArrayRef<StringRef> choices) {
  const llvm::json::Value *value = find(field);
  std::optional<StringRef> text =
      value ? value->getAsString() : std::optional<StringRef>();
  for (unsigned i = 0; text && i < choices.size(); ++i)
    if (*text == choices[i])
      return i;
  fail(field, (choices.size() > 1 ? "one of \"" : "\"") +
                  llvm::join(choices, "\", \"") + "\"");
  return 0;
}

void HfConfigReader::onlyFlag(StringRef field, bool value) {
  if (has(field) && flag(field) != value)
    fail(field, value ? "true" : "false");
}

void HfConfigReader::onlyInteger(StringRef field, int64_t value) {
  const llvm::json::Value *found = find(field);
  if (found && found->getAsInteger() != value)
    fail(field, Twine(value));
}

void HfConfigReader::onlyNull(StringRef field) {
  if (has(field))
    fail(field, "null");
}

std::vector<int64_t> HfConfigReader::integers(StringRef field, int64_t min,
                                              int64_t max, int64_t count) {
  const llvm::json::Value *value = find(field);
  const llvm::json::Array *array = value ? value->getAsArray() : nullptr;
  std::vector<int64_t> numbers;
  bool good = array && (count < 0 || int64_t(array->size()) == count);
  for (size_t i = 0; good && i < array->size(); ++i) {
    std::optional<int64_t> number = (*array)[i].getAsInteger();
    good = number && *number >= min && *number <= max;
    numbers.push_back(number.value_or(min));
  }
  if (good)
    return numbers;
  fail(field, "an array of " +
                  (count < 0 ? std::string() : std::to_string(count) + " ") +
                  "integers from " + Twine(min) + " to " + Twine(max));
  return std::vector<int64_t>(std::max<int64_t>(count, 0), min);
}

std::vector<double> HfConfigReader::numbers(StringRef field, int64_t count) {
  const llvm::json::Value *value = find(field);
  const llvm::json::Array *array = value ? value->getAsArray() : nullptr;
  std::vector<double> numbers;
  bool good = array && (count < 0 || int64_t(array->size()) == count);
  for (size_t i = 0; good && i < array->size(); ++i) {
    std::optional<double> number = (*array)[i].getAsNumber();
    good = number.has_value();
    numbers.push_back(number.value_or(0));
  }
  if (!good) {
    fail(field, "an array of " +
                    (count < 0 ? std::string() : std::to_string(count) + " ") +
                    "numbers");
    numbers.assign(size_t(std::max<int64_t>(count, 0)), 0);
  }
  return numbers;
}

std::string HfConfigReader::text(StringRef field) {
  const llvm::json::Value *value = find(field);
  if (std::optional<StringRef> text =
          value ? value->getAsString() : std::optional<StringRef>())
    return text->str();
  fail(field, "a string");
  return "";
}

std::vector<std::string> HfConfigReader::strings(StringRef field) {
  const llvm::json::Value *value = find(field);
  const llvm::json::Array *array = value ? value->getAsArray() : nullptr;
  std::vector<std::string> texts;
  bool good = array;
  for (size_t i = 0; good && i < array->size(); ++i) {
    std::optional<StringRef> text = (*array)[i].getAsString();
    good = text.has_value();
    texts.push_back(text.value_or("").str());
  }
  if (!good) {
    fail(field, "an array of strings");
    texts.clear();
  }
  return texts;
}

void HfConfigReader::ignore(llvm::ArrayRef<StringRef> fields) {
  for (StringRef field : fields)
    known.insert(field);
}

void HfConfigReader::finish() {
  std::vector<StringRef> unknown;
  for (const auto &[key, value] : object)
    if (value.kind() != llvm::json::Value::Null &&
        !known.contains(StringRef(key)))
      unknown.push_back(key);
  if (!unknown.empty())
    fail(*llvm::min_element(unknown),
         "no such field, as its effect is not known");
}

void HfConfigReader::nested(StringRef field,
                            llvm::function_ref<void(HfConfigReader &)> read) {
  const llvm::json::Value *value = find(field);
  const llvm::json::Object *inner = value ? value->getAsObject() : nullptr;
  if (!inner)
    return fail(field, "an object");
  HfConfigReader reader(file, *inner);
  reader.prefix = (prefix + field + ".").str();
  read(reader);
  reader.finish();
  if (reader.error && !error)
    error = reader.error;
}

llvm::Error HfConfigReader::takeError() {
  if (!error)
    return llvm::Error::success();
  return llvm::createStringError(*error);
}
