//===- TransferKernelsTest.cpp - kernels between chips on all members -----===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random row puts and all-reduces, interpreted on all members in lockstep. The
// references are one line each: rows by sender, and sums.
//
//===----------------------------------------------------------------------===//

#include "Lockstep.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::test;

namespace {

constexpr unsigned kCases = 40;

/// The kernel of the only transfer of `text`; null, and a failure, if it has
/// none.
switched::KernelOp kernelOf(ModuleOp module, const std::string &target) {
  std::string message;
  switched::KernelOp kernel;
  EXPECT_TRUE(runPipeline(
      module, "switched-lower-to-kernels{target=" + target + "}", message))
      << message;
  module.walk([&](switched::KernelOp op) { kernel = op; });
  EXPECT_TRUE(kernel);
  return kernel;
}

std::string transfer(const char *algorithm) {
  return std::string(" {algorithm = \"") + algorithm +
         "\", bottleneck_bytes = 1.0e4 : f64, hops = 1.0 : f64, starts = 1.0 : "
         "f64}";
}

std::string putText(int64_t members, int64_t width, int64_t choices) {
  std::string m = std::to_string(members), w = std::to_string(width),
              k = std::to_string(choices);
  std::string rows = "tensor<?x" + w + "xf32>, tensor<?x" + k + "xf32>";
  std::string n = "tensor<" + m + "xi32>";
  return "func.func @f(%x: tensor<?x" + w + "xf32>, %c: tensor<?x" + k +
         "xf32>, %s: " + n + ", %r: " + n +
         ") {\n%y:2 = switched.row_put(%x, %c, %s, %r) covers "
         "\"spmd.all_to_all_v\" {group = #spmd.group<" +
         m +
         " by 1>, load = #moe.load<mean = 10.0, max = 20.0, capacity = 64, hit "
         "= 0.0>}" +
         transfer("direct") + " : (" + rows + ", " + n + ", " + n + ") -> (" +
         rows + ")\nreturn\n}\n";
}

std::string sumText(int64_t members, int64_t size, const char *algorithm,
                    const char *element) {
  std::string type = "tensor<" + std::to_string(size) + "x" + element + ">";
  return "func.func @f(%x: " + type +
         ") {\n%y = switched.all_reduce(%x) covers \"spmd.all_reduce\" {group "
         "= "
         "#spmd.group<" +
         std::to_string(members) + " by 1>}" + transfer(algorithm) + " : (" +
         type + ") -> " + type + "\nreturn\n}\n";
}

TEST(TransferKernels, RowsArriveInTheOrderOfTheirSenders) {
  std::unique_ptr<MLIRContext> context = makeContext();
  std::mt19937 engine(3);
  for (unsigned i = 0; i < kCases; ++i) {
    int64_t members = 2 + engine() % 7, width = 4 * (1 + engine() % 16),
            choices = 1 + engine() % 3;
    auto module = parseSourceString<ModuleOp>(putText(members, width, choices),
                                              context.get());
    ASSERT_TRUE(module);
    switched::KernelOp kernel =
        kernelOf(*module, i % 2 ? "hgx-h100" : "gb300-nvl72");
    ASSERT_TRUE(kernel);
    // counts[s][d]: rows from s to d.
    std::vector<std::vector<int64_t>> counts(members);
    int64_t expected = 0;
    for (int64_t from = 0; from < members; ++from)
      for (int64_t to = 0; to < members; ++to) {
        counts[from].push_back(engine() % 4 ? engine() % 9 : 0);
        expected += from == to ? 0 : counts[from][to] * (width + choices);
      }
    Lockstep lockstep(kernel, members);
    auto value = [](int64_t from, int64_t to, int64_t row, int64_t column) {
      return double(((from * 100 + to) * 100 + row) * 1000 + column);
    };
    for (int64_t me = 0; me < members; ++me) {
      int64_t out = 0, in = 0;
      for (int64_t other = 0; other < members; ++other) {
        out += counts[me][other];
        in += counts[other][me];
      }
      for (unsigned part = 0; part < 2; ++part) {
        int64_t columns = part ? choices : width;
        Cells rows = Cells::of(out, columns, 0);
        int64_t place = 0;
        for (int64_t to = 0; to < members; ++to)
          for (int64_t row = 0; row < counts[me][to]; ++row)
            for (int64_t c = 0; c < columns; ++c)
              rows.values[place++] = value(me, to, row, c);
        lockstep.argument(me, part) = rows;
        lockstep.argument(me, 4 + part) = Cells::of(in, columns, -1);
      }
      Cells sent = Cells::of(members, 1, 0), received = sent;
      for (int64_t other = 0; other < members; ++other) {
        sent.values[other] = double(counts[me][other]);
        received.values[other] = double(counts[other][me]);
      }
      lockstep.argument(me, 2) = sent;
      lockstep.argument(me, 3) = received;
    }
    lockstep.run();
    EXPECT_EQ(lockstep.sent, expected);
    for (int64_t me = 0; me < members; ++me)
      for (unsigned part = 0; part < 2; ++part) {
        Cells &rows = lockstep.argument(me, 4 + part);
        int64_t place = 0;
        for (int64_t from = 0; from < members; ++from)
          for (int64_t row = 0; row < counts[from][me]; ++row)
            for (int64_t c = 0; c < rows.width; ++c, ++place) {
              ASSERT_EQ(rows.values[place], value(from, me, row, c));
              ASSERT_EQ(rows.stores[place], 1);
            }
      }
  }
}

TEST(TransferKernels, AllMembersHaveTheSumOnce) {
  std::unique_ptr<MLIRContext> context = makeContext();
  std::mt19937 engine(4);
  for (unsigned i = 0; i < kCases; ++i) {
    int64_t members = 2 + engine() % 7, size = 1 + engine() % 40000;
    auto module = parseSourceString<ModuleOp>(
        sumText(members, size, i % 2 ? "in_network" : "one_shot",
                engine() % 2 ? "bf16" : "f32"),
        context.get());
    ASSERT_TRUE(module);
    switched::KernelOp kernel =
        kernelOf(*module, engine() % 2 ? "hgx-h100" : "gb300-nvl72");
    ASSERT_TRUE(kernel);
    Lockstep lockstep(kernel, members);
    std::vector<double> sums(size, 0);
    for (int64_t me = 0; me < members; ++me) {
      lockstep.argument(me, 0) = Cells::of(1, size, 0);
      lockstep.argument(me, 1) = Cells::of(1, size, -1);
      for (int64_t place = 0; place < size; ++place)
        sums[place] += lockstep.argument(me, 0).values[place] =
            double(int64_t(engine() % 1000));
    }
    lockstep.run();
    for (int64_t me = 0; me < members; ++me) {
      EXPECT_EQ(lockstep.argument(me, 1).values, sums);
      EXPECT_EQ(lockstep.argument(me, 1).stores, std::vector<int>(size, 1));
    }
  }
}

} // namespace
