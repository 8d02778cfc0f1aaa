//===- RowKernels.cpp - kernels that pack rows by destination -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All threads of a block count the indices, so that the place of every row is
// known without a word from another block; then one thread moves whole rows by
// bulk copies, which need no more.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/RowKernels.h"
#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;
using namespace portolan::switched;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

bool kernels::packsRows(KernelOp kernel) {
  return !kernel.getBody().getOps<CountRowsOp>().empty();
}

/// The one op of kind `Op` below `root`, or null.
template <typename Op> static Op onlyOne(Operation *root) {
  Op found;
  int64_t count = 0;
  root->walk([&](Op op) {
    found = op;
    ++count;
  });
  return count == 1 ? found : Op();
}

FailureOr<RowsForm> kernels::rowsFormOf(KernelOp kernel, const Core &core) {
  RowsForm form;
  form.kernel = kernel;
  form.count = onlyOne<CountRowsOp>(kernel);
  form.rows = onlyOne<ForRowsOp>(kernel);
  form.load = onlyOne<RowLoadOp>(kernel);
  form.store = onlyOne<RowStoreOp>(kernel);
  auto noEmission = [&]() -> LogicalResult {
    return refuse(
        kernel, "ptx_rows_c1",
        "expects rows of known number that go to experts of this chip "
        "by one load and one store, with nothing beside them");
  };
  bool isOther = false;
  kernel.getBody().walk(
      [&](Operation *op) { isOther |= isa<CopyRowOp, RowMetadataOp>(op); });
  if (!form.count || !form.rows || !form.load || !form.store || isOther ||
      form.store.getPeer())
    return noEmission();
  auto indices = cast<MemRefType>(form.count.getIndices().getType());
  SmemType tile = form.load.getTile().getType();
  DestinationsAttr to = form.count.getDestinations();
  int64_t target = cast<MemRefType>(form.store.getTarget().getType()).getRank();
  if (to.getRanks() != 0 || !indices.hasStaticShape() ||
      indices.getRank() != 2 || !indices.getElementType().isInteger(32) ||
      int64_t(form.rows.getTile()) != 1 || target != 2 ||
      scaleBlock(*parseFormat(tile.getFormat())) != 0 ||
      tile.getStages() != 1 || tile.getRows() != 1 ||
      form.store.getTile() != form.load.getTile())
    return noEmission();
  form.tokens = indices.getDimSize(0);
  form.choices = indices.getDimSize(1);
  form.experts = to.getExperts();
  form.first = to.getFirst();
  form.rowBytes = tile.getStageBytes();

  int64_t end = int64_t(llvm::alignTo(uint64_t(form.rowBytes), 128));
  auto take = [&](int64_t bytes) { return std::exchange(end, end + bytes); };
  form.barrier = take(8);
  form.next = take(4 * form.experts);
  form.totals = take(4 * form.experts);
  form.before = take(4 * form.experts);
  form.sharedBytes = end;
  if (double(end) > core.sharedMemoryBytes.nominal())
    return refuse(kernel, "ptx_smem_c1",
                  "expects at most " +
                      Twine(int64_t(core.sharedMemoryBytes.nominal())) +
                      " bytes of shared memory, got " + Twine(end));
  for (unsigned i = 0; i < kernel.getBody().getNumArguments(); ++i) {
    Parameter parameter;
    parameter.argument = i;
    form.parameters.push_back(parameter);
  }
  return form;
}

//===----------------------------------------------------------------------===//
// Counting
//===----------------------------------------------------------------------===//

/// Runs `body` with the expert that an index names, if it is a destination.
static void emitAt(Emitter &e, const RowCounts &rows, Value number,
                   llvm::function_ref<void(Value)> body) {
  Value index = e.load(e.i32(), e.advance(rows.indices, e.mul(number, 4)));
  // An index below the first one wraps around, past all experts.
  Value expert = e.sub(index, e.constant(rows.first));
  e.when(e.less(expert, e.constant(rows.experts)), [&] { body(expert); });
}

void kernels::emitCountShare(Emitter &e, const RowCounts &rows, Value thread,
                             int64_t threads, Value firstToken,
                             llvm::function_ref<void(Value)> increase) {
  auto count = [&](Value counters, Value expert) {
    increase(e.advance(counters, e.mul(expert, 4)));
  };
  e.loop(thread, e.constant(rows.tokens * rows.choices), e.constant(threads),
         {}, [&](Value number, ValueRange) -> Values {
           emitAt(e, rows, number, [&](Value expert) {
             count(rows.totals, expert);
             e.when(e.less(e.div(number, rows.choices), firstToken),
                    [&] { count(rows.before, expert); });
           });
           return {};
         });
}

