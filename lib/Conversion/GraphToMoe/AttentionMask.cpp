//===- AttentionMask.cpp - what an additive mask hides --------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Conversion/GraphToMoe/AttentionMask.h"
#include "lib/Conversion/GraphToMoe/Idioms.h"

using namespace mlir;
using namespace portolan;
using namespace portolan::graph_to_moe;

namespace {

/// The axes of the scores.
enum Axis : int { Batch = 0, Heads, Queries, Keys, None };

/// What a dimension of a tensor on the way counts: an index of the scores, from
/// `start` on.
struct Place {
  Axis axis = None;
  Size start;

  bool operator==(const Place &other) const {
    return axis == other.axis && start == other.start;
  }
};
using Axes = SmallVector<Place, 4>;

/// offset + the sum of index * step over the axes. Where `counts` is not 0, an
/// index is that of the tokens which `counted`, an attention mask, has up to
/// there: the same as the index itself between tokens that are there.
struct Affine {
  Size offset;
  std::array<int64_t, 4> steps = {0, 0, 0, 0};
  int64_t counts = 0;
  Value counted = {};

  static std::optional<Affine> of(const Place &place) {
    Affine result{place.start};
    if (place.axis != None)
      result.steps[place.axis] = 1;
    return result;
  }

  std::optional<Affine> plus(const Affine &other, int64_t factor) const {
    std::optional<Size> scaled = other.offset.times(factor);
    std::optional<Size> sum = scaled ? offset.plus(*scaled) : std::nullopt;
    if (!sum)
      return std::nullopt;
    if (counted && other.counted && counted != other.counted)
      return std::nullopt;
    Affine result{*sum, steps, counts, counted ? counted : other.counted};
    auto add = [&](int64_t &into, int64_t more) {
      int64_t product = 0;
      return !llvm::MulOverflow(factor, more, product) &&
             !llvm::AddOverflow(into, product, into);
    };
    for (auto [step, more] : llvm::zip_equal(result.steps, other.steps))
      if (!add(step, more))
        return std::nullopt;
    if (!add(result.counts, other.counts))
      return std::nullopt;
    return result;
  }
};

/// One condition for a key to be seen.
struct Condition {
  std::optional<Affine> notNegative; ///< an affine value >= 0
  Value keys;                        ///< or an entry of this input ..
  bool present = true;               ///< .. that is (not) 0
};
using Conditions = SmallVector<Condition, 4>;

/// Scores below this are nothing beside the others after a softmax.
constexpr double kHidden = -1e4;
/// Masks of real graphs have some twenty nodes; paths may share them.
constexpr unsigned kMaxSteps = 500;

class Reader {
public:
  explicit Reader(const GraphFacts &facts) : facts(facts) {}

  /// Of numbers that are added to the scores, or of booleans that let keys be
  /// seen.
  std::optional<Conditions> scores(Value value, Axes axes);
  std::optional<Conditions> condition(Value value, Axes axes);
  Axes axesOfResult(Value value) {
    Axes axes;
    int64_t rank = facts.rank(value);
    for (int64_t i = 0; i < rank; ++i)
      axes.push_back({Axis(4 - rank + i), Size()});
    return ones(value, axes);
  }

private:
  /// Dimensions of size 1 have no index.
  Axes ones(Value value, Axes axes) {
    for (auto [i, place] : llvm::enumerate(axes))
      if (facts.dim(value, i) == 1)
        place.axis = None;
    return axes;
  }
  std::optional<Affine> affine(Value value, Axes axes);
  std::optional<Affine> counted(graph::NodeOp node, const Axes &axes);
  std::optional<double> fill(Value value) const;
  std::optional<Conditions>
  joined(graph::NodeOp node, const Axes &axes,
         llvm::function_ref<bool(Value)> isSeen,
         llvm::function_ref<std::optional<Conditions>(Value, Axes)> read);
  std::optional<Conditions> triangle(graph::NodeOp node, const Axes &axes,
                                     bool hides);
  std::optional<Conditions> negation(Value value, Axes axes);
  std::optional<Conditions> comparison(graph::NodeOp node, Axes axes);

  /// The axes of operand `value` of a node with `axes`: aligned at the right.
  std::optional<Axes> operandAxes(Value value, const Axes &axes) {
    int64_t rank = facts.rank(value);
    if (rank < 0 || rank > int64_t(axes.size()))
      return std::nullopt;
    return ones(value, Axes(axes.end() - rank, axes.end()));
  }
  /// The same for a node that only adds, drops or repeats dimensions.
  std::optional<Axes> inputAxes(graph::NodeOp node, const Axes &axes);

