//===- LowerLatentAttention.cpp - decode attention over latents -----------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three kernels: the query of each head is moved into the space of the latents,
// a block per sequence and tile of queries runs over the cache, and the
// attended latents of each head are moved to its values. A tile of the cache is
// loaded once: it makes the scores, and it is what the probabilities are
// multiplied with.
//
//===----------------------------------------------------------------------===//

#include "dialects/Switched/Transforms/LatentAttention.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::switched;

namespace {

/// Registers of a thread that one instruction can name, and threads of the two
/// warpgroups that share the outputs.
constexpr int64_t kThreadRegisters = 255;
constexpr int64_t kThreads = 256;
/// Widest box of a tensor map.
constexpr int64_t kLargestBox = 256;

/// Whether programs of this form exist at all, and with what sizes.
FailureOr<LatentRecipe> shapeOf(LatentAttentionOp op, const LocalOp &local,
                                const KernelMachine &target) {
  DictionaryAttr of = op.getOf();
  bool isStatic = llvm::all_of(
      llvm::concat<const Type>(llvm::to_vector_of<Type>(op->getOperandTypes()),
                               llvm::to_vector_of<Type>(op->getResultTypes())),
      [](Type type) { return cast<RankedTensorType>(type).hasStaticShape(); });
  if (op.getCovers() != "moe.latent_attention" || !of.contains("absorbed") ||
      local.expanded || !isStatic)
    return target.refuse(op, "lower_latent_c1",
                         "expects an absorbed attention over all latents of a "
                         "static cache");
  if (op.getInputs().size() != 7)
    return target.refuse(op, "lower_latent_c2",
                         "expects sequences of one length");
  if (local.cache != local.compute)
    return target.refuse(op, "lower_latent_c3",
                         "expects a cache that is computed as it is stored, "
                         "got " +
                             spell(local.cache) + " and " +
                             spell(local.compute));
  LatentRecipe r;
  r.sequences = local.sequences;
  r.newTokens = local.newTokens;
  r.past = local.context;
  r.heads = local.heads;
  r.rows = r.sequences * r.newTokens;
  r.latent = local.inner;
  r.key = local.keyWidth;
  r.rope = local.ropeWidth;
  r.value = local.outer;
  r.scale = of.getAs<FloatAttr>("scale").getValueAsDouble();
  r.pastOnly = of.contains("past_only");
  r.weights = local.weight;
  r.compute = local.compute;
  r.wide = local.activation == Format::f32 ? Format::f32 : Format::bf16;
  for (int64_t size :
       {r.sequences, r.newTokens, r.heads, r.latent, r.key, r.rope, r.value})
    if (size < 1)
      return target.refuse(op, "lower_latent_c1",
                           "expects an absorbed attention over all latents of "
                           "a static cache, got a size of " +
                               Twine(size));
  return r;
}

FailureOr<LatentRecipe> recipeOf(LatentAttentionOp op, const LocalOp &local,
                                 const Step &step,
                                 const KernelMachine &target) {
  const Engine *engine = target.matmulOf(op, step);
  if (!engine)
    return failure();
  FailureOr<LatentRecipe> shape = shapeOf(op, local, target);
  if (failed(shape))
    return failure();
  LatentRecipe r = *shape;
  Format compute = r.compute;
  r.tensorMemory = target.hasTensorMemory();
  if (failed(target.expectSums(op, compute)))
    return failure();
  if (scaleBlock(compute))
    return target.refuse(op, "lower_c4",
                         "expects a format without block scales, which a "
                         "kernel does not make, got " +
                             spell(compute));
  if (!r.tensorMemory && packedBits(compute) != 16)
    return target.refuse(op, "lower_latent_c4",
                         "expects latents of 16 bits, which alone are "
                         "transposed from shared memory, got " +
                             spell(compute));
  std::pair<int64_t, Format> widths[] = {
      {r.latent, compute}, {r.rope, compute},     {r.key + r.rope, r.wide},
      {r.key, r.weights},  {r.latent, r.weights}, {r.value, r.wide}};
  for (auto [size, format] : widths)
    if (failed(target.expectRows(op, size, format)))
      return failure();
  r.tokenTile = step.tokenTile;
  r.columnTile = engine->columnTile;
  r.block = 8 * kSwizzleBytes / packedBits(compute);
  int64_t instruction = 8 * kInstructionBytes / packedBits(compute);
  r.ropeTile = llvm::alignTo(r.rope, instruction);
  if (!target.hasShape(compute, r.columnTile, r.tokenTile) ||
      r.ropeTile > kLargestBox)
    return target.refuse(op, "lower_c5",
                         "expects a shape of the matrix unit, got " +
                             Twine(r.columnTile) + " columns x " +
                             Twine(r.tokenTile) + " queries of " +
                             spell(compute) + ", rotated by " + Twine(r.rope));
  int64_t sums = (r.latentTiles() + 1) * r.columnTile * r.tokenTile;
  if (!r.tensorMemory && sums > kThreadRegisters * kThreads)
    return target.refuse(op, "lower_latent_c5",
                         "expects outputs and scores in at most " +
                             Twine(kThreadRegisters) + " registers of " +
                             Twine(kThreads) + " threads, got " +
                             Twine(llvm::divideCeil(sums, kThreads)));
  r.units = int64_t(step.share * double(engine->units));
  if (r.units < 1)
    return target.refuse(op, "lower_c6",
                         "expects a share of at least 1 units, got 0");
  r.sharedMemoryBytes = int64_t(target.core.sharedMemoryBytes.nominal());
  return r;
}

/// `value` with its first two dimensions, or its last two, as one.
Value merge(OpBuilder &b, Location loc, Value value, bool isFirst) {
  auto type = cast<RankedTensorType>(value.getType());
  ArrayRef<int64_t> s = type.getShape();
  SmallVector<int64_t> shape = isFirst
                                   ? SmallVector<int64_t>{s[0] * s[1], s[2]}
                                   : SmallVector<int64_t>{s[0], s[1] * s[2]};
  SmallVector<ReassociationIndices> groups;
  if (isFirst)
    groups = {{0, 1}, {2}};
  else
    groups = {{0}, {1, 2}};
  return tensor::CollapseShapeOp::create(b, loc, type.clone(shape), value,
                                         groups);
}

/// [A, B] as `shape` [A/n, n, B] or [A, B/n, n].
Value split(OpBuilder &b, Location loc, Value value, ArrayRef<int64_t> shape,
            bool isFirst) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<ReassociationIndices> groups;
  if (isFirst)
    groups = {{0, 1}, {2}};
  else
    groups = {{0}, {1, 2}};
  return tensor::ExpandShapeOp::create(b, loc, type.clone(shape), value,
                                       groups);
}