void kernels::emitSumCounts(Emitter &e, const RowCounts &rows,
                            Value isFirstBlock) {
  e.loop(rows.experts, {e.constant(0)},
         [&](Value expert, ValueRange carried) -> Values {
           Value byte = e.mul(expert, 4);
           Value total = e.load(e.i32(), e.advance(rows.totals, byte));
           Value before = e.load(e.i32(), e.advance(rows.before, byte));
           e.store(e.add(carried[0], before), e.advance(rows.next, byte));
           e.when(isFirstBlock,
                  [&] { e.store(total, e.advance(rows.counts, byte)); });
           return {e.add(carried[0], total)};
         });
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

LLVM::LLVMFuncOp kernels::writeRows(OpBuilder &b, const RowsForm &form,
                                    StringRef name) {
  RowsForm ops = form; // Accessors of ops are not const.
  Emitter e(b, ops.kernel.getLoc());
  LLVM::LLVMFuncOp function =
      createFunction(e, name, form.parameters, kRowThreads, /*cluster=*/1);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(function.addEntryBlock(b));
  auto pointerOf = [&](Value global) -> Value {
    return function.getArgument(cast<BlockArgument>(global).getArgNumber());
  };
  Value shared = e.create<LLVM::AddressOfOp>(e.pointer(kShared), kSharedMemory);
  Value thread = e.create<NVVM::ThreadIdXOp>(e.i32());
  Value block = e.create<NVVM::BlockIdXOp>(e.i32());
  int64_t units = ops.kernel.getUnits();
  auto wide = [&](Value value) -> Value {
    return e.create<arith::ExtUIOp>(b.getI64Type(), value);
  };
  /// Tokens before those of a block: block * tokens / units.
  auto share = [&](Value number) -> Value {
    Value product = e.create<arith::MulIOp>(
        wide(number), e.constant64(uint64_t(form.tokens)));
    return e.create<arith::TruncIOp>(
        e.i32(),
        e.create<arith::DivUIOp>(product, e.constant64(uint64_t(units))));
  };
  Value firstToken = share(block), endToken = share(e.add(block, 1));
  Value barrier = e.advance(shared, form.barrier);

  RowCounts rows;
  rows.indices = pointerOf(ops.count.getIndices());
  rows.counts = pointerOf(ops.count.getCounts());
  rows.next = e.advance(shared, form.next);
  rows.totals = e.advance(shared, form.totals);
  rows.before = e.advance(shared, form.before);
  rows.tokens = form.tokens;
  rows.choices = form.choices;
  rows.experts = form.experts;
  rows.first = form.first;

  // Totals and those before are beside each other.
  e.loop(thread, e.constant(2 * form.experts), e.constant(kRowThreads), {},
         [&](Value i, ValueRange) -> Values {
           e.store(e.constant(0), e.advance(rows.totals, e.mul(i, 4)));
           return {};
         });
  e.when(e.equal(thread, 0), [&] {
    e.initBarrier(barrier, 1);
    e.create<NVVM::FenceMbarrierInitOp>();
  });
  e.syncWarp();
  e.create<NVVM::Barrier0Op>();
  emitCountShare(e, rows, thread, kRowThreads, firstToken, [&](Value counter) {
    e.create<LLVM::AtomicRMWOp>(LLVM::AtomicBinOp::add, counter, e.constant(1),
                                LLVM::AtomicOrdering::monotonic);
  });
  e.syncWarp();
  e.create<NVVM::Barrier0Op>();

  Value source = pointerOf(ops.load.getSource());
  Value target = pointerOf(ops.store.getTarget());
  auto rowOf = [&](Value start, Value row) {
    return e.advance(
        start, e.create<arith::MulIOp>(wide(row),
                                       e.constant64(uint64_t(form.rowBytes))));
  };
  e.when(e.equal(thread, 0), [&] {
    emitSumCounts(e, rows, e.equal(block, 0));
    Value place = e.create<LLVM::AddrSpaceCastOp>(e.pointer(kSharedOfCluster),
                                                  e.advance(shared, form.tile));
    e.loop(firstToken, endToken, e.constant(1), {e.constant(0)},
           [&](Value token, ValueRange parity) -> Values {
             // The stores of the row before have read the tile.
             e.create<NVVM::CpAsyncBulkWaitGroupOp>(b.getI32IntegerAttr(0),
                                                    b.getUnitAttr());
             e.expect(barrier, form.rowBytes);
             e.create<NVVM::CpAsyncBulkGlobalToSharedClusterOp>(
                 place, rowOf(source, token), barrier,
                 e.constant(form.rowBytes), Value(), Value());
             e.waitFor(barrier, parity[0]);
             e.loop(form.choices, {}, [&](Value choice, ValueRange) -> Values {
               Value number = e.add(e.mul(token, form.choices), choice);
               emitAt(e, rows, number, [&](Value expert) {
                 Value next = e.advance(rows.next, e.mul(expert, 4));
                 Value row = e.load(e.i32(), next);
                 e.store(e.add(row, 1), next);
                 e.create<NVVM::CpAsyncBulkSharedCTAToGlobalOp>(
                     rowOf(target, row), e.advance(shared, form.tile),
                     e.constant(form.rowBytes), Value(), Value());
               });
               return {};
             });
             e.create<NVVM::CpAsyncBulkCommitGroupOp>();
             return {e.bitXor(parity[0], 1)};
           });
    // Shared memory lives as long as its block.
    e.create<NVVM::CpAsyncBulkWaitGroupOp>(b.getI32IntegerAttr(0), UnitAttr());
  });
  e.create<LLVM::ReturnOp>(ValueRange());
  return function;
}
