//===- Lockstep.h - a transfer's kernels on all members --------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interprets the program of a kernel between chips: all blocks of all members
// do one op of the kernel, then the next one. A wait for a signal that is not
// there by then, a row outside of its tensor and an element that is stored
// twice fail the test. Buffers hold doubles.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_KERNELRUN_LOCKSTEP_H
#define PORTOLAN_TEST_UNIT_KERNELRUN_LOCKSTEP_H

#include "ExpertsCase.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include <map>

namespace portolan::test {

/// Global memory of one member, or a tile of one block.
struct Cells {
  int64_t width = 1; ///< of a row
  std::vector<double> values;
  std::vector<int> stores;

  static Cells of(int64_t rows, int64_t width, double value) {
    return {width, std::vector<double>(rows * width, value),
            std::vector<int>(rows * width, 0)};
  }
};

class Lockstep {
public:
  Lockstep(switched::KernelOp kernel, int64_t members)
      : kernel(kernel), members(members), memory(members),
        blocks(members * int64_t(kernel.getUnits())) {}

  /// Argument `index` of the kernel on a member: operands, then results.
  Cells &argument(int64_t member, unsigned index) {
    return memory[member][kernel.getBody().getArgument(index)];
  }
  void run() {
    for (mlir::Operation &op : kernel.getBody().front())
      for (member = 0; member < members; ++member)
        for (unit = 0; unit < int64_t(kernel.getUnits()); ++unit)
          step(&op);
  }
  /// Values that were put into the memory of another member.
  int64_t sent = 0;

private:
  struct Block {
    llvm::DenseMap<mlir::Value, int64_t> indices;
    std::map<void *, std::vector<double>> tiles;
  };
  Block &block() { return blocks[member * int64_t(kernel.getUnits()) + unit]; }
  int64_t at(mlir::Value value) {
    llvm::APInt constant;
    if (mlir::matchPattern(value, mlir::m_ConstantInt(&constant)))
      return constant.getSExtValue();
    return block().indices.lookup(value);
  }
  std::vector<double> &tile(mlir::Value value) {
    return block().tiles[value.getAsOpaquePointer()];
  }
  Cells &cells(mlir::Value value, int64_t of) { return memory[of][value]; }
  void store(Cells &target, int64_t place, double value) {
    ASSERT_LT(place, int64_t(target.values.size()));
    target.values[place] = value;
    ++target.stores[place];
  }
  void body(mlir::Region &region, std::initializer_list<int64_t> arguments) {
    for (auto [argument, value] : llvm::zip(region.getArguments(), arguments))
      block().indices[argument] = value;
    for (mlir::Operation &op : region.front())
      step(&op);
  }
  int64_t prefix(mlir::Value counts, int64_t entry) {
    int64_t sum = 0;
    for (int64_t i = 0; i < entry; ++i)
      sum += int64_t(cells(counts, member).values[i]);
    return sum;
  }
  void putRow(mlir::Value target, int64_t row, mlir::Value peer,
              llvm::ArrayRef<double> values) {
    int64_t to = peer ? at(peer) : member;
    Cells &there = cells(target, to);
    for (auto [i, value] : llvm::enumerate(values))
      store(there, row * there.width + int64_t(i), value);
    sent += to == member ? 0 : int64_t(values.size());
  }
  void step(mlir::Operation *op);
  void peers(switched::ForPeersOp op);
  void chunks(switched::ForChunksOp op);

