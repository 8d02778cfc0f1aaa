//===- AttentionForm.h - an attention that is to be emitted ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What attention of single nodes and attention as one node have in common: the
// rules read a graph into this form, and it becomes moe.attention or
// moe.latent_attention.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ATTENTIONFORM_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ATTENTIONFORM_H

#include "lib/Conversion/GraphToMoe/Raiser.h"

namespace portolan::graph_to_moe {

/// Keys or values as the scores read them: a cache that grows by `added`.
struct CacheForm {
  mlir::Value added;
  mlir::Value past;    ///< an input, or null
  mlir::Value present; ///< the grown cache, or null
  int64_t heads = 0;
};

/// Keys and values that are projections of one compressed activation, each key
/// with a rotated part that the heads share.
struct LatentForm {
  Projection expand;     ///< [L, heads*(Dn+Dv)]
  mlir::Value rotaryKey; ///< one head of width Dr, arranged as the keys
  int64_t heads = 0, keyWidth = 0, valueWidth = 0;
};

struct AttentionForm {
  mlir::Value query;
  CacheForm keys, values;
  std::optional<LatentForm> latent;
  mlir::Value sinks; ///< a weight with a score per head, or null
  int64_t heads = 0; ///< of the query
  double scale = 1, softCap = 0;
  /// How query, keys, values and result are arranged: [B,heads,S,D] or, as
  /// `Heads`, [B,S,heads*D], the parts of latent keys [B,S,heads,D].
  View::Layout layout = View::Layout::HeadsFirst;
};

/// Columns of each head of `source`, which has 4 dimensions.
struct HeadPart {
  mlir::Value source;
  int64_t start = 0, width = 0;
};
std::optional<HeadPart> matchPart(mlir::Value value, const GraphFacts &facts);

/// Whether `node` joins a cache that is an input with new tokens: [B,kv,P,D]
/// and [B,kv,S,D] along the tokens.
bool growsCache(graph::NodeOp node, Raiser &raiser);
/// The cache of which `value` [B,heads,T,D] repeats each head, or the new
/// tokens alone.
std::optional<CacheForm> matchCache(mlir::Value value, Raiser &raiser);

/// Whether attribute `name` of `node` is dimension `axis` of operand 0.
bool isAxis(graph::NodeOp node, llvm::StringRef name, int64_t axis,
            const GraphFacts &facts);

/// Keys [own part of each head | rotated part of all], which `join` puts
/// together, and `values` that are columns of one projection.
std::optional<LatentForm> matchLatent(graph::NodeOp join, mlir::Value values,
                                      View::Layout layout,
                                      const GraphFacts &facts);

/// Appends the values that `emitAttention` reads raised.
void needs(const AttentionForm &form, Values &values);

/// Emits the op for result 0 of `node`, and states what the grown caches are.
llvm::LogicalResult emitAttention(graph::NodeOp node, AttentionForm form,
                                  const MaskForm &mask, Raiser &raiser);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ATTENTIONFORM_H
