//===- SwitchedToNvvmTest.cpp - what of a GPU kernel a host can check -----===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loop over tiles and the rings are upstream ops: the same code that ends
// in a kernel is compiled for the host and compared with what the dialect says.
// Bit fields are taken apart and compared with the tables of the PTX ISA.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/Descriptors.h"
#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"
#include "lib/Conversion/SwitchedToNvvm/RowKernels.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "portolan/Execution/Jit.h"
#include "portolan/RegisterAll.h"
#include "portolan/Support/NumberFormats.h"
#include "gtest/gtest.h"
#include <random>
#include <set>

using namespace portolan;
using namespace portolan::kernels;

namespace {

/// The bits first to last of a descriptor.
uint64_t bits(uint64_t value, unsigned first, unsigned last) {
  return value >> first & ((uint64_t(1) << (last - first + 1)) - 1);
}

using Row = std::array<int32_t, 4>; ///< expert, row, left, column

class HostKernel : public testing::Test {
protected:
  HostKernel() {
    mlir::DialectRegistry registry;
    registerUpstream(registry);
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// Compiles a function of pointers and numbers, all i64.
  std::unique_ptr<Executable>
  compileBody(unsigned arguments,
              llvm::function_ref<void(Emitter &, mlir::ValueRange)> body) {
    mlir::Location loc = mlir::UnknownLoc::get(&context);
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(loc);
    mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(module->getBody());
    auto function = mlir::func::FuncOp::create(
        b, loc, "main",
        b.getFunctionType(
            llvm::SmallVector<mlir::Type>(arguments, b.getI64Type()), {}));
    b.setInsertionPointToStart(function.addEntryBlock());
    Emitter e(b, loc);
    body(e, function.getArguments());
    mlir::func::ReturnOp::create(b, loc);
    auto compiled = compile(*module);
    EXPECT_TRUE(bool(compiled)) << llvm::toString(compiled.takeError());
    return compiled ? std::move(*compiled) : nullptr;
  }

  static Value pointerTo(Emitter &e, Value number) {
    return e.create<mlir::LLVM::IntToPtrOp>(e.pointer(kGeneric), number);
  }

  mlir::MLIRContext context;
};

/// The tiles of one block, by `for_tiles` as the dialect states it: all tiles
/// in a list, of which each cluster takes every C-th.
std::vector<Row> tilesByHand(const std::vector<int32_t> &counts,
                             const TileWalk &walk, int64_t cluster,
                             int64_t rank) {
  std::vector<Row> all, mine;
  int64_t width = walk.columnTile * walk.clusterSize, firstRow = 0;
  for (size_t expert = 0; expert < counts.size(); ++expert) {
    for (int64_t column = 0; column < walk.columns; column += width)
      for (int64_t row = 0; row < counts[expert]; row += walk.tokenTile)
        all.push_back({int32_t(expert), int32_t(firstRow + row),
                       int32_t(std::min(walk.tokenTile, counts[expert] - row)),
                       int32_t(column + rank * walk.columnTile)});
    firstRow += counts[expert];
  }
  for (size_t i = size_t(cluster); i < all.size(); i += size_t(walk.clusters))
    mine.push_back(all[i]);
  return mine;
}

} // namespace

//===----------------------------------------------------------------------===//
// Code that runs on the host too
//===----------------------------------------------------------------------===//

TEST_F(HostKernel, TilesAreThoseOfForTiles) {
  std::mt19937 random(7);
  auto oneOf = [&](std::initializer_list<int64_t> values) {
    return *(values.begin() + random() % values.size());
  };
  for (int round = 0; round < 12; ++round) {
    TileWalk walk;
    walk.experts = oneOf({1, 3, 17});
    walk.tokenTile = oneOf({8, 24, 128});
    walk.columnTile = oneOf({64, 128});
    walk.columns = oneOf({64, 200, 1024});
    walk.clusterSize = oneOf({1, 2});
    walk.clusters = oneOf({1, 5, 74});
    auto main = compileBody(4, [&](Emitter &e, mlir::ValueRange arguments) {
      auto narrow = [&](Value value) -> Value {
        return e.create<mlir::arith::TruncIOp>(e.i32(), value);
      };
      TileWalk emitted = walk;
      emitted.counts = pointerTo(e, arguments[0]);
      emitted.cluster = narrow(arguments[2]);
      emitted.rank = narrow(arguments[3]);
      Value out = pointerTo(e, arguments[1]);
      Values end = emitTileWalk(
          e, emitted, {e.constant(0)},
          [&](const Tile &tile, mlir::ValueRange carried) -> Values {
            Value place = e.advance(out, e.mul(e.add(carried[0], 1), 16));
            int64_t byte = 0;
            for (Value field :
                 {tile.expert, tile.row, tile.left, tile.column}) {
              e.store(field, e.advance(place, byte));
              byte += 4;
            }
            return {e.add(carried[0], 1)};
          });
      e.store(end[0], out);
    });
    ASSERT_TRUE(main);
    std::vector<int32_t> counts;
    for (int64_t i = 0; i < walk.experts; ++i)
      counts.push_back(int32_t(oneOf({0, 1, 8, 23, 130})));
    for (int64_t cluster : {int64_t(0), walk.clusters - 1})
      for (int64_t rank = 0; rank < walk.clusterSize; ++rank) {
        std::vector<Row> expected = tilesByHand(counts, walk, cluster, rank);
        std::vector<Row> out(expected.size() + 65, Row{-1, -1, -1, -1});
        auto done = main->call(
            "main", {},
            {int64_t(reinterpret_cast<intptr_t>(counts.data())),
             int64_t(reinterpret_cast<intptr_t>(out.data())), cluster, rank});
        ASSERT_TRUE(bool(done)) << llvm::toString(done.takeError());
        ASSERT_EQ(out[0][0], int32_t(expected.size()));
        out.erase(out.begin());
        out.resize(expected.size());
        EXPECT_EQ(out, expected);
      }
  }
}

TEST_F(HostKernel, RingsCountStagesAndPhases) {
  for (int64_t stages : {1, 2, 3, 8}) {
    auto main = compileBody(1, [&](Emitter &e, mlir::ValueRange arguments) {
      Value out = pointerTo(e, arguments[0]);
      e.loop(40, {e.constant(0), e.constant(0)},
             [&](Value step, mlir::ValueRange ring) -> Values {
               Value place = e.advance(out, e.mul(step, 8));
               e.store(ring[0], place);
               e.store(ring[1], e.advance(place, 4));
               RingState next = e.next({ring[0], ring[1]}, stages);
               return {next.stage, next.parity};
             });
    });
    ASSERT_TRUE(main);
    std::vector<int32_t> out(80, -1);
    auto done = main->call("main", {},
                           {int64_t(reinterpret_cast<intptr_t>(out.data()))});
    ASSERT_TRUE(bool(done)) << llvm::toString(done.takeError());
    for (int64_t step = 0; step < 40; ++step) {
      RingPlace place = ringPlace(step, stages);
      EXPECT_EQ(out[size_t(2 * step)], place.stage);
      EXPECT_EQ(out[size_t(2 * step + 1)], place.parity);
    }
  }
}

TEST_F(HostKernel, ScalesOfTokensAreOrderedByLanes) {
  // What 32 threads do one after the other: all read, then all write.
  auto main = compileBody(1, [&](Emitter &e, mlir::ValueRange arguments) {
    Value unit = pointerTo(e, arguments[0]);
    std::vector<Values> words;
    for (int64_t lane = 0; lane < 32; ++lane)
      words.push_back(emitReadScales(e, unit, e.constant(lane)));
    for (int64_t lane = 0; lane < 32; ++lane)
      emitWriteScales(e, unit, e.constant(lane), words[size_t(lane)]);
  });
  ASSERT_TRUE(main);
  std::vector<int32_t> unit;
  for (int32_t row = 0; row < 128; ++row)
    unit.push_back(row);
  auto done = main->call("main", {},
                         {int64_t(reinterpret_cast<intptr_t>(unit.data()))});
  ASSERT_TRUE(bool(done)) << llvm::toString(done.takeError());
  for (int32_t row = 0; row < 128; ++row)
    EXPECT_EQ(unit[size_t(row % 32 * 4 + row / 32)], row);
}

TEST_F(HostKernel, ScalesThatArePowersAreThoseOfTheNumberFormats) {
  for (Format format : {Format::mxfp8, Format::mxfp4}) {
    auto main = compileBody(1, [&](Emitter &e, mlir::ValueRange arguments) {
      Value place = pointerTo(e, arguments[0]);
      Value largest = e.load(e.builder().getF32Type(), place);
      e.store(emitBlockScale(e, format, largest).value, e.advance(place, 4));
    });
    ASSERT_TRUE(main);
    std::optional<Quantization> rule = quantizationOf(format);
    ASSERT_TRUE(rule.has_value());
    for (float largest : {0.0f, 0x1p-140f, 0x1p-126f, 0x1p-120f, 1.0f, 6.0f,
                          448.0f, 449.0f, 3e38f}) {
      float values[2] = {largest, -1};
      auto done =
          main->call("main", {}, {int64_t(reinterpret_cast<intptr_t>(values))});
      ASSERT_TRUE(bool(done)) << llvm::toString(done.takeError());
      EXPECT_EQ(values[1], scaleOf(*rule, largest, largest)) << largest;
    }
  }
}

TEST_F(HostKernel, RowsAreCountedAsTheDialectSays) {
  std::mt19937 random(11);
  for (int round = 0; round < 6; ++round) {
    RowCounts rows;
    rows.tokens = 1 + int64_t(random() % 40);
    rows.choices = 1 + int64_t(random() % 4);
    rows.experts = 1 + int64_t(random() % 6);
    rows.first = int64_t(random() % 5);
    int64_t firstToken = int64_t(random() % uint64_t(rows.tokens));
    // A block of 8 threads, one after the other.
    auto main = compileBody(6, [&](Emitter &e, mlir::ValueRange arguments) {
      RowCounts emitted = rows;
      emitted.indices = pointerTo(e, arguments[0]);
      emitted.counts = pointerTo(e, arguments[1]);
      emitted.next = pointerTo(e, arguments[2]);
      emitted.totals = pointerTo(e, arguments[3]);
      emitted.before = pointerTo(e, arguments[4]);
      for (int64_t thread = 0; thread < 8; ++thread)
        emitCountShare(e, emitted, e.constant(thread), 8,
                       e.constant(firstToken), [&](Value counter) {
                         e.store(e.add(e.load(e.i32(), counter), 1), counter);
                       });
      emitSumCounts(e, emitted, e.bit(true));
    });
    ASSERT_TRUE(main);
    std::vector<int32_t> indices;
    for (int64_t i = 0; i < rows.tokens * rows.choices; ++i)
      indices.push_back(int32_t(random() % 12) - 1);
    std::vector<int32_t> counts(rows.experts, -1), next(rows.experts, -1),
        totals(rows.experts, 0), before(rows.experts, 0);
    auto place = [](std::vector<int32_t> &values) {
      return int64_t(reinterpret_cast<intptr_t>(values.data()));
    };
    auto done = main->call("main", {},
                           {place(indices), place(counts), place(next),
                            place(totals), place(before), 0});
    ASSERT_TRUE(bool(done)) << llvm::toString(done.takeError());
    // Rows ordered by expert, then by token.
    int32_t start = 0;
    for (int64_t expert = 0; expert < rows.experts; ++expert) {
      int32_t all = 0, earlier = 0;
      for (int64_t i = 0; i < rows.tokens * rows.choices; ++i)
        if (indices[size_t(i)] == rows.first + expert) {
          ++all;
          earlier += i / rows.choices < firstToken;
        }
      EXPECT_EQ(counts[size_t(expert)], all);
      EXPECT_EQ(next[size_t(expert)], start + earlier);
      start += all;
    }
  }
}

/// A barrier as the PTX ISA defines it: a phase ends with its last arrival, and
/// a wait for a parity returns if the phase before the current one has it.
/// Every interleaving that the barriers allow fills a stage before it is read,
/// and reads it before it is filled again.
TEST(Rings, NoStageIsReadEarlyOrFilledTwice) {
  struct Barrier {
    int64_t phase = 0;
    bool opens(int64_t parity) const { return (phase & 1) != parity; }
  };
  std::mt19937 random(3);
  for (int64_t stages : {1, 2, 5})
    for (int round = 0; round < 50; ++round) {
      std::vector<Barrier> full(stages), free(stages);
      std::vector<int64_t> held(stages, -1);
      int64_t filled = 0, read = 0;
      constexpr int64_t kSteps = 60;
      while (read < kSteps) {
        RingPlace in = ringPlace(filled, stages), out = ringPlace(read, stages);
        bool mayFill =
            filled < kSteps && free[size_t(in.stage)].opens(in.parity ^ 1);
        bool mayRead = full[size_t(out.stage)].opens(out.parity);
        ASSERT_TRUE(mayFill || mayRead) << "the kernel hangs";
        if (mayFill && (!mayRead || random() % 2)) {
          ASSERT_EQ(held[size_t(in.stage)], -1);
          held[size_t(in.stage)] = filled++;
          ++full[size_t(in.stage)].phase;
        } else {
          ASSERT_EQ(held[size_t(out.stage)], read++);
          held[size_t(out.stage)] = -1;
          ++free[size_t(out.stage)].phase;
        }
      }
    }
}

//===----------------------------------------------------------------------===//
// Addresses and bit fields
//===----------------------------------------------------------------------===//

TEST(Descriptors, SwizzleExchangesUnitsByTheRow) {
  // The PTX ISA prints the 128-byte mode as a table of 8 rows x 8 units of 16
  // bytes, whose row r is 0^r ... 7^r; as address bits, 4-6 are exchanged by
  // 7-9.
  std::set<int64_t> seen;
  for (int64_t row = 0; row < 16; ++row)
    for (int64_t byte = 0; byte < 128; ++byte) {
      int64_t linear = row * 128 + byte;
      EXPECT_EQ(swizzled(row, byte), linear ^ ((linear >> 7 & 7) << 4));
      EXPECT_EQ(swizzled(row, byte) / 128, row);
      seen.insert(swizzled(row, byte));
    }
  EXPECT_EQ(seen.size(), 16u * 128u);
}

TEST(Descriptors, Warpgroup) {
  uint64_t value = warpgroupDescriptor() | addressField(0x12340);
  EXPECT_EQ(bits(value, 0, 13), 0x1234u);
  EXPECT_EQ(bits(value, 32, 45), 1024u / 16); // stride of 8 rows
  EXPECT_EQ(bits(value, 49, 51), 0u);         // base offset
  EXPECT_EQ(bits(value, 62, 63), 1u);         // 128 bytes
}

TEST(Descriptors, TensorCore) {
  uint64_t value = tensorDescriptor() | addressField(0x12340);
  EXPECT_EQ(bits(value, 0, 13), 0x1234u);
  EXPECT_EQ(bits(value, 32, 45), 1024u / 16);
  EXPECT_EQ(bits(value, 46, 48), 1u);
  EXPECT_EQ(bits(value, 49, 52), 0u);
  EXPECT_EQ(bits(value, 53, 60), 0u);
  EXPECT_EQ(bits(value, 61, 63), 2u); // 128 bytes
  value = scalesDescriptor();
  EXPECT_EQ(bits(value, 32, 45), 128u / 16);
  EXPECT_EQ(bits(value, 46, 48), 1u);
  EXPECT_EQ(bits(value, 61, 63), 0u);
}

TEST(Descriptors, Instruction) {
  for (auto [format, type] :
       {std::pair(Format::bf16, 1u), std::pair(Format::fp16, 0u),
        std::pair(Format::fp8, 0u)}) {
    uint32_t value = instructionDescriptor(format, 256, 80);
    EXPECT_EQ(bits(value, 0, 3), 0u);
    EXPECT_EQ(bits(value, 4, 5), 1u); // sums in f32
    EXPECT_EQ(bits(value, 7, 9), type);
    EXPECT_EQ(bits(value, 10, 12), type);
    EXPECT_EQ(bits(value, 13, 16), 0u);
    EXPECT_EQ(bits(value, 17, 22), 80u / 8);
    EXPECT_EQ(bits(value, 24, 28), 256u / 16);
    EXPECT_EQ(bits(value, 29, 31), 0u);
  }
}

TEST(Descriptors, ScaledInstruction) {
  struct Expected {
    Format format;
    unsigned type, scales;
  };
  for (Expected expected :
       {Expected{Format::mxfp8, 0, 1}, Expected{Format::mxfp4, 1, 1},
        Expected{Format::nvfp4, 1, 0}}) {
    uint32_t value = scaledInstructionDescriptor(expected.format, 256, 24, 2);
    EXPECT_EQ(bits(value, 4, 5), 2u);
    EXPECT_EQ(bits(value, 7, 9), expected.type);
    EXPECT_EQ(bits(value, 10, 12), expected.type);
    EXPECT_EQ(bits(value, 17, 22), 24u / 8);
    EXPECT_EQ(bits(value, 23, 23), expected.scales);
    EXPECT_EQ(bits(value, 24, 26), 0u);
    EXPECT_EQ(bits(value, 27, 28), 256u / 128);
    EXPECT_EQ(bits(value, 29, 30), 2u);
    EXPECT_EQ(bits(value, 31, 31), 0u);
  }
}
