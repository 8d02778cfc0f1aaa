//===- LatentAttention.cpp - kernels of decode attention ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/LatentAttention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

namespace {

/// What both kinds of kernel are written with.
class Writer {
public:
  Writer(OpBuilder &b, Location loc, const LatentRecipe &recipe)
      : b(b), loc(loc), r(recipe) {}

protected:
  SmemType smem(int64_t stages, int64_t rows, int64_t columns, Format format) {
    return SmemType::get(b.getContext(), {stages, rows, columns},
                         spell(format));
  }
  Value shared(int64_t stages, int64_t rows, int64_t columns, Format format) {
    return SmemAllocOp::create(b, loc, smem(stages, rows, columns, format));
  }
  Value registers(int64_t rows, int64_t columns, StringRef format) {
    return RegisterAllocOp::create(
        b, loc, RegistersType::get(b.getContext(), {rows, columns}, format));
  }
  /// A tile where the matrix unit keeps its sums.
  Value sumsTile(int64_t rows, int64_t columns, StringRef format) {
    if (!r.tensorMemory)
      return registers(rows, columns, format);
    TmemType type = TmemType::get(b.getContext(), {rows, columns}, format);
    return TmemAllocOp::create(b, loc, type,
                               tmemAllocation(type.getWordColumns()));
  }
  Value barriers(int64_t stages) {
    return MbarrierInitOp::create(b, loc,
                                  MbarrierType::get(b.getContext(), stages), 1);
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  /// a * factor + c.
  Value linear(Value a, int64_t factor, Value c) {
    return arith::AddIOp::create(
        b, loc, arith::MulIOp::create(b, loc, a, index(factor)), c);
  }
  void load(Value source, ValueRange offsets, Value tile, Value stage,
            Value barrier, bool transposed = false) {
    TmaLoadOp::create(b, loc, source, offsets, tile, stage, barrier,
                      /*multicast=*/1, transposed, /*spread=*/false);
  }
  void multiply(Value weights, Value tokens, Value sums, Value stage) {
    if (r.tensorMemory)
      Tcgen05MmaOp::create(b, loc, weights, tokens, sums, stage, Value(),
                           Value(), /*cta_pair=*/false);
    else
      WgmmaOp::create(b, loc, weights, tokens, sums, stage);
  }
  /// [R,heads,W] as [heads,R,W].
  Value perHead(Value memory) {
    return memref::TransposeOp::create(
        b, loc, memory,
        AffineMapAttr::get(AffineMap::getPermutationMap(
            ArrayRef<unsigned>{1, 0, 2}, b.getContext())));
  }
  /// [R,heads,W] as [R*heads,W].
  Value perQuery(Value memory) {
    SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
    return memref::CollapseShapeOp::create(b, loc, memory, groups);
  }
  Block *indices(Region &region, unsigned count) {
    return b.createBlock(&region, {},
                         SmallVector<Type>(count, b.getIndexType()),
                         SmallVector<Location>(count, loc));
  }
  /// Stages that fit beside `fixed` bytes, at most `steps`; nothing if that is
  /// less than two of several.
  std::optional<int64_t> stagesOf(int64_t footprint, int64_t fixed,
                                  int64_t steps) {
    footprint += 2 * smemFootprint(MbarrierType::get(b.getContext(), 1));
    int64_t held = (r.sharedMemoryBytes - fixed) / footprint;
    if (held < std::min<int64_t>(2, steps))
      return std::nullopt;
    return std::min(held, steps);
  }
  void end() { YieldOp::create(b, loc, ValueRange()); }

  OpBuilder &b;
  Location loc;
  const LatentRecipe &r;
};

//===----------------------------------------------------------------------===//
// A product per head
//===----------------------------------------------------------------------===//

class HeadProductWriter : Writer {
public:
  HeadProductWriter(OpBuilder &b, Location loc, const LatentRecipe &recipe,
                    const HeadProduct &product)
      : Writer(b, loc, recipe), product(product) {}

