"""What the comparison with ONNX Runtime draws, reports and skips: with ONNX Runtime and
Portolan replaced by what they might answer."""

import math
import os
import pathlib
import random
import tempfile
import unittest
from unittest import mock

import big_onnx as bo
import oracle_checks as oc
import oracle_faults as of
from onnx_graph import Graph, Input, Node, Tensor, read_graph
from oracle_inputs import Inputs, Lengths, expected_of, read_sets

AGREES = "  y 2: largest error 1.00e-07\n1 of 1 outputs agree\n"
DIFFERS = ("  y 2: largest error 1.00e-03 at element 0 (expected 1), 1 of 2 beyond the tolerance\n"
           "0 of 1 outputs agree\n")
LACKS = "portolan: warning: m.onnx: the graph lacks experts, which count as zero\n" + AGREES


def floats(name, *values):
    return Tensor.of(name, "float32", [len(values)], values)


def attribute(name, payload):
    return bo.message(5, bo.message(1, name) + payload)


def model(nodes=b""):
    """A model of the input x, an initializer w, and the nodes."""
    graph = (nodes + bo.message(5, bo.integer(1, 3) + bo.integer(1, 2) + bo.message(8, "w")) +
             bo.message(11, bo.value_info("x", [2])) + bo.message(11, bo.value_info("w", [3, 2])))
    return bo.integer(1, 8) + bo.message(7, graph)


def decoder(masks, past=2, dims=("batch", "seq", "past", "total")):
    """A decoder's inputs: its graph and data sets whose masks are given, each a list of
    sequences; the last two positions are new."""
    batch, new, old, total = dims
    graph = Graph([Input("input_ids", [batch, new]), Input("attention_mask", [batch, total]),
                   Input("position_ids", [batch, new]), Input("key", [batch, 1, old, 4])], [], {})
    sets = []
    for mask in masks:
        count = len(mask)
        sets.append([
            Tensor.of("", "int64", [count, 2], [3, 7] * count),
            Tensor.of("", "int64", [count, past + 2], [one for row in mask for one in row]),
            Tensor.of("", "int64", [count, 2], [past, past + 1] * count),
            Tensor.of("", "float32", [count, 1, past, 4], [0.5] * (count * past * 4))])
    return Inputs(graph, sets)


class OnnxGraph(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "file")

    def test_a_tensor_is_read_as_it_was_written(self):
        tensor = Tensor.of("caf\u00e9", "int64", [2, 0, 3], [])
        tensor.write(self.path)
        self.assertEqual(Tensor.read(self.path), tensor)
        tensor = Tensor.of("", "int32", [2], [-1, 300])
        tensor.write(self.path)
        self.assertEqual(Tensor.read(self.path).values(), [-1, 300])

    def test_a_tensor_of_wrong_size_is_refused(self):
        Tensor("x", "float32", [3], b"\0" * 8).write(self.path)
        with self.assertRaisesRegex(ValueError, "raw data of 3 elements, got 8 bytes"):
            Tensor.read(self.path)

    def test_initializers_are_no_inputs(self):
        pathlib.Path(self.path).write_bytes(model())
        graph = read_graph(self.path)
        self.assertEqual(graph.inputs, [Input("x", [2])])
        self.assertEqual(graph.given, {"w": [3, 2]})

    def test_nodes_of_bodies_and_their_attributes(self):
        inner = bo.message(1, bo.message(1, "x") + bo.message(1, "") + bo.message(1, "w") +
                           bo.message(4, "MoE") + bo.message(7, "com.microsoft") +
                           attribute("k", bo.integer(3, 2)) +
                           attribute("activation_type", bo.message(4, "silu")))
        outer = bo.message(1, bo.message(4, "Loop") + attribute("body", bo.message(6, inner)))
        pathlib.Path(self.path).write_bytes(model(outer))
        loop, moe = read_graph(self.path).nodes
        self.assertEqual((loop.op, moe.op, moe.domain), ("Loop", "MoE", "com.microsoft"))
        self.assertEqual(moe.attributes, {"k": 2, "activation_type": "silu"})
        self.assertEqual([moe.has_input(index) for index in range(4)], [True, False, True, False])


