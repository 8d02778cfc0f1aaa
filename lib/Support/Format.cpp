//===- Format.cpp - number formats ----------------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/Format.h"

using namespace portolan;

namespace {
constexpr llvm::StringLiteral kNames[kNumFormats] = {
    "f32", "bf16", "fp16", "fp8", "mxfp8", "int8", "nvfp4", "mxfp4", "int4"};
} // namespace

llvm::StringRef portolan::spell(Format format) {
  return kNames[unsigned(format)];
}

std::optional<Format> portolan::parseFormat(llvm::StringRef name) {
  for (Format format : kAllFormats)
    if (spell(format) == name)
      return format;
  return std::nullopt;
}

std::optional<Format> portolan::nextWider(Format format) {
  switch (format) {
  case Format::nvfp4:
  case Format::mxfp4:
    return Format::fp8;
  case Format::fp8:
  case Format::mxfp8:
  case Format::int8:
    return Format::bf16;
  case Format::int4:
    return Format::int8;
  case Format::f32:
  case Format::bf16:
  case Format::fp16:
    return std::nullopt;
  }
  return std::nullopt;
}
