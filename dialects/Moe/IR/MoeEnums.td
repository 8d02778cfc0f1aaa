//===- MoeEnums.td - enumerations of the moe dialect -------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_MOE_IR_MOEENUMS_TD
#define PORTOLAN_DIALECTS_MOE_IR_MOEENUMS_TD

include "mlir/IR/EnumAttr.td"
include "dialects/Moe/IR/MoeDialect.td"

class Moe_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::portolan::moe";
  let genSpecializedAttr = 0;
}

class Moe_EnumAttr<EnumInfo info, string mnemonic>
    : EnumAttr<Moe_Dialect, info, mnemonic> {
  let assemblyFormat = "$value";
}

def Moe_Activation : Moe_Enum<"Activation",
    "activation of a feed-forward block", [
      I32EnumAttrCase<"silu", 0>,
      I32EnumAttrCase<"gelu", 1>,
      I32EnumAttrCase<"gelu_tanh", 2>,
      I32EnumAttrCase<"relu", 3>,
      I32EnumAttrCase<"identity", 4>,
      I32EnumAttrCase<"sigmoid", 5>,
      I32EnumAttrCase<"relu_squared", 6>]>;
def Moe_ActivationAttr : Moe_EnumAttr<Moe_Activation, "activation">;

def Moe_Scoring : Moe_Enum<"Scoring",
    "how a router turns logits into scores", [
      I32EnumAttrCase<"softmax", 0>,
      I32EnumAttrCase<"sigmoid", 1>,
      I32EnumAttrCase<"sqrt_softplus", 2>,
      I32EnumAttrCase<"sparse_mixer", 3>]>;
def Moe_ScoringAttr : Moe_EnumAttr<Moe_Scoring, "scoring">;

def Moe_Recurrence : Moe_Enum<"Recurrence",
    "how the state of a recurrence decays and is written", [
      I32EnumAttrCase<"selective", 0>,
      I32EnumAttrCase<"state_space", 1>,
      I32EnumAttrCase<"delta", 2>,
      I32EnumAttrCase<"channel_delta", 3>,
      I32EnumAttrCase<"fixed_decay", 4>]>;
def Moe_RecurrenceAttr : Moe_EnumAttr<Moe_Recurrence, "recurrence_kind">;

def Moe_Phase : Moe_Enum<"Phase", "phase of a serving workload", [
      I32EnumAttrCase<"decode", 0>,
      I32EnumAttrCase<"prefill", 1>]>;
def Moe_PhaseAttr : Moe_EnumAttr<Moe_Phase, "phase">;

#endif // PORTOLAN_DIALECTS_MOE_IR_MOEENUMS_TD
