//===- Collectives.cpp - collectives to calls -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A call reads a copy of its input and fills a buffer that is allocated right
// before it. Buffers have the identity layout, so the runtime sees dense rows.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/SpmdToRuntime/Lowering.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "portolan/Conversion/SpmdToRuntime.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::spmd_to_runtime;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

} // namespace

LogicalResult Lowering::lower(Operation *op) {
  builder.setInsertionPoint(op);
  location = op->getLoc();
  FailureOr<Values> results =
      llvm::TypeSwitch<Operation *, FailureOr<Values>>(op)
          .Case([&](spmd::AllReduceOp op) { return allReduce(op); })
          .Case([&](spmd::AllGatherOp op) { return allGather(op); })
          .Case([&](spmd::ReduceScatterOp op) { return reduceScatter(op); })
          .Case([&](spmd::AllToAllOp op) { return allToAll(op); })
          .Case([&](spmd::AllToAllVOp op) { return allToAllV(op); })
          .Case([&](spmd::SendOp op) { return send(op); })
          .Case([&](spmd::ReceiveOp op) { return receive(op); })
          .Case([&](spmd::SliceOp op) { return slice(op); })
          .Case([&](spmd::LocalizeOp op) { return localize(op); })
          .Case([&](spmd::ChooseCopyOp op) { return chooseCopy(op); })
          .Case([&](spmd::PackOp op) { return pack(op); })
          .Case([&](spmd::UnpackOp op) { return unpack(op); })
          .Case([&](spmd::MergePartialsOp op) { return mergePartials(op); })
          .Default([](Operation *op) {
            return op->emitOpError("expects an op that the runtime has");
          });
  if (failed(results))
    return failure();
  op->replaceAllUsesWith(*results);
  op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

FailureOr<std::string> Lowering::nameFor(Operation *op, StringRef name,
                                         Value tensor) {
  Type element = tensorOf(tensor).getElementType();
  if (!element.isF32() && !element.isF64() && !element.isInteger(32) &&
      !element.isInteger(64))
    return op->emitOpError("expects f32, f64, i32 or i64 to be run, got ")
           << element;
  std::string symbol;
  llvm::raw_string_ostream(symbol) << "portolan_" << name << "_" << element;
  return symbol;
}

Value Lowering::call(StringRef name, ValueRange operands, TypeRange results) {
  SmallVector<Value> all = {context};
  llvm::append_range(all, operands);
  auto callee = module.lookupSymbol<func::FuncOp>(name);
  if (!callee) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module.getBody());
    callee = func::FuncOp::create(
        builder, module.getLoc(), name,
        builder.getFunctionType(ValueRange(all).getTypes(), results));
    callee.setPrivate();
    callee->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                    builder.getUnitAttr());
  }
  auto op = func::CallOp::create(builder, loc(), callee, all);
  return op.getNumResults() ? op.getResult(0) : Value();
}

void Lowering::begin(Operation *op, OpKind kind, spmd::GroupAttr group) {
  auto site = op->getAttrOfType<IntegerAttr>(kSiteName);
  call("portolan_begin",
       {i64(site ? site.getInt() : -1), i64(int64_t(kind)),
        i64(group ? group.getSize() : 1), i64(group ? group.getStride() : 1)});
}

Value Lowering::wireFormat(std::optional<moe::FormatAttr> format) {
  if (!format || !*format)
    return i64(-1);
  // The attribute's verifier knows the name.
  return i64(int64_t(*parseFormat(format->getStorage())));
}

Value Lowering::buffer(Value tensor) {
  // A copy, and not bufferization.to_buffer: equal to_buffer ops are merged,
  // and bufferization would then not see that a later call reads the tensor
  // too.
  RankedTensorType type = tensorOf(tensor);
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(extent(tensor, dim));
  Value copy = memref::AllocOp::create(
      builder, loc(), MemRefType::get(type.getShape(), type.getElementType()),
      sizes);
  bufferization::MaterializeInDestinationOp::create(
      builder, loc(), /*result=*/Type(), tensor, copy, /*restrict=*/true,
      /*writable=*/true);
  return copy;
}

Value Lowering::allocate(RankedTensorType type, Value extentOf) {
  auto memref = MemRefType::get(type.getShape(), type.getElementType());
  SmallVector<Value> sizes;
  if (extentOf)
    sizes.push_back(extentOf);
  return memref::AllocOp::create(builder, loc(), memref, sizes);
}

Value Lowering::unranked(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  return memref::CastOp::create(
      builder, loc(),
      UnrankedMemRefType::get(type.getElementType(), type.getMemorySpace()),
      memref);
}

Value Lowering::tensorIn(Value memref, RankedTensorType type) {
  return bufferization::ToTensorOp::create(builder, loc(), type, memref,
                                           /*restrict=*/true,
                                           /*writable=*/true);
}

Value Lowering::member(spmd::GroupAttr group) {
  Value place =
      call("portolan_member", {i64(group.getSize()), i64(group.getStride())},
           TypeRange(builder.getI64Type()));
  return toIndex(place);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value Lowering::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc(), value);
}

Value Lowering::i64(int64_t value) {
  return arith::ConstantOp::create(builder, loc(),
                                   builder.getI64IntegerAttr(value));
}

