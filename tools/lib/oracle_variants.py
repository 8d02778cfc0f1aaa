"""Changes an ONNX graph in one place at random: another op, operands the other way round,
a node left out, another constant or attribute. What remains is a graph that no exporter
wrote, and that nearly is one that the raising rules know."""

import struct

from onnx_bytes import BYTES, fields, rewrite, varint
from onnx_graph import parse, signed, text

# Ops that take one another's place: of the same number of inputs, and mostly of the same types.
ALIKE = (("Add", "Sub", "Mul", "Div", "Max", "Min"),
         ("Sigmoid", "Tanh", "Relu", "Neg", "Abs", "Softplus", "Erf", "Identity"),
         ("Cos", "Sin"), ("Exp", "Sqrt", "Reciprocal"),
         ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceProd"),
         ("Greater", "Less", "GreaterOrEqual", "LessOrEqual"), ("And", "Or", "Xor"),
         ("Softmax", "LogSoftmax", "Hardmax"))
# Nodes whose first input may stand for their output.
LEFT_OUT = ("Mul", "Add", "Sub", "Div", "Sigmoid", "Tanh", "Relu", "Softmax", "Neg", "Cast", "Clip",
            "Pow", "Sqrt", "Cos", "Sin", "Where", "Identity", "ScatterElements", "Min", "Max",
            "SimplifiedLayerNormalization", "RMSNormalization", "RotaryEmbedding", "Softplus")
TURNED = ("Sub", "Div", "MatMul", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Where", "Pow",
          "Concat", "Gemm", "Einsum")
MOST_ELEMENTS = 16  # of a constant that is changed
GRAPH, NODE, INITIALIZER, ATTRIBUTE = 7, 1, 5, 5
INPUT, OP, NAME = 1, 4, 3
ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_INTS = 2, 3, 5, 6, 8
FLOAT, INT64, BOOL = 1, 7, 9
NUMBERS = {FLOAT: ("f", 4), INT64: ("q", 7)}  # letter, field of numbers that are not raw
RAW = 9
# An attribute that says which of the others is meant, not how much.
KINDS = ("to", "sorted", "stash_type", "keepdims", "domain", "value", "num_heads", "kv_num_heads", "bits",
         "expert_weight_bits", "block_size", "K", "N", "q_num_heads")


def field(number, contents):
    return varint(number << 3 | BYTES) + varint(len(contents)) + contents


def integer(number, value):
    return varint(number << 3) + varint(value % (1 << 64))


def replaced(data, number, index, new):
    """`data` with its `index`-th field of that number replaced by encoded bytes."""
    out, seen = bytearray(), 0
    for one, start, end, _ in fields(data):
        hit = one == number and seen == index
        seen += one == number
        out += new if hit else data[start:end]
    return bytes(out)


def of_nodes(model, action):
    """`model` with action(index, node) in the place of each node, bodies before the
    nodes that hold them."""
    count = [0]

    def node(data):
        data = rewrite(data, {ATTRIBUTE: lambda one: rewrite(one, {ATTRIBUTE_GRAPH: graph})})
        count[0] += 1
        return action(count[0] - 1, data)

    def graph(data):
        return rewrite(data, {NODE: node})

    return rewrite(model, {GRAPH: graph})


def changed_number(kind, value, random):
    if kind == FLOAT:
        return random.choice((value * 1.5, value + 0.25, -value, 0.5 * value))
    return value + random.choice((-1, 1))


def changed_tensor(data, random):
    """A small tensor with one number changed; None if it is none."""
    tensor = parse(data)
    kind = tensor.get(2, [0])[-1]
    if kind not in NUMBERS:
        return None
    letter, number = NUMBERS[kind]
    if RAW in tensor:
        number, contents = RAW, tensor[RAW][-1]
    elif len(tensor.get(number, [])) == 1 and isinstance(tensor[number][0], bytes) and kind == FLOAT:
        contents = tensor[number][0]
    else:
        return None
    values = list(struct.unpack(f"<{len(contents) // struct.calcsize(letter)}{letter}", contents))
    if not 0 < len(values) <= MOST_ELEMENTS:
        return None
    index = random.randrange(len(values))
    old, values[index] = values[index], changed_number(kind, values[index], random)
    try:
        contents = struct.pack(f"<{len(values)}{letter}", *values)
    except (OverflowError, struct.error):
        return None
    what = f"element {index} of {list(tensor.get(1, []))}: {old} -> {values[index]}"
    return replaced(data, number, 0, field(number, contents)), what


def another_op(node, message, random):
    op = text(message, OP)
    for group in ALIKE:
        if op in group:
            new = random.choice([one for one in group if one != op])
            return replaced(node, OP, 0, field(OP, new.encode())), f"-> {new}"
    return None