  bool isHidden(Value value) {
    std::optional<double> number = facts.number(value);
    return number && *number <= kHidden;
  }
  bool isZero(Value value) { return facts.number(value) == 0.0; }
  bool enter() { return steps++ < kMaxSteps; }

  const GraphFacts &facts;
  unsigned steps = 0;
};

std::optional<Conditions> both(std::optional<Conditions> lhs,
                               std::optional<Conditions> rhs) {
  if (!lhs || !rhs)
    return std::nullopt;
  lhs->append(*rhs);
  return lhs;
}

} // namespace

std::optional<Axes> Reader::inputAxes(graph::NodeOp node, const Axes &axes) {
  StringRef op = node.getOpType();
  Value input = node.input(0);
  int64_t rank = facts.rank(input);
  if (rank < 0)
    return std::nullopt;
  if (op == "Expand" || op == "Cast" || op == "Identity")
    return operandAxes(input, axes);
  if (op == "Slice") {
    std::optional<SliceForm> form = sliceOf(node, facts);
    if (!form || form->step != 1 || axes.size() != size_t(rank))
      return std::nullopt;
    Axes inner = axes;
    Place &place = inner[form->axis];
    std::optional<Size> start = place.start.plus(form->start);
    if (!start)
      return std::nullopt;
    place.start = *start;
    return inner;
  }
  if (op != "Unsqueeze" && op != "Squeeze" && op != "Reshape")
    return std::nullopt;
  // The dimensions that are not 1 are the same ones in the same order.
  Value output = node.getOutputs()[0];
  const Sizes *from = facts.shape(input), *to = facts.shape(output);
  if (!from || !to || to->size() != axes.size())
    return std::nullopt;
  Axes result;
  size_t next = 0;
  auto skip = [&] {
    while (next < to->size() && (*to)[next] == Size(1))
      ++next;
  };
  for (const Size &size : *from) {
    if (size == Size(1)) {
      result.push_back(Place());
      continue;
    }
    skip();
    if (next == to->size() || (*to)[next] != size)
      return std::nullopt;
    result.push_back(axes[next++]);
  }
  skip();
  return next == to->size() ? std::optional<Axes>(result) : std::nullopt;
}

/// The running sum of an attention mask [batch, keys].
std::optional<Affine> Reader::counted(graph::NodeOp node, const Axes &axes) {
  Value mask = node.input(0);
  if (graph::NodeOp cast = nodeOf(mask, "Cast"))
    mask = cast.input(0);
  Type element = facts.elementType(mask);
  bool isMask = isa_and_nonnull<BlockArgument>(mask) &&
                isa_and_nonnull<IntegerType>(element) && axes.size() == 2 &&
                (axes[0] == Place{Batch, Size()} || axes[0].axis == None);
  std::optional<int64_t> axis = facts.integer(node.input(1));
  if (!isMask || !axis || wrapIndex(*axis, 2) != 1 ||
      integerAttr(node, "exclusive", 0) != 0 ||
      integerAttr(node, "reverse", 0) != 0)
    return std::nullopt;
  // The first token counts 1.
  auto result = Affine::of(axes[1])->plus(Affine{Size(1)}, 1);
  if (result) {
    result->counts = 1;
    result->counted = mask;
  }
  return result;
}

/// The number that all elements of `value` are, if they are one.
std::optional<double> Reader::fill(Value value) const {
  for (unsigned steps = 0; steps < 8 && value; ++steps) {
    if (std::optional<double> number = facts.number(value))
      return number;
    auto node = value.getDefiningOp<graph::NodeOp>();
    if (!node || !node.getDomain().empty())
      return std::nullopt;
    if (node.getOpType() == "ConstantOfShape") {
      auto filled =
          dyn_cast_or_null<DenseElementsAttr>(node.attribute("value"));
      if (!filled)
        return 0;
      if (filled.getNumElements() != 1)
        return std::nullopt;
      if (isa<FloatType>(filled.getElementType()))
        return (*filled.value_begin<APFloat>()).convertToDouble();
      if (filled.getElementType().isInteger(1))
        return (*filled.value_begin<APInt>()).getBoolValue();
      if (isa<IntegerType>(filled.getElementType()))
        return double((*filled.value_begin<APInt>()).getSExtValue());
      return std::nullopt;
    }
    if (node.getOpType() != "Expand" && node.getOpType() != "Cast" &&
        node.getOpType() != "Unsqueeze")
      return std::nullopt;
    value = node.input(0);
  }
  return std::nullopt;
}

