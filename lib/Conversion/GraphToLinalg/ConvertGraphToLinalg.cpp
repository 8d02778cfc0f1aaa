//===- ConvertGraphToLinalg.cpp - graph nodes to linalg -------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/BoundLoweringInterface.h"
#include "lib/Conversion/GraphToLinalg/NodeLowering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "portolan/Conversion/GraphToLinalg.h"

namespace portolan {
#define GEN_PASS_DEF_CONVERTGRAPHTOLINALG
#include "lib/Conversion/GraphToLinalg/GraphToLinalgPasses.h.inc"
} // namespace portolan

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_linalg;

/// Of the nodes in the body of a Loop, all iterations together.
static constexpr int64_t kMaxCopies = 1 << 18;

//===----------------------------------------------------------------------===//
// One node
//===----------------------------------------------------------------------===//

static const Rules &allRules() {
  static const Rules rules = [] {
    Rules rules;
    addElementwiseRules(rules);
    addGatherRules(rules);
    addLayoutRules(rules);
    addProductRules(rules);
    addReductionRules(rules);
    addScatterRules(rules);
    addShapeRules(rules);
    addSliceRules(rules);
    return rules;
  }();
  return rules;
}

/// Operands that a rule may take for granted, by op type: as many as are read
/// without a question.
static unsigned requiredInputs(StringRef op) {
  if (op == "Constant")
    return 0;
  if (op == "Where" || op == "Range" || op == "OneHot" ||
      op == "ScatterElements" || op == "Scatter" || op == "ScatterND")
    return 3;
  static const llvm::StringLiteral two[] = {"Add",
                                            "Sub",
                                            "Mul",
                                            "Div",
                                            "Mod",
                                            "Pow",
                                            "And",
                                            "Or",
                                            "Xor",
                                            "PRelu",
                                            "Equal",
                                            "Less",
                                            "Greater",
                                            "LessOrEqual",
                                            "GreaterOrEqual",
                                            "MatMul",
                                            "Gemm",
                                            "Gather",
                                            "GatherElements",
                                            "GatherND",
                                            "Reshape",
                                            "Expand",
                                            "Tile",
                                            "CumSum",
                                            "CastLike",
                                            "LayerNormalization",
                                            "RMSNormalization",
                                            "SimplifiedLayerNormalization"};
  return llvm::is_contained(two, op) ? 2 : 1;
}

/// Whether the operands of `node` can be read.
static LogicalResult checkOperands(NodeLowering &n) {
  graph::NodeOp node = n.node;
  StringRef op = node.getOpType();
  for (unsigned i = 0; i < requiredInputs(op); ++i)
    if (!node.input(i))
      return n.fail("expects input " + Twine(i));
  bool takesAny = op == "Concat" || op == "Einsum" || op == "Sum" ||
                  op == "Mean" || op == "Min" || op == "Max";
  for (auto [i, operand] : llvm::enumerate(node.getInputs())) {
    if (isa<NoneType>(operand.getType())) {
      if (takesAny)
        return n.fail("expects input " + Twine(i));
      continue;
    }
    std::string text;
    llvm::raw_string_ostream(text) << operand.getType();
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type)
      return n.fail("expects tensors of known rank, got " + text);
    Type element = type.getElementType();
    if (!element.isSignlessInteger() &&
        !isa<Float32Type, Float64Type, Float16Type, BFloat16Type>(element))
      return n.fail("expects signed integers, bool or floats of at least 16 "
                    "bits, got " +
                    text);
  }
  if (!node.getBodies().empty())
    return n.fail("expects no bodies");
  return success();
}

