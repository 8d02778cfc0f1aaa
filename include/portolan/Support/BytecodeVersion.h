//===- BytecodeVersion.h - the version of our bytecode ---------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's bytecode holds the attributes of an op by position, so that a reader
// with another definition of the op misreads it. Every dialect of Portolan
// therefore writes one version, and refuses any other.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SUPPORT_BYTECODEVERSION_H
#define PORTOLAN_SUPPORT_BYTECODEVERSION_H

#include "mlir/Bytecode/BytecodeImplementation.h"
#include "mlir/IR/DialectRegistry.h"

namespace portolan {

/// Raised with every change of an op's operands, attributes or regions, in any
/// dialect, that comes after a release.
inline constexpr uint64_t kBytecodeVersion = 1;

/// A version to write in place of `kBytecodeVersion`
/// (`BytecodeWriterConfig::setDialectVersion`).
struct BytecodeVersion : mlir::DialectVersion {
  explicit BytecodeVersion(uint64_t number) : number(number) {}
  uint64_t number;
};

/// Lets every dialect of `registry` write and check the version once it is
/// loaded.
void addBytecodeVersions(mlir::DialectRegistry &registry);

} // namespace portolan

#endif // PORTOLAN_SUPPORT_BYTECODEVERSION_H