/// Keys of which the first ones are seen by all, as `isSeen` says, and the
/// others under the conditions that `read` finds: those hold for the keys ahead
/// of theirs as well, if they are of the causal kind.
std::optional<Conditions> Reader::joined(
    graph::NodeOp node, const Axes &axes,
    llvm::function_ref<bool(Value)> isSeen,
    llvm::function_ref<std::optional<Conditions>(Value, Axes)> read) {
  int64_t rank = axes.size();
  const Sizes *past = facts.shape(node.input(0));
  if (node.getInputs().size() != 2 || rank < 1 || !past ||
      wrapIndex(integerAttr(node, "axis", 0), rank) != rank - 1 ||
      axes.back().axis != Keys || !isSeen(node.input(0)))
    return std::nullopt;
  Axes inner = ones(node.input(1), axes);
  inner.back() = axes.back();
  std::optional<Size> start = axes.back().start.minus(past->back());
  if (!start)
    return std::nullopt;
  inner.back().start = *start;
  std::optional<Conditions> found = read(node.input(1), inner);
  if (!found)
    return std::nullopt;
  for (const Condition &condition : *found) {
    if (condition.keys || condition.notNegative->steps[Keys] != -1 ||
        condition.notNegative->steps[Queries] < 0)
      return std::nullopt;
    // At the first query and the first of the keys that are not seen by all.
    std::optional<Size> least =
        condition.notNegative->offset.minus(past->back());
    if (!least || !least->isNonNegative())
      return std::nullopt;
  }
  return found;
}

/// Trilu of one number: where it is kept, or where it is 0 if it hides keys.
std::optional<Conditions> Reader::triangle(graph::NodeOp node, const Axes &axes,
                                           bool hides) {
  std::optional<double> number = fill(node.input(0));
  std::optional<Size> diagonal = Size();
  if (node.input(1)) {
    const Sizes *data = facts.elements(node.input(1));
    diagonal = data && data->size() == 1 ? std::optional<Size>(data->front())
                                         : std::nullopt;
  }
  if (!number || !diagonal || axes.size() < 2 ||
      (hides ? *number > kHidden : *number != 1))
    return std::nullopt;
  auto row = Affine::of(axes[axes.size() - 2]),
       column = Affine::of(axes.back());
  auto above = column->plus(*row, -1); // column - row
  bool isUpper = integerAttr(node, "upper", 1) != 0;
  // Upper: kept where column - row >= k; lower: where row - column >= -k.
  std::optional<Affine> kept;
  if (above)
    kept = isUpper ? above->plus(Affine{*diagonal}, -1)
                   : Affine{*diagonal}.plus(*above, -1);
  if (kept && hides)
    kept = Affine{Size(-1)}.plus(*kept, -1);
  if (!kept)
    return std::nullopt;
  return Conditions{Condition{kept, Value(), true}};
}

std::optional<Affine> Reader::affine(Value value, Axes axes) {
  if (!enter())
    return std::nullopt;
  if (const Sizes *data = facts.elements(value); data && data->size() == 1)
    return Affine{data->front()};
  auto node = value.getDefiningOp<graph::NodeOp>();
  if (!node || !node.getDomain().empty() || !node.input(0))
    return std::nullopt;
  StringRef op = node.getOpType();
  if (op == "Range") {
    const Sizes *start = facts.elements(node.input(0));
    if (!start || start->size() != 1 || facts.integer(node.input(2)) != 1 ||
        axes.size() != 1)
      return std::nullopt;
    return Affine{start->front()}.plus(*Affine::of(axes[0]), 1);
  }
  if (op == "CumSum")
    return counted(node, axes);
  if ((op == "Add" || op == "Sub") && node.input(1)) {
    auto left = operandAxes(node.input(0), axes);
    auto right = operandAxes(node.input(1), axes);
    auto lhs = left ? affine(node.input(0), *left) : std::nullopt;
    auto rhs = right ? affine(node.input(1), *right) : std::nullopt;
    if (!lhs || !rhs)
      return std::nullopt;
    return lhs->plus(*rhs, op == "Add" ? 1 : -1);
  }
  std::optional<Axes> inner = inputAxes(node, axes);
  return inner ? affine(node.input(0), *inner) : std::nullopt;
}