/// The cache with the new entries behind those of the past. It grows in place:
/// no kernel copies what is there.
Value grow(OpBuilder &b, Location loc, Value past, Value added, Type type) {
  auto grown = cast<RankedTensorType>(type);
  Value result =
      tensor::EmptyOp::create(b, loc, grown.getShape(), grown.getElementType());
  int64_t first = 0;
  for (Value part : {past, added}) {
    auto own = cast<RankedTensorType>(part.getType());
    SmallVector<OpFoldResult> offsets = {
        b.getIndexAttr(0), b.getIndexAttr(first), b.getIndexAttr(0)};
    SmallVector<OpFoldResult> sizes, strides(3, b.getIndexAttr(1));
    for (int64_t size : own.getShape())
      sizes.push_back(b.getIndexAttr(size));
    result = tensor::InsertSliceOp::create(b, loc, part, result, offsets, sizes,
                                           strides);
    first += own.getDimSize(1);
  }
  return result;
}

} // namespace

FailureOr<KernelStepOp>
switched::lowerLatentAttention(LatentAttentionOp op,
                               const KernelMachine &target) {
  FailureOr<LocalOp> local = op.describeCovered();
  FailureOr<Step> step = op.step();
  if (failed(local) || failed(step))
    return failure();
  FailureOr<LatentRecipe> recipe = recipeOf(op, *local, *step, target);
  if (failed(recipe))
    return failure();
  const LatentRecipe &r = *recipe;
  // New entries come as wide as the activations are; the cache is of its type.
  for (unsigned i : {1, 2})
    if (cast<RankedTensorType>(op.getInputs()[i].getType()).getElementType() !=
        cast<RankedTensorType>(op.getInputs()[i + 2].getType())
            .getElementType())
      return target.refuse(op, "lower_latent_c3",
                           "expects a cache that is computed as it is stored, "
                           "got entries of another type");

  OpBuilder b(op);
  Location loc = op.getLoc();
  KernelStepOp lowered = createKernelStep(b, op);
  auto arguments = lowered.getBody().front().getArguments();
  auto refuseStages = [&]() -> FailureOr<KernelStepOp> {
    lowered->erase();
    return target.refuse(op, "lower_c7",
                         "expects shared memory of two stages, got " +
                             Twine(r.sharedMemoryBytes) + " bytes");
  };
  Value query = split(b, loc, merge(b, loc, arguments[0], /*isFirst=*/true),
                      {r.rows, r.heads, r.key + r.rope}, /*isFirst=*/false);
  Value latents =
      grow(b, loc, arguments[3], arguments[1], op->getResult(1).getType());
  Value rotaryKeys =
      grow(b, loc, arguments[4], arguments[2], op->getResult(2).getType());
  Type element =
      cast<RankedTensorType>(arguments[0].getType()).getElementType();
  Type perHead = RankedTensorType::get({r.rows, r.heads, r.latent}, element);

  HeadProduct absorb{query,    arguments[5], perHead,   r.key,
                     r.latent, r.wide,       r.compute, /*transposed=*/false};
  std::optional<Value> moved = writeHeadProduct(b, loc, r, absorb);
  if (!moved)
    return refuseStages();
  SmallVector<Type> results = {perHead};
  bool hasLogSumExp = op->getNumResults() == 4;
  if (hasLogSumExp) {
    Type kept =
        cast<RankedTensorType>(op->getResult(3).getType()).getElementType();
    results.push_back(RankedTensorType::get({r.rows * r.heads}, kept));
  }
  std::optional<SmallVector<Value>> attended = writeCacheKernel(
      b, loc, r, {*moved, query, latents, rotaryKeys}, results);
  if (!attended)
    return refuseStages();
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType());
  HeadProduct values{attended->front(),
                     arguments[6],
                     RankedTensorType::get({r.rows, r.heads, r.value},
                                           resultType.getElementType()),
                     r.latent,
                     r.value,
                     r.compute,
                     r.wide,
                     /*transposed=*/true};
  std::optional<Value> result = writeHeadProduct(b, loc, r, values);
  if (!result)
    return refuseStages();

  SmallVector<Value> yielded = {split(b, loc,
                                      merge(b, loc, *result, /*isFirst=*/false),
                                      resultType.getShape(), /*isFirst=*/true),
                                latents, rotaryKeys};
  if (hasLogSumExp) {
    auto type = cast<RankedTensorType>(op->getResult(3).getType());
    SmallVector<ReassociationIndices> groups = {{0, 1, 2}};
    yielded.push_back(
        tensor::ExpandShapeOp::create(b, loc, type, (*attended)[1], groups));
  }
  YieldOp::create(b, loc, yielded);
  return lowered;
}
