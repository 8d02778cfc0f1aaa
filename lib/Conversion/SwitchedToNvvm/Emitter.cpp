//===- Emitter.cpp - short forms for device code --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/Emitter.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Value Emitter::constant(int64_t value) {
  return create<arith::ConstantOp>(b.getI32IntegerAttr(int32_t(value)));
}
Value Emitter::constant64(uint64_t value) {
  return create<arith::ConstantOp>(b.getI64IntegerAttr(int64_t(value)));
}
Value Emitter::number(double value) {
  return create<arith::ConstantOp>(b.getF32FloatAttr(float(value)));
}
Value Emitter::bit(bool value) {
  return create<arith::ConstantOp>(b.getBoolAttr(value));
}
Value Emitter::add(Value a, Value b) { return create<arith::AddIOp>(a, b); }
Value Emitter::sub(Value a, Value b) { return create<arith::SubIOp>(a, b); }
Value Emitter::mul(Value a, Value b) { return create<arith::MulIOp>(a, b); }
Value Emitter::div(Value a, Value b) { return create<arith::DivUIOp>(a, b); }
Value Emitter::rem(Value a, Value b) { return create<arith::RemUIOp>(a, b); }
Value Emitter::min(Value a, Value b) { return create<arith::MinUIOp>(a, b); }
Value Emitter::bitXor(Value a, int64_t b) {
  return create<arith::XOrIOp>(a, constant(b));
}
Value Emitter::select(Value condition, Value yes, Value no) {
  return create<arith::SelectOp>(condition, yes, no);
}
Value Emitter::less(Value a, Value b) {
  return create<arith::CmpIOp>(arith::CmpIPredicate::ult, a, b);
}
Value Emitter::equal(Value a, int64_t b) {
  return create<arith::CmpIOp>(arith::CmpIPredicate::eq, a, constant(b));
}
Value Emitter::both(Value a, Value b) { return create<arith::AndIOp>(a, b); }

//===----------------------------------------------------------------------===//
// Addresses and structs
//===----------------------------------------------------------------------===//

Value Emitter::advance(Value pointer, Value bytes) {
  return create<LLVM::GEPOp>(pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}
Value Emitter::advance(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return create<LLVM::GEPOp>(pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{int32_t(bytes)});
}
Value Emitter::load(Type type, Value pointer) {
  return create<LLVM::LoadOp>(type, pointer);
}
void Emitter::store(Value value, Value pointer) {
  create<LLVM::StoreOp>(value, pointer);
}
Value Emitter::addressOf(Value pointer) {
  return create<LLVM::PtrToIntOp>(i32(), pointer);
}
Value Emitter::field(Value aggregate, int64_t position) {
  return create<LLVM::ExtractValueOp>(aggregate, position);
}
Value Emitter::withField(Value aggregate, Value value, int64_t position) {
  return create<LLVM::InsertValueOp>(aggregate, value, position);
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

Values Emitter::loop(Value from, Value to, Value step, ValueRange carried,
                     Body body) {
  auto op = create<scf::ForOp>(
      from, to, step, carried,
      [&](OpBuilder &, Location, Value index, ValueRange arguments) {
        Values results = body(index, arguments);
        create<scf::YieldOp>(results);
      });
  return Values(op.getResults());
}

Values Emitter::loop(int64_t to, ValueRange carried, Body body) {
  return loop(constant(0), constant(to), constant(1), carried, body);
}

void Emitter::when(Value condition, llvm::function_ref<void()> body,
                   llvm::function_ref<void()> otherwise) {
  auto op = create<scf::IfOp>(condition, /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  body();
  if (!otherwise)
    return;
  b.setInsertionPointToStart(op.elseBlock());
  otherwise();
}

//===----------------------------------------------------------------------===//
// Threads and barriers
//===----------------------------------------------------------------------===//

Value Emitter::elected() {
  return create<NVVM::ElectSyncOp>(b.getI1Type(), Value());
}

void Emitter::initBarrier(Value barrier, int64_t arrivals) {
  create<NVVM::MBarrierInitOp>(barrier, constant(arrivals), Value());
}

void Emitter::waitFor(Value barrier, Value parity, bool ofCluster) {
  // A try may give up before the phase is complete.
  create<scf::WhileOp>(
      TypeRange(), ValueRange(),
      [&](OpBuilder &, Location, ValueRange) {
        Value done = create<NVVM::MBarrierTryWaitOp>(
            b.getI1Type(), barrier, parity, /*ticks=*/Value(),
            ofCluster ? NVVM::MemScopeKind::CLUSTER : NVVM::MemScopeKind::CTA,
            /*relaxed=*/false);
        Value again = create<arith::XOrIOp>(done, bit(true));
        create<scf::ConditionOp>(again, ValueRange());
      },
      [&](OpBuilder &, Location, ValueRange) { create<scf::YieldOp>(); });
}

void Emitter::arrive(Value barrier, Value predicate) {
  // Predicated, as a branch between products would end their overlap.
  create<NVVM::InlinePtxOp>(
      TypeRange(), ValueRange{barrier}, ValueRange(),
      b.getStringAttr("mbarrier.arrive.shared::cta.b64 _, [$0];"), predicate);
}

void Emitter::arriveAt(Value barrier, Value rank) {
  Value remote = create<NVVM::MapaOp>(pointer(kSharedOfCluster), barrier, rank);
  create<NVVM::MBarrierArriveOp>(TypeRange(), remote, Value(),
                                 NVVM::MemScopeKind::CLUSTER,
                                 /*relaxed=*/false);
}

void Emitter::syncWarp() { create<NVVM::SyncWarpOp>(constant(-1)); }

void Emitter::expect(Value barrier, int64_t bytes) {
  create<NVVM::MBarrierArriveExpectTxOp>(
      TypeRange(), barrier, constant(bytes), NVVM::MemScopeKind::CTA,
      /*relaxed=*/false, /*predicate=*/Value());
}

void Emitter::syncThreads(int64_t barrier, int64_t threads) {
  create<NVVM::BarrierOp>(TypeRange(), constant(barrier), constant(threads),
                          NVVM::BarrierReductionAttr(), Value());
}

RingState Emitter::next(RingState state, int64_t stages) {
  Value stage = add(state.stage, 1);
  Value wraps = equal(stage, stages);
  return {select(wraps, constant(0), stage),
          select(wraps, bitXor(state.parity, 1), state.parity)};
}

Value Emitter::inlinePtx(StringRef text, Type result, ValueRange reads) {
  auto op = create<NVVM::InlinePtxOp>(
      result ? TypeRange(result) : TypeRange(), reads, ValueRange(),
      b.getStringAttr(text), /*predicate=*/Value());
  return result ? op.getResult(0) : Value();
}

Value kernels::tensorPointer(Emitter &e, Value address, Value lanes,
                             int64_t columns) {
  // Lanes are counted in the upper 16 bits.
  if (lanes)
    address = e.add(address, e.mul(lanes, int64_t(1) << 16));
  return e.create<LLVM::IntToPtrOp>(e.pointer(kTensor),
                                    e.add(address, columns));
}
