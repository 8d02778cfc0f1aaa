//===- IndexedAttention.cpp - the keys that an index chooses --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A key is chosen if fewer than `top_keys` of the keys that the token may see
// come before it: with a larger score, or the same one and an earlier position.
// That is quadratic in the keys, but needs no sorting, and a model that is run
// here is small.
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include <limits>

using namespace mlir;
using namespace portolan;

Value portolan::emitKeyOrder(Emit &e, Value query, Value keys, Value weights,
                             int64_t heads, int64_t past, int64_t ratio) {
  Type f32 = e.builder.getF32Type();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  int64_t width = typeOf(keys).getDimSize(2);
  Value products =
      e.contract("bshd,btd->bsht", {e.split(query, 2, {heads, width}), keys});
  Value scores = e.reduce("bsht,bsh->bst", {products, weights}, 0,
                          [](Emit &e, ValueRange args) {
                            Value positive = e.max(args[0], e.f32(0));
                            return e.add(args[2], e.mul(positive, args[1]));
                          });
  // A key behind the token is never before another one.
  scores = e.map("bst->bst", scores, f32, [&](Emit &e, ValueRange args) {
    Value seen = e.add(e.index(past + 1), e.at('s'));
    if (ratio > 1)
      seen = e.div(seen, e.index(ratio));
    Value visible = e.less(e.at('t'), seen);
    return e.select(visible, args[0], e.f32(-kInfinity));
  });
  return e.reduce(
      "bst,bsu->bst", {scores, scores}, 0, [](Emit &e, ValueRange args) {
        Value earlier =
            e.both(e.equal(args[0], args[1]), e.less(e.at('u'), e.at('t')));
        Value first = e.either(e.less(args[0], args[1]), earlier);
        return e.add(args[2], e.select(first, e.f32(1), e.f32(0)));
      });
}

Value portolan::emitChosenKeys(Emit &e, Value order, int64_t topKeys) {
  return e.map("bst->bst", order, e.builder.getF32Type(),
               [&](Emit &e, ValueRange args) {
                 return e.select(e.less(args[0], e.f32(double(topKeys))),
                                 e.f32(1), e.f32(0));
               });
}

Value portolan::emitChosenPositions(Emit &e, Value order, int64_t past,
                                    int64_t topKeys) {
  Type i32 = e.builder.getI32Type(), i64 = e.builder.getI64Type();
  SmallVector<OpFoldResult> sizes = e.sizesOf(order);
  sizes[2] = e.builder.getIndexAttr(topKeys);
  Value none = e.filled(sizes, e.constant(i32, -1));
  auto body = [&](Emit &e, ValueRange args) -> SmallVector<Value> {
    Value place = arith::IndexCastOp::create(e.builder, e.loc, i64, e.at('k'));
    Value rank = arith::SIToFPOp::create(e.builder, e.loc,
                                         e.builder.getF32Type(), place);
    Value visible = e.less(e.at('t'), e.add(e.index(past + 1), e.at('s')));
    Value here = e.both(visible, e.equal(args[0], rank));
    return {e.select(here, e.cast(e.at('t'), i32), args[1])};
  };
  return e.generic("bst->bsk", order, none, body).front();
}

Value portolan::emitKeysAt(Emit &e, Value positions, int64_t keys) {
  return e.reduce("bsk->bst", positions, 0,
                  [](Emit &e, ValueRange args) {
                    Value at = e.cast(args[0], e.builder.getIndexType());
                    return e.select(e.equal(at, e.at('t')), e.f32(1), args[1]);
                  },
                  {{'t', e.builder.getIndexAttr(keys)}});
}
