//===- StepOpInterface.cpp - system ops that carry a step -----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/StepOpInterface.h"
#include "dialects/Interfaces/WorkOpInterface.h"
#include "mlir/IR/Builders.h"
#include <cmath>

#include "dialects/Interfaces/StepOpInterface.cpp.inc"

using namespace mlir;
using namespace portolan;

namespace {

constexpr llvm::StringLiteral kEngines[kNumEngineKinds] = {
    "matmul", "vector", "transcendental", "gather"};

double number(Operation *op, StringRef name, double otherwise = 0) {
  auto attr = op->getAttrOfType<FloatAttr>(name);
  return attr ? attr.getValueAsDouble() : otherwise;
}

int64_t integer(Operation *op, StringRef name) {
  auto attr = op->getAttrOfType<IntegerAttr>(name);
  return attr ? attr.getInt() : 0;
}

LinkLoad readLoad(Operation *op, StringRef prefix) {
  auto named = [&](StringRef name) {
    return number(op, (prefix + name).str());
  };
  LinkLoad load;
  load.hops = named("hops");
  load.bottleneckBytes = named("bottleneck_bytes");
  load.extraMessages = named("extra_messages");
  load.starts = named("starts");
  auto axes =
      op->getAttrOfType<DenseF64ArrayAttr>((prefix + "axis_bytes").str());
  if (axes && axes.size() == int64_t(load.axisBytes.size()))
    llvm::copy(axes.asArrayRef(), load.axisBytes.begin());
  return load;
}

/// An attribute is left out where it equals the default of SystemOps.td.
void addNumber(OperationState &state, Twine name, double value,
               bool required = false) {
  if (required || value != 0)
    state.addAttribute(name.str(),
                       Builder(state.getContext()).getF64FloatAttr(value));
}

void addInteger(OperationState &state, StringRef name, int64_t value) {
  if (value != 0)
    state.addAttribute(name,
                       Builder(state.getContext()).getI64IntegerAttr(value));
}

void addLoad(OperationState &state, StringRef prefix, const LinkLoad &load,
             bool required) {
  addNumber(state, prefix + "starts", load.starts, required);
  addNumber(state, prefix + "hops", load.hops, required);
  addNumber(state, prefix + "bottleneck_bytes", load.bottleneckBytes, required);
  addNumber(state, prefix + "extra_messages", load.extraMessages);
  if (llvm::any_of(load.axisBytes, [](double bytes) { return bytes != 0; }))
    state.addAttribute(
        (prefix + "axis_bytes").str(),
        Builder(state.getContext()).getDenseF64ArrayAttr(load.axisBytes));
}

} // namespace

FailureOr<LocalOp> portolan::describeCovered(Operation *systemOp) {
  auto covers = systemOp->getAttrOfType<StringAttr>("covers");
  auto of = systemOp->getAttrOfType<DictionaryAttr>("of");
  if (!covers || !of)
    return systemOp->emitOpError("expects attributes covers and of");
  std::optional<RegisteredOperationName> name = RegisteredOperationName::lookup(
      covers.getValue(), systemOp->getContext());
  if (!name || !name->hasInterface<WorkOpInterface>())
    return systemOp->emitOpError("expects to cover an op that states its work, "
                                 "got '")
           << covers.getValue() << "'";
  // A detached op of the covered name with our types and its attributes. The
  // arguments keep its operands alive.
  Block block;
  OperationState state(systemOp->getLoc(), *name);
  for (Type type : systemOp->getOperandTypes())
    state.operands.push_back(block.addArgument(type, systemOp->getLoc()));
  state.addTypes(systemOp->getResultTypes());
  state.addAttributes(of.getValue());
  Operation *covered = Operation::create(state);
  // Its verifier refuses attributes and types that describe() could not read.
  FailureOr<LocalOp> local = failure();
  if (succeeded(name->verifyInvariants(covered)))
    local = describeOp(covered);
  covered->destroy();
  return local;
}

FailureOr<Step> portolan::readStep(Operation *op) {
  FailureOr<LocalOp> local = describeCovered(op);
  if (failed(local))
    return failure();
  Step step;
  step.kind = local->kind;
  step.microBatch = uint8_t(integer(op, kMicroBatchName));
  if (auto engine = op->getAttrOfType<StringAttr>("engine"))
    step.engine = EngineKind(std::distance(
        std::begin(kEngines), llvm::find(kEngines, engine.getValue())));
  step.tokenTile = integer(op, "token_tile");
  step.issuedOperations = number(op, "issued_operations");
  step.dequantizeOperations = number(op, "dequantize_operations");
  step.memoryLevel = uint8_t(integer(op, "memory_level"));
  step.prefetched = op->hasAttr("prefetched");
  step.kernels = number(op, "kernels");
  step.transferBytes = number(op, "transfer_bytes");
  step.share = number(op, "share", 1);
  step.residentBytes = number(op, "resident_bytes");
  step.streamed = op->hasAttr("streamed");
  if (auto algorithm = op->getAttrOfType<StringAttr>("algorithm"))
    step.algorithm =
        parseAlgorithm(algorithm.getValue()).value_or(Algorithm::none);
  step.linkTier = uint8_t(integer(op, "link_tier"));
  step.load = readLoad(op, "");
  step.outerLoad = readLoad(op, "outer_");
  step.work = workOf(*local);
  step.balance = balanceOf(*local);
  return step;
}

