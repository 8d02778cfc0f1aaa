//===- StreamsTest.cpp - mixed streams against plain loops ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include <cmath>

using namespace portolan;
using namespace portolan::test;

namespace {

constexpr int64_t kRows = 3, kStreams = 3, kWidth = 4;
constexpr double kEpsilon = 1e-3, kFloor = 1e-2;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// What `moe.read_streams` reads of each stream of a row, writes to each, and
/// its matrix [from][to].
struct Mixed {
  std::vector<double> read, written;
  std::vector<std::vector<double>> matrix;
};

Mixed mixOf(Array &streams, Array &projection, Array &scales, Array &base,
            int64_t row, int64_t rounds) {
  int64_t all = kStreams * kWidth, columns = projection.shape[1];
  double squares = 0;
  for (int64_t k = 0; k < all; ++k)
    squares += double(streams(row, k)) * streams(row, k);
  double norm = std::sqrt(squares / double(all) + kEpsilon);
  auto column = [&](int64_t c, int64_t part) {
    double p = 0;
    for (int64_t k = 0; k < all; ++k)
      p += double(streams(row, k)) / norm * projection(k, c);
    return p * scales(part) + base(c);
  };
  Mixed mixed;
  for (int64_t n = 0; n < kStreams; ++n)
    mixed.read.push_back(sigmoid(column(n, 0)) + kFloor);
  if (columns == kStreams)
    return mixed;
  auto &matrix = mixed.matrix;
  for (int64_t i = 0; i < kStreams; ++i) {
    mixed.written.push_back(2 * sigmoid(column(kStreams + i, 1)));
    std::vector<double> line;
    double total = 0;
    for (int64_t j = 0; j < kStreams; ++j) {
      line.push_back(std::exp(column(2 * kStreams + i * kStreams + j, 2)));
      total += line.back();
    }
    for (double &share : line)
      share = share / total + kFloor;
    matrix.push_back(line);
  }
  auto divide = [&](bool byFrom) {
    for (int64_t a = 0; a < kStreams; ++a) {
      double sum = kFloor;
      for (int64_t b = 0; b < kStreams; ++b)
        sum += byFrom ? matrix[b][a] : matrix[a][b];
      for (int64_t b = 0; b < kStreams; ++b)
        (byFrom ? matrix[b][a] : matrix[a][b]) /= sum;
    }
  };
  divide(/*byFrom=*/true);
  for (int64_t round = 1; round < rounds; ++round) {
    divide(/*byFrom=*/false);
    divide(/*byFrom=*/true);
  }
  return mixed;
}

void checkReadAndWrite(int64_t rounds) {
  Random random(unsigned(40 + rounds));
  int64_t columns = kStreams * (kStreams + 2),
          mixes = kStreams * (kStreams + 1);
  Array streams = random.array({kRows, kStreams * kWidth}, 2);
  Array projection = random.array({kStreams * kWidth, columns});
  Array scales = random.array({3}, 3), base = random.array({columns});
  Array update = random.array({kRows, kWidth}, 2);
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<3x12xf32>, %p: tensor<12x15xf32>,
                    %s: tensor<3xf32>, %b: tensor<15xf32>,
                    %u: tensor<3x4xf32>)
        -> (tensor<3x4xf32>, tensor<3x12xf32>, tensor<3x12xf32>) {
      %0:2 = moe.read_streams %x by %p scales %s base %b
        {epsilon = 1.0e-3 : f64, floor = 1.0e-2 : f64, rounds = )" +
          std::to_string(rounds) + R"( : i64}
        : (tensor<3x12xf32>, tensor<12x15xf32>, tensor<3xf32>,
           tensor<15xf32>) -> (tensor<3x4xf32>, tensor<3x12xf32>)
      %1 = moe.write_streams %x, %u by %0#1
        : (tensor<3x12xf32>, tensor<3x4xf32>, tensor<3x12xf32>)
        -> tensor<3x12xf32>
      return %0#0, %0#1, %1
        : tensor<3x4xf32>, tensor<3x12xf32>, tensor<3x12xf32>
    })",
      {streams.tensor(), projection.tensor(), scales.tensor(), base.tensor(),
       update.tensor()});
  ASSERT_EQ(outputs.size(), 3u);
  Array result({kRows, kWidth}), mix({kRows, mixes}),
      written({kRows, kStreams * kWidth});
  for (int64_t row = 0; row < kRows; ++row) {
    Mixed mixed = mixOf(streams, projection, scales, base, row, rounds);
    for (int64_t w = 0; w < kWidth; ++w) {
      double sum = 0;
      for (int64_t n = 0; n < kStreams; ++n)
        sum += mixed.read[n] * streams(row, n * kWidth + w);
      result(row, w) = float(sum);
    }
    for (int64_t to = 0; to < kStreams; ++to) {
      mix(row, to) = float(mixed.written[to]);
      for (int64_t from = 0; from < kStreams; ++from)
        mix(row, kStreams + from * kStreams + to) =
            float(mixed.matrix[from][to]);
      for (int64_t w = 0; w < kWidth; ++w) {
        double sum = mixed.written[to] * update(row, w);
        for (int64_t from = 0; from < kStreams; ++from)
          sum += mixed.matrix[from][to] * streams(row, from * kWidth + w);
        written(row, to * kWidth + w) = float(sum);
      }
    }
  }
  expectNear(outputs[0], result);
  expectNear(outputs[1], mix);
  expectNear(outputs[2], written);
}

} // namespace

TEST(Streams, ReadAndWrittenBack) { checkReadAndWrite(20); }

TEST(Streams, OneRoundBalancesOnce) { checkReadAndWrite(1); }

// Without a matrix only what is read remains.
TEST(Streams, TheLastRead) {
  Random random(7);
  Array streams = random.array({kRows, kStreams * kWidth}, 2);
  Array projection = random.array({kStreams * kWidth, kStreams});
  Array scales = random.array({1}, 3), base = random.array({kStreams});
  std::vector<Tensor> outputs = run(
      R"(
    func.func @main(%x: tensor<3x12xf32>, %p: tensor<12x3xf32>,
                    %s: tensor<1xf32>, %b: tensor<3xf32>) -> tensor<3x4xf32> {
      %0 = moe.read_streams %x by %p scales %s base %b
        {epsilon = 1.0e-3 : f64, floor = 1.0e-2 : f64}
        : (tensor<3x12xf32>, tensor<12x3xf32>, tensor<1xf32>, tensor<3xf32>)
        -> tensor<3x4xf32>
      return %0 : tensor<3x4xf32>
    })",
      {streams.tensor(), projection.tensor(), scales.tensor(), base.tensor()});
  ASSERT_EQ(outputs.size(), 1u);
  Array result({kRows, kWidth});
  for (int64_t row = 0; row < kRows; ++row) {
    Mixed mixed = mixOf(streams, projection, scales, base, row, 0);
    for (int64_t w = 0; w < kWidth; ++w) {
      double sum = 0;
      for (int64_t n = 0; n < kStreams; ++n)
        sum += mixed.read[n] * streams(row, n * kWidth + w);
      result(row, w) = float(sum);
    }
  }
  expectNear(outputs[0], result);
}
