//===- Roles.cpp - how the ops of a layer are shared by ranks -------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Roles follow from dataflow alone. Backwards from the per-head operands of an
// attention or a recurrence, through ops that keep heads apart, to the linear
// that makes them: split by columns. Forwards from its result, through the same
// ops, to the first linear: split by contraction. From a route's input on,
// everything up to the sum with the residual belongs to the expert block, its
// projections to and from a latent width too.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Moe.h"
#include "portolan/Analysis/ModelShape.h"

using namespace mlir;
using namespace portolan;

namespace {

using Roles = llvm::DenseMap<Operation *, OpRole>;

/// Works on each head alone: its first operand has the heads of its result.
bool keepsHeads(Operation *op) {
  return isa<moe::RopeOp, moe::RmsNormOp, moe::GateOp, moe::ScaleOp,
             moe::ShortConvolutionOp, tensor::ExtractSliceOp>(op);
}

/// Nodes that were not raised read and make whole rows: all heads.
bool keepWhole(Operation *op, Roles &roles) {
  if (!isa<moe::DecomposedOp>(op))
    return false;
  OpRole &role = roles[op];
  role.spansHeads = true;
  role.units = 1;
  return true;
}

/// Linears that read split columns add up partial sums.
void splitContraction(Value attended, int64_t heads, Roles &roles) {
  for (Operation *user : attended.getUsers())
    if (!keepWhole(user, roles) && isa<moe::LinearOp>(user))
      roles[user] = {Sharding::contracted, heads};
}

/// A grouped projection reads the heads of a group: its groups stay whole, and
/// the linear after it adds up what they give.
void splitGroups(moe::GroupedLinearOp grouped, Roles &roles) {
  OpRole &role = roles[grouped];
  role.sharding = Sharding::columns;
  role.units =
      cast<RankedTensorType>(grouped.getWeight().getType()).getDimSize(0);
  role.spansHeads = true;
  splitContraction(grouped.getResult(), role.units, roles);
}

/// The role of a norm whose input has `heads` heads: if its runs are longer
/// than a head, they are its units.
void splitNorm(moe::RmsNormOp norm, int64_t heads, OpRole &role) {
  auto width = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getShape().back();
  };
  int64_t runs = width(norm.getInput()) / width(norm.getGain()) *
                 int64_t(norm.getGroups());
  role.spansHeads = runs % heads != 0;
  if (role.spansHeads)
    role.units = runs;
}

/// Walks back from a per-head operand to the linear that produces it; every op
/// on the way works on whole heads and is split alike.
void splitColumns(Value value, int64_t units, Roles &roles) {
  while (Operation *op = value.getDefiningOp()) {
    if (keepWhole(op, roles))
      return;
    OpRole &role = roles[op];
    role.sharding = Sharding::columns;
    // A packed projection feeds several operands: its indivisible units are
    // those of the operand with the fewest heads.
    role.units = role.units ? std::min(role.units, units) : units;
    if (!keepsHeads(op))
      return;
    if (auto norm = dyn_cast<moe::RmsNormOp>(op))
      splitNorm(norm, units, role);
    // A state space model computes its steps from what it convolves.
    if (isa<moe::ShortConvolutionOp>(op))
      splitContraction(op->getResult(0), units, roles);
    if (auto gate = dyn_cast<moe::GateOp>(op);
        gate && gate.getGate() != gate.getInput())
      splitColumns(gate.getGate(), units, roles);
    value = op->getOperand(0);
  }
}

/// Follows the result of `heads` heads to the linear that mixes them.
void splitForward(Value value, int64_t heads, Roles &roles) {
  splitContraction(value, heads, roles);
  for (Operation *user : value.getUsers()) {
    if (auto grouped = dyn_cast<moe::GroupedLinearOp>(user))
      splitGroups(grouped, roles);
    if (!isa<moe::GateOp, moe::RmsNormOp, moe::RopeOp>(user))
      continue;
    OpRole &role = roles[user];
    role.sharding = Sharding::columns;
    role.units = heads;
    if (auto norm = dyn_cast<moe::RmsNormOp>(user))
      splitNorm(norm, heads, role);
    if (auto gate = dyn_cast<moe::GateOp>(user)) {
      Value other = gate.getInput() == value ? gate.getGate() : gate.getInput();
      if (other != value)
        splitColumns(other, heads, roles);
    }
    splitForward(user->getResult(0), heads, roles);
  }
}

void splitRecurrence(moe::RecurrenceOp op, Roles &roles) {
  int64_t heads = op.getHeads(), keyHeads = op.getKeyHeads();
  // Keys that all heads share are on every rank.
  if (keyHeads > 1) {
    splitColumns(op.getQuery(), keyHeads, roles);
    splitColumns(op.getKey(), keyHeads, roles);
  }
  splitColumns(op.getValue(), heads, roles);
  if (op.getStep())
    splitColumns(op.getStep(), heads, roles);
  if (op.getStrength())
    splitColumns(op.getStrength(), heads, roles);
  splitForward(op.getResult(), heads, roles);
}

