//===- WorkOpInterface.td - ops that state their work ------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_INTERFACES_WORKOPINTERFACE_TD
#define PORTOLAN_DIALECTS_INTERFACES_WORKOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def WorkOpInterface : OpInterface<"WorkOpInterface"> {
  let cppNamespace = "::portolan";
  let description = [{
    An op that states what it computes, reads, writes and sends, from its own
    types and attributes: no engine, no time, no target. Types must be static
    but for ragged row counts, whose op carries a load.
  }];
  let methods = [
    InterfaceMethod<[{
        The op as plain data (shapes, formats, group); fails with a diagnostic
        if a dimension that it needs is dynamic and no load is given.
      }],
      "::mlir::FailureOr<::portolan::LocalOp>", "describe", (ins)>,
  ];
}

#endif // PORTOLAN_DIALECTS_INTERFACES_WORKOPINTERFACE_TD
