//===- LowerRouter.cpp - a router as a kernel program ---------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One kernel. A block has the sums of all experts of its tokens, as the choice
// needs every score of a token: the router's columns lie on as many products as
// they have column tiles. The sums go to shared memory, a row per token, where
// warps choose from them.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

namespace {

/// Registers of a thread that one instruction can name.
constexpr int64_t kThreadRegisters = 255;

struct Recipe {
  Format weights = Format::bf16; ///< storage; sums are of `compute`
  Format compute = Format::bf16;
  bool tensorMemory = false;
  int64_t tokenTile = 0;
  int64_t columnTile = 0;
  int64_t columnTiles = 0;
  int64_t experts = 0;
  int64_t contraction = 0;
  int64_t block = 0; ///< elements of contraction in a stage
  int64_t stages = 0;
  int64_t stageBytes = 0;
  int64_t units = 0;
};

SmemType smem(MLIRContext *context, int64_t stages, int64_t rows,
              int64_t columns, Format format) {
  return SmemType::get(context, {stages, rows, columns}, spell(format));
}

/// As many stages as shared memory holds beside the logits; false if it does
/// not hold two.
bool chooseStages(MLIRContext *context, const Core &core, Recipe &recipe) {
  SmemType tokens =
      smem(context, 1, recipe.tokenTile, recipe.block, recipe.compute);
  SmemType weights =
      smem(context, 1, recipe.columnTile, recipe.block, recipe.weights);
  SmemType logits =
      smem(context, 1, recipe.tokenTile, recipe.columnTile, Format::f32);
  recipe.stageBytes =
      tokens.getStageBytes() + recipe.columnTiles * weights.getStageBytes();
  int64_t footprint = smemFootprint(tokens) +
                      recipe.columnTiles * smemFootprint(weights) +
                      2 * smemFootprint(MbarrierType::get(context, 1));
  int64_t left = int64_t(core.sharedMemoryBytes.nominal()) -
                 recipe.columnTiles * smemFootprint(logits);
  int64_t steps = llvm::divideCeil(recipe.contraction, recipe.block);
  recipe.stages = std::min(left / footprint, steps);
  return left > 0 && left / footprint >= std::min<int64_t>(2, steps);
}

FailureOr<Recipe> recipeOf(RouterTopkOp op, const LocalOp &local,
                           const Step &step, const KernelMachine &target) {
  const Engine *engine = target.matmulOf(op, step);
  if (!engine)
    return failure();
  auto input = cast<RankedTensorType>(op.getInputs()[0].getType());
  if (input.getRank() < 2 || !input.hasStaticShape())
    return target.refuse(op, "lower_route_c1",
                         "expects a known number of tokens, got " +
                             Twine(input.getRank() - 1) +
                             " dimensions of them");
  Recipe recipe;
  recipe.weights = local.weight;
  recipe.compute = local.compute;
  recipe.tensorMemory = target.hasTensorMemory();
  Format compute = recipe.compute;
  if (failed(target.expectSums(op, compute)))
    return failure();
  if (scaleBlock(compute))
    return target.refuse(op, "lower_c4",
                         "expects a format without block scales, which a "
                         "kernel does not make, got " +
                             spell(compute));
  recipe.contraction = local.inner;
  recipe.experts = local.outer;
  for (Format format : {recipe.weights, compute})
    if (failed(target.expectRows(op, local.inner, format)))
      return failure();

  recipe.tokenTile = step.tokenTile;
  recipe.columnTile = engine->columnTile;
  recipe.columnTiles = llvm::divideCeil(recipe.experts, recipe.columnTile);
  recipe.block = 8 * kSwizzleBytes / packedBits(compute);
  if (!target.hasShape(compute, recipe.columnTile, recipe.tokenTile))
    return target.refuse(op, "lower_c5",
                         "expects a shape of the matrix unit, got " +
                             Twine(recipe.columnTile) + " columns x " +
                             Twine(recipe.tokenTile) + " tokens of " +
                             spell(compute));
  int64_t sums = recipe.columnTiles * recipe.columnTile * recipe.tokenTile;
  if (!recipe.tensorMemory && sums > kThreadRegisters * kWarpgroupThreads)
    return target.refuse(op, "lower_route_c2",
                         "expects sums of " + Twine(recipe.experts) +
                             " experts x " + Twine(recipe.tokenTile) +
                             " tokens in at most " + Twine(kThreadRegisters) +
                             " registers of " + Twine(kWarpgroupThreads) +
                             " threads, got " +
                             Twine(llvm::divideCeil(sums, kWarpgroupThreads)));
  recipe.units = int64_t(step.share * double(engine->units));
  if (recipe.units < 1)
    return target.refuse(op, "lower_c6",
                         "expects a share of at least 1 units, got 0");
  if (!chooseStages(op->getContext(), target.core, recipe))
    return target.refuse(
        op, "lower_c7",
        "expects shared memory of two stages, got " +
            Twine(int64_t(target.core.sharedMemoryBytes.nominal())) + " bytes");
  return recipe;
}

/// Writes the program into the kernel that the builder stands in.
class ProgramWriter {
public:
  ProgramWriter(OpBuilder &builder, RouterTopkOp op, const Recipe &recipe,
                Block *body)
      : b(builder), loc(op.getLoc()), op(op), recipe(recipe), body(body) {}
  void write();

private:
  void allocate();
  void writeProduce(Region &region, Value row);
  void writeConsume(Region &region);
  void writeChoice(Value row, Value left);
  Value sumsTile(int64_t rows, int64_t columns, StringRef format);
  void end() { YieldOp::create(b, loc, ValueRange()); }

