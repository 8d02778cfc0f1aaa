//===- Format.h - number formats -------------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The number formats that weights, activations and caches are stored and
// computed in. A format knows its width (block scales included) and its place
// in the ladder of widening; which machine computes or reads it, and how fast,
// is in the machine file.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SUPPORT_FORMAT_H
#define PORTOLAN_SUPPORT_FORMAT_H

#include "llvm/ADT/StringRef.h"
#include <array>
#include <cstdint>
#include <optional>

namespace portolan {

/// A number format. `fp8` is the 8-bit float that a machine computes natively
/// (OCP e4m3fn or b11fnuz: the machine file says which); `mxfp*` carry an e8m0
/// scale per 32 elements, `nvfp4` an e4m3 scale per 16, `int4` a bf16 scale
/// per 32.
enum class Format : uint8_t {
  f32,
  bf16,
  fp16,
  fp8,
  mxfp8,
  int8,
  nvfp4,
  mxfp4,
  int4,
};

inline constexpr unsigned kNumFormats = 9;

/// All formats, widest first.
inline constexpr std::array<Format, kNumFormats> kAllFormats = {
    Format::f32,  Format::bf16,  Format::fp16,  Format::fp8, Format::mxfp8,
    Format::int8, Format::nvfp4, Format::mxfp4, Format::int4};

/// Bits per element, block scales included (nvfp4: 4 + 8/16; mxfp4: 4 + 8/32;
/// mxfp8: 8 + 8/32; int4: 4 + 16/32).
constexpr double bitsPerElement(Format format) {
  switch (format) {
  case Format::f32:
    return 32;
  case Format::bf16:
  case Format::fp16:
    return 16;
  case Format::fp8:
  case Format::int8:
    return 8;
  case Format::mxfp8:
    return 8.25;
  case Format::nvfp4:
    return 4.5;
  case Format::mxfp4:
    return 4.25;
  case Format::int4:
    return 4.5;
  }
  return 0; // Unreachable: the switch covers the enumeration.
}

/// Bytes per element, block scales included.
constexpr double bytesPerElement(Format format) {
  return bitsPerElement(format) / 8;
}

/// The next wider storage format of the repair ladder (design section 6):
/// nvfp4, mxfp4 -> fp8 -> bf16; int4 -> int8 -> bf16; bf16 has none.
std::optional<Format> nextWider(Format format);

/// The name as written in plans, machine files and JSON: "nvfp4".
llvm::StringRef spell(Format format);

/// The inverse of spell().
std::optional<Format> parseFormat(llvm::StringRef name);

/// How a tensor is kept and how it is computed with: "nvfp4/nvfp4".
struct FormatPair {
  Format storage = Format::bf16;
  Format compute = Format::bf16;

  bool operator==(const FormatPair &other) const {
    return storage == other.storage && compute == other.compute;
  }
};

} // namespace portolan

#endif // PORTOLAN_SUPPORT_FORMAT_H
