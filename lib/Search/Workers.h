//===- Workers.h - threads that are kept between jobs ----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A search is many short jobs. What a thread remembers (the placements of
// experts and their loads) costs more to find again than a job takes, so that
// its threads live as long as the tuner.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_SEARCH_WORKERS_H
#define PORTOLAN_LIB_SEARCH_WORKERS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace portolan {

class Workers {
public:
  /// The thread that calls run() is one of `count`.
  explicit Workers(unsigned count);
  ~Workers();

  /// Runs `work(worker)` on every worker, the caller being worker 0, and waits.
  void run(llvm::function_ref<void(unsigned)> work);

private:
  void serve(unsigned worker);

  std::mutex mutex;
  std::condition_variable wake, finished;
  const llvm::function_ref<void(unsigned)> *job = nullptr;
  uint64_t jobs = 0; ///< that were given out
  size_t busy = 0;
  bool stops = false;
  std::vector<std::thread> threads;
};

} // namespace portolan

#endif // PORTOLAN_LIB_SEARCH_WORKERS_H