  OpBuilder &b;
  Location loc;
  RouterTopkOp op;
  const Recipe &recipe;
  Block *body;

  Value full, free, tokens;
  // One per column tile; `wide` where weights are stored in another format.
  SmallVector<Value> columns, weights, wide, sums, logits;
};

/// A tile where the matrix unit keeps its sums, or weights that were converted.
Value ProgramWriter::sumsTile(int64_t rows, int64_t columns, StringRef format) {
  if (!recipe.tensorMemory)
    return RegisterAllocOp::create(
        b, loc, RegistersType::get(b.getContext(), {rows, columns}, format));
  TmemType type = TmemType::get(b.getContext(), {rows, columns}, format);
  return TmemAllocOp::create(b, loc, type,
                             tmemAllocation(type.getWordColumns()));
}

void ProgramWriter::allocate() {
  MLIRContext *context = b.getContext();
  auto ring = MbarrierType::get(context, recipe.stages);
  full = MbarrierInitOp::create(b, loc, ring, 1);
  free = MbarrierInitOp::create(b, loc, ring, 1);
  tokens = SmemAllocOp::create(b, loc,
                               smem(context, recipe.stages, recipe.tokenTile,
                                    recipe.block, recipe.compute));
  for (int64_t tile = 0; tile < recipe.columnTiles; ++tile) {
    columns.push_back(
        arith::ConstantIndexOp::create(b, loc, tile * recipe.columnTile));
    weights.push_back(
        SmemAllocOp::create(b, loc,
                            smem(context, recipe.stages, recipe.columnTile,
                                 recipe.block, recipe.weights)));
    if (recipe.weights != recipe.compute)
      wide.push_back(
          sumsTile(recipe.columnTile, recipe.block, spell(recipe.compute)));
    sums.push_back(sumsTile(recipe.columnTile, recipe.tokenTile, "f32"));
    logits.push_back(SmemAllocOp::create(
        b, loc,
        smem(context, 1, recipe.tokenTile, recipe.columnTile, Format::f32)));
  }
}

void ProgramWriter::writeProduce(Region &region, Value row) {
  Block *block = b.createBlock(
      &region, {}, {b.getIndexType(), b.getIndexType()}, {loc, loc});
  Value step = block->getArgument(0), stage = block->getArgument(1);
  MbarrierWaitOp::create(b, loc, free, stage);
  MbarrierExpectOp::create(b, loc, full, stage, recipe.stageBytes);
  TmaLoadOp::create(b, loc, body->getArgument(0), ValueRange{row, step}, tokens,
                    stage, full, /*multicast=*/1, /*transposed=*/false,
                    /*spread=*/false);
  for (auto [column, weight] : llvm::zip_equal(columns, weights))
    TmaLoadOp::create(b, loc, body->getArgument(1), ValueRange{step, column},
                      weight, stage, full, /*multicast=*/1, /*transposed=*/true,
                      /*spread=*/false);
  end();
}

void ProgramWriter::writeConsume(Region &region) {
  Block *block = b.createBlock(
      &region, {}, {b.getIndexType(), b.getIndexType()}, {loc, loc});
  Value stage = block->getArgument(1);
  MbarrierWaitOp::create(b, loc, full, stage);
  for (int64_t tile = 0; tile < recipe.columnTiles; ++tile) {
    Value weight = weights[tile];
    if (!wide.empty()) {
      ConvertOp::create(b, loc, weight, stage, wide[tile]);
      weight = wide[tile];
    }
    if (recipe.tensorMemory)
      Tcgen05MmaOp::create(b, loc, weight, tokens, sums[tile], stage, Value(),
                           Value(), /*cta_pair=*/false);
    else
      WgmmaOp::create(b, loc, weight, tokens, sums[tile], stage);
  }
  MbarrierArriveOp::create(b, loc, free, stage);
  end();
}

/// The choice has the attributes of moe.route, and its operands but for input
/// and router.
void ProgramWriter::writeChoice(Value row, Value left) {
  DictionaryAttr of = op.getOf();
  auto present = of.getAs<DenseI32ArrayAttr>("operandSegmentSizes");
  SmallVector<int32_t> segments = {int32_t(logits.size()), 1, 1};
  llvm::append_range(segments, present.asArrayRef().drop_front(2));
  segments.append({1, 1});
  OperationState state(loc, ChooseOp::getOperationName());
  state.addOperands(logits);
  state.addOperands({row, left});
  // The kernel's arguments are the step's operands, then its results.
  for (BlockArgument argument : body->getArguments().drop_front(2))
    state.addOperands(argument);
  for (NamedAttribute attribute : of)
    if (attribute.getName() != "operandSegmentSizes" &&
        attribute.getName() != "load")
      state.addAttribute(attribute.getName(), attribute.getValue());
  state.addAttribute("experts", b.getI64IntegerAttr(recipe.experts));
  state.addAttribute("operandSegmentSizes", b.getDenseI32ArrayAttr(segments));
  b.create(state);
}

void ProgramWriter::write() {
  b.setInsertionPointToEnd(body);
  allocate();
  Type index = b.getIndexType();
  auto loop = ForRowsOp::create(b, loc, body->getArgument(0), recipe.tokenTile);
  Block *tile = b.createBlock(&loop.getBody(), {}, {index, index}, {loc, loc});
  auto pipeline = PipelineOp::create(b, loc, full, free, recipe.contraction,
                                     recipe.block, recipe.stages);
  writeProduce(pipeline.getProduce(), tile->getArgument(0));
  writeConsume(pipeline.getConsume());
  b.setInsertionPointToEnd(tile);
  for (auto [sum, logit] : llvm::zip_equal(sums, logits)) {
    OperationState state(loc, EpilogueOp::getOperationName());
    state.addOperands({sum, logit});
    b.create(state);
  }
  writeChoice(tile->getArgument(0), tile->getArgument(1));
  end();
  b.setInsertionPointToEnd(body);
  end();
}

} // namespace

