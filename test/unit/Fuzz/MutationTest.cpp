//===- MutationTest.cpp - small models with something wrong ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The seeds are fixed, so that the same models are tried everywhere; fuzzing
// (tools/fuzz) goes on from here.
//
//===----------------------------------------------------------------------===//

#include "test/fuzz/OnnxMutator.h"
#include "test/fuzz/Targets.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <random>

using namespace portolan::fuzz;

namespace {

std::string contentsOf(const char *path) {
  auto buffer = llvm::MemoryBuffer::getFile(std::string(PORTOLAN_TEST_SOURCE) +
                                            "/" + path);
  EXPECT_TRUE(bool(buffer)) << path;
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// A model of each kind of expert block, a few kilobytes each.
std::vector<std::string> seeds() {
  std::vector<std::string> models;
  for (const char *name : {"dense-einsum", "dense-mask", "gathered-columns",
                           "gathered-slots", "router-groups"})
    models.push_back(contentsOf(
        (std::string("test/Inputs/experts/") + name + "/model.onnx").c_str()));
  return models;
}

/// How the models of a test were taken.
struct Tally {
  unsigned refused = 0, imported = 0, accepted = 0;

  void add(const Outcome &outcome) {
    ++(outcome.accepted() ? accepted : outcome.imported ? imported : refused);
    EXPECT_EQ(outcome.error.find('\n'), std::string::npos) << outcome.error;
  }
};

} // namespace

TEST(Mutation, SeedsAreRaised) {
  for (const std::string &model : seeds())
    EXPECT_EQ(takeOnnx(model).error, "");
}

TEST(Mutation, EveryTruncationIsRefused) {
  for (const std::string &model : seeds())
    for (size_t length = 0; length < model.size(); length += 7)
      EXPECT_FALSE(takeOnnx(model.substr(0, length)).accepted()) << length;
}

TEST(Mutation, FlippedBits) {
  Tally tally;
  std::minstd_rand random(1);
  for (std::string model : seeds())
    for (unsigned i = 0; i < 400; ++i) {
      size_t at = random() % model.size();
      char bit = char(1 << random() % 8);
      model[at] ^= bit;
      tally.add(takeOnnx(model));
      model[at] ^= bit;
    }
  EXPECT_GT(tally.refused, 100u);
  EXPECT_GT(tally.accepted, 10u); // a number of a weight, a name
}

// Many changes leave a graph; nodes that are not recognised in it stay.
TEST(Mutation, ChangedGraphs) {
  Tally tally;
  uint32_t seed = 0;
  for (const std::string &model : seeds())
    for (unsigned i = 0; i < 250; ++i)
      tally.add(takeOnnx(mutateOnnx(model, ++seed)));
  EXPECT_GT(tally.refused, 100u);
  EXPECT_GT(tally.accepted, 100u);
}

TEST(Mutation, MixedGraphs) {
  Tally tally;
  uint32_t seed = 0;
  std::vector<std::string> models = seeds();
  for (const std::string &model : models)
    for (const std::string &donor : models)
      for (unsigned i = 0; i < 10; ++i)
        tally.add(takeOnnx(crossOnnx(model, donor, ++seed)));
  EXPECT_GT(tally.imported + tally.accepted, 10u);
}

TEST(Mutation, ConfigurationsWithOtherBytes) {
  std::string config =
      contentsOf("test/Import/HfConfig/Inputs/deepseek-tiny.json");
  EXPECT_TRUE(takeConfig(config).accepted()) << takeConfig(config).error;
  std::minstd_rand random(1);
  constexpr llvm::StringLiteral kPieces = "0919e-.\"[]{},:ntf";
  Tally tally;
  for (unsigned i = 0; i < 1000; ++i) {
    std::string changed = config;
    for (unsigned j = 0; j < 1 + i % 3; ++j)
      changed[random() % changed.size()] = kPieces[random() % kPieces.size()];
    tally.add(takeConfig(changed));
  }
  EXPECT_GT(tally.refused, 100u);
  EXPECT_GT(tally.accepted, 10u);
}