  switched::KernelOp kernel;
  int64_t members;
  int64_t member = 0, unit = 0; ///< that run
  std::vector<llvm::DenseMap<mlir::Value, Cells>> memory;
  std::vector<Block> blocks;
};

inline void Lockstep::peers(switched::ForPeersOp op) {
  int64_t parts = op.getParts(), pairs = members * parts;
  for (int64_t i = 0; i < pairs; ++i) {
    int64_t pair = ((member + 1) * parts + i) % pairs;
    if (pair % int64_t(kernel.getUnits()) == unit)
      body(op.getBody(), {pair / parts, pair % parts});
  }
}

inline void Lockstep::chunks(switched::ForChunksOp op) {
  int64_t size = int64_t(cells(op.getTensor(), member).values.size());
  int64_t chunk = op.getChunk(), count = (size + chunk - 1) / chunk;
  int64_t low = 0, high = count, units = kernel.getUnits();
  if (op.getGroup()) {
    low = member * count / members;
    high = (member + 1) * count / members;
  }
  int64_t own = high - low;
  for (int64_t i = low + unit * own / units; i < low + (unit + 1) * own / units;
       ++i)
    body(op.getBody(), {i * chunk, std::min(chunk, size - i * chunk)});
}

inline void Lockstep::step(mlir::Operation *op) {
  using namespace switched;
  if (auto alloc = llvm::dyn_cast<SmemAllocOp>(op)) {
    tile(alloc.getTile())
        .assign(alloc.getTile().getType().getContraction(), std::nan(""));
  } else if (auto alloc = llvm::dyn_cast<RegisterAllocOp>(op)) {
    auto type = alloc.getTile().getType();
    tile(alloc.getTile())
        .assign(type.getRows() * type.getColumns(), std::nan(""));
  } else if (llvm::isa<SignalsAllocOp, WordsAllocOp>(op)) {
    if (unit == 0)
      memory[member][op->getResult(0)] = Cells::of(members, 1, 0);
  } else if (auto loop = llvm::dyn_cast<ForPeersOp>(op)) {
    peers(loop);
  } else if (auto loop = llvm::dyn_cast<EachPeerOp>(op)) {
    for (int64_t peer = 0; peer < members; ++peer)
      body(loop.getBody(), {peer});
  } else if (auto loop = llvm::dyn_cast<ForSentOp>(op)) {
    int64_t peer = at(loop.getPeer()), first = prefix(loop.getCounts(), peer);
    int64_t parts = llvm::cast<ForPeersOp>(op->getParentOp()).getParts();
    int64_t count = int64_t(cells(loop.getCounts(), member).values[peer]);
    for (int64_t i = at(loop.getPart()); i < count; i += parts)
      body(loop.getBody(), {first + i, i});
  } else if (auto loop = llvm::dyn_cast<ForChunksOp>(op)) {
    chunks(loop);
  } else if (auto sum = llvm::dyn_cast<PrefixOp>(op)) {
    block().indices[sum.getSum()] = prefix(sum.getCounts(), at(sum.getEntry()));
  } else if (auto put = llvm::dyn_cast<PutWordOp>(op)) {
    cells(put.getWords(), at(put.getPeer())).values[member] =
        double(at(put.getValue()));
  } else if (auto signal = llvm::dyn_cast<SignalOp>(op)) {
    ++cells(signal.getSignals(), at(signal.getPeer())).values[member];
  } else if (auto wait = llvm::dyn_cast<SignalWaitOp>(op)) {
    EXPECT_EQ(cells(wait.getSignals(), member).values[at(wait.getPeer())],
              double(int64_t(wait.getCount())));
  } else if (auto load = llvm::dyn_cast<mlir::memref::LoadOp>(op)) {
    block().indices[load.getResult()] = int64_t(
        cells(load.getMemRef(), member).values[at(load.getIndices()[0])]);
  } else if (llvm::isa<mlir::arith::IndexCastOp>(op)) {
    block().indices[op->getResult(0)] = at(op->getOperand(0));
  } else if (llvm::isa<mlir::arith::AddIOp>(op)) {
    block().indices[op->getResult(0)] =
        at(op->getOperand(0)) + at(op->getOperand(1));
  } else if (auto load = llvm::dyn_cast<RowLoadOp>(op)) {
    Cells &from = cells(load.getSource(), member);
    auto first = from.values.begin() + at(load.getRow()) * from.width;
    tile(load.getTile()).assign(first, first + from.width);
  } else if (auto put = llvm::dyn_cast<RowStoreOp>(op)) {
    putRow(put.getTarget(), at(put.getRow()), put.getPeer(),
           tile(put.getTile()));
  } else if (auto copy = llvm::dyn_cast<CopyRowOp>(op)) {
    Cells &from = cells(copy.getSource(), member);
    auto first = from.values.begin() + at(copy.getFrom()) * from.width;
    std::vector<double> row(first, first + from.width);
    putRow(copy.getTarget(), at(copy.getTo()), copy.getPeer(), row);
  } else if (auto zero = llvm::dyn_cast<ZeroOp>(op)) {
    llvm::fill(tile(zero.getTile()), 0.0);
  } else if (auto add = llvm::dyn_cast<PeerAddOp>(op)) {
    Cells &from = cells(add.getTensor(), at(add.getPeer()));
    for (int64_t i = 0; i < at(add.getLeft()); ++i)
      tile(add.getTile())[i] += from.values[at(add.getFirst()) + i];
  } else if (auto sum = llvm::dyn_cast<MultimemLoadReduceOp>(op)) {
    for (int64_t i = 0; i < at(sum.getLeft()); ++i) {
      double &value = tile(sum.getTile())[i] = 0;
      for (int64_t peer = 0; peer < members; ++peer)
        value += cells(sum.getTensor(), peer).values[at(sum.getFirst()) + i];
    }
  } else if (auto copy = llvm::dyn_cast<MultimemStoreOp>(op)) {
    for (int64_t peer = 0; peer < members; ++peer)
      for (int64_t i = 0; i < at(copy.getLeft()); ++i)
        store(cells(copy.getTensor(), peer), at(copy.getFirst()) + i,
              tile(copy.getTile())[i]);
  } else if (auto copy = llvm::dyn_cast<ChunkStoreOp>(op)) {
    for (int64_t i = 0; i < at(copy.getLeft()); ++i)
      store(cells(copy.getTensor(), member), at(copy.getFirst()) + i,
            tile(copy.getTile())[i]);
  } else {
    // The rest orders what is in order here.
    bool orders = llvm::isa<YieldOp, MbarrierInitOp, MbarrierExpectOp,
                            MbarrierWaitOp, mlir::arith::ConstantOp>(op);
    EXPECT_TRUE(orders) << op->getName().getStringRef().str();
  }
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_KERNELRUN_LOCKSTEP_H
