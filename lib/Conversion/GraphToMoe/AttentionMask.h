//===- AttentionMask.h - what an additive mask hides -----------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A graph computes its mask from the attention mask and from ranges of
// positions, in many forms. Each element is followed back to conditions on the
// indices of query and key, so that forms need no patterns of their own.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ATTENTIONMASK_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ATTENTIONMASK_H

#include "lib/Conversion/GraphToMoe/GraphFacts.h"
#include "llvm/Support/Error.h"

namespace portolan::graph_to_moe {

/// A causal mask over [batch, heads, queries, keys]; the queries are the last
/// of the keys.
struct MaskForm {
  mlir::Value keys;   ///< an input [batch, keys], not 0 where a key is; or null
  int64_t window = 0; ///< a query sees the last `window` keys; 0: all
};

/// Reads the mask that is added to attention scores; fails with the reason if
/// it is something else.
llvm::Expected<MaskForm> matchMask(mlir::Value mask, const GraphFacts &facts);

/// The same for the mask of an attention that may be causal without it; its
/// elements are numbers, or true where a key is seen.
llvm::Expected<MaskForm> matchSelfMask(mlir::Value mask, bool isCausal,
                                       const GraphFacts &facts);

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_ATTENTIONMASK_H
