//===- ModelTest.cpp - a small decoder, all at once or token by token -----===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A decoder with two layers must yield the same logits for a prompt whether its
// tokens are new together or one by one on a growing cache. That ties together
// positions, masks, caches, routing and the binding of dynamic dimensions.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kLayers = 2, kHidden = 64, kVocabulary = 128;

constexpr llvm::StringLiteral kModel = R"(
  func.func @main(
      %ids: tensor<?x?xi64> {moe.name = "ids", moe.dims = ["batch", "new_tokens"]},
      %pos: tensor<?x?xi64> {moe.name = "pos", moe.dims = ["batch", "new_tokens"]},
      %k0: tensor<?x2x?x16xf32> {moe.name = "k0", moe.dims = ["batch", "", "past_tokens", ""]},
      %v0: tensor<?x2x?x16xf32> {moe.name = "v0", moe.dims = ["batch", "", "past_tokens", ""]},
      %k1: tensor<?x2x?x16xf32> {moe.name = "k1", moe.dims = ["batch", "", "past_tokens", ""]},
      %v1: tensor<?x2x?x16xf32> {moe.name = "v1", moe.dims = ["batch", "", "past_tokens", ""]},
      %table: tensor<128x64xf32> {moe.name = "table"}, %gain: tensor<64xf32> {moe.name = "gain"},
      %wq: tensor<64x64xf32> {moe.name = "wq"}, %wkv: tensor<64x32xf32> {moe.name = "wkv"},
      %router: tensor<64x8xf32> {moe.name = "router"}, %up: tensor<8x64x32xf32> {moe.name = "up"},
      %down: tensor<8x32x64xf32> {moe.name = "down"}, %head: tensor<64x128xf32> {moe.name = "head"})
      -> (tensor<?x1x128xf32> {moe.name = "logits"}, tensor<?x2x?x16xf32> {moe.name = "k0"},
          tensor<?x2x?x16xf32> {moe.name = "v0"}, tensor<?x2x?x16xf32> {moe.name = "k1"},
          tensor<?x2x?x16xf32> {moe.name = "v1"}) {
    %x0 = moe.embedding %ids, %table : (tensor<?x?xi64>, tensor<128x64xf32>) -> tensor<?x?x64xf32>
    %c, %s = moe.rotary_table {theta = 1.0e4 : f64} : tensor<?x8xf32>, tensor<?x8xf32>
    %x1:3 = call @layer(%x0, %pos, %c, %s, %k0, %v0, %gain, %wq, %wkv, %router, %up, %down)
      : (tensor<?x?x64xf32>, tensor<?x?xi64>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2x?x16xf32>,
         tensor<?x2x?x16xf32>, tensor<64xf32>, tensor<64x64xf32>, tensor<64x32xf32>, tensor<64x8xf32>,
         tensor<8x64x32xf32>, tensor<8x32x64xf32>)
      -> (tensor<?x?x64xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
    %x2:3 = call @layer(%x1#0, %pos, %c, %s, %k1, %v1, %gain, %wq, %wkv, %router, %up, %down)
      : (tensor<?x?x64xf32>, tensor<?x?xi64>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2x?x16xf32>,
         tensor<?x2x?x16xf32>, tensor<64xf32>, tensor<64x64xf32>, tensor<64x32xf32>, tensor<64x8xf32>,
         tensor<8x64x32xf32>, tensor<8x32x64xf32>)
      -> (tensor<?x?x64xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
    %n = moe.rms_norm %x2#0, %gain {epsilon = 1.0e-5 : f64} : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
    %l = moe.linear %n, %head {last_position} : (tensor<?x?x64xf32>, tensor<64x128xf32>) -> tensor<?x1x128xf32>
    return %l, %x1#1, %x1#2, %x2#1, %x2#2
      : tensor<?x1x128xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>
  }
  func.func private @layer(
      %x: tensor<?x?x64xf32>, %pos: tensor<?x?xi64>, %c: tensor<?x8xf32>, %s: tensor<?x8xf32>, %pk: tensor<?x2x?x16xf32>,
      %pv: tensor<?x2x?x16xf32>, %gain: tensor<64xf32>, %wq: tensor<64x64xf32>, %wkv: tensor<64x32xf32>,
      %router: tensor<64x8xf32>, %up: tensor<8x64x32xf32>, %down: tensor<8x32x64xf32>)
      -> (tensor<?x?x64xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) {
    %n = moe.rms_norm %x, %gain {epsilon = 1.0e-5 : f64} : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
    %q0 = moe.linear %n, %wq : (tensor<?x?x64xf32>, tensor<64x64xf32>) -> tensor<?x?x64xf32>
    %kv = moe.linear %n, %wkv : (tensor<?x?x64xf32>, tensor<64x32xf32>) -> tensor<?x?x32xf32>
    %q = moe.rope %q0 at %pos by %c, %s {head_width = 16 : i64}
      : (tensor<?x?x64xf32>, tensor<?x?xi64>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x?x64xf32>
    %k = moe.rope %kv at %pos by %c, %s {head_width = 16 : i64}
      : (tensor<?x?x32xf32>, tensor<?x?xi64>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x?x32xf32>
    %a:3 = moe.attention %q, %k, %kv cache %pk, %pv {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.25 : f64, window = 4 : i64}
      : (tensor<?x?x64xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
      -> (tensor<?x?x64xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
    %o = moe.linear %a#0, %wq : (tensor<?x?x64xf32>, tensor<64x64xf32>) -> tensor<?x?x64xf32>
    %y = moe.add %x, %o : tensor<?x?x64xf32>
    %m = moe.rms_norm %y, %gain {epsilon = 1.0e-5 : f64} : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
    %w, %i = moe.route %m, %router {top_k = 2 : i64, scoring = #moe<scoring softmax>, normalize}
      : (tensor<?x?x64xf32>, tensor<64x8xf32>) -> (tensor<?x?x2xf32>, tensor<?x?x2xi32>)
    %rows, %counts = moe.dispatch %m, %i : (tensor<?x?x64xf32>, tensor<?x?x2xi32>) -> (tensor<?x64xf32>, tensor<8xi32>)
    %e = moe.experts %rows, %counts gate %up up %up down %down {activation = #moe<activation silu>}
      : (tensor<?x64xf32>, tensor<8xi32>, tensor<8x64x32xf32>, tensor<8x64x32xf32>, tensor<8x32x64xf32>) -> tensor<?x64xf32>
    %r = moe.combine %e, %w, %i {experts = 8 : i64}
      : (tensor<?x64xf32>, tensor<?x?x2xf32>, tensor<?x?x2xi32>) -> tensor<?x?x64xf32>
    %z = moe.add %y, %r : tensor<?x?x64xf32>
    return %z, %a#1, %a#2 : tensor<?x?x64xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>
  }
)";

/// The outputs for tokens [from, to) of a prompt of two sequences.
std::vector<NamedTensor> step(const std::vector<NamedTensor> &weights,
                              const std::vector<NamedTensor> &caches,
                              int64_t from, int64_t to) {
  constexpr int64_t kPrompt[2][6] = {{5, 99, 3, 64, 127, 0},
                                     {17, 17, 80, 2, 41, 8}};
  std::vector<int64_t> ids, positions;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t t = from; t < to; ++t) {
      ids.push_back(kPrompt[b][t]);
      positions.push_back(t);
    }
  std::vector<NamedTensor> inputs = weights;
  inputs.insert(inputs.end(), caches.begin(), caches.end());
  inputs.push_back(
      {"ids", Tensor::ofInts(ElementType::i64, {2, to - from}, ids)});
  inputs.push_back(
      {"pos", Tensor::ofInts(ElementType::i64, {2, to - from}, positions)});
  llvm::Expected<std::vector<NamedTensor>> outputs = runNamed(kModel, inputs);
  if (outputs)
    return std::move(*outputs);
  ADD_FAILURE() << llvm::toString(outputs.takeError());
  return {};
}

} // namespace

TEST(Model, TokenByTokenEqualsAllAtOnce) {
  Random random(11);
  std::vector<NamedTensor> weights = {
      {"table", random.array({kVocabulary, kHidden}).tensor()},
      {"gain", random.array({kHidden}, 2).tensor()},
      {"wq", random.array({64, 64}, 0.2).tensor()},
      {"wkv", random.array({64, 32}, 0.2).tensor()},
      {"router", random.array({64, 8}, 0.5).tensor()},
      {"up", random.array({8, 64, 32}, 0.2).tensor()},
      {"down", random.array({8, 32, 64}, 0.2).tensor()},
      {"head", random.array({kHidden, kVocabulary}, 0.2).tensor()}};
  std::vector<NamedTensor> empty;
  for (int64_t layer = 0; layer < kLayers; ++layer)
    for (const char *cache : {"k", "v"})
      empty.push_back({cache + std::to_string(layer),
                       Tensor(ElementType::f32, {2, 2, 0, 16})});

  std::vector<NamedTensor> whole = step(weights, empty, 0, 6);
  ASSERT_EQ(whole.size(), 5u);
  EXPECT_EQ(whole[0].name, "logits");
  std::vector<NamedTensor> parts = step(weights, empty, 0, 4);
  for (int64_t token : {4, 5}) {
    ASSERT_EQ(parts.size(), 5u);
    parts.erase(parts.begin());
    parts = step(weights, parts, token, token + 1);
  }
  ASSERT_EQ(parts.size(), 5u);
  for (size_t i = 0; i < 5; ++i)
    expectNear(parts[i].tensor, Array(whole[i].tensor), 2e-5);
}
