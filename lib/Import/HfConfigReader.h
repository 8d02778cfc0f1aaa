//===- HfConfigReader.h - strict reading of a config.json ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads fields of one JSON object. The first bad field is kept as the error and
// later ones are ignored, so that an importer reads all its fields in a row and
// looks once whether they were good; until then a bad field reads as its
// smallest legal value.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_IMPORT_HFCONFIGREADER_H
#define PORTOLAN_LIB_IMPORT_HFCONFIGREADER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <string>
#include <vector>

namespace portolan {

/// Bounds that no published model comes near, and that keep every product of
/// sizes in 64 bits.
inline constexpr int64_t kMaxWidth = int64_t(1) << 20;
inline constexpr int64_t kMaxVocabulary = int64_t(1) << 26;
inline constexpr int64_t kMaxPositions = int64_t(1) << 32;
inline constexpr int64_t kMaxExperts = int64_t(1) << 16;
inline constexpr int64_t kMaxLayers = 4096;
inline constexpr int64_t kMaxElements = int64_t(1) << 46;

class HfConfigReader {
public:
  HfConfigReader(llvm::StringRef file, const llvm::json::Object &object)
      : file(file), object(object) {}

  /// Whether the field is there and not null.
  bool has(llvm::StringRef field) const;
  /// Whether it is there and an array.
  bool isArray(llvm::StringRef field) const;

  int64_t integer(llvm::StringRef field, int64_t min, int64_t max);
  /// A size: an integer from 1 to `max`.
  int64_t size(llvm::StringRef field, int64_t max = kMaxWidth) {
    return integer(field, 1, max);
  }
  /// A finite number above zero.
  double positive(llvm::StringRef field);
  /// A finite number below zero.
  double negative(llvm::StringRef field);
  bool flag(llvm::StringRef field);
  /// A flag that may be absent.
  bool flagOr(llvm::StringRef field, bool absent);
  /// One of `choices`, by index.
  unsigned choice(llvm::StringRef field,
                  llvm::ArrayRef<llvm::StringRef> choices);

  /// Requires that a field, if it is there, has the one value that the importer
  /// supports (null counts as absent).
  void onlyFlag(llvm::StringRef field, bool value);
  void onlyInteger(llvm::StringRef field, int64_t value);
  void onlyNull(llvm::StringRef field);

  /// An array of integers from `min` to `max`, of `count` entries (any number
  /// if -1).
  std::vector<int64_t> integers(llvm::StringRef field, int64_t min, int64_t max,
                                int64_t count = -1);
  /// An array of `count` numbers (any number if -1).
  std::vector<double> numbers(llvm::StringRef field, int64_t count);
  /// A string; empty if the field is bad.
  std::string text(llvm::StringRef field);
  /// An array of strings.
  std::vector<std::string> strings(llvm::StringRef field);

  /// Says of fields that they may be there and change nothing.
  void ignore(llvm::ArrayRef<llvm::StringRef> fields);
  /// Fails on a field that is there and was neither read nor ignored: what it
  /// would change is not known.
  void finish();

  /// The object at `field`, read by `nested` with errors under `field.`; all of
  /// its fields must be read or ignored.
  void nested(llvm::StringRef field,
              llvm::function_ref<void(HfConfigReader &)> read);

  /// Records "FILE: FIELD: expects EXPECTED, got FOUND" if it is the first.
  void fail(llvm::StringRef field, const llvm::Twine &expected,
            const llvm::Twine &found);
  /// fail() with the value of the field as what was found.
  void fail(llvm::StringRef field, const llvm::Twine &expected);
  /// fail() unless `condition`.
  void require(bool condition, llvm::StringRef field,
               const llvm::Twine &expected) {
    if (!condition)
      fail(field, expected);
  }

  bool failed() const { return error.has_value(); }
  llvm::Error takeError();

private:
  /// The value that is not null; the field counts as read.
  const llvm::json::Value *find(llvm::StringRef field) const;

  std::string file;
  std::string prefix;
  const llvm::json::Object &object;
  std::optional<std::string> error;
  mutable llvm::StringSet<> known;
};

} // namespace portolan

#endif // PORTOLAN_LIB_IMPORT_HFCONFIGREADER_H