/// States the results of the node; the reason is in `n` on failure.
static LogicalResult lowerNode(NodeLowering &n) {
  graph::NodeOp node = n.node;
  auto rule = allRules().find(node.getOpType());
  bool isNorm = node.getOpType() == "SimplifiedLayerNormalization";
  // Shape and Size are folded, and nothing else.
  bool isFolded = node.getOpType() == "Shape" || node.getOpType() == "Size";
  if ((!node.getDomain().empty() &&
       !(isNorm && node.getDomain() == "ai.onnx")) ||
      (rule == allRules().end() && !isFolded))
    return n.fail("no rule executes this op");
  if (failed(checkOperands(n)))
    return failure();
  if (foldElements(n))
    return success();
  if (isFolded)
    return n.fail("expects a shape of few dimensions");
  return rule->second(n);
}

static LogicalResult replaceNode(graph::NodeOp node);

/// Puts the nodes of a branch in the place of its node, lowered; its results.
static FailureOr<SmallVector<Value>> placeBranch(NodeLowering &n,
                                                 StringRef wanted) {
  graph::NodeOp node = n.node;
  for (auto [name, body] :
       llvm::zip_equal(node.getBodyNamesAttr().getAsRange<StringAttr>(),
                       node.getBodies())) {
    if (name.getValue() != wanted || body.getNumArguments() != 0)
      continue;
    auto yield = cast<graph::YieldOp>(body.front().getTerminator());
    for (Operation &op :
         llvm::make_early_inc_range(body.front().without_terminator())) {
      op.moveBefore(node);
      if (auto inner = dyn_cast<graph::NodeOp>(op))
        if (failed(replaceNode(inner)))
          return failure();
    }
    if (yield.getOutputs().size() != node.getOutputs().size())
      return n.fail("expects an output of the branch per result");
    return SmallVector<Value>(yield.getOutputs());
  }
  return n.fail("expects a body '" + wanted + "'");
}

/// An If whose condition is known is one of its branches: exporters ask for the
/// rank of what they squeeze. Else both are computed, which has no effect, and
/// one is chosen.
static LogicalResult lowerIf(NodeLowering &n) {
  Value asked = n.input(0);
  std::optional<Integers> condition = n.integers(asked);
  if (condition && condition->size() == 1) {
    FailureOr<SmallVector<Value>> results =
        placeBranch(n, condition->front() ? "then_branch" : "else_branch");
    if (failed(results))
      return failure();
    n.results.assign(results->begin(), results->end());
    return success();
  }
  auto type = dyn_cast<RankedTensorType>(asked.getType());
  if (!type || !type.getElementType().isInteger(1) || !type.hasStaticShape() ||
      type.getNumElements() != 1)
    return n.fail("expects a condition of one element");
  FailureOr<SmallVector<Value>> yes = placeBranch(n, "then_branch");
  if (failed(yes))
    return failure();
  FailureOr<SmallVector<Value>> no = placeBranch(n, "else_branch");
  if (failed(no))
    return failure();
  for (auto [index, chosen, other] : llvm::enumerate(*yes, *no)) {
    auto shape = dyn_cast<RankedTensorType>(chosen.getType());
    if (!shape || !shape.hasStaticShape() || shape != other.getType())
      return n.fail("expects a condition that follows from the shapes of the "
                    "inputs, or branches of one type");
    n.setResult(index,
                n.map({n.reshape(asked, {}), chosen, other},
                      shape.getElementType(), [](Emit &e, ValueRange at) {
                        return e.select(at[0], at[1], at[2]);
                      }));
  }
  return success();
}

/// Whether the condition of a loop is known, and what it is.
static std::optional<bool> conditionOf(NodeLowering &n, Value condition) {
  if (!condition)
    return true;
  std::optional<Integers> known = n.integers(condition);
  if (!known || known->size() != 1)
    return std::nullopt;
  return known->front() != 0;
}