class Drawn(unittest.TestCase):
    def test_ids_and_numbers_are_new_and_of_the_size_shown(self):
        inputs = decoder([[[1, 1, 1, 1]] * 50])
        ids, mask, positions, key = inputs.of_shown_shapes(random.Random(0))[0]
        self.assertEqual(set(ids.values()), set(range(3, 8)))
        self.assertEqual((mask, positions), tuple(inputs.named()[0][1:3]))
        size = math.sqrt(sum(value * value for value in key.values()) / 400)
        self.assertAlmostEqual(size, 0.5, delta=0.1)

    def test_the_seed_decides(self):
        inputs = decoder([[[1, 1, 1, 1]]])
        draw = [inputs.of_other_shapes(3, random.Random(seed)) for seed in (0, 0, 1)]
        self.assertEqual(draw[0], draw[1])
        self.assertNotEqual(draw[0], draw[2])

    def test_lengths_of_other_shapes_belong_together(self):
        seen = set()
        for ids, mask, positions, key in decoder([[[1, 1, 1, 1]]]).of_other_shapes(
                200, random.Random(0)):
            batch, new = ids.dims
            past = key.dims[2]
            seen.add((batch, min(new, 2), min(past, 1)))
            self.assertEqual(mask.dims, [batch, past + new])
            self.assertEqual(set(mask.values()), {1})
            self.assertEqual(positions.values(), list(range(past, past + new)) * batch)
        # One and more tokens, with and without a past, in one to three sequences.
        self.assertEqual(len(seen), 12)

    def test_some_attention_continues_one_sequence(self):
        inputs = decoder([[[1, 1, 1, 1]]])
        inputs.graph = inputs.graph._replace(
            nodes=[Node(of.CONTRIB, "GroupQueryAttention", {}, [])])
        seen = {(ids.dims[0] > 1, ids.dims[1] > 1, key.dims[2] > 0) for ids, _, _, key in
                inputs.of_other_shapes(200, random.Random(0))}
        self.assertNotIn((True, True, True), seen)
        self.assertEqual(len(seen), 7)

    def test_padding_is_where_the_sets_show_it(self):
        def empty_new(masks):
            return any(0 in mask.values()[-positions.dims[1]:] for _, mask, positions, _ in
                       decoder(masks).of_other_shapes(100, random.Random(0)))

        self.assertFalse(empty_new([[[0, 1, 1, 1]]]))
        self.assertTrue(empty_new([[[0, 0, 0, 1]]]))

    def test_positions_count_the_tokens_that_are_there(self):
        inputs = decoder([[[0, 1, 1, 1]]])
        drawn = inputs.one_set(inputs.shape_meaning(), Lengths(1, 2, 3), (True, False),
                               mock.Mock(randint=lambda least, most: most, gauss=lambda *_: 0.0))
        # Three of five are padding: the fourth is the first token.
        self.assertEqual(drawn[1].values(), [0, 0, 0, 1, 1])
        self.assertEqual(drawn[2].values(), [0, 1])

    def test_symbols_that_say_nothing_keep_the_shapes(self):
        for dims in (("batch", "seq", "past", "unk__1"), (1, 2, 2, 4), ("batch", "seq", "past", "past")):
            inputs = decoder([[[1, 1, 1, 1]]], dims=dims)
            self.assertEqual(inputs.of_other_shapes(3, random.Random(0)), [])

    def test_tables_of_positions_are_not_exceeded(self):
        inputs = decoder([[[1, 1, 1, 1]]])
        node = Node("", "RotaryEmbedding", {}, ["x", "cos", "sin"])
        inputs.graph = inputs.graph._replace(nodes=[node], given={"cos": [5, 2], "sin": [5, 2]})
        self.assertEqual(max(one[1].dims[1] for one in
                             inputs.of_other_shapes(100, random.Random(0))), 5)


