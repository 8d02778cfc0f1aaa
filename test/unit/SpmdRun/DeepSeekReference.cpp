//===- DeepSeekReference.cpp - DeepSeek-V3 in plain loops -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeepSeekReference.h"
#include <algorithm>
#include <cmath>

using namespace portolan::test;

namespace {

/// x [rows] times a matrix [rows, columns].
Floats times(const Floats &x, const float *matrix, int columns) {
  Floats result(columns, 0);
  for (size_t row = 0; row < x.size(); ++row)
    for (int column = 0; column < columns; ++column)
      result[column] += x[row] * matrix[row * columns + column];
  return result;
}

Floats plus(Floats a, const Floats &b) {
  for (size_t i = 0; i < a.size(); ++i)
    a[i] += b[i];
  return a;
}

Floats normalized(Floats x, const Floats &gain, double epsilon) {
  double sum = 0;
  for (float value : x)
    sum += double(value) * value;
  double factor = 1 / std::sqrt(sum / double(x.size()) + epsilon);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(x[i] * factor * gain[i]);
  return x;
}

Floats feedForward(const Floats &x, const float *gate, const float *up,
                   const float *down, int width) {
  Floats left = times(x, gate, width), right = times(x, up, width);
  for (int i = 0; i < width; ++i)
    left[i] = left[i] / (1 + std::exp(-left[i])) * right[i];
  return times(left, down, int(x.size()));
}

/// Rotates the pairs (2i, 2i+1) of `x` by YaRN's angles.
void rotate(const DeepSeekSizes &sizes, float *x, int64_t at) {
  auto column = [&](double rotations) {
    return sizes.rotary *
           std::log(sizes.yarnPositions / (rotations * 2 * M_PI)) /
           (2 * std::log(sizes.theta));
  };
  double low = std::max(std::floor(column(sizes.betaFast)), 0.0);
  double high = std::min(std::ceil(column(sizes.betaSlow)), sizes.rotary - 1.0);
  if (low == high)
    high += 0.001;
  for (int i = 0; i < sizes.rotary / 2; ++i) {
    double plain = std::pow(sizes.theta, -2.0 * i / sizes.rotary);
    double ramp = std::clamp((i - low) / (high - low), 0.0, 1.0);
    double frequency = plain * (1 - ramp) + plain / sizes.yarnFactor * ramp;
    double angle = double(at) * frequency;
    double a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = float(a * std::cos(angle) - b * std::sin(angle));
    x[2 * i + 1] = float(a * std::sin(angle) + b * std::cos(angle));
  }
}

Floats attention(const DeepSeekSizes &sizes, const Floats &query,
                 const DeepSeekCache &cache, const Floats &keyUp,
                 const Floats &valueUp) {
  int tokens = int(cache.latent.size()) / sizes.latent;
  // YaRN lets the logits grow with the logarithm of the factor, squared.
  double growth = 0.1 * std::log(sizes.yarnFactor) + 1;
  double scale = growth * growth / std::sqrt(sizes.plain + sizes.rotary);
  Floats result;
  for (int head = 0; head < sizes.heads; ++head) {
    const float *q = &query[head * (sizes.plain + sizes.rotary)];
    std::vector<double> scores(tokens);
    std::vector<Floats> values(tokens);
    double largest = -INFINITY, sum = 0;
    for (int token = 0; token < tokens; ++token) {
      Floats latent(&cache.latent[token * sizes.latent],
                    &cache.latent[token * sizes.latent] + sizes.latent);
      Floats key =
          times(latent, &keyUp[head * sizes.latent * sizes.plain], sizes.plain);
      values[token] = times(latent, &valueUp[head * sizes.latent * sizes.value],
                            sizes.value);
      double score = 0;
      for (int i = 0; i < sizes.plain; ++i)
        score += double(q[i]) * key[i];
      for (int i = 0; i < sizes.rotary; ++i)
        score += double(q[sizes.plain + i]) *
                 cache.rotaryKey[token * sizes.rotary + i];
      scores[token] = score * scale;
      largest = std::max(largest, scores[token]);
    }
    Floats attended(sizes.value, 0);
    for (int token = 0; token < tokens; ++token)
      sum += std::exp(scores[token] - largest);
    for (int token = 0; token < tokens; ++token)
      for (int i = 0; i < sizes.value; ++i)
        attended[i] +=
            float(std::exp(scores[token] - largest) / sum * values[token][i]);
    result.insert(result.end(), attended.begin(), attended.end());
  }
  return result;
}

/// The experts of a token with their weights.
std::vector<std::pair<int, double>> route(const DeepSeekSizes &sizes,
                                          const Floats &logits,
                                          const Floats &correction) {
  std::vector<double> score(sizes.experts), corrected(sizes.experts);
  for (int e = 0; e < sizes.experts; ++e) {
    score[e] = 1 / (1 + std::exp(-double(logits[e])));
    corrected[e] = score[e] + correction[e];
  }
  int perGroup = sizes.experts / sizes.groups;
  std::vector<std::pair<double, int>> groups;
  for (int g = 0; g < sizes.groups; ++g) {
    std::vector<double> own(corrected.begin() + g * perGroup,
                            corrected.begin() + (g + 1) * perGroup);
    std::sort(own.rbegin(), own.rend());
    groups.push_back({-(own[0] + own[1]), g});
  }
  std::sort(groups.begin(), groups.end());
  std::vector<std::pair<double, int>> eligible;
  for (int i = 0; i < sizes.topGroups; ++i)
    for (int e = 0; e < perGroup; ++e) {
      int expert = groups[i].second * perGroup + e;
      eligible.push_back({-corrected[expert], expert});
    }
  std::sort(eligible.begin(), eligible.end());
  double sum = 0;
  for (int k = 0; k < sizes.topK; ++k)
    sum += score[eligible[k].second];
  std::vector<std::pair<int, double>> chosen;
  for (int k = 0; k < sizes.topK; ++k) {
    int expert = eligible[k].second;
    chosen.push_back({expert, score[expert] / sum * sizes.routedScale});
  }
  return chosen;
}

} // namespace