/// Puts the body of a Loop in its place once per iteration, its nodes lowered.
/// Exporters loop over the experts, of which there is a number.
static LogicalResult lowerLoop(NodeLowering &n) {
  graph::NodeOp node = n.node;
  if (!llvm::hasSingleElement(node.getBodies()) || node.getInputs().size() < 2)
    return n.fail("expects one body");
  Block &body = node.getBodies().front().front();
  size_t carriedCount = node.getInputs().size() - 2;
  if (body.getNumArguments() != carriedCount + 2 ||
      body.getTerminator()->getNumOperands() < carriedCount + 1 ||
      node.getOutputs().size() < carriedCount)
    return n.fail("expects a body of " + Twine(carriedCount) +
                  " carried tensors");
  std::optional<Integers> trips =
      node.input(0) ? n.integers(node.input(0)) : std::nullopt;
  std::optional<bool> goesOn = conditionOf(n, node.input(1));
  if (!trips || trips->size() != 1 || !goesOn)
    return n.fail("expects a number of iterations and a condition that follow "
                  "from the shapes of the inputs");
  int64_t size = 0;
  bool isNested = false;
  body.walk([&](graph::NodeOp inner) {
    ++size;
    isNested |= inner.getOpType() == "Loop";
  });
  if (isNested)
    return n.fail("expects no loop in a loop");
  int64_t count = std::max<int64_t>(trips->front(), 0);
  if (count > kMaxCopies / (size + 1))
    return n.fail("expects at most " + Twine(kMaxCopies) +
                  " nodes in all iterations, got " + Twine(count) + " of " +
                  Twine(size));

  OpBuilder &b = n.e.builder;
  auto scalar = [&](TypedAttr value) -> Value {
    auto type = RankedTensorType::get({}, value.getType());
    return arith::ConstantOp::create(b, node.getLoc(),
                                     DenseElementsAttr::get(type, value));
  };
  SmallVector<Value> carried(node.getInputs().drop_front(2));
  for (int64_t i = 0; *goesOn && i < count; ++i) {
    IRMapping mapping;
    mapping.map(body.getArgument(0), scalar(b.getI64IntegerAttr(i)));
    mapping.map(body.getArgument(1), scalar(b.getBoolAttr(true)));
    mapping.map(body.getArguments().drop_front(2), carried);
    SmallVector<graph::NodeOp> nodes;
    Operation *yield = nullptr;
    for (Operation &op : body) {
      yield = b.clone(op, mapping);
      if (auto inner = dyn_cast<graph::NodeOp>(yield))
        nodes.push_back(inner);
    }
    // The copy of the terminator holds on to what the nodes become.
    LogicalResult lowered = success();
    for (graph::NodeOp inner : nodes)
      if (failed(lowered = replaceNode(inner)))
        break;
    goesOn = conditionOf(n, yield->getOperand(0));
    for (auto [tensor, next] :
         llvm::zip(carried, yield->getOperands().drop_front()))
      tensor = next;
    yield->erase();
    if (failed(lowered))
      return failure();
    if (!goesOn)
      return n.fail("expects a condition that follows from the shapes of the "
                    "inputs");
  }
  llvm::copy(carried, n.results.begin());
  return success();
}

/// Replaces `node` by its lowering.
static LogicalResult replaceNode(graph::NodeOp node) {
  OpBuilder builder(node);
  NodeLowering n(node, builder);
  bool isStandard = node.getDomain().empty() && node.getBodyNames();
  bool isIf = isStandard && node.getOpType() == "If" && node.input(0);
  bool isLoop = isStandard && node.getOpType() == "Loop";
  if (failed(isIf ? lowerIf(n) : isLoop ? lowerLoop(n) : lowerNode(n))) {
    // A node of the branch has said what is wrong.
    if (n.reason.empty())
      return failure();
    auto name = dyn_cast<NameLoc>(node.getLoc());
    return emitError(node.getLoc())
           << "node '" << (name ? name.getName().getValue() : StringRef("?"))
           << "' (op '" << node.getOpType() << "', domain '" << node.getDomain()
           << "') cannot be executed: " << n.reason;
  }
  for (auto [output, result] : llvm::zip_equal(node.getOutputs(), n.results)) {
    if (output.use_empty())
      continue;
    if (!result)
      return emitError(node.getLoc())
             << "op '" << node.getOpType()
             << "' cannot be executed: expects its result "
             << output.getResultNumber() << " to be unused";
    output.replaceAllUsesWith(result);
  }
  node.erase();
  return success();
}

