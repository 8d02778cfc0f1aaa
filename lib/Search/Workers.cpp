//===- Workers.cpp - threads that are kept between jobs -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Workers.h"

using namespace portolan;

Workers::Workers(unsigned count) {
  for (unsigned worker = 1; worker < count; ++worker)
    threads.emplace_back([this, worker] { serve(worker); });
}

Workers::~Workers() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stops = true;
  }
  wake.notify_all();
  for (std::thread &thread : threads)
    thread.join();
}

void Workers::run(llvm::function_ref<void(unsigned)> work) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    job = &work;
    busy = threads.size();
    ++jobs;
  }
  wake.notify_all();
  work(0);
  std::unique_lock<std::mutex> lock(mutex);
  finished.wait(lock, [&] { return busy == 0; });
}

void Workers::serve(unsigned worker) {
  std::unique_lock<std::mutex> lock(mutex);
  for (uint64_t seen = 0;;) {
    wake.wait(lock, [&] { return stops || jobs != seen; });
    if (stops)
      return;
    seen = jobs;
    llvm::function_ref<void(unsigned)> work = *job;
    lock.unlock();
    work(worker);
    lock.lock();
    if (--busy == 0)
      finished.notify_one();
  }
}
