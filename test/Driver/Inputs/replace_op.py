"""replace_op.py MODEL OLD NEW: the ONNX file with nodes of op type NEW in place of
OLD, on standard output."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "tools/lib"))
from onnx_bytes import MODEL_GRAPH, NODE, rewrite

OP_TYPE = 4
path, old, new = sys.argv[1:]


def node(data):
    return rewrite(data, {OP_TYPE: lambda name: new.encode() if name == old.encode() else name})


def graph(data):
    return rewrite(data, {NODE: node})


sys.stdout.buffer.write(rewrite(pathlib.Path(path).read_bytes(), {MODEL_GRAPH: graph}))
