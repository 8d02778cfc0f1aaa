//===- Roles.cpp - how the ops of a layer are shared by ranks -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Roles follow from dataflow alone. Backwards from an attention's per-head
// operands, through ops that keep heads apart, to the linear that makes them:
// split by columns. Forwards from its result to the first linear: split by
// contraction. From a route's input on, everything up to the sum with the
// residual belongs to the expert block.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Moe.h"
#include "portolan/Analysis/ModelShape.h"

using namespace mlir;
using namespace portolan;

namespace {

using Roles = llvm::DenseMap<Operation *, OpRole>;

/// Walks back from a per-head operand to the linear that produces it; every op
/// on the way works on whole heads and is split alike.
void splitColumns(Value value, int64_t units, Roles &roles) {
  while (Operation *op = value.getDefiningOp()) {
    OpRole &role = roles[op];
    role.sharding = Sharding::columns;
    // A packed projection feeds several operands: its indivisible units are
    // those of the operand with the fewest heads.
    role.units = role.units ? std::min(role.units, units) : units;
    if (isa<moe::LinearOp>(op))
      return;
    if (!isa<moe::RopeOp, moe::RmsNormOp, tensor::ExtractSliceOp>(op))
      return;
    value = op->getOperand(0);
  }
}

void splitContraction(Value attended, int64_t heads, Roles &roles) {
  for (Operation *user : attended.getUsers())
    if (isa<moe::LinearOp>(user))
      roles[user] = {Sharding::contracted, heads, false, false};
}

/// Marks the expert block that starts at a route: the ops that consume its
/// input or results, and what follows from them, up to the op that also takes a
/// value from outside (the residual sum).
void markExpertRegion(moe::RouteOp route, Roles &roles) {
  llvm::DenseSet<Value> inside;
  auto enter = [&](Operation *op) {
    roles[op].expertRegion = true;
    for (Value result : op->getResults())
      inside.insert(result);
  };
  Block *block = route->getBlock();
  for (Operation &op : *block) {
    if (&op == route.getOperation()) {
      enter(&op);
      continue;
    }
    bool isSharedExpert = isa<moe::MlpOp, moe::DispatchOp>(op) &&
                          op.getOperand(0) == route.getInput();
    bool followsRoute = isa<moe::ExpertsOp, moe::CombineOp>(op) &&
                        llvm::any_of(op.getOperands(), [&](Value value) {
                          return inside.contains(value);
                        });
    bool sumsInside =
        isa<moe::AddOp>(op) && llvm::all_of(op.getOperands(), [&](Value value) {
          return inside.contains(value);
        });
    if (isSharedExpert || followsRoute || sumsInside)
      enter(&op);
  }
}

} // namespace

llvm::DenseMap<Operation *, OpRole> portolan::rolesOf(Operation *function) {
  Roles roles;
  function->walk([&](Operation *op) {
    if (auto attention = dyn_cast<moe::AttentionOp>(op)) {
      splitColumns(attention.getQuery(), attention.getHeads(), roles);
      splitColumns(attention.getKey(), attention.getKvHeads(), roles);
      splitColumns(attention.getValue(), attention.getKvHeads(), roles);
      splitContraction(attention.getResult(), attention.getHeads(), roles);
    } else if (auto latent = dyn_cast<moe::LatentAttentionOp>(op)) {
      splitColumns(latent.getQuery(), latent.getHeads(), roles);
      splitContraction(latent.getResult(), latent.getHeads(), roles);
    } else if (auto route = dyn_cast<moe::RouteOp>(op)) {
      markExpertRegion(route, roles);
    } else if (auto linear = dyn_cast<moe::LinearOp>(op)) {
      // The head's columns are split one by one; the logits are gathered.
      if (linear.getLastPosition())
        roles[op] = {
            Sharding::columns,
            cast<RankedTensorType>(linear.getWeight().getType()).getDimSize(1),
            false, true};
    }
  });
  return roles;
}