class Faults(unittest.TestCase):
    @staticmethod
    def graph(op, inputs=(), **attributes):
        return Graph([], [Node(of.CONTRIB, op, attributes, list(inputs))], {})

    def test_a_fault_needs_its_node_and_its_message(self):
        graph = self.graph("MoE", "abcdefg", normalize_routing_weights=1)
        self.assertIn("fc3", of.fault_of(graph, "FC3 is not implemented for CPU MoE.").reason)
        self.assertIsNone(of.fault_of(graph, "out of memory"))
        self.assertIsNone(of.fault_of(self.graph("MoE", "abcdef", normalize_routing_weights=1),
                                      "FC3 is not implemented"))

    def test_wrong_without_a_word(self):
        self.assertIsNone(of.fault_of(self.graph("MoE", "abcdef")).message)
        weights = [""] * 14 + ["router_weights"]
        self.assertIsNone(of.fault_of(self.graph("QMoE", weights)))
        self.assertIn("normalizes", of.fault_of(self.graph("QMoE", "abc")).reason)


class Fake(oc.Oracle):
    """ONNX Runtime that gives `outputs` at each level, or `error`; Portolan that answers
    what is next in `answers`."""

    def __init__(self, source, outputs=None, error=None, answers=((0, AGREES),)):
        super().__init__(source, source)
        self.outputs, self.error, self.answers = outputs or {}, error, list(answers)

    def install(self):
        pass

    def ask(self, model, sets, levels=oc.LEVELS):
        if self.error:
            return {"error": self.error, "stage": "run"}
        return {"outputs": {level: [[self.outputs.get(level, floats("y", 1, 2))]] * len(sets)
                            for level in levels}}

    def compare(self, model, folder, rtol=0):
        return self.answers.pop(0)


