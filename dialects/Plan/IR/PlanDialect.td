//===- PlanDialect.td - the plan dialect -------------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_PLAN_IR_PLANDIALECT_TD
#define PORTOLAN_DIALECTS_PLAN_IR_PLANDIALECT_TD

include "mlir/IR/OpBase.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let summary = "How to run a model, as a transform script.";
  let description = [{
    A plan is a `transform.named_sequence` with every op of this dialect once,
    in the order in which they are defined, on the module handle, then
    `plan.commit`. Each op records one or more decisions on the payload module
    (attribute `plan.point`); rewriting starts later, in `moe-to-spmd`.

    Without a ledger the first decision that is not legal on the payload's
    target is a silenceable failure. With a ledger (an extension of the
    transform state) every op records the repaired value and succeeds.

    The payload names its target in the attributes `plan.target` (a TARGET of
    the driver) and `plan.workload`, unless the caller installs one.
  }];
  let cppNamespace = "::portolan::plan";
  let dependentDialects = ["::mlir::transform::TransformDialect"];
}

#endif // PORTOLAN_DIALECTS_PLAN_IR_PLANDIALECT_TD
