//===- NodeWork.cpp - work of nodes that stay -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/NodeWork.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// What a node does with elements.
enum class Manner : uint8_t {
  View,    ///< nothing
  Fill,    ///< writes
  Copy,    ///< reads and writes
  Pick,    ///< reads as much as it writes
  Map,     ///< operations per element of the results
  Fold,    ///< the same per operand beyond the first
  Along,   ///< per element of the results, which are mixed along an axis
  Reduce,  ///< per element of the first operand
  Choose,  ///< the same, once per choice
  Product, ///< matmul
};

struct OpRule {
  Manner manner;
  uint8_t vector = 0, transcendental = 0; ///< operations
};

struct RuleRow {
  OpRule rule;
  std::initializer_list<StringLiteral> ops;
};

/// Ops of the standard domain.
const llvm::StringMap<OpRule> &allRules() {
  static const llvm::StringMap<OpRule> rules = [] {
    const RuleRow rows[] = {
        {{Manner::View},
         {"Constant", "Dropout", "Flatten", "Identity", "Reshape", "Shape",
          "Size", "Squeeze", "Unsqueeze"}},
        {{Manner::Fill}, {"ConstantOfShape", "Range"}},
        {{Manner::Copy},
         {"Cast", "CastLike", "Concat", "Expand", "Pad", "Scatter",
          "ScatterElements", "ScatterND", "Split", "Tile", "Transpose"}},
        {{Manner::Pick}, {"Gather", "GatherElements", "GatherND", "Slice"}},
        {{Manner::Map, 1}, {"Abs",        "Add",     "And",
                            "Ceil",       "Div",     "Equal",
                            "Floor",      "Greater", "GreaterOrEqual",
                            "IsNaN",      "Less",    "LessOrEqual",
                            "Mod",        "Mul",     "Neg",
                            "Not",        "OneHot",  "Or",
                            "Reciprocal", "Relu",    "Round",
                            "Sub",        "Trilu",   "Where",
                            "Xor"}},
        {{Manner::Map, 2}, {"Clip", "LeakyRelu", "PRelu", "Sign"}},
        {{Manner::Map, 3}, {"HardSigmoid", "Softsign"}},
        {{Manner::Map, 4}, {"HardSwish"}},
        {{Manner::Map, 0, 1},
         {"Cos", "Erf", "Exp", "Log", "Pow", "Sin", "Sqrt", "Tan", "Tanh"}},
        {{Manner::Map, 2, 1}, {"Elu", "Sigmoid"}},
        {{Manner::Map, 3, 1}, {"Swish"}},
        {{Manner::Map, 4, 1}, {"Gelu"}},
        {{Manner::Map, 1, 2}, {"Softplus"}},
        {{Manner::Map, 2, 3}, {"Mish"}},
        {{Manner::Fold, 1}, {"Max", "Mean", "Min", "Sum"}},
        {{Manner::Along, 1}, {"CumSum"}},
        {{Manner::Along, 4, 1}, {"LogSoftmax", "Softmax"}},
        {{Manner::Along, 4},
         {"RMSNormalization", "SimplifiedLayerNormalization"}},
        {{Manner::Along, 7}, {"LayerNormalization"}},
        {{Manner::Reduce, 1},
         {"ArgMax", "ArgMin", "ReduceMax", "ReduceMean", "ReduceMin",
          "ReduceProd", "ReduceSum"}},
        {{Manner::Reduce, 2}, {"ReduceL1", "ReduceL2", "ReduceSumSquare"}},
        {{Manner::Choose, 1}, {"TopK"}},
        {{Manner::Product}, {"Einsum", "Gemm", "MatMul"}},
    };
    llvm::StringMap<OpRule> map;
    for (const RuleRow &row : rows)
      for (StringLiteral op : row.ops)
        map[op] = row.rule;
    return map;
  }();
  return rules;
}

const OpRule *ruleOf(graph::NodeOp node) {
  if (!node.getDomain().empty() || !node.getBodies().empty())
    return nullptr;
  auto found = allRules().find(node.getOpType());
  return found == allRules().end() ? nullptr : &found->second;
}

