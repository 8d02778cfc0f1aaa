//===- Passes.td - passes on the spmd dialect --------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_SPMD_TRANSFORMS_PASSES_TD
#define PORTOLAN_DIALECTS_SPMD_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SpmdEmulateFormats : Pass<"spmd-emulate-formats", "::mlir::ModuleOp"> {
  let summary = "Rounds operands to the number formats that their ops name.";
  let description = [{
    Puts a `moe.fake_quantize` in front of each operand that a format attribute
    speaks of, so that a run computes with the numbers that the formats hold.
    No type changes, and the formats stay where they are.

      - `weight_format`: weights of linear, mlp and experts in groups along the
        contraction; `key_up` and `value_up` of latent attention as it contracts
        them.
      - `activation_format`: the rows that enter a matmul, token by token; on
        dispatch the rows that are handed out. Without one, rows are rounded to
        the compute format of the weight. What passes between the two
        projections of mlp and experts is rounded by their decomposition, to
        which `moe.inner_formats` on the op says so.
      - `cache_format`: past and new entries of the cache, per head and token
        (fp8 without a scale); queries to its compute format. Of latent
        attention with expanded caches the past only, as its new keys and values
        come to be inside the op.
      - `format` on spmd ops: the values that are sent or packed.

    An operand is rounded to the storage format, then to the compute format if
    that is no wider and another one. Formats of f32, and those that the type of
    the operand is, round nothing. A weight that @prepare or the function
    dequantizes from codes of its storage format holds such numbers already and
    is left alone. A second run of the pass changes nothing.

    Not rounded: sums (f32), biases, scores and probabilities of attention, and
    what passes between ops, which has the type that it has.
  }];
  let options = [
    Option<"fp8", "fp8", "std::string", "\"e4m3fn\"",
           "What fp8 is on the machine: e4m3fn, e5m2, e4m3, e4m3fnuz or "
           "e4m3b11fnuz">,
  ];
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::portolan::moe::MoeDialect"];
}

#endif // PORTOLAN_DIALECTS_SPMD_TRANSFORMS_PASSES_TD