/// The projection of `input` to the width of the experts, if `value` comes from
/// one; every op between is marked.
void markLatent(Value value, Value input, Roles &roles) {
  SmallVector<Operation *> path;
  while (value != input) {
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<moe::LinearOp, moe::RmsNormOp>(op))
      return;
    path.push_back(op);
    value = op->getOperand(0);
  }
  for (Operation *op : path)
    roles[op].expertRegion = true;
}

/// Whether nodes that were not raised read what may be a part of the sum of
/// routed and shared experts.
bool nodesReadParts(moe::RouteOp route) {
  for (Operation *op = route->getNextNode(); op; op = op->getNextNode())
    if (isa<moe::DecomposedOp>(op))
      for (Value input : op->getOperands())
        if (isa_and_nonnull<moe::CombineOp, moe::GateOp, moe::LinearOp,
                            moe::MlpOp>(input.getDefiningOp()))
          return true;
  return false;
}

/// Marks the expert block that starts at a route: the ops that consume its
/// input or results, and what follows from them, up to the op that also takes a
/// value from outside (the residual sum).
void markExpertRegion(moe::RouteOp route, Roles &roles) {
  Value input = route.getInput();
  for (Operation *user : route.getIndices().getUsers())
    if (auto dispatch = dyn_cast<moe::DispatchOp>(user))
      markLatent(dispatch.getInput(), input, roles);
  // Sums that are normalized, or that nodes read, must be whole: the block ends
  // before the norm, and a shared expert is a block of its own.
  bool endsWhole = nodesReadParts(route);
  for (Operation *user : route.getIndices().getUsers())
    if (auto combine = dyn_cast<moe::CombineOp>(user))
      endsWhole |=
          llvm::any_of(combine->getUsers(), llvm::IsaPred<moe::RmsNormOp>);

  // The gate of a shared expert.
  for (Operation *user : input.getUsers())
    if (auto linear = dyn_cast<moe::LinearOp>(user);
        linear && !endsWhole &&
        llvm::all_of(linear->getUsers(), [&](Operation *reader) {
          auto gate = dyn_cast<moe::GateOp>(reader);
          auto shared =
              gate ? gate.getInput().getDefiningOp<moe::MlpOp>() : moe::MlpOp();
          return shared && shared.getInput() == input;
        }))
      roles[linear].expertRegion = true;

  llvm::DenseSet<Value> inside;
  for (Operation &op : *route->getBlock()) {
    auto isInside = [&](Value value) { return inside.contains(value); };
    bool isSharedExpert =
        (isa<moe::DispatchOp>(op) || (isa<moe::MlpOp>(op) && !endsWhole)) &&
        op.getOperand(0) == input;
    bool followsRoute = isa<moe::DispatchOp, moe::ExpertsOp, moe::CombineOp,
                            moe::LinearOp, moe::GateOp>(op) &&
                        llvm::any_of(op.getOperands(), isInside);
    bool sumsInside =
        isa<moe::AddOp>(op) && llvm::all_of(op.getOperands(), isInside);
    if (&op != route.getOperation() && !roles.lookup(&op).expertRegion &&
        !isSharedExpert && !followsRoute && !sumsInside)
      continue;
    roles[&op].expertRegion = true;
    for (Value result : op.getResults())
      inside.insert(result);
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
      splitForward(attention.getResult(), attention.getHeads(), roles);
    } else if (auto indexed = dyn_cast<moe::IndexedLatentAttentionOp>(op)) {
      // The index is small and whole on every rank: all heads share it.
      splitColumns(indexed.getQuery(), indexed.getHeads(), roles);
      splitForward(indexed.getResult(), indexed.getHeads(), roles);
    } else if (auto chosen = dyn_cast<moe::ChosenLatentAttentionOp>(op)) {
      splitColumns(chosen.getQuery(), chosen.getHeads(), roles);
      splitForward(chosen.getResult(), chosen.getHeads(), roles);
    } else if (auto shared = dyn_cast<moe::SharedAttentionOp>(op)) {
      splitColumns(shared.getQuery(), shared.getHeads(), roles);
      splitForward(shared.getResult(), shared.getHeads(), roles);
    } else if (auto sparse = dyn_cast<moe::SparseAttentionOp>(op)) {
      splitColumns(sparse.getQuery(), sparse.getHeads(), roles);
      for (Value value :
           {sparse.getKey(), sparse.getValue(), sparse.getIndexQuery()})
        splitColumns(value, sparse.getKvHeads(), roles);
      splitForward(sparse.getResult(), sparse.getHeads(), roles);
    } else if (auto latent = dyn_cast<moe::LatentAttentionOp>(op)) {
      splitColumns(latent.getQuery(), latent.getHeads(), roles);
      splitForward(latent.getResult(), latent.getHeads(), roles);
    } else if (auto pooled = dyn_cast<moe::PooledAttentionOp>(op)) {
      // Keys, entries and index are small and whole on every rank.
      splitColumns(pooled.getQuery(), pooled.getHeads(), roles);
      splitForward(pooled.getResult(), pooled.getHeads(), roles);
    } else if (auto recurrence = dyn_cast<moe::RecurrenceOp>(op)) {
      splitRecurrence(recurrence, roles);
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
