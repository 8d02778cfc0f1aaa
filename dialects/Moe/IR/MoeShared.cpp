//===- MoeShared.cpp - attention with what another layer has --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Verifiers and work of moe.shared_attention and moe.chosen_latent_attention.
//
//===----------------------------------------------------------------------===//

#include "dialects/Moe/IR/Checks.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::moe;

namespace {

/// What both ops say of their queries and of their cache `kept`.
FailureOr<LocalOp> startFrom(Operation *op, OpKind kind, Value query,
                             Value kept, std::optional<FormatAttr> format) {
  for (Value value : {query, kept})
    if (!tensorOf(value).hasStaticShape())
      return op->emitOpError("expects static dimensions to state its work, "
                             "got ")
             << value.getType() << " (run moe-bind-workload)";
  std::optional<Format> activation = formatOf(tensorOf(query).getElementType());
  std::optional<Format> storage = formatOf(tensorOf(kept).getElementType());
  if (!activation || !storage)
    return op->emitOpError("expects number formats of the catalogue, got ")
           << query.getType() << " and " << kept.getType();
  LocalOp local;
  local.kind = kind;
  local.sequences = tensorOf(query).getDimSize(0);
  local.newTokens = tensorOf(query).getDimSize(1);
  local.rows = local.meanRows =
      double(local.sequences) * double(local.newTokens);
  local.causalPrefill = local.newTokens > 1;
  local.activation = local.compute = *activation;
  local.cache = *storage;
  if (format) {
    FormatPair pair = formatPairOf(*format);
    local.cache = pair.storage;
    local.compute = pair.compute;
  }
  return local;
}

} // namespace

//===----------------------------------------------------------------------===//
// Another layer's cache
//===----------------------------------------------------------------------===//

LogicalResult SharedAttentionOp::verify() {
  int64_t heads = getHeads(), kvHeads = getKvHeads();
  // shared_attention_c1
  if (heads <= 0 || kvHeads <= 0 || heads % kvHeads != 0)
    return emitOpError("expects kv_heads that divide heads, got ")
           << heads << " heads and " << kvHeads << " kv_heads";
  if (failed(checkRank(*this, "query", getQuery(), 3)) ||
      failed(checkRank(*this, "result", getResult(), 3)))
    return failure();
  if (lastDim(getQuery()) % heads != 0)
    return emitOpError("expects a query width that heads divide, got ")
           << lastDim(getQuery()) << " and " << heads;
  // shared_attention_c2
  int64_t keyWidth = lastDim(getQuery()) / heads;
  for (auto [name, value] : {std::pair<StringRef, Value>{"keys", getKeys()},
                             {"values", getValues()}})
    if (failed(checkRank(*this, name, value, 4)) ||
        failed(checkDim(*this, name, value, 0,
                        tensorOf(getQuery()).getDimSize(0))) ||
        failed(checkDim(*this, name, value, 1, kvHeads)))
      return failure();
  int64_t tokens = tensorOf(getKeys()).getDimSize(2);
  if (failed(checkDim(*this, "keys", getKeys(), 3, keyWidth)) ||
      failed(checkDim(*this, "values", getValues(), 2, tokens)))
    return failure();
  // shared_attention_c3
  int64_t fresh = tensorOf(getQuery()).getDimSize(1);
  if (!getPastOnly() && !ShapedType::isDynamic(tokens) &&
      !ShapedType::isDynamic(fresh) && tokens < fresh)
    return emitOpError("expects caches that hold the new tokens, got ")
           << tokens << " for " << fresh << " of them";
  // shared_attention_c4
  if (getLogSumExp() && failed(checkLike(*this, "log_sum_exp", getLogSumExp(),
                                         getQuery(), heads)))
    return failure();
  return checkLike(*this, "result", getResult(), getQuery(),
                   heads * lastDim(getValues()));
}

