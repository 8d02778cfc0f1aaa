//===- Message.cpp - text of others in messages ---------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/Message.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

using namespace portolan;

std::string portolan::oneLine(llvm::StringRef text, size_t maxBytes) {
  std::string shortened;
  if (text.size() > maxBytes) {
    // What is wrong comes last.
    shortened =
        (text.take_front(maxBytes / 2) + "..." + text.take_back(maxBytes / 2))
            .str();
    text = shortened;
  }
  std::string line;
  for (char c : text) {
    uint8_t byte = uint8_t(c);
    if (byte >= 0x20 && byte != 0x7f) {
      line += c;
      continue;
    }
    line += '\\';
    line += llvm::hexdigit(byte >> 4);
    line += llvm::hexdigit(byte & 15);
  }
  return llvm::json::isUTF8(line) ? line : llvm::json::fixUTF8(line);
}

llvm::Error portolan::oneLine(llvm::Error error) {
  if (!error)
    return error;
  return llvm::createStringError(oneLine(llvm::toString(std::move(error))));
}
