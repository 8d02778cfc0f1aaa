//===- SpmdWork.cpp - spmd ops as plain data ------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// describe() of every spmd op that works or communicates. A payload comes from
// the types and, where there is one, from the `#moe.format` of the values; a
// ragged one from the rows of `#moe.load`.
//
//===----------------------------------------------------------------------===//

#include "dialects/Spmd/IR/Spmd.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::spmd;

namespace {

RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Product of the dimensions from `first` on; an error if one is dynamic.
FailureOr<int64_t> elementsOf(Operation *op, RankedTensorType type,
                              unsigned first = 0) {
  int64_t product = 1;
  for (int64_t dim : type.getShape().drop_front(first)) {
    if (ShapedType::isDynamic(dim))
      return op->emitOpError("expects static dimensions or a load to state "
                             "its work, got ")
             << type;
    product *= dim;
  }
  return product;
}

/// Bytes of an element: of the format for values, of the type for integers.
FailureOr<double> elementBytes(Operation *op, Type element,
                               std::optional<moe::FormatAttr> format) {
  if (format && isa<FloatType>(element))
    return bytesPerElement(moe::formatPairOf(*format).storage);
  if (std::optional<Format> own = moe::formatOf(element))
    return bytesPerElement(*own);
  if (element.isIntOrIndexOrFloat() && !element.isIndex())
    return double(llvm::divideCeil(element.getIntOrFloatBitWidth(), 8));
  return op->emitOpError("expects elements of a known size, got ") << element;
}

/// The format of values between kernels: that of their type.
FailureOr<Format> valueFormat(Operation *op, Value value) {
  Type element = tensorOf(value).getElementType();
  if (std::optional<Format> own = moe::formatOf(element))
    return *own;
  return op->emitOpError("expects a number format of the catalogue, got ")
         << element;
}

/// Bytes of a row (the dimensions from `first` on) of all `tensors`; `format`
/// is that of the first one.
FailureOr<double> bytesOf(Operation *op, ValueRange tensors, unsigned first,
                          std::optional<moe::FormatAttr> format) {
  double total = 0;
  for (auto [index, tensor] : llvm::enumerate(tensors)) {
    RankedTensorType type = tensorOf(tensor);
    FailureOr<int64_t> elements = elementsOf(op, type, first);
    FailureOr<double> bytes = elementBytes(op, type.getElementType(),
                                           index == 0 ? format : std::nullopt);
    if (failed(elements) || failed(bytes))
      return failure();
    total += double(*elements) * *bytes;
  }
  return total;
}

/// A collective: between kernels its values are of the type's format, whatever
/// `format` they travel in.
LocalOp startCollective(OpKind kind, Group group, Value values) {
  LocalOp local;
  local.kind = kind;
  local.group = group;
  if (std::optional<Format> own =
          moe::formatOf(tensorOf(values).getElementType()))
    local.activation = local.compute = *own;
  return local;
}

/// A collective whose payload is the whole of `tensors`.
FailureOr<LocalOp> describeStatic(Operation *op, OpKind kind, Group group,
                                  ValueRange tensors,
                                  std::optional<moe::FormatAttr> format) {
  FailureOr<double> bytes = bytesOf(op, tensors, /*first=*/0, format);
  if (failed(bytes))
    return failure();
  LocalOp local = startCollective(kind, group, tensors.front());
  local.payloadBytes = local.meanPayloadBytes = *bytes;
  return local;
}

/// Rows of the slowest and of the mean rank, from the load or the type.
LogicalResult setRows(Operation *op, Value rows,
                      std::optional<moe::LoadAttr> load, LocalOp &local) {
  if (load) {
    local.rows = load->maxRows();
    local.meanRows = load->meanRows();
    return success();
  }
  RankedTensorType type = tensorOf(rows);
  FailureOr<int64_t> elements = elementsOf(op, type);
  if (failed(elements))
    return failure();
  local.rows = local.meanRows = double(type.getDimSize(0));
  return success();
}

} // namespace

FailureOr<LocalOp> AllReduceOp::describe() {
  return describeStatic(*this, OpKind::allReduce, getGroup().group(),
                        getInput(), getFormat());
}

FailureOr<LocalOp> AllGatherOp::describe() {
  return describeStatic(*this, OpKind::allGather, getGroup().group(),
                        getResults(), getFormat());
}

FailureOr<LocalOp> ReduceScatterOp::describe() {
  return describeStatic(*this, OpKind::reduceScatter, getGroup().group(),
                        getInput(), getFormat());
}

FailureOr<LocalOp> AllToAllOp::describe() {
  return describeStatic(*this, OpKind::allToAll, getGroup().group(), getInput(),
                        std::nullopt);
}

FailureOr<LocalOp> AllToAllVOp::describe() {
  FailureOr<double> perRow =
      bytesOf(*this, getInputs(), /*first=*/1, getFormat());
  LocalOp rows;
  if (failed(perRow) || failed(setRows(*this, getInputs()[0], getLoad(), rows)))
    return failure();
  LocalOp local =
      startCollective(OpKind::allToAllV, getGroup().group(), getInputs()[0]);
  local.payloadBytes = rows.rows * *perRow;
  local.meanPayloadBytes = rows.meanRows * *perRow;
  return local;
}

FailureOr<LocalOp> SendOp::describe() {
  return describeStatic(*this, OpKind::send, {2, int64_t(getDistance())},
                        getInput(), getFormat());
}

FailureOr<LocalOp> ReceiveOp::describe() {
  return describeStatic(*this, OpKind::receive, {2, int64_t(getDistance())},
                        getResult(), getFormat());
}

FailureOr<LocalOp> PackOp::describe() {
  LocalOp local;
  FailureOr<Format> format = valueFormat(*this, getInput());
  if (failed(format) || failed(setRows(*this, getRows(), getLoad(), local)))
    return failure();
  local.kind = OpKind::pack;
  local.activation = local.compute = *format;
  if (getFormat())
    local.activation = moe::formatPairOf(*getFormat()).storage;
  local.outer = tensorOf(getRows()).getDimSize(1);
  return local;
}

FailureOr<LocalOp> UnpackOp::describe() {
  LocalOp local;
  LocalOp result;
  FailureOr<Format> format = valueFormat(*this, getRows());
  if (failed(format) || failed(setRows(*this, getRows(), getLoad(), local)) ||
      failed(setRows(*this, getResult(), getResultLoad(), result)))
    return failure();
  local.kind = OpKind::unpack;
  local.activation = local.compute = *format;
  local.outer = tensorOf(getResult()).getDimSize(1);
  local.rowsOut = result.rows;
  return local;
}

FailureOr<LocalOp> MergePartialsOp::describe() {
  LocalOp local;
  RankedTensorType type = tensorOf(getResult());
  FailureOr<Format> format = valueFormat(*this, getResult());
  FailureOr<int64_t> elements = elementsOf(*this, type);
  if (failed(format) || failed(elements))
    return failure();
  local.kind = OpKind::mergePartials;
  local.activation = local.compute = *format;
  local.rows = local.meanRows = double(type.getDimSize(0) * type.getDimSize(1));
  local.inner = getParts();
  local.outer = type.getDimSize(2);
  local.heads = tensorOf(getLogSumExp()).getDimSize(2);
  return local;
}
