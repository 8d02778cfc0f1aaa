"""Writes ONNX graphs of any size without the onnx package: the few protobuf
fields that they need, encoded by hand."""

import struct

FLOAT = 1  # TensorProto.DataType


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field, value):
    return varint(field << 3) + varint(value)


def message(field, payload):
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def tensor_type(dims):
    shape = b"".join(message(1, integer(1, dim)) for dim in dims)
    return message(1, integer(1, FLOAT) + message(2, shape))


def value_info(name, dims):
    return message(1, name) + message(2, tensor_type(dims))


def node(op, inputs, output, name):
    return (b"".join(message(1, value) for value in inputs) + message(2, output) +
            message(3, name) + message(4, op))


def write(path, nodes):
    """Writes a chain of `nodes` alternating MatMul, Add and Relu; returns its bytes."""
    width = 4
    weight = (integer(1, width) + integer(1, width) + integer(2, FLOAT) + message(8, "weight") +
              message(9, struct.pack(f"<{width * width}f", *([0.5] * width * width))))
    graph, value = bytearray(), "tokens"
    for index in range(nodes):
        op = ("MatMul", "Add", "Relu")[index % 3]
        inputs = [value] if op == "Relu" else [value, "weight" if op == "MatMul" else "tokens"]
        # Names as long as an exporter's: they are most of such a file.
        result = f"/model/layers.{index // 6000}/mlp/experts.{index // 16 % 384}/{op}_{index}_output_0"
        graph += message(1, node(op, inputs, result, result[:-len("_output_0")]))
        value = result
    graph += message(2, "big") + message(5, weight)
    graph += message(11, value_info("tokens", [width, width]))
    graph += message(12, value_info(value, [width, width]))
    model = integer(1, 8) + message(8, message(1, "") + integer(2, 17)) + message(7, bytes(graph))
    with open(path, "wb") as file:
        file.write(model)
    return len(model)


BFLOAT16, INT64, STRING_ATTRIBUTE, INT_ATTRIBUTE, TENSOR_ATTRIBUTE, INTS_ATTRIBUTE = 16, 7, 3, 2, 4, 7


def attribute(name, value):
    """An attribute: an integer, a list of integers, a string, or the bytes of a tensor."""
    kinds = {int: (INT_ATTRIBUTE, lambda v: integer(3, v & (1 << 64) - 1)),
             list: (INTS_ATTRIBUTE, lambda v: b"".join(integer(8, i & (1 << 64) - 1) for i in v)),
             str: (STRING_ATTRIBUTE, lambda v: message(4, v)),
             bytes: (TENSOR_ATTRIBUTE, lambda v: message(5, v))}
    number, encode = kinds[type(value)]
    return message(1, name) + integer(20, number) + encode(value)