/// States the work of one node per token.
class Counter {
public:
  Counter(graph::NodeOp node, const Size &tokens, const GraphFacts &facts,
          const llvm::SetVector<Operation *> &active)
      : node(node), tokens(tokens), facts(facts), active(active) {}

  /// The dictionary, or null with the reason in `problem`.
  DictionaryAttr count();
  std::string problem;

private:
  /// States the first problem.
  std::nullopt_t fail(const Twine &why) {
    if (problem.empty())
      problem = why.str();
    return std::nullopt;
  }

  std::optional<Size> elements(Value value) const {
    const Sizes *shape = facts.shape(value);
    return shape ? productOf(*shape) : std::nullopt;
  }

  std::optional<int64_t> perToken(const std::optional<Size> &total,
                                  const Twine &what) {
    if (!total)
      return fail(what + " has no size that follows from the inputs");
    std::optional<Size> share = total->dividedBy(tokens);
    std::optional<int64_t> known = share ? share->constant() : std::nullopt;
    if (!known && total->constant())
      return fail(what + " is as large for any number of tokens");
    if (!known)
      return fail(what + " has a size that is no multiple of the tokens");
    if (*known < 0)
      return fail(what + " is negative");
    return known;
  }

  /// Bytes of `value` per token; none of shapes, which are known ahead.
  std::optional<int64_t> bytes(Value value, const Twine &what) {
    if (facts.elements(value))
      return 0;
    Type element = facts.elementType(value);
    if (!element || !element.isIntOrFloat())
      return fail(what + " has no type whose width is known");
    std::optional<Size> count = elements(value);
    return perToken(count ? count->times(bytesOf(element)) : std::nullopt,
                    what);
  }
  static int64_t bytesOf(Type element) {
    return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  }

  /// `times` operations for each of `count`.
  std::optional<int64_t> operations(const std::optional<Size> &count,
                                    const std::optional<Size> &times) {
    return perToken(count && times ? count->times(*times) : std::nullopt,
                    "its work");
  }

  /// False if there is nothing to add or the sum is too large.
  bool addTo(int64_t &sum, std::optional<int64_t> count) {
    if (count && llvm::AddOverflow(sum, *count, sum))
      count = fail("its work exceeds 64 bits");
    return count.has_value();
  }

  bool isActive(Value value) const {
    Operation *op = value.getDefiningOp();
    return !op || active.contains(op);
  }

  std::optional<Size> contraction();
  bool staysInToken();

  graph::NodeOp node;
  const Size &tokens;
  const GraphFacts &facts;
  const llvm::SetVector<Operation *> &active;
};

} // namespace

/// What a product sums over, if that is no token.
std::optional<Size> Counter::contraction() {
  if (node.getOpType() != "Einsum") {
    bool isFirst = node.getOpType() == "Gemm" && integerAttr(node, "transA", 0);
    int64_t depth = facts.dim(node.input(0), isFirst ? 0 : -1);
    return depth < 0 ? fail("it sums over tokens")
                     : std::optional<Size>(Size(depth));
  }
  auto equation = dyn_cast_or_null<StringAttr>(node.attribute("equation"));
  if (!equation || !equation.getValue().contains("->"))
    return fail("its equation has no result");
  auto [left, right] = equation.getValue().split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  llvm::SmallDenseSet<char, 8> seen;
  int64_t depth = 1;
  for (auto [index, term] : llvm::enumerate(terms)) {
    int64_t dim = 0;
    for (char letter : term) {
      if (letter == ' ')
        continue;
      int64_t size = facts.dim(node.input(index), dim++);
      if (right.contains(letter) || !seen.insert(letter).second)
        continue;
      if (size < 0)
        return fail("it sums over tokens");
      if (llvm::MulOverflow(depth, size, depth))
        return fail("it sums over too much");
    }
  }
  return Size(depth);
}