class Models(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.place = pathlib.Path(self.folder.name, "test", "Inputs", "m")
        self.place.joinpath("test_data_set_0").mkdir(parents=True)
        self.write()
        floats("x", 5, 6).write(self.place / "test_data_set_0" / "input_0.pb")
        floats("y", 1, 2).write(self.place / "test_data_set_0" / "output_0.pb")

    def write(self, nodes=b""):
        self.place.joinpath("model.onnx").write_bytes(model(nodes))

    def check(self, **kwargs):
        return oc.check_model(Fake(self.folder.name, **kwargs), "m",
                              str(self.place / "model.onnx"), 0, 1)

    def experts(self, *attributes):
        self.write(bo.message(1, bo.message(4, "MoE") + bo.message(7, of.CONTRIB) +
                              b"".join(attributes)))

    def test_agreement_passes_on_inputs_that_are_new(self):
        result = self.check()
        self.assertEqual(result.status, "PASS", result)
        self.assertIn("largest error 1.00e-07", result.text)
        sets = read_sets(os.path.join(self.folder.name, "build-oracle", "cases", "m"))
        self.assertEqual([len(one) for one in sets.values()], [1])
        for path, (drawn,) in sets.items():
            self.assertNotEqual(drawn.values(), [5, 6])
            self.assertEqual(expected_of(path), [floats("y", 1, 2)])

    def test_a_difference_fails(self):
        result = self.check(answers=[(oc.EXIT_DIFFERS, DIFFERS)])
        self.assertEqual(result.status, "FAIL")
        self.assertIn("1 of 2 beyond the tolerance", result.text)

    def test_what_portolan_cannot_run_fails(self):
        self.assertEqual(self.check(answers=[(1, "error")]).status, "FAIL")

    def test_optimizations_that_change_outputs_are_the_oracles_own(self):
        result = self.check(outputs={"all": floats("y", 1, 2.5)},
                            answers=[(oc.EXIT_DIFFERS, DIFFERS), (0, AGREES)])
        self.assertEqual(result.status, "PASS")
        self.assertIn("ONNX Runtime's own: optimized, it differs by 5.00e-01", result.text)

    def test_data_sets_that_the_oracle_does_not_reproduce_fail(self):
        outputs = {level: floats("y", 1, 4) for level in oc.LEVELS}
        result = self.check(outputs=outputs)
        self.assertEqual(result.status, "FAIL")
        self.assertIn("by 2.00e+00", result.text)
        self.assertEqual(self.check(outputs=outputs, answers=[(0, LACKS)]).status, "SKIP")

    def test_a_known_fault_is_skipped_and_an_unknown_one_fails(self):
        self.experts(attribute("normalize_routing_weights", bo.integer(3, 1)),
                     attribute("activation_type", bo.message(4, "swiglu")))
        known = self.check(error="CPU MoE only supports interleaved SwiGLU format.")
        self.assertEqual(known.status, "SKIP")
        self.assertEqual(self.check(error="out of memory").status, "FAIL")
        # The list is out of date once it runs.
        self.assertEqual(self.check().status, "FAIL")

    def test_a_silent_fault_is_skipped(self):
        self.experts(attribute("normalize_routing_weights", bo.integer(3, 0)))
        self.assertEqual(self.check().status, "SKIP")

    def run_all(self, oracle):
        with mock.patch.object(oc, "Oracle", lambda *_: oracle):
            return list(oc.run_all(self.folder.name, self.folder.name))

    def test_a_wrong_expectation_must_be_reported(self):
        for answer, status in (((oc.EXIT_DIFFERS, DIFFERS), "PASS"), ((0, AGREES), "FAIL")):
            results = self.run_all(Fake(self.folder.name, answers=[(0, AGREES), answer]))
            self.assertEqual([one.status for one in results], ["PASS", status])
            wrong = expected_of(os.path.join(self.folder.name, "build-oracle", "cases",
                                             "m-with-a-wrong-expectation", "test_data_set_0"))
            self.assertAlmostEqual(oc.difference([wrong], [[floats("y", 1, 2)]]),
                                   oc.PERTURBATION, places=6)

    def test_offline_is_skipped(self):
        oracle = oc.Oracle(self.folder.name, self.folder.name)
        os.makedirs(oracle.scripts)
        for name in ("package.json", "package-lock.json"):
            pathlib.Path(oracle.scripts, name).write_text("{}", encoding="utf-8")
        for said, status in (("npm error code EAI_AGAIN", "SKIP"),
                             ("npm error code EINTEGRITY", "FAIL")):
            with mock.patch.object(oc.shutil, "which", return_value="/tool"), \
                 mock.patch.object(oc.subprocess, "run",
                                   return_value=mock.Mock(returncode=1, stdout=said)):
                results = self.run_all(oracle)
            self.assertEqual([one.status for one in results], [status], said)

    def test_without_node_it_is_skipped(self):
        with mock.patch.object(oc.shutil, "which", return_value=None):
            results = self.run_all(oc.Oracle(self.folder.name, self.folder.name))
        self.assertEqual(str(results[0]), "SKIP ONNX Runtime: node is not installed")

    def test_a_folder_without_models_fails(self):
        with tempfile.TemporaryDirectory() as empty:
            results = list(oc.run_all(self.folder.name, self.folder.name, [empty]))
        self.assertEqual([one.status for one in results], ["FAIL"])


class Differences(unittest.TestCase):
    def test_numbers_and_what_is_none(self):
        def between(a, b):
            return oc.difference([[a]], [[b]])

        nan = math.nan
        self.assertEqual(between(floats("y", 1, nan), floats("y", 1, nan)), 0)
        self.assertEqual(between(floats("y", 1, 2), floats("y", 1.5, 2)), 0.5)
        self.assertEqual(between(floats("y", 1, nan), floats("y", 1, 2)), math.inf)
        self.assertEqual(between(floats("y", 1), floats("y", 1, 2)), math.inf)
        self.assertEqual(between(floats("y", math.inf), floats("y", math.inf)), 0)


if __name__ == "__main__":
    unittest.main()
