//===- InternalError.cpp - a bug in Portolan ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/InternalError.h"
#include "llvm/Support/raw_ostream.h"

using namespace portolan;

char InternalError::ID = 0;

void InternalError::log(llvm::raw_ostream &os) const {
  os << "internal error: " << message;
}

std::error_code InternalError::convertToErrorCode() const {
  return llvm::inconvertibleErrorCode();
}
