//===- InternalError.h - a bug in Portolan ---------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kind of error that is not the user's: drivers exit with 2 on it.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_SUPPORT_INTERNALERROR_H
#define PORTOLAN_SUPPORT_INTERNALERROR_H

#include "llvm/Support/Error.h"
#include <string>

namespace portolan {

class InternalError : public llvm::ErrorInfo<InternalError> {
public:
  static char ID;
  explicit InternalError(std::string message) : message(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

private:
  std::string message;
};

} // namespace portolan

#endif // PORTOLAN_SUPPORT_INTERNALERROR_H
