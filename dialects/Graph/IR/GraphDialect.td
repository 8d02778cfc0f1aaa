//===- GraphDialect.td - the graph dialect -----------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_GRAPH_IR_GRAPHDIALECT_TD
#define PORTOLAN_DIALECTS_GRAPH_IR_GRAPHDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def Graph_Dialect : Dialect {
  let name = "graph";
  let summary = "A model graph as its file states it.";
  let description = [{
    One generic op holds any node of an imported model: its type, domain,
    version and attributes, whether Portolan knows the op or not. Nothing is
    interpreted on import; `convert-graph-to-moe` raises the nodes and reports
    those that it cannot raise. Weights are `moe.weight_data` symbols.
  }];
  let cppNamespace = "::portolan::graph";
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::func::FuncDialect",
                           "::portolan::moe::MoeDialect"];
}

class Graph_Type<string name, string typeMnemonic>
    : TypeDef<Graph_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Graph_UnknownType : Graph_Type<"Unknown", "unknown"> {
  let summary = "The type of a value whose type the file does not state.";
}

#endif // PORTOLAN_DIALECTS_GRAPH_IR_GRAPHDIALECT_TD
