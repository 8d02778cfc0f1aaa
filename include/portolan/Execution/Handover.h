//===- Handover.h - a prompt on one copy, its decode on another -*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Disaggregated serving, executed: a model copy computes a prompt and hands its
// caches to another copy under the same plan, which goes on. As it is priced,
// each rank sends what it holds to the same rank of the other copy.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_EXECUTION_HANDOVER_H
#define PORTOLAN_EXECUTION_HANDOVER_H

#include "portolan/Execution/DeviceProgram.h"

namespace portolan {

/// A result of the prompt's step that is an argument of the next one, both by
/// their number in the model.
struct HandedCache {
  int64_t result = 0;
  int64_t argument = 0;
};

struct HandoverRun {
  std::vector<NamedTensor> promptOutputs, stepOutputs;
  /// By rank of a copy.
  std::vector<int64_t> handedBytes;
};

/// Runs `prompt` on the first half of the fabric's ranks and `step` on the
/// second. What `step.inputs` have in the place of caches gives their shapes
/// only. An error if a rank of one copy holds what its peer does not.
llvm::Expected<HandoverRun> runHandedOver(const ProgramPass &prompt,
                                          const ProgramPass &step,
                                          llvm::ArrayRef<HandedCache> caches,
                                          llvm::StringRef weightsFolder,
                                          Fabric &fabric, const Wiring &wiring);

} // namespace portolan

#endif // PORTOLAN_EXECUTION_HANDOVER_H