//===----------------------------------------------------------------------===//
// Lists in weights
//===----------------------------------------------------------------------===//

/// Makes constants of the lists of integers that the file holds as weights:
/// nodes read sizes, axes and counts from them.
static void inlineLists(ModuleOp module) {
  llvm::DenseMap<StringAttr, DenseElementsAttr> lists;
  for (auto data : module.getOps<moe::WeightDataOp>()) {
    auto value = dyn_cast_or_null<DenseElementsAttr>(data.getValueAttr());
    if (value && isa<IntegerType>(value.getElementType()) &&
        value.getType().getRank() <= 1)
      lists.try_emplace(data.getSymNameAttr(), value);
  }
  if (lists.empty())
    return;
  SmallVector<moe::WeightOp> uses;
  module.walk([&](moe::WeightOp weight) { uses.push_back(weight); });
  for (moe::WeightOp weight : uses) {
    auto list = lists.find(weight.getSourceAttr().getAttr());
    if (list == lists.end() || list->second.getType() != weight.getType())
      continue;
    OpBuilder builder(weight);
    weight.replaceAllUsesWith(
        arith::ConstantOp::create(builder, weight.getLoc(), list->second)
            .getResult());
    weight.erase();
  }
}

//===----------------------------------------------------------------------===//
// The pass and the interface
//===----------------------------------------------------------------------===//

namespace {

struct NodeLoweringModel
    : BoundLoweringInterface::ExternalModel<NodeLoweringModel, graph::NodeOp> {
  LogicalResult lowerBound(Operation *op) const {
    return replaceNode(cast<graph::NodeOp>(op));
  }
};

struct ConvertGraphToLinalg
    : portolan::impl::ConvertGraphToLinalgBase<ConvertGraphToLinalg> {
  void runOnOperation() override {
    inlineLists(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      for (Block &block : function.getBody()) {
        for (auto node :
             llvm::make_early_inc_range(block.getOps<graph::NodeOp>()))
          if (failed(replaceNode(node)))
            return signalPassFailure();
        for (auto none :
             llvm::make_early_inc_range(block.getOps<graph::NoneOp>()))
          if (none->use_empty())
            none.erase();
      }
      function.setFunctionType(FunctionType::get(
          &getContext(), function.getArgumentTypes(),
          function.getBody().back().getTerminator()->getOperandTypes()));
    }
  }
};

} // namespace

void portolan::registerGraphLowering(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, graph::GraphDialect *) {
    graph::NodeOp::attachInterface<NodeLoweringModel>(*context);
    context->loadDialect<arith::ArithDialect, linalg::LinalgDialect,
                         math::MathDialect, scf::SCFDialect,
                         tensor::TensorDialect>();
  });
}

LogicalResult portolan::inlineDecomposedLayers(ModuleOp module) {
  bool hasNodes =
      module.walk([](graph::NodeOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!hasNodes || !main)
    return success();
  inlineLists(module);
  llvm::DenseSet<Operation *> called;
  for (auto call : llvm::make_early_inc_range(main.getOps<func::CallOp>())) {
    auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
    if (!callee || callee.isExternal() || !callee.getBody().hasOneBlock())
      return call.emitOpError("expects a function of one block, got @")
             << call.getCallee();
    called.insert(callee);
    OpBuilder builder(call);
    IRMapping mapping;
    mapping.map(callee.getArguments(), call.getOperands());
    for (Operation &op : callee.getBody().front().without_terminator())
      builder.clone(op, mapping);
    Operation *terminator = callee.getBody().front().getTerminator();
    for (auto [result, value] :
         llvm::zip_equal(call.getResults(), terminator->getOperands()))
      result.replaceAllUsesWith(mapping.lookupOrDefault(value));
    call.erase();
  }
  for (Operation *function : called)
    function->erase();
  return success();
}
