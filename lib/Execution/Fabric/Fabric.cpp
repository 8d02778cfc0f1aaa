//===- Fabric.cpp - logical ranks as threads ------------------------------===//
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

int64_t RankContext::member(Group group) const {
  return rankInStage() / group.stride % group.size;
}

int64_t RankContext::peer(Group group, int64_t index) const {
  return rank + (index - member(group)) * group.stride;
}

Fabric::Fabric(int64_t ranks, int64_t stageSize,
               std::chrono::milliseconds limit)
    : stageSize(stageSize), limit(limit), mailboxes(ranks), ended(ranks, false),
      counted(ranks) {
  for (Mailbox &mailbox : mailboxes)
    mailbox.from.resize(ranks);
  for (Traffic &traffic : counted)
    traffic.fill(0);
}

llvm::Error Fabric::run(llvm::function_ref<llvm::Error(RankContext &)> body) {
  std::vector<std::thread> threads;
  std::vector<RankContext> contexts;
  for (int64_t rank = 0; rank < ranks(); ++rank)
    contexts.push_back({this, rank, stageSize});
  for (RankContext &context : contexts)
    threads.emplace_back([&, this] {
      if (llvm::Error failure = body(context))
        fail("rank " + llvm::Twine(context.rank) + ": " +
             llvm::toString(std::move(failure)));
      endRank(context.rank);
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

void Fabric::endRank(int64_t rank) {
  std::lock_guard<std::mutex> lock(mutex);
  ended[rank] = true;
  for (Mailbox &mailbox : mailboxes)
    mailbox.arrived.notify_all();
}

void Fabric::fail(const llvm::Twine &message) {
  std::lock_guard<std::mutex> lock(mutex);
  if (hasFailed)
    return;
  hasFailed = true;
  error = message.str();
  for (Mailbox &mailbox : mailboxes)
    mailbox.arrived.notify_all();
}

bool Fabric::failed() const {
  std::lock_guard<std::mutex> lock(mutex);
  return hasFailed;
}

void Fabric::count(const RankContext &rank, OpKind kind, int64_t bytes) {
  // A counter has one writer, its rank.
  counted[rank.rank][unsigned(kind)] += bytes;
}

void Fabric::send(const RankContext &from, int64_t to, OpKind kind,
                  llvm::ArrayRef<char> bytes) {
  if (to < 0 || to >= ranks()) {
    fail("rank " + llvm::Twine(from.rank) + ": " + spell(kind) +
         " expects a rank below " + llvm::Twine(ranks()) + ", got " +
         llvm::Twine(to));
    return;
  }
  Message message{kind, std::vector<char>(bytes.begin(), bytes.end())};
  std::lock_guard<std::mutex> lock(mutex);
  mailboxes[to].from[from.rank].push_back(std::move(message));
  mailboxes[to].arrived.notify_all();
}

void Fabric::receive(const RankContext &to, int64_t from, OpKind kind,
                     llvm::MutableArrayRef<char> into) {
  auto giveUp = [&](const llvm::Twine &why) {
    fail("rank " + llvm::Twine(to.rank) + ": " + spell(kind) + " expects " +
         llvm::Twine(into.size()) + " bytes from rank " + llvm::Twine(from) +
         ", got " + why);
    if (!into.empty())
      std::memset(into.data(), 0, into.size());
  };
  if (from < 0 || from >= ranks())
    return giveUp("no such rank");
  std::unique_lock<std::mutex> lock(mutex);
  Mailbox &mailbox = mailboxes[to.rank];
  std::deque<Message> &queue = mailbox.from[from];
  bool inTime = mailbox.arrived.wait_until(lock, Clock::now() + limit, [&] {
    return hasFailed || !queue.empty() || ended[from];
  });
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