/// lhs <= rhs and the like as an affine value that is not negative.
std::optional<Conditions> Reader::comparison(graph::NodeOp node, Axes axes) {
  StringRef op = node.getOpType();
  bool less = op.starts_with("Less"), orEqual = op.ends_with("OrEqual");
  Value small = node.input(less ? 0 : 1), large = node.input(less ? 1 : 0);
  auto smallAxes = operandAxes(small, axes);
  auto largeAxes = operandAxes(large, axes);
  if (!smallAxes || !largeAxes)
    return std::nullopt;
  // mask > 0.
  if (op == "Greater" && isZero(small))
    return condition(large, *largeAxes);
  auto low = affine(small, *smallAxes), high = affine(large, *largeAxes);
  auto difference = low && high ? high->plus(*low, -1) : std::nullopt;
  if (difference && !orEqual)
    difference = difference->plus(Affine{Size(1)}, -1);
  if (!difference)
    return std::nullopt;
  return Conditions{Condition{difference, Value(), true}};
}

std::optional<Conditions> Reader::negation(Value value, Axes axes) {
  std::optional<Conditions> inner = condition(value, axes);
  // The negation of a conjunction is none.
  if (!inner || inner->size() != 1)
    return std::nullopt;
  Condition &only = inner->front();
  if (only.keys) {
    only.present = !only.present;
    return inner;
  }
  // not (e >= 0) is -e - 1 >= 0.
  auto negated = Affine{Size(-1)}.plus(*only.notNegative, -1);
  if (!negated)
    return std::nullopt;
  only.notNegative = negated;
  return inner;
}

std::optional<Conditions> Reader::condition(Value value, Axes axes) {
  if (!enter())
    return std::nullopt;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Type element = facts.elementType(argument);
    if (axes == Axes{{Batch, Size()}, {Keys, Size()}} && element &&
        isa<IntegerType>(element))
      return Conditions{Condition{std::nullopt, argument, true}};
    return std::nullopt;
  }
  if (std::optional<double> known = fill(value); known && *known != 0)
    return Conditions();
  auto node = value.getDefiningOp<graph::NodeOp>();
  if (!node || !node.getDomain().empty() || !node.input(0))
    return std::nullopt;
  StringRef op = node.getOpType();
  auto operand = [&](unsigned index) -> std::optional<Conditions> {
    auto inner = operandAxes(node.input(index), axes);
    return inner ? condition(node.input(index), *inner) : std::nullopt;
  };
  if (op == "And" && node.input(1))
    return both(operand(0), operand(1));
  if (op == "Not")
    return negation(node.input(0), axes);
  if (op == "Trilu")
    return triangle(node, axes, /*hides=*/false);
  if (op == "Concat")
    return joined(
        node, axes,
        [&](Value first) {
          std::optional<double> number = fill(first);
          return number && *number != 0;
        },
        [&](Value rest, Axes inner) { return condition(rest, inner); });
  if ((op.starts_with("Less") || op.starts_with("Greater")) && node.input(1))
    return comparison(node, axes);
  if (op == "Equal" && node.input(1))
    for (auto [other, constant] : {std::pair{node.input(0), node.input(1)},
                                   std::pair{node.input(1), node.input(0)}}) {
      auto inner = operandAxes(other, axes);
      std::optional<double> number = facts.number(constant);
      if (!number || !inner)
        continue;
      // An attention mask holds zeros and ones.
      if (*number == 0)
        return negation(other, *inner);
      return *number == 1 ? condition(other, *inner) : std::nullopt;
    }
  // 1 - mask is 0 where a key is.
  if (op == "Sub" && facts.number(node.input(0)) == 1.0) {
    auto inner = operandAxes(node.input(1), axes);
    return inner ? negation(node.input(1), *inner) : std::nullopt;
  }
  std::optional<Axes> inner = inputAxes(node, axes);
  return inner ? condition(node.input(0), *inner) : std::nullopt;
}