  std::optional<Value> write() {
    SmemType token = smem(1, r.tokenTile, r.block, product.input);
    SmemType weight = smem(1, r.columnTile, r.block, r.weights);
    int64_t fixed =
        smemFootprint(smem(1, r.tokenTile, r.columnTile, product.output));
    if (product.input != r.compute)
      fixed += smemFootprint(smem(1, r.tokenTile, r.block, r.compute));
    int64_t steps = llvm::divideCeil(product.contraction, r.block);
    std::optional<int64_t> stages =
        stagesOf(smemFootprint(token) + smemFootprint(weight), fixed, steps);
    if (!stages)
      return std::nullopt;
    stageBytes = token.getStageBytes() + weight.getStageBytes();
    KernelOp kernel =
        createKernel(b, loc, product.result, {product.rows, product.weights},
                     r.units, /*cluster=*/1);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&kernel.getBody().front());
    writeProgram(kernel, *stages);
    return kernel.getResult(0);
  }

private:
  void writeProgram(KernelOp kernel, int64_t stages) {
    auto arguments = kernel.getBody().getArguments();
    Value rows = perHead(arguments[0]), target = perHead(arguments[2]);
    Value full = barriers(stages), free = barriers(stages);
    Value tokens = shared(stages, r.tokenTile, r.block, product.input);
    Value wide = product.input == r.compute
                     ? Value()
                     : shared(1, r.tokenTile, r.block, r.compute);
    Value weights = shared(stages, r.columnTile, r.block, r.weights);
    Value converted = r.weights == r.compute
                          ? Value()
                          : sumsTile(r.columnTile, r.block, spell(r.compute));
    Value sums = sumsTile(r.columnTile, r.tokenTile, "f32");
    Value output = shared(1, r.tokenTile, r.columnTile, product.output);

    auto loop = ForHeadsOp::create(b, loc, r.heads, r.rows, r.tokenTile,
                                   r.columnTile, product.columns);
    Block *tile = indices(loop.getBody(), 4);
    Value head = tile->getArgument(0), row = tile->getArgument(1),
          column = tile->getArgument(3);
    auto pipeline = PipelineOp::create(b, loc, full, free, product.contraction,
                                       r.block, stages);
    Block *produce = indices(pipeline.getProduce(), 2);
    Value step = produce->getArgument(0), stage = produce->getArgument(1);
    MbarrierWaitOp::create(b, loc, free, stage);
    MbarrierExpectOp::create(b, loc, full, stage, stageBytes);
    load(rows, {head, row, step}, tokens, stage, full);
    if (product.transposed)
      load(arguments[1], {head, step, column}, weights, stage, full, true);
    else
      load(arguments[1], {head, column, step}, weights, stage, full);
    end();
    Block *consume = indices(pipeline.getConsume(), 2);
    stage = consume->getArgument(1);
    MbarrierWaitOp::create(b, loc, full, stage);
    if (wide)
      ConvertOp::create(b, loc, tokens, stage, wide);
    if (converted)
      ConvertOp::create(b, loc, weights, stage, converted);
    multiply(converted ? converted : weights, wide ? wide : tokens, sums,
             stage);
    MbarrierArriveOp::create(b, loc, free, stage);
    end();
    b.setInsertionPointToEnd(tile);
    OperationState state(loc, EpilogueOp::getOperationName());
    state.addOperands({sums, output});
    b.create(state);
    TmaStoreOp::create(b, loc, output, target, ValueRange{head, row, column},
                       tile->getArgument(2));
    end();
    b.setInsertionPointToEnd(&kernel.getBody().front());
    end();
  }

  const HeadProduct &product;
  int64_t stageBytes = 0;
};

//===----------------------------------------------------------------------===//
// Over the cache
//===----------------------------------------------------------------------===//

class CacheWriter : Writer {
public:
  using Writer::Writer;

  std::optional<SmallVector<Value>> write(ValueRange inputs,
                                          TypeRange results) {
    int64_t queries = r.tokenTile, keys = r.columnTile;
    SmemType part = smem(1, keys, r.columnTile, r.compute);
    SmemType rope = smem(1, keys, r.ropeTile, r.compute);
    stageBytes = r.latentTiles() * part.getStageBytes() + rope.getStageBytes();
    // The query, probabilities and the tile that is stored.
    int64_t fixed =
        r.latentTiles() *
            smemFootprint(smem(1, queries, r.columnTile, r.compute)) +
        smemFootprint(smem(1, queries, r.ropeTile, r.compute)) +
        smemFootprint(smem(1, queries, keys, r.compute)) +
        smemFootprint(smem(1, queries, r.columnTile, r.compute)) +
        smemFootprint(MbarrierType::get(b.getContext(), 1));
    if (r.wide != r.compute)
      fixed += smemFootprint(smem(1, queries, r.ropeTile, r.wide));
    int64_t steps = llvm::divideCeil(r.keys(), keys);
    std::optional<int64_t> stages =
        stagesOf(r.latentTiles() * smemFootprint(part) + smemFootprint(rope),
                 fixed, steps);
    if (!stages)
      return std::nullopt;
    KernelOp kernel =
        createKernel(b, loc, results, inputs, r.units, /*cluster=*/1);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&kernel.getBody().front());
    allocate(*stages);
    writeProgram(kernel, *stages);
    return SmallVector<Value>(kernel.getResults());
  }

private:
  void allocate(int64_t stages) {
    full = barriers(stages);
    free = barriers(stages);
    loaded = barriers(1);
    for (int64_t i = 0; i < r.latentTiles(); ++i) {
      starts.push_back(index(i * r.columnTile));
      query.push_back(shared(1, r.tokenTile, r.columnTile, r.compute));
      cache.push_back(shared(stages, r.columnTile, r.columnTile, r.compute));
      outputs.push_back(sumsTile(r.columnTile, r.tokenTile, "f32"));
    }
    ropeQuery = shared(1, r.tokenTile, r.ropeTile, r.compute);
    wideRope = r.wide == r.compute ? Value()
                                   : shared(1, r.tokenTile, r.ropeTile, r.wide);
    ropeCache = shared(stages, r.columnTile, r.ropeTile, r.compute);
    scores = sumsTile(r.columnTile, r.tokenTile, "f32");
    state = registers(2, r.tokenTile, "f32");
    powers = shared(1, r.tokenTile, r.columnTile, r.compute);
    result = shared(1, r.tokenTile, r.columnTile, r.compute);
  }

