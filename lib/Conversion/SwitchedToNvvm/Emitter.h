//===- Emitter.h - short forms for device code ------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builds arith, scf, llvm and nvvm ops for one thread of a kernel. Integers
// are i32 and not negative unless a name says otherwise; addresses in shared
// memory are !llvm.ptr<3>.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_EMITTER_H
#define PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_EMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

namespace portolan::kernels {

/// Address spaces of NVVM.
enum AddressSpace : unsigned {
  kGeneric = 0,
  kGlobal = 1,
  kShared = 3,
  kTensor = 6,
  kSharedOfCluster = 7,
};

using mlir::Value;
using mlir::ValueRange;
using Values = llvm::SmallVector<Value>;

/// A place in a ring of stages: its number, and the parity of the phase of its
/// barriers. Both i32; a ring starts at stage 0 and parity 0.
struct RingState {
  Value stage, parity;
};

class Emitter {
public:
  Emitter(mlir::OpBuilder &builder, mlir::Location loc)
      : b(builder), loc(loc) {}

  template <typename Op, typename... Args> auto create(Args &&...args) {
    return Op::create(b, loc, std::forward<Args>(args)...);
  }

  mlir::OpBuilder &builder() { return b; }
  mlir::MLIRContext *context() { return b.getContext(); }
  mlir::Location location() const { return loc; }
  mlir::Type i32() { return b.getI32Type(); }
  mlir::Type pointer(unsigned space) {
    return mlir::LLVM::LLVMPointerType::get(context(), space);
  }

  // Numbers.
  Value constant(int64_t value);
  Value constant64(uint64_t value);
  Value number(double value); ///< f32
  Value bit(bool value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return b == 0 ? a : add(a, constant(b)); }
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b) { return b == 1 ? a : mul(a, constant(b)); }
  Value div(Value a, Value b); ///< rounded down
  Value div(Value a, int64_t b) { return b == 1 ? a : div(a, constant(b)); }
  Value rem(Value a, Value b);
  Value rem(Value a, int64_t b) { return rem(a, constant(b)); }
  Value ceilDiv(Value a, int64_t b) { return div(add(a, b - 1), b); }
  Value min(Value a, Value b);
  Value bitXor(Value a, int64_t b);
  Value select(Value condition, Value yes, Value no);
  Value less(Value a, Value b);
  Value equal(Value a, int64_t b);
  Value both(Value a, Value b); ///< of two i1

  // Addresses.
  Value advance(Value pointer, Value bytes);
  Value advance(Value pointer, int64_t bytes);
  Value load(mlir::Type type, Value pointer);
  void store(Value value, Value pointer);
  Value addressOf(Value pointer); ///< i32 of a pointer to shared memory

  // Structs.
  Value field(Value aggregate, int64_t position);
  Value withField(Value aggregate, Value value, int64_t position);

  // Control. A body yields as many values as it is given.
  using Body = llvm::function_ref<Values(Value, ValueRange)>;
  Values loop(Value from, Value to, Value step, ValueRange carried, Body body);
  Values loop(int64_t to, ValueRange carried, Body body);
  void when(Value condition, llvm::function_ref<void()> body,
            llvm::function_ref<void()> otherwise = nullptr);

  // Threads and barriers.
  Value elected(); ///< i1, true in one thread of a converged warp
  void initBarrier(Value barrier, int64_t arrivals);
  void waitFor(Value barrier, Value parity, bool ofCluster = false);
  void arrive(Value barrier, Value predicate);
  /// Arrives at the barrier at the same place in block `rank` of the cluster.
  void arriveAt(Value barrier, Value rank);
  void syncWarp();
  void expect(Value barrier, int64_t bytes);
  void syncThreads(int64_t barrier, int64_t threads);

  /// The next stage of a ring of `stages`.
  RingState next(RingState state, int64_t stages);

  /// Text of PTX, for what the nvvm dialect has no op.
  Value inlinePtx(llvm::StringRef text, mlir::Type result, ValueRange reads);

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// The address in tensor memory `lanes` lanes and `columns` columns after
/// `address`, which is an i32.
Value tensorPointer(Emitter &e, Value address, Value lanes, int64_t columns);

/// What a host would do for a RingState after `steps` steps; a unit test
/// compares.
struct RingPlace {
  int64_t stage = 0;
  int64_t parity = 0;
};
inline constexpr RingPlace ringPlace(int64_t steps, int64_t stages) {
  return {steps % stages, (steps / stages) % 2};
}

} // namespace portolan::kernels

#endif // PORTOLAN_LIB_CONVERSION_SWITCHEDTONVVM_EMITTER_H
