"""Fresh inputs for a model whose data sets show which shapes and ranges it takes: of the
same shapes, and of others that the symbols in its shapes allow."""

import glob
import math
import os
import re
from typing import NamedTuple

from onnx_graph import Tensor

# What an integer input means, by its name; the first that is found counts.
MEANINGS = (("mask", "mask"), ("pos", "positions"), ("seqlens", "lengths"), ("total", "total"),
            (r"\bids$|input_ids$", "ids"))
# What a symbol in a shape counts.
SYMBOLS = (("past", "past"), ("total", "total"), ("batch|^b$", "batch"), ("seq|token|^s$", "new"))
FLOATS = ("float16", "float32", "float64")
MASKED = 1e30  # a float input with such numbers is a mask
ROTARY = ("GroupQueryAttention", "RotaryEmbedding")  # nodes that read tables of positions
# ONNX Runtime continues several sequences by one token each, or one sequence.
ONE_SEQUENCE = ("GroupQueryAttention",)
LONGEST = 14  # of what is drawn, past and new tokens together
MOST_SEQUENCES = 3


def first_match(table, name):
    return next((what for pattern, what in table if re.search(pattern, name, re.IGNORECASE)), None)


def read_sets(folder):
    """Path -> list of its input tensors, of each data set beside a model."""
    result = {}
    for path in sorted(glob.glob(os.path.join(folder, "test_data_set_*"))):
        count = len(glob.glob(os.path.join(path, "input_*.pb")))
        result[path] = [Tensor.read(os.path.join(path, f"input_{index}.pb"))
                        for index in range(count)]
    return result


def expected_of(path):
    """The outputs that a data set expects."""
    count = len(glob.glob(os.path.join(path, "output_*.pb")))
    return [Tensor.read(os.path.join(path, f"output_{index}.pb")) for index in range(count)]


class Lengths(NamedTuple):
    batch: int
    new: int  # tokens of each sequence
    past: int

    @property
    def total(self):
        return self.past + self.new


class Shown:
    """What the data sets show of one input."""

    def __init__(self, tensors):
        values = [value for tensor in tensors for value in tensor.values()]
        self.least, self.most = min(values, default=0), max(values, default=0)
        finite = [float(value) for value in values if abs(value) < MASKED]
        self.is_mask = len(finite) < len(values)
        # Empty caches show nothing; keys and values are about as large as noise.
        self.size = math.sqrt(sum(value * value for value in finite) / len(finite)) if finite else 1


