//===- ModelShape.h - a model as shapes ------------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What tuning needs of a model: its distinct layers, each as a list of ops per
// token, and how often each is called. Extracted once from a moe module, bound
// or not; a tuner never touches IR after that.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_ANALYSIS_MODELSHAPE_H
#define PORTOLAN_ANALYSIS_MODELSHAPE_H

#include "mlir/IR/BuiltinOps.h"
#include "portolan/Analysis/LocalOp.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace portolan {

/// How the tensor-parallel ranks of an attention block share an op.
enum class Sharding : uint8_t {
  replicated, ///< every rank computes all of it on the block's rows
  columns,    ///< output columns (heads) are split; input is replicated
  contracted, ///< the contraction is split; results are partial sums
};

/// One op of a layer for one token: `local.rows` is 1 (topK for a dispatch,
/// experts or combine), batch and context are 0 and set by partition();
/// `local.input` is an index into the layer's ops.
struct ModelOp {
  LocalOp local;
  Sharding sharding = Sharding::replicated;
  /// Indivisible units that tensor-parallel ranks share: heads, kv heads, or
  /// columns. A rank computes ceil(units / tp) of them.
  int64_t units = 0;
  /// Works on runs of several heads: `units` of them, that stay whole.
  bool spansHeads = false;
  /// Part of the expert block: runs on the sliced rows between routing and the
  /// sum of routed and shared results.
  bool expertRegion = false;
  /// The split columns of the result are gathered again (logits).
  bool gatherColumns = false;
  int64_t window = 0; ///< attention: 0 means the whole context
  int64_t chunk = 0;  ///< attention: 0 means one chunk
  /// attention: what a token sees or weighs depends on more than the keys of a
  /// rank, so that the context cannot be spread over ranks.
  bool wholeContext = false;
  int64_t groups = 1;        ///< route: expert groups
  int64_t topGroups = 1;     ///< route: groups a token may use
  bool lastPosition = false; ///< linear: only the last new token
  std::string name;          ///< location of the op, for reports
};

/// A distinct layer (or the prologue / epilogue around the layers).
struct LayerShape {
  std::string name;
  std::vector<ModelOp> ops;
  /// Elements per token of what the layer before passes on, where several
  /// streams may do; 0: the model's width.
  int64_t inputWidth = 0;
  /// Chosen keys per token that it is handed beside that; 0: none.
  int64_t inputKeys = 0;
  /// Layers of the model that it stands for: several where later ones read the
  /// cache of the first.
  int64_t depth = 1;
  /// Bytes of cache per token and sequence at the op's cache format are derived
  /// from the attention op.
  bool hasExperts() const;
  const ModelOp *find(OpKind kind) const;
};

struct ModelShape {
  std::string name;
  std::vector<LayerShape> layers; ///< distinct ones
  std::vector<unsigned> sequence; ///< layer class of each layer, in order
  LayerShape prologue;            ///< embedding
  LayerShape epilogue;            ///< final norm and head
  int64_t hidden = 0;
  int64_t experts = 0; ///< routed experts per MoE layer; 0 if dense
  int64_t topK = 0;
  int64_t groups = 1;
  int64_t topGroups = 1;
  int64_t heads = 0;
  int64_t kvHeads = 0; ///< 1 for latent attention (one shared latent)
  bool latentAttention = false;
  bool pooledAttention = false; ///< keys that are their own values
  double parametersTotal = 0;
  double parametersActive = 0;
  /// Formats that the model ships with.
  Format shippedWeight = Format::bf16;
  Format shippedActivation = Format::bf16;
  Format shippedCache = Format::bf16;

  int64_t callsOf(unsigned layer) const;
  /// Layers of the model; `sequence` has fewer where one stands for several.
  int64_t depth() const;
};

/// How an op of a layer function is shared, by its place in the dataflow: what
/// feeds the heads of an attention or a recurrence is split by columns, what
/// they feed is split by contraction, what follows a route up to the residual
/// sum is the expert block. Used by extractModelShape() and moe-to-spmd, so
/// that both split alike.
struct OpRole {
  Sharding sharding = Sharding::replicated;
  int64_t units = 0;
  bool expertRegion = false;
  bool gatherColumns = false;
  bool spansHeads = false;
};

/// Roles of all ops of a function (a layer, or @main for prologue and
/// epilogue).
llvm::DenseMap<mlir::Operation *, OpRole> rolesOf(mlir::Operation *function);

/// Reads the shape of a moe module: `@main` calls one private function per
/// distinct layer. Errors name the function and the op.
llvm::Expected<ModelShape> extractModelShape(mlir::ModuleOp module);

} // namespace portolan

#endif // PORTOLAN_ANALYSIS_MODELSHAPE_H