Floats portolan::test::deepSeekStep(
    const DeepSeekSizes &sizes,
    const std::function<const Floats &(std::string)> &weight, int64_t id,
    int64_t at, const std::vector<DeepSeekCache> &caches) {
  const Floats &table = weight("embedding");
  Floats x(&table[id * sizes.hidden], &table[id * sizes.hidden] + sizes.hidden);
  for (int layer = 0; layer < sizes.layers; ++layer) {
    auto own = [&](const std::string &name) -> const Floats & {
      return weight("layers." + std::to_string(layer) + "." + name);
    };
    Floats n = normalized(x, own("attention_norm"), sizes.epsilon);
    Floats query =
        times(normalized(times(n, own("q_a").data(), sizes.queryRank),
                         own("q_norm"), sizes.epsilon),
              own("q_b").data(), sizes.heads * (sizes.plain + sizes.rotary));
    for (int head = 0; head < sizes.heads; ++head)
      rotate(sizes, &query[head * (sizes.plain + sizes.rotary) + sizes.plain],
             at);
    Floats compressed =
        times(n, own("kv_a").data(), sizes.latent + sizes.rotary);
    Floats latent(compressed.begin(), compressed.begin() + sizes.latent);
    latent = normalized(latent, own("kv_norm"), sizes.epsilon);
    Floats rotaryKey(compressed.begin() + sizes.latent, compressed.end());
    rotate(sizes, rotaryKey.data(), at);
    DeepSeekCache cache = caches[layer];
    cache.latent.insert(cache.latent.end(), latent.begin(), latent.end());
    cache.rotaryKey.insert(cache.rotaryKey.end(), rotaryKey.begin(),
                           rotaryKey.end());
    Floats attended =
        attention(sizes, query, cache, own("key_up"), own("value_up"));
    x = plus(x, times(attended, own("o").data(), sizes.hidden));

    Floats m = normalized(x, own("mlp_norm"), sizes.epsilon);
    if (layer < sizes.denseLayers) {
      x = plus(x, feedForward(m, own("mlp_gate").data(), own("mlp_up").data(),
                              own("mlp_down").data(), sizes.denseWidth));
      continue;
    }
    Floats update =
        feedForward(m, own("shared_gate").data(), own("shared_up").data(),
                    own("shared_down").data(), sizes.sharedWidth);
    Floats logits = times(m, own("router").data(), sizes.experts);
    size_t matrix = size_t(sizes.hidden) * sizes.expertWidth;
    for (auto [expert, share] :
         route(sizes, logits, own("router_correction"))) {
      Floats result =
          feedForward(m, &own("experts_gate")[expert * matrix],
                      &own("experts_up")[expert * matrix],
                      &own("experts_down")[expert * matrix], sizes.expertWidth);
      for (int i = 0; i < sizes.hidden; ++i)
        update[i] += float(share * result[i]);
    }
    x = plus(x, update);
  }
  return times(normalized(x, weight("final_norm"), sizes.epsilon),
               weight("lm_head").data(), sizes.vocabulary);
}
