//===- SwitchedKernelTypes.cpp - tiles inside a unit ----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

#define GET_ATTRDEF_CLASSES
#include "dialects/Switched/IR/SwitchedAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Switched/IR/SwitchedTypes.cpp.inc"

void SwitchedDialect::registerKernelTypes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Switched/IR/SwitchedAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Switched/IR/SwitchedTypes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Formats and instructions
//===----------------------------------------------------------------------===//

int64_t switched::packedBits(Format format) {
  switch (format) {
  case Format::f32:
    return 32;
  case Format::bf16:
  case Format::fp16:
    return 16;
  case Format::fp8:
  case Format::mxfp8:
  case Format::int8:
    return 8;
  case Format::nvfp4:
  case Format::mxfp4:
  case Format::int4:
    return 4;
  }
  return 0; // Unreachable: the switch covers the enumeration.
}

int64_t switched::scaleBlock(Format format) {
  switch (format) {
  case Format::nvfp4:
    return 16;
  case Format::mxfp4:
  case Format::mxfp8:
    return 32;
  default:
    return 0;
  }
}

bool switched::wgmmaTakes(Format format) {
  return format == Format::bf16 || format == Format::fp16 ||
         format == Format::fp8 || format == Format::int8;
}

bool switched::wgmmaHasTokens(int64_t tokens) {
  return tokens % 8 == 0 && tokens >= 8 && tokens <= 256;
}

bool switched::tcgen05Takes(Format format) {
  return format != Format::f32 && format != Format::int4;
}

bool switched::tcgen05HasShape(Format format, int64_t rows, int64_t tokens,
                               bool pair) {
  bool scaled = scaleBlock(format) != 0;
  if (pair ? rows != 256 && (scaled || rows != 128)
           : rows != 128 && (scaled || rows != 64))
    return false;
  int64_t step = !pair && (scaled || rows == 64) ? 8 : 16;
  return tokens % step == 0 && tokens >= step && tokens <= 256;
}

int64_t switched::tmemAllocation(int64_t wordColumns) {
  return std::max<int64_t>(32, llvm::PowerOf2Ceil(uint64_t(wordColumns)));
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

int64_t SmemType::getStageBytes() const {
  // The verifier has accepted the format.
  double bits = bitsPerElement(*parseFormat(getFormat()));
  return int64_t(std::ceil(double(getRows() * getContraction()) * bits / 8));
}

int64_t TmemType::getWordColumns() const {
  if (getFormat() == kScaleFormat)
    return 4 * llvm::divideCeil(getRows(), 128) *
           llvm::divideCeil(getColumns(), 4);
  return llvm::divideCeil(getColumns() * packedBits(*parseFormat(getFormat())),
                          32);
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

static LogicalResult verifyTile(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<int64_t> shape, size_t rank,
                                StringRef format, bool alsoScales) {
  if (shape.size() != rank || llvm::any_of(shape, [](int64_t size) {
        return size < 1 || size > (int64_t(1) << 20);
      }))
    return emitError() << "expects " << rank << " sizes from 1 to 1048576";
  if (!parseFormat(format) && !(alsoScales && format == kScaleFormat))
    return emitError() << "expects a known number format, got '" << format
                       << "'";
  return success();
}

LogicalResult SmemType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<int64_t> shape, StringRef format) {
  // smem_c1
  return verifyTile(emitError, shape, 3, format, /*alsoScales=*/false);
}

LogicalResult TmemType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<int64_t> shape, StringRef format) {
  if (failed(verifyTile(emitError, shape, 2, format, /*alsoScales=*/true)))
    return failure();
  // tmem_c1; scales lie four rows in a lane's word.
  if (format != kScaleFormat && shape[0] > 128)
    return emitError() << "expects at most 128 lanes, got " << shape[0];
  return success();
}

LogicalResult
RegistersType::verify(function_ref<InFlightDiagnostic()> emitError,
                      ArrayRef<int64_t> shape, StringRef format) {
  if (failed(verifyTile(emitError, shape, 2, format, /*alsoScales=*/false)))
    return failure();
  // registers_c1
  int64_t words = shape[0] * shape[1] * packedBits(*parseFormat(format)) / 32;
  if (words > 128 * 255)
    return emitError() << "expects at most 255 registers of 128 threads, got "
                       << llvm::divideCeil(words, 128);
  return success();
}

LogicalResult MbarrierType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t stages) {
  // mbarrier_c1
  if (stages < 1)
    return emitError() << "expects at least 1 stage, got " << stages;
  return success();
}

LogicalResult CountersType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t count) {
  // counters_c1
  if (count < 1 || count > kMostDestinations)
    return emitError() << "expects 1 to " << kMostDestinations
                       << " counters, got " << count;
  return success();
}

LogicalResult SignalsType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t members) {
  // signals_c1
  if (members < 1)
    return emitError() << "expects at least 1 member, got " << members;
  return success();
}