class Inputs:
    """Draws inputs of a model; `sets` are the inputs of its data sets."""

    def __init__(self, graph, sets):
        self.graph, self.sets = graph, sets
        for tensors in sets:
            if len(tensors) != len(graph.inputs):
                raise ValueError(f"expects {len(graph.inputs)} inputs in a data set, "
                                 f"got {len(tensors)}")
        self.shown = [Shown(column) for column in zip(*sets)]
        self.meanings = ["numbers" if tensor.type in FLOATS else first_match(MEANINGS, one.name)
                         for one, tensor in zip(graph.inputs, sets[0])]

    def named(self):
        """The data sets' own inputs, under the names of the graph."""
        return [[tensor._replace(name=one.name) for one, tensor in zip(self.graph.inputs, tensors)]
                for tensors in self.sets]

    def numbers(self, index, kind, dims, random):
        """Ids up to the largest one shown, or numbers of the size shown."""
        name, shown = self.graph.inputs[index].name, self.shown[index]
        count = math.prod(dims)
        if self.meanings[index] == "ids":
            values = (random.randint(shown.least, shown.most) for _ in range(count))
        else:
            values = (random.gauss(0, shown.size) for _ in range(count))
        return Tensor.of(name, kind, dims, values)

    def is_drawn(self, index):
        return (self.meanings[index] == "ids" or
                self.meanings[index] == "numbers" and not self.shown[index].is_mask)

    def of_shown_shapes(self, random):
        """One set for each data set: positions, masks and lengths are those of the set."""
        return [[self.numbers(index, tensor.type, tensor.dims, random) if self.is_drawn(index)
                 else tensor for index, tensor in enumerate(tensors)] for tensors in self.named()]

    def shape_meaning(self):
        """Symbol -> what it counts; None where shapes are fixed or not understood."""
        result = {}
        for one, shown in zip(self.graph.inputs, self.sets[0]):
            if len(one.dims) != len(shown.dims):
                return None
            for dim in one.dims:
                if not isinstance(dim, int):
                    result[dim] = first_match(SYMBOLS, dim or "")
        if "new" not in result.values() or None in result.values():
            return None
        if None in self.meanings or any(shown.is_mask for shown in self.shown):
            return None
        return result if all(self.lengths_of(tensors, result) for tensors in self.sets) else None

    def lengths_of(self, tensors, meaning):
        """The lengths of a data set; None where the symbols do not count what they say."""
        found = {}
        for one, tensor in zip(self.graph.inputs, tensors):
            for dim, size in zip(one.dims, tensor.dims):
                what = meaning.get(dim)
                if (dim if isinstance(dim, int) else found.setdefault(what, size)) != size:
                    return None
        lengths = Lengths(found.get("batch", 1), found["new"], found.get("past", 0))
        return lengths if found.get("total", lengths.total) == lengths.total else None

    def longest(self):
        """The most positions: those of the tables that nodes choose from themselves."""
        rows = [self.graph.given[name][0] for node in self.graph.nodes if node.op in ROTARY
                for name in node.inputs if len(self.graph.given.get(name, [])) == 2]
        return min(rows + [LONGEST])

    def padding(self, meaning):
        """Whether the masks shown leave tokens out: of the past, and of the new ones."""
        past = new = False
        for one, tensors in zip(self.meanings, zip(*self.sets)):
            for tensor, inputs in zip(tensors, self.sets):
                if one != "mask":
                    continue
                count, total = self.lengths_of(inputs, meaning).new, tensor.dims[-1]
                values = tensor.values()
                for start in range(0, len(values), total):
                    past = past or 0 in values[start:start + total - count]
                    new = new or 0 in values[start + total - count:start + total]
        return past, new

    def of_other_shapes(self, count, random):
        """Sets of shapes that are drawn, too; none where only the shown ones are known."""
        meaning = self.shape_meaning()
        if meaning is None:
            return []
        longest, padding = self.longest(), self.padding(meaning)
        counted = set(meaning.values())
        result = []
        for _ in range(count):
            batch = random.randint(1, MOST_SEQUENCES) if "batch" in counted else 1
            # Often no past, and often one token: the edges.
            new = random.choice((1, random.randint(1, longest)))
            past = random.choice((0, random.randint(0, longest - new))) if "past" in counted else 0
            if past and new > 1 and any(node.op in ONE_SEQUENCE for node in self.graph.nodes):
                batch = 1
            result.append(self.one_set(meaning, Lengths(batch, new, past), padding, random))
        return result

    def one_set(self, meaning, lengths, padding, random):
        """Sequences are padded at their left, positions count the tokens that are there."""
        total = lengths.total
        most = total - 1 if padding[1] else lengths.past if padding[0] else 0
        empty = [random.randint(0, most) for _ in range(lengths.batch)]
        ragged = lengths.new == 1 and any(
            len(set(tensor.values())) > 1 for one, tensors in zip(self.meanings, zip(*self.sets))
            if one == "lengths" for tensor in tensors)
        values = {
            "mask": [int(at >= start) for start in empty for at in range(total)],
            "positions": [max(0, at - start) for start in empty
                          for at in range(lengths.past, total)],
            # The first sequence is as long as the cache.
            "lengths": [random.randint(0, total - 1) if ragged and row else total - 1
                        for row in range(lengths.batch)],
            "total": [total],
        }
        result = []
        for index, (one, like) in enumerate(zip(self.graph.inputs, self.sets[0])):
            dims = [dim if isinstance(dim, int) else getattr(lengths, meaning[dim]) for dim in one.dims]
            if self.is_drawn(index):
                result.append(self.numbers(index, like.type, dims, random))
            else:
                result.append(Tensor.of(one.name, like.type, dims, values[self.meanings[index]]))
        return result
