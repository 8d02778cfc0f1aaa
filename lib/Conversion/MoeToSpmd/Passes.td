//===- Passes.td - moe to spmd -----------------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_MOETOSPMD_PASSES_TD
#define PORTOLAN_LIB_CONVERSION_MOETOSPMD_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertMoeToSpmd : Pass<"convert-moe-to-spmd", "::mlir::ModuleOp"> {
  let summary = "Partitions a model into the exact programs of its ranks.";
  let description = [{
    The module is bound to one micro-batch of one model copy (static shapes).
    `@main` and its layer functions are replaced by one public entry per stage
    and variant, `@step.sS.vV`, whose layers are private functions; ranks with
    equal local shapes share a variant. `spmd.programs` lists the entries,
    `spmd.ranks` says which one each rank of the copy runs. Arguments of an
    entry say what they are (`spmd.weight`, `spmd.argument`, `spmd.prepared`),
    the whole tensor (`spmd.whole`) and the slice of it that a rank holds
    (`spmd.shard`); results say which result of `@main` they are part of.
    What depends on no activation is computed once by `@prepare`, whose results
    are the prepared arguments.

    Without the option `plan` the decisions are the module's attribute
    `plan.point`, a dictionary of spelled values by class. How many chips there
    are and how they are connected is said by `target`, or by `chips` and
    `domain` on a switch; stages that are regions of a wafer need `target`.
  }];
  let options = [
    Option<"plan", "plan", "std::string", "\"\"",
           "Decisions, as class=value pairs separated by commas; classes that "
           "are not named are none">,
    Option<"target", "target", "std::string", "\"\"",
           "Machine file or name, with its shape after a colon, in place of "
           "chips and domain">,
    Option<"chips", "chips", "int64_t", "1", "Chips of the machine">,
    Option<"domain", "domain", "int64_t", "0",
           "Chips of a scale-up domain (0: all)">,
    Option<"popularity", "popularity", "std::string", "\"power-law:1.01\"",
           "How often experts are chosen: uniform or power-law:A">,
  ];
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect",
                           "::portolan::spmd::SpmdDialect"];
}

#endif // PORTOLAN_LIB_CONVERSION_MOETOSPMD_PASSES_TD