FailureOr<KernelStepOp> switched::lowerRouter(RouterTopkOp op,
                                              const KernelMachine &target) {
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
  // Rows of the input and ids are tokens, however many dimensions they have.
  auto present = op.getOf().getAs<DenseI32ArrayAttr>("operandSegmentSizes");
  SmallVector<Value> operands(body->getArguments());
  operands[0] = flattenRows(builder, operands[0]);
  if (present[4]) {
    Value &ids = operands[2 + present[2] + present[3]];
    ids = flattenRows(builder, ids, /*leading=*/true);
  }
  SmallVector<Type> results;
  for (Type type : op->getResultTypes())
    results.push_back(flatType(cast<RankedTensorType>(type)));
  KernelOp kernel = createKernel(builder, op.getLoc(), results, operands,
                                 recipe->units, /*cluster=*/1);
  ProgramWriter(builder, op, *recipe, &kernel.getBody().front()).write();
  builder.setInsertionPointToEnd(body);
  SmallVector<Value> shaped;
  for (auto [value, type] :
       llvm::zip_equal(kernel.getResults(), op->getResultTypes()))
    shaped.push_back(
        unflattenRows(builder, value, cast<RankedTensorType>(type)));
  YieldOp::create(builder, op.getLoc(), shaped);
  return lowered;
}
