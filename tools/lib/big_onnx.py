"""Writes ONNX graphs of any size without the onnx package: the few protobuf
fields that a chain of nodes needs, encoded by hand."""

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