Value Lowering::table(ArrayRef<int64_t> values) {
  return arith::ConstantOp::create(builder, loc(),
                                   builder.getI64TensorAttr(values));
}

Value Lowering::indexTable(ArrayRef<int64_t> values) {
  return arith::ConstantOp::create(builder, loc(),
                                   builder.getIndexTensorAttr(values));
}

Value Lowering::at(Value tensor, ValueRange indices) {
  return tensor::ExtractOp::create(builder, loc(), tensor, indices);
}

Value Lowering::toIndex(Value value) {
  return arith::IndexCastOp::create(builder, loc(), builder.getIndexType(),
                                    value);
}

Value Lowering::extent(Value tensor, int64_t dim) {
  return builder.createOrFold<tensor::DimOp>(loc(), tensor, dim);
}

/// The sum of a vector of i32 counts, as an index.
Value Lowering::sumOf(Value counts) {
  auto loop = scf::ForOp::create(builder, loc(), index(0), extent(counts, 0),
                                 index(1), ValueRange(index(0)));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value count = toIndex(at(counts, loop.getInductionVar()));
  Value sum =
      arith::AddIOp::create(builder, loc(), loop.getRegionIterArg(0), count);
  scf::YieldOp::create(builder, loc(), sum);
  return loop.getResult(0);
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

FailureOr<Values> Lowering::allReduce(spmd::AllReduceOp op) {
  FailureOr<std::string> name = nameFor(op, "all_reduce", op.getInput());
  if (failed(name))
    return failure();
  begin(op, OpKind::allReduce, op.getGroup());
  Value result = allocate(op.getType());
  call(*name, {unranked(buffer(op.getInput())), unranked(result),
               wireFormat(op.getFormat())});
  return Values{tensorIn(result, op.getType())};
}

FailureOr<Values> Lowering::allGather(spmd::AllGatherOp op) {
  begin(op, OpKind::allGather, op.getGroup());
  Values results;
  for (auto [input, output] :
       llvm::zip_equal(op.getInputs(), op.getResults())) {
    FailureOr<std::string> name = nameFor(op, "all_gather", input);
    if (failed(name))
      return failure();
    Value result = allocate(tensorOf(output));
    // The first input holds the values, the others are metadata.
    call(*name, {unranked(buffer(input)), unranked(result),
                 unranked(buffer(table(op.getSizes()))), i64(op.getDim()),
                 results.empty() ? wireFormat(op.getFormat()) : i64(-1)});
    results.push_back(tensorIn(result, tensorOf(output)));
  }
  return results;
}

FailureOr<Values> Lowering::reduceScatter(spmd::ReduceScatterOp op) {
  FailureOr<std::string> name = nameFor(op, "reduce_scatter", op.getInput());
  if (failed(name))
    return failure();
  begin(op, OpKind::reduceScatter, op.getGroup());
  RankedTensorType type = tensorOf(op.getResult());
  Value result = allocate(type);
  call(*name, {unranked(buffer(op.getInput())), unranked(result),
               unranked(buffer(table(op.getSizes()))), i64(op.getDim()),
               wireFormat(op.getFormat())});
  return Values{tensorIn(result, type)};
}

FailureOr<Values> Lowering::allToAll(spmd::AllToAllOp op) {
  FailureOr<std::string> name = nameFor(op, "all_to_all", op.getInput());
  if (failed(name))
    return failure();
  begin(op, OpKind::allToAll, op.getGroup());
  Value result = allocate(op.getType());
  call(*name, {unranked(buffer(op.getInput())), unranked(result), i64(-1)});
  return Values{tensorIn(result, op.getType())};
}

FailureOr<Values> Lowering::allToAllV(spmd::AllToAllVOp op) {
  begin(op, OpKind::allToAllV, op.getGroup());
  Values results;
  Value rows = sumOf(op.getReceiveCounts());
  for (auto [input, output] :
       llvm::zip_equal(op.getInputs(), op.getResults())) {
    FailureOr<std::string> name = nameFor(op, "all_to_all_v", input);
    if (failed(name))
      return failure();
    RankedTensorType type = tensorOf(output);
    Value result = allocate(type, type.isDynamicDim(0) ? rows : Value());
    call(*name, {unranked(buffer(input)), unranked(buffer(op.getSendCounts())),
                 unranked(result), unranked(buffer(op.getReceiveCounts())),
                 results.empty() ? wireFormat(op.getFormat()) : i64(-1)});
    results.push_back(tensorIn(result, type));
  }
  return results;
}

FailureOr<Values> Lowering::send(spmd::SendOp op) {
  FailureOr<std::string> name = nameFor(op, "send", op.getInput());
  if (failed(name))
    return failure();
  begin(op, OpKind::send);
  call(*name, {unranked(buffer(op.getInput())), i64(op.getDistance()),
               wireFormat(op.getFormat())});
  return Values{};
}

FailureOr<Values> Lowering::receive(spmd::ReceiveOp op) {
  FailureOr<std::string> name = nameFor(op, "receive", op.getResult());
  if (failed(name))
    return failure();
  begin(op, OpKind::receive);
  RankedTensorType type = tensorOf(op.getResult());
  Value result = allocate(type);
  call(*name,
       {unranked(result), i64(op.getDistance()), wireFormat(op.getFormat())});
  return Values{tensorIn(result, type)};
}
