//===- Message.h - text of others in messages ------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names in a file are whatever its writer liked. A message that quotes them
// stays one readable line of valid UTF-8.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SUPPORT_MESSAGE_H
#define PORTOLAN_SUPPORT_MESSAGE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace portolan {

/// `text` with control characters as \0A, what is not UTF-8 replaced, and the
/// middle of more than `maxBytes` bytes left out.
std::string oneLine(llvm::StringRef text, size_t maxBytes = 2000);

/// The same for the message of an error.
llvm::Error oneLine(llvm::Error error);

} // namespace portolan

#endif // PORTOLAN_SUPPORT_MESSAGE_H