/// Whether no dimension that the node works along has tokens in it.
bool Counter::staysInToken() {
  StringRef op = node.getOpType();
  int64_t rank = facts.rank(node.input(0));
  bool isOld = int64_t(node.getVersion()) < 13;
  bool isSoftmax = op.ends_with("Softmax");
  int64_t axis = integerAttr(node, "axis", isSoftmax && isOld ? 1 : -1);
  if (op == "CumSum")
    axis = facts.integer(node.input(1)).value_or(rank);
  int64_t first = wrapIndex(axis, std::max<int64_t>(rank, 0));
  // Softmax joined dimensions before version 13, norms do.
  bool isOne = op == "CumSum" || (isSoftmax && !isOld);
  for (int64_t dim = first; dim >= 0 && dim < (isOne ? first + 1 : rank); ++dim)
    if (facts.dim(node.input(0), dim) < 0)
      return false;
  return first >= 0;
}

DictionaryAttr Counter::count() {
  Builder builder(node.getContext());
  SmallVector<NamedAttribute> work;
  bool failed = false;
  auto add = [&](StringRef name, std::optional<int64_t> count) {
    failed |= !count;
    if (count && *count != 0)
      work.push_back(
          builder.getNamedAttr(name, builder.getI64IntegerAttr(*count)));
  };
  auto finish = [&] {
    return failed ? DictionaryAttr() : builder.getDictionaryAttr(work);
  };

  SmallVector<Value> results;
  for (unsigned i = 0; i < node.getOutputs().size(); ++i)
    if (node.hasOutput(i))
      results.push_back(node.getOutputs()[i]);
  StringRef op = node.getOpType();
  bool isShape = llvm::all_of(
      results, [&](Value result) { return facts.elements(result); });
  if (isShape || (ruleOf(node) && (op == "Shape" || op == "Size")))
    return finish();
  const OpRule *rule = ruleOf(node);
  if (!rule) {
    bool counts = node.getDomain().empty() &&
                  (op == "Compress" || op == "NonZero" || op == "Unique");
    fail(counts ? "how much it gives depends on values"
                : "the work of this op is not known");
    return nullptr;
  }

  int64_t written = 0, read = 0;
  std::optional<Size> made = Size(0);
  for (auto [index, result] : llvm::enumerate(results)) {
    std::optional<int64_t> size = bytes(result, "result " + Twine(index));
    failed |= !addTo(written, size);
    std::optional<Size> count = elements(result);
    made = made && count ? made->plus(*count) : std::nullopt;
  }
  for (auto [index, operand] : llvm::enumerate(node.getInputs())) {
    if (isa<NoneType>(operand.getType()) || !isActive(operand) ||
        (rule->manner == Manner::Pick && index == 0))
      continue;
    std::optional<int64_t> size = bytes(operand, "operand " + Twine(index));
    failed |= !addTo(read, size);
  }
  if (failed || rule->manner == Manner::View)
    return finish();
  if (rule->manner == Manner::Pick && !addTo(read, written))
    return nullptr;
  add(kReadName, rule->manner == Manner::Fill ? 0 : read);
  add(kWrittenName, written);

  std::optional<Size> each = made;
  switch (rule->manner) {
  case Manner::Along:
    if (!staysInToken()) {
      fail("it works along a dimension of tokens");
      return nullptr;
    }
    break;
  case Manner::Fold:
    each = made->times(int64_t(node.getInputs().size()) - 1);
    break;
  case Manner::Reduce:
    each = elements(node.input(0));
    break;
  case Manner::Choose: {
    const Sizes *choices = facts.elements(node.input(1));
    each = elements(node.input(0));
    each = each && choices && choices->size() == 1
               ? each->times(choices->front())
               : std::nullopt;
    break;
  }
  case Manner::Product: {
    std::optional<Size> depth = contraction();
    std::optional<Size> twice = depth ? depth->times(2) : std::nullopt;
    add(kMatmulName, operations(made, twice));
    // The addend of a Gemm.
    each = op == "Gemm" && node.input(2) ? made : std::optional<Size>(Size(0));
    add(kVectorName, operations(each, Size(1)));
    return finish();
  }
  default:
    break;
  }
  add(kVectorName, operations(each, Size(rule->vector)));
  add(kTranscendentalName, operations(each, Size(rule->transcendental)));
  return finish();
}

