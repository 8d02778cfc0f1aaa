//===- MoeAttrs.td - attributes of the moe dialect ---------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEATTRS_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "dialects/Moe/IR/MoeDialect.td"
include "dialects/Moe/IR/MoeEnums.td"

class Moe_Attr<string name, string attrMnemonic>
    : AttrDef<Moe_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Moe_FormatAttr : Moe_Attr<"Format", "format"> {
  let summary = "Storage and compute format of an operand.";
  let description = [{
    `#moe.format<"nvfp4", "fp8">`: kept as nvfp4, computed in fp8. Names are those
    of `portolan::Format`; an unknown one is refused.
  }];
  let parameters = (ins StringRefParameter<"storage format">:$storage,
                        StringRefParameter<"compute format">:$compute);
  let assemblyFormat = "`<` $storage `,` $compute `>`";
  let genVerifyDecl = 1;
}

def Moe_WorkloadAttr : Moe_Attr<"Workload", "workload"> {
  let summary = "The serving workload that a module is bound to.";
  let description = [{
    Sequences in flight of one model copy, past tokens of each (the mean over
    its life), new tokens of each in one step, and the phase.
  }];
  let parameters = (ins EnumParameter<Moe_Phase>:$phase,
                        "int64_t":$sequences, "int64_t":$context_tokens,
                        "int64_t":$new_tokens);
  let assemblyFormat = [{
    `<` $phase `,` `sequences` `=` $sequences `,` `context` `=` $context_tokens
    `,` `new_tokens` `=` $new_tokens `>`
  }];
  let genVerifyDecl = 1;
}

def Moe_LoadAttr : Moe_Attr<"Load", "load"> {
  let summary = "What is known of a ragged row count before it is counted.";
  let description = [{
    Rows on the mean rank and on the slowest one, the capacity that no rank
    exceeds, and the number of distinct experts that these rows hit on the
    slowest rank. Units: rows; experts.
  }];
  let parameters = (ins APFloatParameter<"rows of the mean rank">:$mean,
                        APFloatParameter<"rows of the slowest rank">:$max,
                        "int64_t":$capacity,
                        APFloatParameter<"distinct experts hit">:$hit);
  let builders = [AttrBuilder<(ins "double":$mean, "double":$max,
                                   "int64_t":$capacity, "double":$hit), [{
    return $_get($_ctxt, ::llvm::APFloat(mean), ::llvm::APFloat(max), capacity,
                 ::llvm::APFloat(hit));
  }]>];
  let extraClassDeclaration = [{
    double meanRows() const { return getMean().convertToDouble(); }
    double maxRows() const { return getMax().convertToDouble(); }
    double hitExperts() const { return getHit().convertToDouble(); }
  }];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEATTRS_TD