def turned(node, message, random):
    inputs = message.get(INPUT, [])
    if text(message, OP) not in TURNED or len(inputs) < 2:
        return None
    first = 1 if text(message, OP) == "Where" else 0
    node = replaced(node, INPUT, first, field(INPUT, inputs[first + 1]))
    return replaced(node, INPUT, first + 1, field(INPUT, inputs[first])), "operands turned"


def left_out(node, message, random):
    inputs = message.get(INPUT, [])
    if text(message, OP) not in LEFT_OUT or not inputs:
        return None
    which = random.randrange(min(2, len(inputs)))
    kept = b"".join(node[start:end] for number, start, end, _ in fields(node)
                    if number not in (INPUT, OP, ATTRIBUTE, 7))
    return field(INPUT, inputs[which]) + kept + field(OP, b"Identity"), f"left out for input {which}"


def other_attribute(node, message, random):
    places = []
    for index, data in enumerate(message.get(ATTRIBUTE, [])):
        one = parse(data)
        name = text(one, 1)
        if name in KINDS:
            continue
        if ATTRIBUTE_INT in one:
            old = signed(one[ATTRIBUTE_INT][-1])
            # What is 0 or 1 may be a flag, of which there is no third value.
            new = 1 - old if old in (0, 1) else old + random.choice((-1, 1))
            places.append((index, replaced(data, ATTRIBUTE_INT, 0, integer(ATTRIBUTE_INT, new)),
                           f"{name} -> {new}"))
        elif ATTRIBUTE_FLOAT in one:
            new = changed_number(FLOAT, struct.unpack("<f", one[ATTRIBUTE_FLOAT][-1])[0], random)
            places.append((index, replaced(data, ATTRIBUTE_FLOAT, 0, varint(
                ATTRIBUTE_FLOAT << 3 | 5) + struct.pack("<f", new)), f"{name} -> {new}"))
    if not places:
        return None
    index, data, what = random.choice(places)
    return replaced(node, ATTRIBUTE, index, field(ATTRIBUTE, data)), what


def other_constant(node, message, random):
    if text(message, OP) != "Constant":
        return None
    for index, data in enumerate(message.get(ATTRIBUTE, [])):
        for tensor in parse(data).get(ATTRIBUTE_TENSOR, []):
            found = changed_tensor(tensor, random)
            if found:
                attribute = replaced(data, ATTRIBUTE_TENSOR, 0, field(ATTRIBUTE_TENSOR, found[0]))
                return replaced(node, ATTRIBUTE, index, field(ATTRIBUTE, attribute)), found[1]
    return None


CHANGES = (another_op, turned, left_out, other_attribute, other_constant)


def initializer_changed(model, random):
    """One small initializer of the graph changed, and what was done; None if there is none."""
    found = []
    graph = parse(model)[GRAPH][-1]
    for index, data in enumerate(parse(graph).get(INITIALIZER, [])):
        one = changed_tensor(data, random)
        if one:
            found.append((index, one, text(parse(data), 8)))
    if not found:
        return None
    index, (data, what), name = random.choice(found)
    graph = replaced(graph, INITIALIZER, index, field(INITIALIZER, data))
    return replaced(model, GRAPH, 0, field(GRAPH, graph)), f"initializer '{name}': {what}"


def ordered(_, node):
    """A TopK whose order is not stated may come in any; what is changed may depend on it."""
    message = parse(node)
    if text(message, OP) == "TopK":
        for index, data in enumerate(message.get(ATTRIBUTE, [])):
            if text(parse(data), 1) == "sorted":
                data = replaced(data, ATTRIBUTE_INT, 0, integer(ATTRIBUTE_INT, 1))
                return replaced(node, ATTRIBUTE, index, field(ATTRIBUTE, data))
    return node


def variant(model, random):
    """`model` (bytes) changed in one place, and what was done; None if nothing was found."""
    model = of_nodes(model, ordered)
    kind = random.randrange(len(CHANGES) + 1)
    if kind == len(CHANGES):
        return initializer_changed(model, random)
    found = []

    def collect(index, node):
        if CHANGES[kind](node, parse(node), random):
            found.append(index)
        return node

    of_nodes(model, collect)
    if not found:
        return None
    chosen, said = random.choice(found), []

    def change(index, node):
        if index != chosen:
            return node
        message = parse(node)
        node, what = CHANGES[kind](node, message, random)
        said.append(f"{text(message, OP)} '{text(message, NAME)}': {what}")
        return node

    return of_nodes(model, change), said[0]