bool graph_to_moe::picksElements(graph::NodeOp node) {
  const OpRule *rule = ruleOf(node);
  return rule && rule->manner == Manner::Pick;
}

llvm::SetVector<Operation *> graph_to_moe::findActive(func::FuncOp main) {
  llvm::SetVector<Operation *> active;
  Block &block = main.getBody().front();
  for (Operation &op : block) {
    bool depends = false;
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (operand.getParentBlock() == &block)
          depends |= isa<BlockArgument>(operand) ||
                     active.contains(operand.getDefiningOp());
    });
    if (depends)
      active.insert(&op);
  }
  return active;
}

/// Batch and new tokens: those of the ids, or of the first input of two
/// dimensions.
static std::optional<std::pair<Size, Size>> tokensOf(func::FuncOp main,
                                                     const GraphFacts &facts) {
  auto leading = [&](Value value) -> std::optional<std::pair<Size, Size>> {
    const Sizes *shape = facts.shape(value);
    if (!shape || shape->size() < 2)
      return std::nullopt;
    return std::pair((*shape)[0], (*shape)[1]);
  };
  for (auto embedding : main.getBody().front().getOps<moe::EmbeddingOp>())
    return leading(embedding.getIds());
  for (Value argument : main.getArguments())
    if (auto tokens = leading(argument))
      return tokens;
  return std::nullopt;
}

void graph_to_moe::stateWork(func::FuncOp main, GraphFacts &facts,
                             ArrayRef<Operation *> kept) {
  if (kept.empty())
    return;
  auto leading = tokensOf(main, facts);
  std::optional<Size> tokens =
      leading ? leading->first.times(leading->second) : std::nullopt;
  // A number of tokens that is fixed cannot be told from other sizes.
  if (tokens && tokens->constant())
    tokens = std::nullopt;

  // Activations [batch, tokens, width] that were raised.
  auto learn = [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!leading || !type || type.getRank() != 3 || facts.shape(value))
      return;
    Sizes sizes = {leading->first, leading->second, Size(0)};
    for (auto [size, dim] : llvm::zip_equal(sizes, type.getShape()))
      if (!ShapedType::isDynamic(dim))
        size = Size(dim);
    if (type.isDynamicDim(2))
      return;
    GraphFacts::Fact &fact = facts.at(value);
    fact.element = type.getElementType();
    fact.shape = std::move(sizes);
  };

  Builder builder(main.getContext());
  llvm::SetVector<Operation *> active = findActive(main);
  llvm::DenseSet<Operation *> staying(kept.begin(), kept.end());
  for (Operation &op : main.getBody().front()) {
    auto isOpen = [&](Value result) { return !facts.shape(result); };
    auto node = dyn_cast<graph::NodeOp>(op);
    if (!node) {
      // Behind the first result of an op that computes there are caches.
      if (!active.contains(&op) && llvm::any_of(op.getResults(), isOpen))
        facts.infer(&op);
      else if (op.getNumResults() > 0)
        learn(op.getResult(0));
      if (auto route = dyn_cast<moe::RouteOp>(op))
        learn(route.getIndices());
      continue;
    }
    if (!staying.contains(node))
      continue;
    // Nodes that arrange what was raised are new, others may know more by now.
    if (node.getBodies().empty() && llvm::any_of(node.getOutputs(), isOpen))
      facts.infer(node);
    if (!active.contains(node))
      continue;
    if (!tokens) {
      node->setDiscardableAttr(
          kUnpricedName, builder.getStringAttr("the graph has no numbers of "
                                               "sequences and new tokens"));
      continue;
    }
    Counter counter(node, *tokens, facts, active);
    if (DictionaryAttr work = counter.count())
      node->setDiscardableAttr(kWorkName, work);
    else
      node->setDiscardableAttr(kUnpricedName,
                               builder.getStringAttr(counter.problem));
  }
}