  /// The queries of a tile, from row `row` of all queries on.
  void writeQuery(Value moved, Value whole, Value row) {
    Value none = index(0);
    Value rope = wideRope ? wideRope : ropeQuery;
    int64_t bytes = cast<SmemType>(rope.getType()).getStageBytes();
    for (Value tile : query)
      bytes += cast<SmemType>(tile.getType()).getStageBytes();
    MbarrierExpectOp::create(b, loc, loaded, none, bytes);
    for (auto [start, tile] : llvm::zip_equal(starts, query))
      load(moved, {row, start}, tile, none, loaded);
    load(whole, {row, index(r.key)}, rope, none, loaded);
    MbarrierWaitOp::create(b, loc, loaded, none);
    if (wideRope)
      ConvertOp::create(b, loc, wideRope, none, ropeQuery);
  }

  void writeCache(Value latents, Value rotaryKeys, Value sequence,
                  Value firstQuery, int64_t stages) {
    Value none = index(0);
    auto loop = ForCacheTilesOp::create(b, loc, full, free, r.keys(),
                                        r.columnTile, stages);
    Block *produce = indices(loop.getProduce(), 2);
    Value key = produce->getArgument(0), stage = produce->getArgument(1);
    MbarrierWaitOp::create(b, loc, free, stage);
    MbarrierExpectOp::create(b, loc, full, stage, stageBytes);
    for (auto [start, tile] : llvm::zip_equal(starts, cache))
      load(latents, {sequence, key, start}, tile, stage, full);
    load(rotaryKeys, {sequence, key, none}, ropeCache, stage, full);
    end();
    Block *consume = indices(loop.getConsume(), 2);
    key = consume->getArgument(0);
    stage = consume->getArgument(1);
    MbarrierWaitOp::create(b, loc, full, stage);
    for (auto [part, tile] : llvm::zip_equal(query, cache))
      multiply(tile, part, scores, stage);
    multiply(ropeCache, ropeQuery, scores, stage);
    SoftmaxStepOp::create(b, loc, scores, key, firstQuery, state, outputs,
                          powers, llvm::APFloat(r.scale), r.heads, r.past,
                          r.pastOnly);
    for (auto [tile, output] : llvm::zip_equal(cache, outputs))
      AttendOp::create(b, loc, tile, powers, output, stage);
    MbarrierArriveOp::create(b, loc, free, stage);
    end();
    b.setInsertionPointAfter(loop);
  }

  void writeProgram(KernelOp kernel, int64_t stages) {
    auto arguments = kernel.getBody().getArguments();
    Value moved = perQuery(arguments[0]), whole = perQuery(arguments[1]);
    Value attended = perQuery(arguments[4]);
    auto loop =
        ForSequencesOp::create(b, loc, r.sequences, r.queries(), r.tokenTile);
    Block *body = indices(loop.getBody(), 3);
    Value sequence = body->getArgument(0), first = body->getArgument(1),
          left = body->getArgument(2);
    Value row = linear(sequence, r.queries(), first);
    writeQuery(moved, whole, row);
    writeCache(arguments[2], arguments[3], sequence, first, stages);
    for (auto [start, output] : llvm::zip_equal(starts, outputs)) {
      NormalizeOp::create(b, loc, output, state, result);
      TmaStoreOp::create(b, loc, result, attended, ValueRange{row, start},
                         left);
    }
    if (arguments.size() == 6)
      StoreLogSumExpOp::create(b, loc, state, arguments[5], row, left);
    end();
    b.setInsertionPointToEnd(&kernel.getBody().front());
    end();
  }

  int64_t stageBytes = 0;
  Value full, free, loaded;
  SmallVector<Value> starts, query, cache, outputs; ///< per tile of latents
  Value ropeQuery, wideRope, ropeCache, scores, state, powers, result;
};

} // namespace

std::optional<Value> switched::writeHeadProduct(OpBuilder &b, Location loc,
                                                const LatentRecipe &recipe,
                                                const HeadProduct &product) {
  return HeadProductWriter(b, loc, recipe, product).write();
}

std::optional<SmallVector<Value>>
switched::writeCacheKernel(OpBuilder &b, Location loc,
                           const LatentRecipe &recipe, ValueRange inputs,
                           TypeRange results) {
  return CacheWriter(b, loc, recipe).write(inputs, results);
}
