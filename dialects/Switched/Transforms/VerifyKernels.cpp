//===- VerifyKernels.cpp - kernel programs that fit a unit ----------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/Kernels.h"
#include "portolan/Conversion/SpmdToSystem.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

FailureOr<std::string> switched::targetOf(ModuleOp module, StringRef target) {
  if (target.empty())
    if (auto named = module->getAttrOfType<StringAttr>(kTargetName))
      target = named.getValue();
  if (target.empty())
    return module.emitError("expects the option target=MACHINE or the "
                            "attribute ")
           << kTargetName;
  return target.str();
}

int64_t switched::smemFootprint(SmemType type) {
  return type.getStages() *
         int64_t(llvm::alignTo(uint64_t(type.getStageBytes()), 1024));
}

int64_t switched::smemFootprint(MbarrierType type) {
  return 8 * type.getStages();
}

int64_t switched::smemFootprint(CountersType type) {
  return int64_t(llvm::alignTo(uint64_t(4 * type.getCount()), 16));
}

namespace {

/// What a link is asked for: peers inside of its domain, and sums and copies of
/// its switches.
LogicalResult verifyPeers(Operation *op, const KernelMachine &target) {
  int64_t domain = target.machine.topology.domain;
  if (isa<ForPeersOp, EachPeerOp, ForChunksOp>(op))
    if (auto group = op->getAttrOfType<spmd::GroupAttr>("group")) {
      int64_t span = group.getSize() * group.getStride();
      if (span > domain)
        return target.refuse(op, "kernel_peers_c1",
                             "expects peers inside of a domain of " +
                                 Twine(domain) + " chips, got " + Twine(span));
    }
  const Link *link =
      target.machine.links.empty() ? nullptr : &target.machine.links.front();
  if (isa<MultimemLoadReduceOp>(op) && (!link || !link->inNetworkReduction))
    return target.refuse(op, "kernel_multimem_c1",
                         "expects links with in-network reduction");
  if (isa<MultimemStoreOp>(op) && (!link || !link->multicast))
    return target.refuse(op, "kernel_multimem_c2",
                         "expects links with multicast");
  return success();
}

LogicalResult verifyMma(Operation *op, MatrixUnit needed, StringRef format,
                        const KernelMachine &target) {
  if (target.core.matrixUnit != needed)
    return target.refuse(
        op, "mma_unit_c1",
        needed == MatrixUnit::warpgroup
            ? "expects sums in registers, got a machine that keeps "
              "them in tensor memory"
            : "expects sums in tensor memory, got a machine that "
              "keeps them in registers");
  const Engine *engine = target.machine.findEngine(EngineKind::matmul);
  if (!engine || !engine->computes(*parseFormat(format)))
    return target.refuse(op, "mma_format_c1",
                         "expects a format of the matmul engine, got " +
                             format);
  return success();
}

LogicalResult verifyKernel(KernelOp kernel, const KernelMachine &target) {
  const Core &core = target.core;
  const Engine *engine = target.machine.findEngine(EngineKind::matmul);
  if (engine && int64_t(kernel.getUnits()) > engine->units)
    return target.refuse(kernel, "kernel_units_c1",
                         "expects at most " + Twine(engine->units) +
                             " units, got " + Twine(kernel.getUnits()));
  if (int64_t(kernel.getCluster()) > core.largestCluster)
    return target.refuse(kernel, "kernel_cluster_c1",
                         "expects a cluster of at most " +
                             Twine(core.largestCluster) + " blocks, got " +
                             Twine(kernel.getCluster()));
  int64_t shared = 0, columns = 0;
  LogicalResult result = success();
  kernel.getBody().walk([&](Operation *op) {
    if (auto alloc = dyn_cast<SmemAllocOp>(op))
      shared += smemFootprint(alloc.getTile().getType());
    if (auto init = dyn_cast<MbarrierInitOp>(op))
      shared += smemFootprint(init.getTile().getType());
    if (auto alloc = dyn_cast<CountersAllocOp>(op))
      shared += smemFootprint(alloc.getTile().getType());
    if (auto alloc = dyn_cast<TmemAllocOp>(op))
      columns += alloc.getColumns();
    if (auto mma = dyn_cast<WgmmaOp>(op))
      result = verifyMma(op, MatrixUnit::warpgroup,
                         mma.getTokens().getType().getFormat(), target);
    if (auto mma = dyn_cast<Tcgen05MmaOp>(op))
      result = verifyMma(op, MatrixUnit::tensorMemory,
                         mma.getTokens().getType().getFormat(), target);
    if (auto attend = dyn_cast<AttendOp>(op))
      result = verifyMma(op,
                         isa<TmemType>(attend.getSums().getType())
                             ? MatrixUnit::tensorMemory
                             : MatrixUnit::warpgroup,
                         attend.getLatent().getType().getFormat(), target);
    if (succeeded(result))
      result = verifyPeers(op, target);
    return failed(result) ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (failed(result))
    return failure();
  if (double(shared) > core.sharedMemoryBytes.nominal())
    return target.refuse(kernel, "kernel_smem_c1",
                         "expects at most " +
                             Twine(int64_t(core.sharedMemoryBytes.nominal())) +
                             " bytes of shared memory, got " + Twine(shared));
  // A column is 32 bits on each of 128 lanes.
  int64_t tensorMemory = columns * 128 * 4;
  double limit =
      core.accumulatorMemoryBytes ? core.accumulatorMemoryBytes->nominal() : 0;
  if (double(tensorMemory) > limit)
    return target.refuse(kernel, "kernel_tmem_c1",
                         "expects at most " + Twine(int64_t(limit)) +
                             " bytes of tensor memory, got " +
                             Twine(tensorMemory));
  return success();
}

} // namespace

LogicalResult switched::verifyKernels(Operation *step,
                                      const KernelMachine &target) {
  bool fits = true;
  for (KernelOp kernel : step->getRegion(0).getOps<KernelOp>())
    fits &= succeeded(verifyKernel(kernel, target));
  return success(fits);
}

LogicalResult switched::verifyKernels(ModuleOp module, StringRef target) {
  SmallVector<KernelOp> kernels;
  module.walk([&](KernelOp kernel) { kernels.push_back(kernel); });
  if (kernels.empty())
    return success();
  FailureOr<std::string> name = targetOf(module, target);
  if (failed(name))
    return failure();
  llvm::Expected<Machine> machine = loadMachine(*name);
  if (!machine)
    return module.emitError(llvm::toString(machine.takeError()));
  llvm::Expected<Core> core = loadCore(*name);
  if (!core)
    return refuse(kernels.front(), /*keepRefused=*/false, "kernel_core_c1",
                  "expects a machine with a kernel stratum: " +
                      llvm::toString(core.takeError()));
  bool fits = true;
  for (KernelOp kernel : kernels)
    fits &= succeeded(verifyKernel(kernel, {*machine, *core}));
  return success(fits);
}