void portolan::writeStep(OperationState &state, Operation *covered,
                         const Step &step) {
  Builder builder(state.getContext());
  state.addAttribute("covers",
                     builder.getStringAttr(covered->getName().getStringRef()));
  // The half is the step's own attribute.
  NamedAttrList of(covered->getAttrDictionary());
  of.erase(kMicroBatchName);
  state.addAttribute("of", of.getDictionary(state.getContext()));
  addInteger(state, kMicroBatchName, step.microBatch);
  if (isCommunication(step.kind)) {
    state.addAttribute("algorithm",
                       builder.getStringAttr(spell(step.algorithm)));
    addInteger(state, "link_tier", step.linkTier);
    addLoad(state, "", step.load, /*required=*/true);
    addLoad(state, "outer_", step.outerLoad, /*required=*/false);
    return;
  }
  state.addAttribute("engine",
                     builder.getStringAttr(kEngines[unsigned(step.engine)]));
  addInteger(state, "token_tile", step.tokenTile);
  addNumber(state, "issued_operations", step.issuedOperations);
  addNumber(state, "dequantize_operations", step.dequantizeOperations);
  addInteger(state, "memory_level", step.memoryLevel);
  if (step.prefetched)
    state.addAttribute("prefetched", builder.getUnitAttr());
  addNumber(state, "kernels", step.kernels, /*required=*/true);
  addNumber(state, "transfer_bytes", step.transferBytes);
  if (step.share != 1)
    addNumber(state, "share", step.share, /*required=*/true);
  addNumber(state, "resident_bytes", step.residentBytes);
  if (step.streamed)
    state.addAttribute("streamed", builder.getUnitAttr());
  if (step.algorithm != Algorithm::none)
    state.addAttribute("algorithm",
                       builder.getStringAttr(spell(step.algorithm)));
  addInteger(state, "link_tier", step.linkTier);
  addLoad(state, "", step.load, /*required=*/false);
}

LogicalResult portolan::verifyStepOp(Operation *op, ArrayRef<OpKind> kinds) {
  FailureOr<LocalOp> local = describeCovered(op);
  if (failed(local))
    return failure();
  // step_c1: the covered kind is one that the op is for.
  if (!llvm::is_contained(kinds, local->kind))
    return op->emitOpError("expects to cover ")
           << spell(kinds.front()) << ", got " << spell(local->kind);
  // step_c2: engine and algorithm are known names.
  if (auto engine = op->getAttrOfType<StringAttr>("engine"))
    if (!llvm::is_contained(kEngines, engine.getValue()))
      return op->emitOpError("expects an engine kind, got '")
             << engine.getValue() << "'";
  if (auto algorithm = op->getAttrOfType<StringAttr>("algorithm"))
    if (!parseAlgorithm(algorithm.getValue()))
      return op->emitOpError("expects a collective algorithm, got '")
             << algorithm.getValue() << "'";
  // step_c3: counts are finite and not negative.
  for (NamedAttribute attr : op->getAttrs()) {
    auto value = dyn_cast<FloatAttr>(attr.getValue());
    double count = value ? value.getValueAsDouble() : 0;
    if (!std::isfinite(count) || count < 0)
      return op->emitOpError("expects ")
             << attr.getName() << " >= 0, got " << count;
  }
  // step_c7: one number per axis of a torus.
  if (auto axes = op->getAttrOfType<DenseF64ArrayAttr>("axis_bytes")) {
    if (axes.size() != int64_t(LinkLoad().axisBytes.size()))
      return op->emitOpError("expects axis_bytes of ")
             << LinkLoad().axisBytes.size() << " axes, got " << axes.size();
    for (double bytes : axes.asArrayRef())
      if (!std::isfinite(bytes) || bytes < 0)
        return op->emitOpError("expects axis_bytes >= 0, got ") << bytes;
  }
  // step_c4: padding never removes work.
  double useful = workOf(*local).matmulOperations;
  double issued = number(op, "issued_operations");
  if (!isCommunication(local->kind) && issued < useful * (1 - 1e-9))
    return op->emitOpError("expects issued_operations >= ")
           << useful << " of the covered op, got " << issued;
  // step_c5: an overlapped step belongs to one of two halves.
  int64_t half = integer(op, kMicroBatchName);
  if (half < 0 || half > 1)
    return op->emitOpError("expects micro_batch 0 or 1, got ") << half;
  // step_c6: a step takes place on some of the chip's units, and keeps no more
  // activations than there are.
  double share = number(op, "share", 1);
  if (!(share > 0 && share <= 1))
    return op->emitOpError("expects a share above 0 and at most 1, got ")
           << share;
  Work work = workOf(*local);
  double activations = work.activationInBytes + work.activationOutBytes;
  double resident = number(op, "resident_bytes");
  if (resident > activations * (1 + 1e-9))
    return op->emitOpError("expects resident_bytes <= ")
           << activations << " of the covered op, got " << resident;
  return success();
}
