"""Rewrites ONNX files without the onnx package: the protobuf fields that say where
a tensor's bytes are."""

MODEL_GRAPH, NODE, ATTRIBUTE = 7, 1, 5
INITIALIZER, ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH = 5, 5, 6
RAW_DATA = 9
BYTES = 2  # wire type
LOCATION = b"\x6a\x0d\x0a\x08location\x12\x01w"  # external_data {key, value}
IS_EXTERNAL = b"\x70\x01"  # data_location: EXTERNAL


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def fields(data):
    """Number, start, end and, of a run of bytes, the contents of each field."""
    at = 0
    while at < len(data):
        start = at
        tag, at = read_varint(data, at)
        kind, contents = tag & 7, None
        if kind == 0:
            _, at = read_varint(data, at)
        elif kind == BYTES:
            size, at = read_varint(data, at)
            contents = data[at:at + size]
            at += size
        else:
            at += {1: 8, 5: 4}[kind]
        if at > len(data):
            raise ValueError(f"field {tag >> 3} ends at byte {at} of {len(data)}")
        yield tag >> 3, start, at, contents


def rewrite(data, children):
    """`data` with each field of `children`, number -> function, rewritten."""
    out = bytearray()
    for number, start, end, contents in fields(data):
        if contents is None or number not in children:
            out += data[start:end]
        else:
            new = children[number](contents)
            out += varint(number << 3 | BYTES) + varint(len(new)) + new
    return bytes(out)


def external_weights(model, least):
    """`model` with raw data of `least` bytes or more as external data, whose file
    nobody has: what is imported is the same, and it is small."""
    def tensor(data):
        parts = list(fields(data))
        if not any(number == RAW_DATA and len(contents) >= least
                   for number, _, _, contents in parts):
            return data
        kept = b"".join(data[start:end] for number, start, end, _ in parts if number != RAW_DATA)
        return kept + LOCATION + IS_EXTERNAL

    def graph(data):
        return rewrite(data, {NODE: node, INITIALIZER: tensor})

    def node(data):
        return rewrite(data, {ATTRIBUTE: attribute})

    def attribute(data):
        return rewrite(data, {ATTRIBUTE_TENSOR: tensor, ATTRIBUTE_GRAPH: graph})

    return rewrite(model, {MODEL_GRAPH: graph})