FailureOr<LocalOp> SharedAttentionOp::describe() {
  FailureOr<LocalOp> local = startFrom(*this, OpKind::attention, getQuery(),
                                       getKeys(), getCacheFormat());
  if (failed(local))
    return failure();
  RankedTensorType keys = tensorOf(getKeys());
  local->borrows = true;
  local->heads = getHeads();
  local->kvHeads = getKvHeads();
  local->inner = keys.getDimSize(3);
  local->outer = lastDim(getValues());
  local->context = keys.getDimSize(2) - (getPastOnly() ? 0 : local->newTokens);
  return local;
}

//===----------------------------------------------------------------------===//
// Another layer's choice
//===----------------------------------------------------------------------===//

LogicalResult ChosenLatentAttentionOp::verify() {
  int64_t heads = getHeads();
  // chosen_latent_attention_c1
  if (heads <= 0)
    return emitOpError("expects heads > 0, got ") << heads;
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"latent", getLatent()},
                             {"rotary_key", getRotaryKey()},
                             {"chosen", getChosen()},
                             {"past_latent", getPastLatent()},
                             {"past_rotary_key", getPastRotaryKey()},
                             {"present_latent", getPresentLatent()},
                             {"present_rotary_key", getPresentRotaryKey()},
                             {"key_up", getKeyUp()},
                             {"value_up", getValueUp()},
                             {"result", getResult()}})
    if (failed(checkRank(*this, name, value, 3)))
      return failure();
  // chosen_latent_attention_c2
  int64_t keys = lastDim(getChosen());
  if (!tensorOf(getChosen()).getElementType().isInteger(32) ||
      ShapedType::isDynamic(keys) || keys < 1)
    return emitOpError("expects positions (i32) of at least one key, got ")
           << getChosen().getType();
  if (failed(checkLike(*this, "chosen", getChosen(), getQuery(), keys)))
    return failure();
  // chosen_latent_attention_c3
  int64_t rank = lastDim(getLatent()), rotary = lastDim(getRotaryKey());
  if (failed(checkDim(*this, "key_up", getKeyUp(), 0, heads)) ||
      failed(checkDim(*this, "key_up", getKeyUp(), 1, rank)) ||
      failed(checkDim(*this, "value_up", getValueUp(), 0, heads)) ||
      failed(checkDim(*this, "value_up", getValueUp(), 1, rank)) ||
      failed(checkDim(*this, "query", getQuery(), 2,
                      heads * (lastDim(getKeyUp()) + rotary))) ||
      failed(checkDim(*this, "past_latent", getPastLatent(), 2, rank)) ||
      failed(
          checkDim(*this, "past_rotary_key", getPastRotaryKey(), 2, rotary)) ||
      failed(checkGrown(*this, "present_latent", getPresentLatent(),
                        getPastLatent(), getQuery(), 1)) ||
      failed(checkGrown(*this, "present_rotary_key", getPresentRotaryKey(),
                        getPastRotaryKey(), getQuery(), 1)))
    return failure();
  return checkLike(*this, "result", getResult(), getQuery(),
                   heads * lastDim(getValueUp()));
}

FailureOr<LocalOp> ChosenLatentAttentionOp::describe() {
  FailureOr<LocalOp> local =
      startFrom(*this, OpKind::latentAttention, getQuery(), getPastLatent(),
                getCacheFormat());
  if (failed(local))
    return failure();
  std::optional<Format> weight =
      formatOf(tensorOf(getKeyUp()).getElementType());
  if (!weight)
    return emitOpError("expects a number format of the catalogue, got ")
           << getKeyUp().getType();
  local->weight = *weight;
  if (std::optional<FormatAttr> format = getWeightFormat()) {
    FormatPair pair = formatPairOf(*format);
    local->weight = pair.storage;
    // The cache's format, where there is one, is what scores are computed in.
    if (!getCacheFormat())
      local->compute = pair.compute;
  }
  local->heads = getHeads();
  local->kvHeads = 1;
  local->inner = lastDim(getLatent());
  local->outer = lastDim(getValueUp());
  local->keyWidth = lastDim(getKeyUp());
  local->ropeWidth = lastDim(getRotaryKey());
  local->topKeys = lastDim(getChosen());
  local->context = tensorOf(getPastLatent()).getDimSize(1);
  local->absorbed = true;
  return local;
}