class Decoder:
    """A decoder whose layers have a router and a subgraph for each expert, as
    exporters unroll them. Weights are external data of a file that is absent."""

    def __init__(self, layers, experts, hidden=7168, inner=2048, top_k=8, heads=64, kv_heads=8,
                 width=128, vocabulary=163840):
        self.hidden, self.inner, self.top_k, self.experts = hidden, inner, top_k, experts
        self.heads, self.kv_heads, self.width = heads, kv_heads, width
        self.graph, self.known, self.offset, self.nodes = bytearray(), {}, 0, 0
        self.scope = "model"
        self.inputs = [("input_ids", INT64, ("batch", "seq")),
                       ("attention_mask", INT64, ("batch", "total")),
                       ("position_ids", INT64, ("batch", "seq"))]
        table = self.weight("embed_tokens", (vocabulary, hidden))
        x = self.node("Gather", [table, "input_ids"])
        self.add_shared()
        for layer in range(layers):
            self.scope = f"model.layers.{layer}"
            x = self.node("Add", [x, self.add_attention(self.add_norm(x), layer)])
            x = self.node("Add", [x, self.add_experts(self.add_norm(x))])
        self.scope = "model"
        x = self.node("MatMul", [self.add_norm(x), self.weight("lm_head", (hidden, vocabulary))])
        self.graph += message(2, "decoder")
        for name, kind, dims in self.inputs:
            self.graph += message(11, self.value_of(name, kind, dims))
        self.graph += message(12, self.value_of(x, BFLOAT16, ("batch", "seq", vocabulary)))

    def bytes(self):
        return (integer(1, 8) + message(8, message(1, "") + integer(2, 17)) +
                message(7, bytes(self.graph)))

    @staticmethod
    def value_of(name, kind, dims):
        shape = b"".join(
            message(1, message(2, dim) if isinstance(dim, str) else integer(1, dim)) for dim in dims)
        return message(1, name) + message(2, message(1, integer(1, kind) + message(2, shape)))

    def weight(self, name, dims):
        name, length = f"{self.scope}.{name}.weight", 2
        for dim in dims:
            length *= dim
        entries = (("location", "weights.bin"), ("offset", self.offset), ("length", length))
        self.graph += message(
            5, b"".join(integer(1, dim) for dim in dims) + integer(2, BFLOAT16) + message(8, name) +
            b"".join(message(13, message(1, key) + message(2, str(value)))
                     for key, value in entries) + integer(14, 1))
        self.offset += length
        return name

    def constant(self, values, kind=INT64):
        """A shared initialiser: a number, or a list of them."""
        key = f"constant.{kind}.{values}"
        if key not in self.known:
            many = values if isinstance(values, list) else [values]
            dims = integer(1, len(many)) if isinstance(values, list) else b""
            raw = struct.pack(f"<{len(many)}{'q' if kind == INT64 else 'f'}", *many)
            self.graph += message(5, dims + integer(2, kind) + message(8, key) + message(9, raw))
            self.known[key] = key
        return key

    def node(self, op, inputs, outputs=1, **attributes):
        name = f"/{self.scope.replace('.', '/')}/{op}_{self.nodes}"
        self.nodes += 1
        results = [f"{name}_output_{index}" for index in range(outputs)]
        self.graph += message(
            1, b"".join(message(1, value) for value in inputs) +
            b"".join(message(2, value) for value in results) + message(3, name) + message(4, op) +
            b"".join(message(5, attribute(*item)) for item in attributes.items()))
        return results[0] if outputs == 1 else results

    def fill(self, shape, value):
        tensor = integer(1, 1) + integer(2, FLOAT) + message(9, struct.pack("<f", value))
        return self.node("ConstantOfShape", [shape], value=tensor)

    def to_bf16(self, value):
        return self.node("Cast", [value], to=BFLOAT16)

    def add_norm(self, x):
        wide = self.node("Cast", [x], to=FLOAT)
        mean = self.node("ReduceMean", [self.node("Pow", [wide, self.constant(2.0, FLOAT)])],
                         axes=[-1], keepdims=1)
        root = self.node("Sqrt", [self.node("Add", [mean, self.constant(1e-6, FLOAT)])])
        normed = self.to_bf16(self.node("Div", [wide, root]))
        return self.node("Mul", [self.weight(f"norm{self.nodes}", (self.hidden,)), normed])

    def add_shared(self):
        frequencies = [10000.0**(-2 * i / self.width) for i in range(self.width // 2)]
        self.graph += message(
            5, b"".join(integer(1, dim) for dim in (1, len(frequencies), 1)) + integer(2, FLOAT) +
            message(8, "inv_freq") +
            message(9, struct.pack(f"<{len(frequencies)}f", *frequencies)))
        at = self.node("Cast", [self.node("Unsqueeze", ["position_ids", self.constant([1])])],
                       to=FLOAT)
        angles = self.node("Transpose", [self.node("MatMul", ["inv_freq", at])], perm=[0, 2, 1])
        both = self.node("Concat", [angles, angles], axis=-1)
        self.cosine, self.sine = (
            self.node("Unsqueeze", [self.to_bf16(self.node(op, [both])), self.constant([1])])
            for op in ("Cos", "Sin"))
        total, added = (
            self.node("Gather", [self.node("Shape", [name]), self.constant(1)], axis=0)
            for name in ("attention_mask", "input_ids"))
        keys = self.node("Range", [self.constant(0), total, self.constant(1)])
        past = self.node("Sub", [total, added])
        queries = self.node("Range", [past, total, self.constant(1)])
        seen = self.node("LessOrEqual", [self.node("Unsqueeze", [keys, self.constant([0])]),
                                         self.node("Unsqueeze", [queries, self.constant([1])])])
        there = self.node(
            "Cast", [self.node("Unsqueeze", ["attention_mask", self.constant([1, 2])])], to=9)
        both = self.node("And", [self.node("Unsqueeze", [seen, self.constant([0, 1])]), there])
        self.mask = self.node("Where", [both, self.constant(0.0, FLOAT),
                                        self.constant(-1e38, FLOAT)])

    def add_heads(self, x, name, heads):
        matrix = self.weight(name, (self.hidden, heads * self.width))
        shape = self.constant([0, 0, heads, self.width])
        rows = self.node("Reshape", [self.node("MatMul", [x, matrix]), shape])
        return self.node("Transpose", [rows], perm=[0, 2, 1, 3])

    def add_rotation(self, x):
        half, last = self.constant([self.width // 2]), self.constant([3])
        low = self.node("Slice", [x, self.constant([0]), half, last])
        high = self.node("Slice", [x, half, self.constant([(1 << 63) - 1]), last])
        turned = self.node("Concat", [self.node("Neg", [high]), low], axis=-1)
        return self.node("Add", [self.node("Mul", [x, self.cosine]),
                                 self.node("Mul", [turned, self.sine])])

    def add_cache(self, name, added):
        dims = ("batch", self.kv_heads, "past", self.width)
        self.inputs.append((name, BFLOAT16, dims))
        grown = self.node("Concat", [name, added], axis=2)
        copies = self.constant([1, 1, self.heads // self.kv_heads, 1, 1])
        spread = self.node("Expand", [self.node("Unsqueeze", [grown, self.constant([2])]), copies])
        return self.node("Reshape", [spread, self.constant([0, self.heads, -1, self.width])])

    def add_attention(self, x, layer):
        query = self.add_rotation(self.add_heads(x, "q_proj", self.heads))
        key = self.add_rotation(self.add_heads(x, "k_proj", self.kv_heads))
        value = self.add_heads(x, "v_proj", self.kv_heads)
        keys = self.node("Transpose", [self.add_cache(f"past.{layer}.key", key)],
                         perm=[0, 1, 3, 2])
        scores = self.node("Cast", [self.node("MatMul", [query, keys])], to=FLOAT)
        scaled = self.node("Mul", [scores, self.constant(self.width**-0.5, FLOAT)])
        weights = self.node("Softmax", [self.node("Add", [scaled, self.mask])], axis=-1)
        out = self.node("MatMul", [self.to_bf16(weights),
                                   self.add_cache(f"past.{layer}.value", value)])
        out = self.node("Transpose", [out], perm=[0, 2, 1, 3])
        rows = self.node("Reshape", [out, self.constant([0, 0, self.heads * self.width])])
        matrix = self.weight("o_proj", (self.heads * self.width, self.hidden))
        return self.node("MatMul", [rows, matrix])

    def add_mlp(self, x, name):
        gate, up = (self.node("MatMul", [x, self.weight(f"{name}.{part}", (self.hidden, self.inner))])
                    for part in ("gate_proj", "up_proj"))
        swish = self.node("Mul", [gate, self.node("Sigmoid", [gate])])
        matrix = self.weight(f"{name}.down_proj", (self.inner, self.hidden))
        return self.node("MatMul", [self.node("Mul", [swish, up]), matrix])

    def add_experts(self, x):
        rows = self.node("Reshape", [x, self.constant([-1, self.hidden])])
        router = self.weight("mlp.gate", (self.hidden, self.experts))
        scores = self.node("Softmax", [self.node(
            "Cast", [self.node("MatMul", [rows, router])], to=FLOAT)], axis=-1)
        best, choice = self.node("TopK", [scores, self.constant([self.top_k])], outputs=2, axis=-1)
        total = self.node("ReduceSum", [best, self.constant([-1])], keepdims=1)
        weights = self.to_bf16(self.node("Div", [best, total]))
        mask = self.node("OneHot", [choice, self.constant([self.experts]), self.constant([0, 1])],
                         axis=-1)
        mask = self.node("Transpose", [mask], perm=[2, 1, 0])
        table = self.node("Transpose", [weights], perm=[1, 0])
        total = self.to_bf16(self.fill(self.node("Shape", [rows]), 0.0))
        for expert in range(self.experts):
            own = self.node("Gather", [mask, self.constant(expert)], axis=0)
            places = self.node("NonZero", [own])
            tokens = self.node("Gather", [places, self.constant(1)], axis=0)
            out = self.add_mlp(self.node("Gather", [rows, tokens], axis=0), f"mlp.experts.{expert}")
            weight = self.node("GatherND", [table, self.node("Transpose", [places], perm=[1, 0])])
            out = self.node("Mul", [out, self.node("Unsqueeze", [weight, self.constant([1])])])
            index = self.node("Unsqueeze", [tokens, self.constant([1])])
            total = self.node("ScatterND", [total, index, out], reduction="add")
        return self.node("Reshape", [total, self.node("Shape", [x])])


def write_decoder(path, layers, experts):
    """Writes a decoder with a subgraph per expert; returns its nodes and bytes."""
    decoder = Decoder(layers, experts)
    data = decoder.bytes()
    with open(path, "wb") as file:
        file.write(data)
    return decoder.nodes, len(data)
