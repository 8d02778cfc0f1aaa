"""Reads of ONNX files, without the onnx package, what a test needs to know: the
inputs and nodes of a graph, and tensors, which it also writes."""

import struct
from typing import NamedTuple

from onnx_bytes import BYTES, read_varint, varint

# TensorProto.DataType -> name, letter of the struct module (None: no number in Python).
TYPES = {1: ("float32", "f"), 2: ("uint8", "B"), 3: ("int8", "b"), 4: ("uint16", "H"),
         5: ("int16", "h"), 6: ("int32", "i"), 7: ("int64", "q"), 9: ("bool", "?"),
         10: ("float16", "e"), 11: ("float64", "d"), 12: ("uint32", "I"), 13: ("uint64", "Q")}
CODES = {name: code for code, (name, _) in TYPES.items()}


def parse(data):
    """Field number -> its values, in order, of a message: integers, or bytes."""
    result, at = {}, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = read_varint(data, at)
        else:
            if kind == BYTES:
                size, at = read_varint(data, at)
            else:
                size = {1: 8, 5: 4}[kind]
            value = data[at:at + size]
            at += size
        if at > len(data):
            raise ValueError(f"field {tag >> 3} ends at byte {at} of {len(data)}")
        result.setdefault(tag >> 3, []).append(value)
    return result


def text(message, number):
    return message.get(number, [b""])[-1].decode(errors="replace")


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def integers(values):
    """Repeated integers, packed or not."""
    result = []
    for value in values:
        if isinstance(value, int):
            result.append(signed(value))
            continue
        at = 0
        while at < len(value):
            one, at = read_varint(value, at)
            result.append(signed(one))
    return result


class Tensor(NamedTuple):
    """Elements in the order of memory, as bytes; `type` is a name of TYPES."""
    name: str
    type: str
    dims: list
    data: bytes

    @staticmethod
    def of(name, kind, dims, values):
        values = list(values)
        return Tensor(name, kind, list(dims),
                      struct.pack(f"<{len(values)}{TYPES[CODES[kind]][1]}", *values))

    def values(self):
        letter = TYPES[CODES[self.type]][1]
        return list(struct.unpack(f"<{len(self.data) // struct.calcsize(letter)}{letter}",
                                  self.data))

    @staticmethod
    def read(path):
        with open(path, "rb") as file:
            message = parse(file.read())
        dims, code = integers(message.get(1, [])), message.get(2, [0])[-1]
        if code not in TYPES:
            raise ValueError(f"{path}: expects an element type of {sorted(TYPES)}, got {code}")
        kind, letter = TYPES[code]
        count = 1
        for dim in dims:
            count *= dim
        data = message.get(9, [b""])[-1]
        if len(data) != count * struct.calcsize(letter):
            raise ValueError(f"{path}: expects raw data of {count} elements, got {len(data)} bytes")
        return Tensor(text(message, 8), kind, dims, data)

    def write(self, path):
        def run(number, contents):
            return varint(number << 3 | BYTES) + varint(len(contents)) + contents

        with open(path, "wb") as file:
            file.write(b"".join(varint(1 << 3) + varint(dim) for dim in self.dims) +
                       varint(2 << 3) + varint(CODES[self.type]) +
                       run(8, self.name.encode()) + run(9, self.data))


class Node(NamedTuple):
    domain: str
    op: str
    attributes: dict  # of integers, floats and strings
    inputs: list  # names; "" where one is left out

    def has_input(self, index):
        return index < len(self.inputs) and self.inputs[index] != ""


class Input(NamedTuple):
    name: str
    dims: list  # a number, the name of a symbol, or None


class Graph(NamedTuple):
    inputs: list  # those that no initializer gives
    nodes: list  # of the bodies of loops and branches, too
    given: dict  # name -> dims of each initializer of the graph


def read_nodes(graph):
    for data in graph.get(1, []):
        node = parse(data)
        attributes, bodies = {}, []
        for one in map(parse, node.get(5, [])):
            name = text(one, 1)
            if 3 in one:
                attributes[name] = signed(one[3][-1])
            elif 2 in one:
                attributes[name] = struct.unpack("<f", one[2][-1])[0]
            elif 4 in one:
                attributes[name] = text(one, 4)
            bodies += one.get(6, []) + one.get(11, [])
        yield Node(text(node, 7), text(node, 4), attributes,
                   [name.decode() for name in node.get(1, [])])
        for body in bodies:
            yield from read_nodes(parse(body))


def read_input(data):
    message = parse(data)
    dims = []
    for kind in map(parse, message.get(2, [])):
        for tensor in map(parse, kind.get(1, [])):
            for shape in map(parse, tensor.get(2, [])):
                for dim in map(parse, shape.get(1, [])):
                    dims.append(signed(dim[1][-1]) if 1 in dim else text(dim, 2) or None)
    return Input(text(message, 1), dims)


def read_graph(path):
    """The graph of a model file."""
    with open(path, "rb") as file:
        model = parse(file.read())
    if 7 not in model:
        raise ValueError(f"{path}: expects a model with a graph")
    graph = parse(model[7][-1])
    given = {text(tensor, 8): integers(tensor.get(1, []))
             for tensor in map(parse, graph.get(5, []))}
    inputs = [read_input(data) for data in graph.get(11, [])]
    return Graph([one for one in inputs if one.name not in given], list(read_nodes(graph)),
                 given)
