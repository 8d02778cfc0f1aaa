//===- LowerGroupedGemm.cpp - experts as kernel programs ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes a grouped GEMM out as two programs. Blocks of threads stay on their
// units and take tiles of one expert's rows by weight columns. One warp loads
// stages of both operands ahead of the products; the epilogue turns sums into
// rows in the format of the plan. What is chosen here follows from the step and
// from machine.core: instruction, pairs of blocks, and as many stages as shared
// memory holds.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/Kernels.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

namespace {

/// What the programs of a step have in common. Tiles are of one block.
struct Recipe {
  Format weights = Format::bf16;     ///< storage
  Format activations = Format::bf16; ///< storage
  Format compute = Format::bf16;
  bool tensorMemory = false;
  bool pair = false;
  int64_t tokenTile = 0;  ///< rows of a tile, of both blocks of a pair
  int64_t tokenRows = 0;  ///< of them in this block
  int64_t columnTile = 0; ///< weight columns in this block
  int64_t block = 0;      ///< elements of contraction in a stage
  int64_t units = 0;
  double sharedMemoryBytes = 0;

  int64_t scaleBlocks() const {
    int64_t size = scaleBlock(compute);
    return size ? block / size : 0;
  }
};

/// One product of a step and what follows it.
struct Product {
  Value rows, counts;
  SmallVector<Value, 2> weights; ///< up, then gate if there is one
  Type result;
  int64_t contraction = 0;
  int64_t columns = 0;
  DictionaryAttr activation;    ///< attributes of the covered op; null: none
  Format output = Format::bf16; ///< what the result is stored in
};

//===----------------------------------------------------------------------===//
// Choosing
//===----------------------------------------------------------------------===//

FailureOr<Recipe> recipeOf(GroupedGemmOp op, const LocalOp &local,
                           const Step &step, const KernelMachine &target) {
  const Core &core = target.core;
  Recipe recipe;
  recipe.weights = local.weight;
  recipe.activations = local.activation;
  recipe.compute = local.compute;
  recipe.tensorMemory = target.hasTensorMemory();
  const Engine *engine = target.matmulOf(op, step);
  if (!engine)
    return failure();
  if (op.getInputs().size() != (local.gated ? 5u : 4u))
    return target.refuse(op, "lower_c2", "expects experts without biases");
  Format compute = recipe.compute;
  if (failed(target.expectSums(op, compute)))
    return failure();
  bool converts = recipe.weights != compute || recipe.activations != compute;
  if (converts && scaleBlock(compute))
    return target.refuse(
        op, "lower_c4",
        "expects weights and activations stored in " + spell(compute) +
            ", whose block scales a kernel does not "
            "make, got " +
            spell(recipe.weights) + " and " + spell(recipe.activations));

  for (int64_t size : {local.inner, local.outer})
    for (Format format : {recipe.weights, recipe.activations})
      if (failed(target.expectRows(op, size, format)))
        return failure();

  recipe.tokenTile = step.tokenTile;
  recipe.columnTile = engine->columnTile;
  recipe.block = 8 * kSwizzleBytes / packedBits(compute);
  recipe.sharedMemoryBytes = core.sharedMemoryBytes.nominal();
  // Two blocks issue one product where that pads no column more than the step
  // was priced with.
  int64_t width = 2 * recipe.columnTile;
  recipe.pair = recipe.tensorMemory && core.largestCluster >= 2 &&
                local.inner % width == 0 && local.outer % width == 0 &&
                tcgen05HasShape(compute, width, recipe.tokenTile, true);
  recipe.tokenRows = recipe.tokenTile / (recipe.pair ? 2 : 1);
  if (!recipe.pair &&
      !target.hasShape(compute, recipe.columnTile, recipe.tokenTile))
    return target.refuse(op, "lower_c5",
                         "expects a shape of the matrix unit, got " +
                             Twine(recipe.columnTile) + " columns x " +
                             Twine(recipe.tokenTile) + " tokens of " +
                             spell(compute));
  int64_t cluster = recipe.pair ? 2 : 1;
  recipe.units =
      int64_t(step.share * double(engine->units)) / cluster * cluster;
  if (recipe.units < cluster)
    return target.refuse(op, "lower_c6",
                         "expects a share of at least " + Twine(cluster) +
                             " units, got " + Twine(recipe.units));
  return recipe;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Writes the program of one product.
class ProgramWriter {
public:
  ProgramWriter(OpBuilder &builder, Location loc, const Recipe &recipe,
                const Product &product)
      : b(builder), loc(loc), recipe(recipe), product(product) {}

  /// The result of the kernel, or nothing if shared memory does not hold two
  /// stages.
  std::optional<Value> write();

private:
  SmemType smem(int64_t stages, int64_t rows, int64_t columns, Format format) {
    return SmemType::get(b.getContext(), {stages, rows, columns},
                         spell(format));
  }
  bool chooseStages();
  void allocate();
  Value tensorTile(int64_t rows, int64_t columns, StringRef format);
  void writeProduce(Region &region);
  void writeConsume(Region &region);
  void writeEpilogue(Value row, Value left, Value column);
  void end() { YieldOp::create(b, loc, ValueRange()); }

  OpBuilder &b;
  Location loc;
  const Recipe &recipe;
  const Product &product;

  int64_t stages = 0;
  int64_t stageBytes = 0;
  // Global memory.
  Value rows, counts, target;
  SmallVector<Value, 2> weights;
  // Tiles, barriers and sums.
  Value full, free, tokens, output;
  SmallVector<Value, 2> tiles, sums;
  // Tiles in the compute format, where that is another one.
  Value wideTokens;
  SmallVector<Value, 2> wideTiles;
  Value tokenScales;
  SmallVector<Value, 2> scales;
  Value expert, row, column; ///< of the current tile
};

bool ProgramWriter::chooseStages() {
  SmemType token = smem(1, recipe.tokenRows, recipe.block, recipe.activations);
  SmemType weight = smem(1, recipe.columnTile, recipe.block, recipe.weights);
  int64_t count = int64_t(product.weights.size());
  stageBytes = token.getStageBytes() + count * weight.getStageBytes();
  int64_t footprint = smemFootprint(token) + count * smemFootprint(weight) +
                      2 * smemFootprint(MbarrierType::get(b.getContext(), 1));
  int64_t fixed = smemFootprint(
      smem(1, recipe.tokenTile, recipe.columnTile, product.output));
  if (recipe.activations != recipe.compute)
    fixed +=
        smemFootprint(smem(1, recipe.tokenRows, recipe.block, recipe.compute));
  int64_t held = (int64_t(recipe.sharedMemoryBytes) - fixed) / footprint;
  int64_t steps = llvm::divideCeil(product.contraction, recipe.block);
  stages = std::min(held, steps);
  return held >= std::min<int64_t>(2, steps);
}

/// A tile in tensor memory, allocated in whole units.
Value ProgramWriter::tensorTile(int64_t rows, int64_t columns,
                                StringRef format) {
  TmemType type = TmemType::get(b.getContext(), {rows, columns}, format);
  return TmemAllocOp::create(b, loc, type,
                             tmemAllocation(type.getWordColumns()));
}

void ProgramWriter::allocate() {
  auto ring = MbarrierType::get(b.getContext(), stages);
  full = MbarrierInitOp::create(b, loc, ring, 1);
  free = MbarrierInitOp::create(b, loc, ring, 1);
  tokens = SmemAllocOp::create(
      b, loc, smem(stages, recipe.tokenRows, recipe.block, recipe.activations));
  if (recipe.activations != recipe.compute)
    wideTokens = SmemAllocOp::create(
        b, loc, smem(1, recipe.tokenRows, recipe.block, recipe.compute));
  int64_t blocks = recipe.scaleBlocks();
  if (blocks)
    tokenScales = tensorTile(recipe.tokenTile, blocks, kScaleFormat);
  for (size_t i = 0; i < weights.size(); ++i) {
    tiles.push_back(SmemAllocOp::create(
        b, loc, smem(stages, recipe.columnTile, recipe.block, recipe.weights)));
    if (blocks)
      scales.push_back(tensorTile(recipe.columnTile, blocks, kScaleFormat));
    if (recipe.weights != recipe.compute)
      wideTiles.push_back(
          recipe.tensorMemory
              ? tensorTile(recipe.columnTile, recipe.block,
                           spell(recipe.compute))
              : Value(RegisterAllocOp::create(
                    b, loc,
                    RegistersType::get(b.getContext(),
                                       {recipe.columnTile, recipe.block},
                                       spell(recipe.compute)))));
    sums.push_back(
        recipe.tensorMemory
            ? tensorTile(recipe.columnTile, recipe.tokenTile, "f32")
            : Value(RegisterAllocOp::create(
                  b, loc,
                  RegistersType::get(b.getContext(),
                                     {recipe.columnTile, recipe.tokenTile},
                                     "f32"))));
  }
  output = SmemAllocOp::create(
      b, loc, smem(1, recipe.tokenTile, recipe.columnTile, product.output));
}

void ProgramWriter::writeProduce(Region &region) {
  Block *body = b.createBlock(&region, {}, {b.getIndexType(), b.getIndexType()},
                              {loc, loc});
  Value step = body->getArgument(0), stage = body->getArgument(1);
  MbarrierWaitOp::create(b, loc, free, stage);
  MbarrierExpectOp::create(b, loc, full, stage,
                           stageBytes * (recipe.pair ? 2 : 1));
  TmaLoadOp::create(b, loc, rows, ValueRange{row, step}, tokens, stage, full,
                    /*multicast=*/1, /*transposed=*/false,
                    /*spread=*/recipe.pair);
  for (auto [weight, tile] : llvm::zip_equal(weights, tiles))
    TmaLoadOp::create(b, loc, weight, ValueRange{expert, step, column}, tile,
                      stage, full, /*multicast=*/1, /*transposed=*/true,
                      /*spread=*/false);
  end();
}

void ProgramWriter::writeConsume(Region &region) {
  Block *body = b.createBlock(&region, {}, {b.getIndexType(), b.getIndexType()},
                              {loc, loc});
  Value stage = body->getArgument(1);
  MbarrierWaitOp::create(b, loc, full, stage);
  Value token = tokens;
  if (wideTokens) {
    ConvertOp::create(b, loc, tokens, stage, wideTokens);
    token = wideTokens;
  }
  if (tokenScales)
    Tcgen05CopyScalesOp::create(b, loc, tokens, stage, tokenScales);
  for (size_t i = 0; i < tiles.size(); ++i) {
    Value weight = tiles[i];
    if (!wideTiles.empty()) {
      ConvertOp::create(b, loc, weight, stage, wideTiles[i]);
      weight = wideTiles[i];
    }
    if (!recipe.tensorMemory) {
      WgmmaOp::create(b, loc, weight, token, sums[i], stage);
      continue;
    }
    Value scale = scales.empty() ? Value() : scales[i];
    if (scale)
      Tcgen05CopyScalesOp::create(b, loc, tiles[i], stage, scale);
    Tcgen05MmaOp::create(b, loc, weight, token, sums[i], stage, scale,
                         tokenScales, recipe.pair);
  }
  MbarrierArriveOp::create(b, loc, free, stage);
  end();
}

void ProgramWriter::writeEpilogue(Value row, Value left, Value column) {
  OperationState state(loc, EpilogueOp::getOperationName());
  state.addOperands(sums[0]);
  if (sums.size() > 1)
    state.addOperands(sums[1]);
  state.addOperands(output);
  if (product.activation)
    for (StringRef name : {"activation", "limit", "alpha", "linear_offset",
                           "gate_cap", "linear_cap"})
      if (Attribute value = product.activation.get(name))
        state.addAttribute(name, value);
  b.create(state);
  TmaStoreOp::create(b, loc, output, target, ValueRange{row, column}, left);
}

std::optional<Value> ProgramWriter::write() {
  if (!chooseStages())
    return std::nullopt;
  SmallVector<Value> inputs = {product.rows, product.counts};
  llvm::append_range(inputs, product.weights);
  KernelOp kernel = createKernel(b, loc, TypeRange(product.result), inputs,
                                 recipe.units, recipe.pair ? 2 : 1);
  OpBuilder::InsertionGuard guard(b);
  Block *body = &kernel.getBody().front();
  b.setInsertionPointToEnd(body);
  rows = body->getArgument(0);
  counts = body->getArgument(1);
  weights.assign(body->args_begin() + 2, std::prev(body->args_end()));
  target = body->getArguments().back();
  allocate();

  auto loop = ForTilesOp::create(b, loc, counts, recipe.tokenTile,
                                 recipe.columnTile, product.columns);
  Type index = b.getIndexType();
  Block *tile = b.createBlock(&loop.getBody(), {}, {index, index, index, index},
                              {loc, loc, loc, loc});
  expert = tile->getArgument(0);
  row = tile->getArgument(1);
  column = tile->getArgument(3);
  auto pipeline = PipelineOp::create(b, loc, full, free, product.contraction,
                                     recipe.block, stages);
  writeProduce(pipeline.getProduce());
  writeConsume(pipeline.getConsume());
  b.setInsertionPointToEnd(tile);
  writeEpilogue(row, tile->getArgument(2), column);
  end();
  b.setInsertionPointToEnd(body);
  end();
  return kernel.getResult(0);
}

} // namespace

FailureOr<KernelStepOp>
switched::lowerGroupedGemm(GroupedGemmOp op, const KernelMachine &target) {
  FailureOr<LocalOp> local = op.describeCovered();
  FailureOr<Step> step = op.step();
  if (failed(local) || failed(step))
    return failure();
  FailureOr<Recipe> recipe = recipeOf(op, *local, *step, target);
  if (failed(recipe))
    return failure();

  OpBuilder builder(op);
  KernelStepOp lowered = createKernelStep(builder, op);
  Block *body = &lowered.getBody().front();

  auto rowsType = cast<RankedTensorType>(op.getInputs()[0].getType());
  Product first;
  first.rows = body->getArgument(0);
  first.counts = body->getArgument(1);
  unsigned up = local->gated ? 3 : 2;
  first.weights.push_back(body->getArgument(up));
  if (local->gated)
    first.weights.push_back(body->getArgument(2));
  first.result = RankedTensorType::get({rowsType.getDimSize(0), local->outer},
                                       rowsType.getElementType());
  first.contraction = local->inner;
  first.columns = local->outer;
  first.activation = op.getOf();
  first.output = recipe->activations;
  std::optional<Value> hidden =
      ProgramWriter(builder, op.getLoc(), *recipe, first).write();

  std::optional<Value> result;
  if (hidden) {
    Product second;
    second.rows = *hidden;
    second.counts = body->getArgument(1);
    second.weights.push_back(body->getArgument(up + 1));
    second.result = op->getResult(0).getType();
    second.contraction = local->outer;
    second.columns = local->inner;
    // Between steps activations are wide, as they are priced.
    second.output =
        local->activation == Format::f32 ? Format::f32 : Format::bf16;
    result = ProgramWriter(builder, op.getLoc(), *recipe, second).write();
  }
  if (!result) {
    lowered->erase();
    return target.refuse(op, "lower_c7",
                         "expects shared memory of two stages, got " +
                             Twine(int64_t(recipe->sharedMemoryBytes)) +
                             " bytes");
  }
  YieldOp::create(builder, op.getLoc(), *result);
  return lowered;
}
