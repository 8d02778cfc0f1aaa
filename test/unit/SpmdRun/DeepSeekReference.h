//===- DeepSeekReference.h - DeepSeek-V3 in plain loops --------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A decode step of the scaled-down DeepSeek, one token of one sequence at a
// time, written from the model's definition and from nothing of Portolan.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_SPMDRUN_DEEPSEEKREFERENCE_H
#define PORTOLAN_TEST_UNIT_SPMDRUN_DEEPSEEKREFERENCE_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace portolan::test {

using Floats = std::vector<float>;

/// Sizes of Inputs/deepseek-tiny.json.
struct DeepSeekSizes {
  int hidden = 64, vocabulary = 256, layers = 3, denseLayers = 1;
  int heads = 4, queryRank = 40, latent = 32, plain = 16, rotary = 8,
      value = 16;
  int denseWidth = 96, expertWidth = 48, sharedWidth = 96;
  int experts = 16, topK = 4, groups = 4, topGroups = 2;
  double routedScale = 2.5, epsilon = 1e-6;
  double theta = 10000, yarnFactor = 40, yarnPositions = 64, betaFast = 32,
         betaSlow = 1;
};

struct DeepSeekCache {
  Floats latent, rotaryKey; ///< [past, width] of one sequence and layer
};

/// Logits of the token `id` at position `at` of one sequence.
Floats deepSeekStep(const DeepSeekSizes &sizes,
                    const std::function<const Floats &(std::string)> &weight,
                    int64_t id, int64_t at,
                    const std::vector<DeepSeekCache> &caches);

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_SPMDRUN_DEEPSEEKREFERENCE_H
