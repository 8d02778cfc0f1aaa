//===- GraphOps.td - ops of the graph dialect --------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_GRAPH_IR_GRAPHOPS_TD
#define PORTOLAN_DIALECTS_GRAPH_IR_GRAPHOPS_TD

include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Graph/IR/GraphDialect.td"

class Graph_Op<string mnemonic, list<Trait> traits = []>
    : Op<Graph_Dialect, mnemonic, traits>;

def Graph_Value
    : AnyTypeOf<[AnyTensor, NoneType, Graph_UnknownType],
                "tensor, value of unstated type or absent value">;

def Graph_NodeOp : Graph_Op<"node"> {
  let summary = "A node of an imported graph.";
  let description = [{
    `op_type` of `domain` ("" is the standard one) as of `version` of its
    operator set, with the attributes that the file gives. The node's name is
    its location. An optional operand or result that is absent in the middle of
    a list is a `none` (`graph.none`). Each graph attribute (body of a loop,
    branch of a condition) is a region; `body_names` names them in order. A
    tensor attribute of 1 KiB or more is the symbol of a `moe.weight_data`.

    ```mlir
    %y = graph.node "Gather"(%x, %i) attributes {axis = 0 : i64} {version = 17 : i64}
      : (tensor<128x64xf32>, tensor<?x?xi64>) -> !graph.unknown
    ```
  }];
  let arguments = (ins StrAttr:$op_type, Variadic<Graph_Value>:$inputs,
                       DefaultValuedAttr<StrAttr, "\"\"">:$domain,
                       I64Attr:$version,
                       DefaultValuedAttr<DictionaryAttr, "{}">:$op_attributes,
                       OptionalAttr<StrArrayAttr>:$body_names);
  let results = (outs Variadic<Graph_Value>:$outputs);
  let regions = (region VariadicRegion<SizedRegion<1>>:$bodies);
  let assemblyFormat = [{
    $op_type `(` $inputs `)` (`attributes` $op_attributes^)?
    (`bodies` $bodies^)? attr-dict
    `:` functional-type($inputs, $outputs)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The attribute `name` of the node, or null.
    ::mlir::Attribute attribute(::llvm::StringRef name) {
      return getOpAttributes().get(name);
    }
    /// Operand `index`, or null if the list ends before it or it is absent.
    ::mlir::Value input(unsigned index);
    /// Whether result `index` exists and is not absent.
    bool hasOutput(unsigned index);
  }];
}

def Graph_NoneOp : Graph_Op<"none", [Pure]> {
  let summary = "An absent optional operand.";
  let results = (outs NoneType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Graph_YieldOp : Graph_Op<"yield", [Pure, Terminator, HasParent<"NodeOp">]> {
  let summary = "Ends a body of a node with the body's outputs.";
  let arguments = (ins Variadic<Graph_Value>:$outputs);
  let assemblyFormat = "($outputs^ `:` type($outputs))? attr-dict";
}

#endif // PORTOLAN_DIALECTS_GRAPH_IR_GRAPHOPS_TD
