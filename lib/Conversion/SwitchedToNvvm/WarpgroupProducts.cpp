//===- WarpgroupProducts.cpp - products with sums in registers ------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Four warps issue the products of a stage as one group and let one group be
// in flight while they wait for the next stage: a stage is freed when the
// group after it has been issued. Nothing but products touches sums between a
// fence and the wait, or the assembler would have to serialise them.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SwitchedToNvvm/Descriptors.h"
#include "lib/Conversion/SwitchedToNvvm/KernelWriter.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::kernels;
using namespace portolan::switched;

static NVVM::WGMMATypes operandType(Format format) {
  switch (format) {
  case Format::bf16:
    return NVVM::WGMMATypes::bf16;
  case Format::fp16:
    return NVVM::WGMMATypes::f16;
  default:
    return NVVM::WGMMATypes::e4m3; // KernelForm has refused the others.
  }
}

Values KernelWriter::writeProducts(Value stage, ValueRange sums) {
  MLIRContext *context = e.context();
  Values results(sums.begin(), sums.end());
  SmallVector<std::pair<Value, Value>> operands;
  for (const Product &product : form.products)
    operands.push_back(
        {descriptorOf(product.weights, stage, warpgroupDescriptor()),
         descriptorOf(product.tokens, stage, warpgroupDescriptor())});
  e.create<NVVM::WgmmaFenceAlignedOp>();
  // The contraction of an instruction is 32 bytes of each row, 2 in the units
  // of a descriptor's address.
  for (int64_t part = 0; part < kSwizzleBytes / kInstructionBytes; ++part)
    for (auto [i, product] : llvm::enumerate(form.products)) {
      SmemType tokens = product.tokenType();
      Format format = product.format;
      auto offset = [&](Value descriptor) -> Value {
        if (part == 0)
          return descriptor;
        return e.create<arith::AddIOp>(
            descriptor,
            e.constant64(addressField(uint64_t(part * kInstructionBytes))));
      };
      results[i] = e.create<NVVM::WgmmaMmaAsyncOp>(
          results[i].getType(), results[i], offset(operands[i].first),
          offset(operands[i].second),
          NVVM::MMAShapeAttr::get(context, kWgmmaRows, tokens.getRows(),
                                  8 * kInstructionBytes / packedBits(format)),
          operandType(format), operandType(format), NVVM::WGMMATypes::f32,
          NVVM::WGMMAScaleOut::one, NVVM::WGMMAScaleIn::one,
          NVVM::WGMMAScaleIn::one, NVVM::MMALayout::row, NVVM::MMALayout::col,
          NVVM::MMAIntOverflowAttr());
    }
  e.create<NVVM::WgmmaGroupSyncAlignedOp>();
  return results;
}

void KernelWriter::writeWarpgroup() {
  Value full = form.pipeline.getFull(), free = form.pipeline.getFree();
  Value isFirstLane = e.equal(lane, 0);
  int64_t count = int64_t(form.products.size());
  // With one stage there is none to free later.
  bool overlaps = stages() > 1;

  forTiles({e.constant(0), e.constant(0)},
           [&](const Tile &tile, ValueRange carried) -> Values {
             Values state = {carried[0], carried[1]};
             for (const Product &product : form.products) {
               int64_t registers = product.tokenType().getRows() / 2;
               Type type = LLVM::LLVMStructType::getLiteral(
                   e.context(),
                   SmallVector<Type>(registers, e.builder().getF32Type()));
               Value zeros = e.create<LLVM::UndefOp>(type);
               for (int64_t i = 0; i < registers; ++i)
                 zeros = e.withField(zeros, e.number(0), i);
               state.push_back(zeros);
             }
             // The stage of the step before; of the first one, none.
             state.push_back(carried[0]);
             Values end = e.loop(
                 steps(), state, [&](Value step, ValueRange values) -> Values {
                   RingState ring = {values[0], values[1]};
                   e.waitFor(stageOf(full, ring.stage), ring.parity);
                   Values sums =
                       writeProducts(ring.stage, values.slice(2, count));
                   e.create<NVVM::WgmmaWaitGroupSyncOp>(
                       e.builder().getI64IntegerAttr(overlaps ? 1 : 0));
                   if (overlaps)
                     e.arrive(stageOf(free, values.back()),
                              e.both(isFirstLane, e.less(e.constant(0), step)));
                   else
                     e.arrive(stageOf(free, ring.stage), isFirstLane);
                   RingState next = e.next(ring, stages());
                   Values results = {next.stage, next.parity};
                   llvm::append_range(results, sums);
                   results.push_back(ring.stage);
                   return results;
                 });
             if (overlaps) {
               e.create<NVVM::WgmmaWaitGroupSyncOp>(
                   e.builder().getI64IntegerAttr(0));
               e.arrive(stageOf(free, end.back()), isFirstLane);
             }
             storeRegisters(ValueRange(end).slice(2, count));
             storeTile(tile);
             return {end[0], end[1]};
           });
  awaitStores();
}
