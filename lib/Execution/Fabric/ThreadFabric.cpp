//===- ThreadFabric.cpp - logical ranks as threads ------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One mutex for all mailboxes: messages are few and large, and a program of
// logical ranks is about being right. Sending never blocks, so no order of
// sends and receives within a collective can deadlock.
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Fabric.h"
#include <cstring>
#include <thread>

using namespace portolan;

Fabric::~Fabric() = default;

ThreadFabric::ThreadFabric(int64_t ranks, std::chrono::milliseconds limit)
    : limit(limit), mailboxes(ranks), ended(ranks, false) {
  for (int64_t rank = 0; rank < ranks; ++rank) {
    numbers.push_back(rank);
    mailboxes[rank].from.resize(ranks);
  }
}

llvm::Error ThreadFabric::run(llvm::function_ref<llvm::Error(int64_t)> body) {
  std::vector<std::thread> threads;
  for (int64_t rank : numbers)
    threads.emplace_back([&, rank, this] {
      if (llvm::Error failure = body(rank))
        fail("rank " + llvm::Twine(rank) + ": " +
             llvm::toString(std::move(failure)));
      endRank(rank);
    });
  for (std::thread &thread : threads)
    thread.join();
  if (hasFailed)
    return llvm::createStringError(error);
  // What was sent must have been received.
  for (auto [to, mailbox] : llvm::enumerate(mailboxes))
    for (auto [from, queue] : llvm::enumerate(mailbox.from))
      if (!queue.empty())
        return llvm::createStringError(
            "rank " + llvm::Twine(to) + " has not received " +
            spell(queue.front().kind) + " from rank " + llvm::Twine(from));
  return llvm::Error::success();
}

void ThreadFabric::endRank(int64_t rank) {
  std::lock_guard<std::mutex> lock(mutex);
  ended[rank] = true;
  for (Mailbox &mailbox : mailboxes)
    mailbox.arrived.notify_all();
}

void ThreadFabric::fail(const llvm::Twine &message) {
  std::lock_guard<std::mutex> lock(mutex);
  if (hasFailed)
    return;
  hasFailed = true;
  error = message.str();
  for (Mailbox &mailbox : mailboxes)
    mailbox.arrived.notify_all();
}

bool ThreadFabric::failed() const {
  std::lock_guard<std::mutex> lock(mutex);
  return hasFailed;
}

void ThreadFabric::send(int64_t from, int64_t to, OpKind kind,
                        llvm::ArrayRef<char> bytes) {
  if (to < 0 || to >= ranks()) {
    fail("rank " + llvm::Twine(from) + ": " + spell(kind) +
         " expects a rank below " + llvm::Twine(ranks()) + ", got " +
         llvm::Twine(to));
    return;
  }
  Message message{kind, std::vector<char>(bytes.begin(), bytes.end())};
  std::lock_guard<std::mutex> lock(mutex);
  mailboxes[to].from[from].push_back(std::move(message));
  mailboxes[to].arrived.notify_all();
}

void ThreadFabric::receive(int64_t to, int64_t from, OpKind kind,
                           llvm::MutableArrayRef<char> into) {
  auto giveUp = [&](const llvm::Twine &why) {
    fail("rank " + llvm::Twine(to) + ": " + spell(kind) + " expects " +
         llvm::Twine(into.size()) + " bytes from rank " + llvm::Twine(from) +
         ", got " + why);
    if (!into.empty())
      std::memset(into.data(), 0, into.size());
  };
  if (from < 0 || from >= ranks())
    return giveUp("no such rank");
  std::unique_lock<std::mutex> lock(mutex);
  Mailbox &mailbox = mailboxes[to];
  std::deque<Message> &queue = mailbox.from[from];
  bool inTime = mailbox.arrived.wait_until(
      lock, std::chrono::steady_clock::now() + limit,
      [&] { return hasFailed || !queue.empty() || ended[from]; });
  if (hasFailed || queue.empty()) {
    bool stopped = hasFailed, over = inTime;
    lock.unlock();
    if (stopped)
      return giveUp("an earlier error");
    if (over)
      return giveUp("the end of its program");
    return giveUp("none within " + llvm::Twine(limit.count()) + " ms");
  }
  Message message = std::move(queue.front());
  queue.pop_front();
  lock.unlock();
  if (message.kind != kind || message.bytes.size() != into.size())
    return giveUp(llvm::Twine(message.bytes.size()) + " bytes of " +
                  spell(message.kind));
  if (!into.empty())
    std::memcpy(into.data(), message.bytes.data(), into.size());
}
