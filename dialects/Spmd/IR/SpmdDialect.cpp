//===- SpmdDialect.cpp - dialect and attributes of spmd -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Spmd/IR/Spmd.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::spmd;

#include "dialects/Spmd/IR/SpmdDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Spmd/IR/SpmdAttrs.cpp.inc"

void SpmdDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Spmd/IR/SpmdAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Spmd/IR/SpmdOps.cpp.inc"
      >();
}

LogicalResult SpmdDialect::verifyRegionArgAttribute(Operation *op,
                                                    unsigned /*region*/,
                                                    unsigned argument,
                                                    NamedAttribute attribute) {
  if (attribute.getName() != kShardName)
    return success();
  auto shard = dyn_cast<ShardAttr>(attribute.getValue());
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!shard || !function)
    return op->emitOpError("expects a #spmd.shard on a function argument, got ")
           << attribute.getValue();
  // shard_c3
  auto type =
      dyn_cast<RankedTensorType>(function.getArgument(argument).getType());
  if (!type || type.getRank() != int64_t(shard.getParts().size()))
    return op->emitOpError("expects a #spmd.shard of as many dimensions as "
                           "argument ")
           << argument << ", got " << shard;
  return success();
}

LogicalResult GroupAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                int64_t size, int64_t stride) {
  // group_c1
  if (size < 1 || stride < 1)
    return emitError() << "expects size >= 1 and stride >= 1, got " << size
                       << " and " << stride;
  return success();
}

LogicalResult ShardAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<int64_t> parts,
                                ArrayRef<int64_t> strides,
                                ArrayRef<int64_t> units,
                                ArrayRef<int64_t> slots) {
  // shard_c1
  if (parts.size() != strides.size() || parts.size() != units.size())
    return emitError() << "expects parts, strides and units of one length, got "
                       << parts.size() << ", " << strides.size() << " and "
                       << units.size();
  for (ArrayRef<int64_t> list : {parts, strides, units})
    for (int64_t value : list)
      // shard_c2
      if (value < 1)
        return emitError() << "expects values >= 1, got " << value;
  // shard_c4
  for (int64_t slot : slots)
    if (slot < 0 || parts.empty() || units[0] != 1)
      return emitError() << "expects slots >= 0 of a first dimension in units "
                            "of 1, got "
                         << slot;
  return success();
}

std::pair<int64_t, int64_t> ShardAttr::sliceOf(unsigned dim, int64_t extent,
                                               int64_t rank) const {
  int64_t parts = getParts()[dim], unit = getUnits()[dim];
  if (dim == 0 && !getSlots().empty())
    extent = getSlots().size();
  if (parts == 1)
    return {0, extent};
  int64_t index = rank / getStrides()[dim] % parts;
  return {blockOffset(extent / unit, parts, index) * unit,
          blockSize(extent / unit, parts, index) * unit};
}
