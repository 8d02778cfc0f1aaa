//===- RankResult.h - what a rank hands in ---------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Results and log of a rank as messages: ranks may live in other processes.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_EXECUTION_FABRIC_RANKRESULT_H
#define PORTOLAN_LIB_EXECUTION_FABRIC_RANKRESULT_H

#include "portolan/Execution/RankContext.h"
#include "portolan/Execution/Tensor.h"

namespace portolan {

struct RankResult {
  std::vector<Tensor> tensors;
  CallLog log;
};

/// Two messages: their size, then all bytes.
void sendResult(Fabric &fabric, int64_t from, int64_t to,
                const RankResult &result);
/// An error if what arrives is no result.
llvm::Error receiveResult(Fabric &fabric, int64_t to, int64_t from,
                          RankResult &result);

} // namespace portolan

#endif // PORTOLAN_LIB_EXECUTION_FABRIC_RANKRESULT_H
