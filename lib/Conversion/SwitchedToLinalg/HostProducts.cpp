//===- HostProducts.cpp - products and epilogues on the host --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/MoeToLinalg/Patterns.h"
#include "lib/Conversion/SwitchedToLinalg/Host.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;
using namespace portolan::switched_to_linalg;

void Host::addProduct(Value weights, Value tokens, Value sums,
                      Value weightScales, Value tokenScales) {
  MLIRContext *context = builder.getContext();
  AffineExpr c, t, k;
  bindDims(context, c, t, k);
  auto map = [&](AffineExpr a, AffineExpr b) {
    return AffineMap::get(3, 0, {a, b}, context);
  };
  auto parallel = utils::IteratorType::parallel;
  int64_t extent = cast<MemRefType>(tokens.getType()).getDimSize(1);
  linalg::GenericOp::create(
      builder, loc, ValueRange{weights, tokens}, ValueRange{sums},
      ArrayRef<AffineMap>{map(c, k), map(t, k), map(c, t)},
      ArrayRef<utils::IteratorType>{parallel, parallel,
                                    utils::IteratorType::reduction},
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        Emit e(inner, loc);
        Value weight = args[0], token = args[1];
        if (weightScales) {
          int64_t groups =
              cast<MemRefType>(weightScales.getType()).getDimSize(1);
          auto scaled = [&](Value value, Value scales, unsigned row) -> Value {
            Value group = e.div(linalg::IndexOp::create(inner, loc, 2),
                                e.index(extent / groups));
            Value index = linalg::IndexOp::create(inner, loc, row);
            Value scale = memref::LoadOp::create(inner, loc, scales,
                                                 ValueRange{index, group});
            return e.mul(value, scale);
          };
          weight = scaled(weight, weightScales, 0);
          token = scaled(token, tokenScales, 1);
        }
        linalg::YieldOp::create(inner, loc,
                                e.add(args[2], e.mul(weight, token)));
      });
}

void Host::product(WgmmaOp op) {
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Value stage = scalar(block, op.getStage());
    addProduct(stageOf(tile(block, op.getWeights()).data, stage),
               stageOf(tile(block, op.getTokens()).data, stage),
               stageOf(tile(block, op.getSums()).data, stage), Value(),
               Value());
  }
}

void Host::product(Tcgen05MmaOp op) {
  bool scaled = bool(op.getWeightScales());
  for (unsigned block = 0; block < blocks.size(); ++block) {
    // Neighbours issue one product: each one's rows meet the tokens of both.
    unsigned first = op.getCtaPair() ? block & ~1u : block;
    unsigned parts = op.getCtaPair() ? 2 : 1;
    int64_t rows = tile(block, op.getTokens()).rows();
    Value stage = scalar(block, op.getStage());
    Value weights = stageOf(tile(block, op.getWeights()).data, stage);
    Value sums = stageOf(tile(block, op.getSums()).data, stage);
    auto scalesOf = [&](Value scales) {
      return scaled ? stageOf(tile(block, scales).data, stage) : Value();
    };
    Value weightScales = scalesOf(op.getWeightScales());
    Value tokenScales = scalesOf(op.getTokenScales());
    for (unsigned part = 0; part < parts; ++part) {
      Value tokens = stageOf(tile(first + part, op.getTokens()).data, stage);
      // The columns of the sums that are this part's tokens.
      int64_t columns = cast<MemRefType>(sums.getType()).getDimSize(0);
      Value target = sums;
      if (parts > 1) {
        SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(0),
                                             builder.getIndexAttr(part * rows)};
        SmallVector<OpFoldResult> sizes = {builder.getIndexAttr(columns),
                                           builder.getIndexAttr(rows)};
        SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
        target = memref::SubViewOp::create(builder, loc, sums, offsets, sizes,
                                           strides);
      }
      addProduct(weights, tokens, target, weightScales,
                 scaled && parts > 1 ? rowsOf(tokenScales, part * rows, rows)
                                     : tokenScales);
    }
  }
}

void Host::copyScales(Tcgen05CopyScalesOp op) {
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Tile &target = tile(block, op.getScales());
    int64_t rows = tile(block, op.getTile()).rows();
    int64_t parts = target.rows() / rows;
    // Where a tile is spread, each block needs the scales of all of it.
    for (int64_t part = 0; part < parts; ++part) {
      unsigned from = parts == 1 ? block : unsigned(part) % blocks.size();
      Value stage = scalar(block, op.getStage());
      Value source = stageOf(tile(from, op.getTile()).scales, stage);
      Value view = rowsOf(stageOf(target.data, stage), part * rows, rows);
      linalg::CopyOp::create(builder, loc, source, view);
    }
  }
}

void Host::convert(ConvertOp op) {
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Tile &source = tile(block, op.getTile());
    Tile &target = tile(block, op.getResult());
    Emit e = emit();
    Value stage = scalar(block, op.getStage());
    Value view = stageOf(target.data, stage);
    Value zero = e.index(0);
    nest({zero, zero}, {e.index(target.rows()), e.index(target.columns())},
         [&](Emit &, ValueRange at) {
           memref::StoreOp::create(
               builder, loc, element(source, stage, at[0], at[1]), view, at);
         });
    settle(target, stage,
           bitsPerElement(target.format) <= bitsPerElement(source.format));
  }
}

void Host::epilogue(EpilogueOp op) {
  for (unsigned block = 0; block < blocks.size(); ++block) {
    Tile &target = tile(block, op.getResult());
    Emit e = emit();
    Value zero = e.index(0);
    Value sums = stageOf(tile(block, op.getSums()).data, zero);
    Value gate =
        op.getGate() ? stageOf(tile(block, op.getGate()).data, zero) : Value();
    Value view = stageOf(target.data, zero);
    nest({zero, zero}, {e.index(target.rows()), e.index(target.columns())},
         [&](Emit &e, ValueRange at) {
           SmallVector<Value, 2> place = {at[1], at[0]}, parts;
           for (Value source : {gate, sums})
             if (source)
               parts.push_back(
                   memref::LoadOp::create(builder, loc, source, place));
           Value value = parts.front();
           if (op.getActivation())
             value = emitFeedForward(
                 e, parts,
                 FeedForwardForm(*op.getActivation(),
                                 op.getLimit().convertToDouble(),
                                 op.getAlpha().convertToDouble(),
                                 op.getLinearOffset().convertToDouble(),
                                 op.getGateCap().convertToDouble(),
                                 op.getLinearCap().convertToDouble()));
           memref::StoreOp::create(builder, loc, value, view, at);
         });
    settle(target, zero, /*narrowed=*/true);
  }
}
