//===- MoeDequantize.td - narrow weights -------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights that a file keeps as codes of a few bits. The C++ class has a header
// of its own (Dequantize.h), as few sources see the op.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEDEQUANTIZE_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEDEQUANTIZE_TD

include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Moe/IR/MoeDialect.td"

def Moe_DequantizeOp : Moe_Op<"dequantize", [Pure, AttrSizedOperandSegments]> {
  let summary = "The numbers that a narrow weight of the file stands for.";
  let description = [{
    `packed` holds codes of `bits` bits side by side in bytes along its last
    dimension, the first one in the lowest bits; `result` has an element for
    each code (in the last dimension padding codes may be left over).

      result = (number(code) - zero_point) * scale * global_scale

    `encoding` says which number a code is: "integer" (unsigned), "e2m1" or
    "e4m3". `scales` has the dimensions of the
    result other than `axis`; then, with `block_size` G, a last one for the
    blocks of G elements along `axis`. Scales in bytes are of `scale_encoding` "e4m3"
    or "e8m0" (a power of two).
    `zero_points` are numbers of the shape of `scales`, or codes of it, packed
    as the weights are; without them a code of an `integer` counts from
    2^(bits-1). `global_scale` has the first dimension of the result.
  }];
  let arguments = (ins AnyRankedTensor:$packed, AnyRankedTensor:$scales,
                       Optional<AnyRankedTensor>:$zero_points,
                       Optional<AnyRankedTensor>:$global_scale,
                       I64Attr:$bits, StrAttr:$encoding,
                       I64Attr:$axis, OptionalAttr<I64Attr>:$block_size,
                       OptionalAttr<StrAttr>:$scale_encoding);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $packed `scales` $scales (`zero_points` $zero_points^)?
    (`global` $global_scale^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The format that the weight ships in: the narrowest one of the catalogue
    /// that holds its codes (2-bit ones are kept as int4).
    ::portolan::Format storage();
  }];
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEDEQUANTIZE_TD
