//===- File.h - files that are safe to read --------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is checked is the open file, not its path, so that nobody can exchange
// the one for the other in between. Named pipes and devices are never waited
// for. Large files are memory-mapped: one that is cut short while it is in use
// ends the process with SIGBUS.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SUPPORT_FILE_H
#define PORTOLAN_SUPPORT_FILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>

namespace portolan {

/// The contents of the regular file `path`, with a NUL behind them if
/// `isText`. Errors say what is wrong and do not name the path. A file of more
/// than `maxBytes` is refused; 0 is no bound.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readFile(llvm::StringRef path, bool isText = false, uint64_t maxBytes = 0);

/// The contents of the regular file `file`, a relative path below `folder` (the
/// current folder if empty). Refused are absolute paths, `..`, NUL bytes, and
/// symbolic links that lead out of the folder, whichever part of the path they
/// are.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readFileInside(llvm::StringRef folder, llvm::StringRef file);

/// Whether `file` is a path that readFileInside() can accept, from its spelling
/// alone: the disk is not asked.
bool staysInside(llvm::StringRef file);

} // namespace portolan

#endif // PORTOLAN_SUPPORT_FILE_H
