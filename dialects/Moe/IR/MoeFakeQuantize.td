//===- MoeFakeQuantize.td - rounding to a narrow format ----*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Part of MoeOps.td. The C++ class has a header of its own (FakeQuantize.h), as
// few sources see the op.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEFAKEQUANTIZE_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEFAKEQUANTIZE_TD

include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Moe/IR/MoeDialect.td"

def Moe_FakeQuantizeOp
    : Moe_Op<"fake_quantize", [Pure, SameOperandsAndResultType]> {
  let summary = "What is left of a tensor once it was kept in a narrow format.";
  let description = [{
    Each element is quantized to `format` and dequantized again; the type stays.
    The scale rule is that of portolan/Support/NumberFormats.h: groups (or the
    whole row) along dimension `axis`, the last one shorter if the size says so,
    have a scale each. Round to nearest, ties to even; finite numbers saturate,
    but for bf16 and fp16, which overflow to infinity. A group that holds an
    infinity or a NaN becomes NaN.

    `encoding` tells 8-bit floats apart: "e4m3fn" (without it), "e5m2",
    "e4m3", "e4m3fnuz", "e4m3b11fnuz" of fp8; the first two of mxfp8. `unscaled`: fp8
    with a scale of 1. `tensor_dims`: the last dimensions, `axis` among them,
    over which nvfp4 takes its second scale; all of them without it.

    ```mlir
    %w = moe.fake_quantize %0 {axis = 1 : i64, format = "nvfp4",
                               tensor_dims = 2 : i64} : tensor<8x64x32xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, StrAttr:$format, I64Attr:$axis,
                       OptionalAttr<StrAttr>:$encoding, UnitAttr:$unscaled,
                       OptionalAttr<I64Attr>:$tensor_dims);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The rule that the attributes name.
    ::portolan::Quantization rule();
  }];
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEFAKEQUANTIZE_TD
