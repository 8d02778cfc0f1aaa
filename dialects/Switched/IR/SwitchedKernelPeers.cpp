//===- SwitchedKernelPeers.cpp - memory of other ranks --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/IR/SwitchedKernel.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

/// A vector of i32, of `size` entries if that is not dynamic.
static LogicalResult verifyWords(Operation *op, Type type,
                                 int64_t size = ShapedType::kDynamic) {
  auto words = cast<MemRefType>(type);
  if (words.getRank() == 1 && words.getElementType().isInteger(32) &&
      (ShapedType::isDynamic(size) ? !ShapedType::isDynamic(words.getDimSize(0))
                                   : words.getDimSize(0) == size))
    return success();
  InFlightDiagnostic diagnostic =
      op->emitOpError("expects an i32 for each of ");
  if (ShapedType::isDynamic(size))
    diagnostic << "the members";
  else
    diagnostic << size << " members";
  return diagnostic << ", got " << type;
}

LogicalResult ForPeersOp::verifyRegions() {
  // for_peers_c1
  if (int64_t(getParts()) < 1)
    return emitOpError("expects at least 1 part, got ") << int64_t(getParts());
  // for_peers_c2
  return verifyProgramRegion(*this, getBody(), /*indices=*/2);
}

LogicalResult EachPeerOp::verifyRegions() {
  // each_peer_c1
  return verifyProgramRegion(*this, getBody(), /*indices=*/1);
}

LogicalResult ForSentOp::verifyRegions() {
  auto peers = cast<ForPeersOp>((*this)->getParentOp());
  // for_sent_c1
  if (failed(verifyWords(*this, getCounts().getType(),
                         peers.getGroup().getSize())))
    return failure();
  // for_sent_c2
  if (getPeer() != peers.getBody().getArgument(0) ||
      getPart() != peers.getBody().getArgument(1))
    return emitOpError("expects the peer and part of its loop");
  // for_sent_c3
  return verifyProgramRegion(*this, getBody(), /*indices=*/2);
}

LogicalResult PrefixOp::verify() {
  // prefix_c1
  return verifyWords(*this, getCounts().getType());
}

LogicalResult WordsAllocOp::verify() {
  // words_alloc_c1
  return verifyWords(*this, getWords().getType());
}

LogicalResult PutWordOp::verify() {
  // put_word_c1
  return verifyWords(*this, getWords().getType());
}

LogicalResult SignalWaitOp::verify() {
  // signal_wait_c1
  if (int64_t(getCount()) < 1)
    return emitOpError("expects to wait for at least 1 signal, got ")
           << int64_t(getCount());
  return success();
}