std::optional<Conditions> Reader::scores(Value value, Axes axes) {
  if (!enter())
    return std::nullopt;
  if (fill(value) == 0.0)
    return Conditions();
  auto node = value.getDefiningOp<graph::NodeOp>();
  if (!node || !node.getDomain().empty() || !node.input(0))
    return std::nullopt;
  StringRef op = node.getOpType();
  auto of = [&](auto member, Value operand) -> std::optional<Conditions> {
    auto inner = operandAxes(operand, axes);
    return inner ? (this->*member)(operand, *inner) : std::nullopt;
  };
  if (op == "Where") {
    Value flag = node.input(0), yes = node.input(1), no = node.input(2);
    if (isHidden(no))
      return both(of(&Reader::condition, flag), of(&Reader::scores, yes));
    if (isHidden(yes))
      return both(of(&Reader::negation, flag), of(&Reader::scores, no));
    return std::nullopt;
  }
  if (op == "Add" && node.input(1))
    return both(of(&Reader::scores, node.input(0)),
                of(&Reader::scores, node.input(1)));
  if (op == "Trilu")
    return triangle(node, axes, /*hides=*/true);
  if (op == "Concat")
    return joined(
        node, axes, [&](Value first) { return fill(first) == 0.0; },
        [&](Value rest, Axes inner) { return scores(rest, inner); });
  // (1 - mask) * -1e38.
  if (op == "Mul" && node.input(1))
    for (auto [flag, number] : {std::pair{node.input(0), node.input(1)},
                                std::pair{node.input(1), node.input(0)}})
      if (isHidden(number))
        return of(&Reader::negation, flag);
  std::optional<Axes> inner = inputAxes(node, axes);
  return inner ? scores(node.input(0), *inner) : std::nullopt;
}

/// Reads the conditions of a mask of `shape`. `isCausal`: that of a query on
/// the keys behind it need not be there.
static llvm::Expected<MaskForm>
readConditions(const Conditions &conditions, const Size &past, bool isCausal) {
  MaskForm form;
  Value counted;
  for (const Condition &condition : conditions) {
    if (condition.keys) {
      if (!condition.present || (form.keys && form.keys != condition.keys))
        return llvm::createStringError(
            "expects a mask that hides the zeros of one attention mask");
      form.keys = condition.keys;
      continue;
    }
    const Affine &value = *condition.notNegative;
    bool isFlat =
        value.steps[Batch] == 0 && value.steps[Heads] == 0 && value.counts == 0;
    if (value.counted)
      counted = value.counted;
    // query + past - key >= 0.
    if (isFlat && value.steps[Queries] == 1 && value.steps[Keys] == -1 &&
        value.offset == past) {
      isCausal = true;
      continue;
    }
    // key - query - past + window - 1 >= 0.
    if (isFlat && value.steps[Queries] == -1 && value.steps[Keys] == 1) {
      std::optional<Size> sum = value.offset.plus(past);
      std::optional<int64_t> less = sum ? sum->constant() : std::nullopt;
      if (less && *less >= 0 && form.window == 0) {
        form.window = *less + 1;
        continue;
      }
    }
    return llvm::createStringError(
        "expects a mask that hides the keys behind a query, or those before a "
        "window");
  }
  if (!isCausal)
    return llvm::createStringError("expects a causal mask");
  if (counted && counted != form.keys)
    return llvm::createStringError(
        "expects a mask that hides the zeros of the attention mask whose "
        "tokens it counts");
  return form;
}

static llvm::Expected<MaskForm>
readMask(Value mask, bool isBoolean, bool isCausal, const GraphFacts &facts) {
  const Sizes *shape = facts.shape(mask);
  if (!shape || shape->size() < 2 || shape->size() > 4)
    return llvm::createStringError(
        "expects a mask of [batch, heads, queries, keys]");
  Reader reader(facts);
  Axes axes = reader.axesOfResult(mask);
  std::optional<Conditions> found =
      isBoolean ? reader.condition(mask, axes) : reader.scores(mask, axes);
  if (!found)
    return llvm::createStringError(
        "expects a mask that follows from positions and an attention mask");
  const Size &queries = (*shape)[shape->size() - 2], &keys = shape->back();
  std::optional<Size> past = keys.minus(queries);
  if (!past)
    return llvm::createStringError("expects a mask whose sizes are known");
  return readConditions(*found, *past, isCausal);
}

llvm::Expected<MaskForm> graph_to_moe::matchMask(Value mask,
                                                 const GraphFacts &facts) {
  return readMask(mask, /*isBoolean=*/false, /*isCausal=*/false, facts);
}

llvm::Expected<MaskForm> graph_to_moe::matchSelfMask(Value mask, bool isCausal,
                                                     const GraphFacts &facts) {
  Type element = facts.elementType(mask);
  if (!element)
    return llvm::createStringError("expects a mask of a known element type");
  return readMask(mask, element.isInteger(1), isCausal, facts);
}
