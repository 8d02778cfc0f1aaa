//===- Fuzzer.cpp - libFuzzer's side of a target --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PORTOLAN_FUZZ_TARGET names the function of Targets.h.
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/Targets.h"

// Our code is instrumented and libMLIR is not: what one side poisons (arena
// blocks, the spare capacity of containers) the other one uses.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0:detect_container_overflow=0";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  portolan::fuzz::PORTOLAN_FUZZ_TARGET(
      llvm::StringRef(reinterpret_cast<const char *>(data), size));
  return 0;
}
