"""What is changed in a graph, and what the comparison makes of it."""

import os
import pathlib
import random
import struct
import tempfile
import unittest

import big_onnx as bo
import oracle_checks as oc
import oracle_variants as ov
from oracle_checks_test import DIFFERS, Fake, attribute, floats
from onnx_graph import parse, read_graph, text

REFUSES = "portolan: error: m.onnx: node 'n' cannot be executed: no rule executes this op\n"


def node(op, inputs="ab", *attributes):
    return (b"".join(bo.message(1, one) for one in inputs) + bo.message(2, "y") +
            bo.message(3, "n") + bo.message(4, op) + b"".join(attributes))


def model(*nodes, weights=b""):
    graph = (b"".join(bo.message(1, one) for one in nodes) + weights +
             bo.message(11, bo.value_info("x", [2])))
    return bo.integer(1, 8) + bo.message(7, graph)


def weight(name, kind, *values):
    letter = {1: "f", 7: "q"}[kind]
    return bo.message(5, bo.integer(1, len(values)) + bo.integer(2, kind) + bo.message(8, name) +
                      bo.message(9, struct.pack(f"<{len(values)}{letter}", *values)))


def nodes_of(data):
    return list(map(parse, parse(parse(data)[7][0]).get(1, [])))


class Changes(unittest.TestCase):
    def change(self, action, data):
        found = action(data, parse(data), random.Random(0))
        return found and (parse(found[0]), found[1])

    def test_another_op_is_one_of_its_kind(self):
        changed, what = self.change(ov.another_op, node("Sigmoid", "a"))
        self.assertIn(text(changed, 4), ov.ALIKE[1])
        self.assertEqual(what, "-> " + text(changed, 4))
        self.assertNotEqual(text(changed, 4), "Sigmoid")
        self.assertIsNone(self.change(ov.another_op, node("Gather")))

    def test_operands_are_turned_where_it_matters(self):
        changed, _ = self.change(ov.turned, node("Sub"))
        self.assertEqual(changed[1], [b"b", b"a"])
        # The condition stays.
        changed, _ = self.change(ov.turned, node("Where", "cab"))
        self.assertEqual(changed[1], [b"c", b"b", b"a"])
        self.assertIsNone(self.change(ov.turned, node("Mul")))

    def test_a_node_left_out_passes_an_input_on(self):
        changed, _ = self.change(ov.left_out, node("Clip", "a", attribute("min", bo.integer(3, 1))))
        self.assertEqual((changed[1], changed[2], text(changed, 4)), ([b"a"], [b"y"], "Identity"))
        self.assertNotIn(5, changed)

    def test_flags_have_no_third_value(self):
        for old, allowed in ((0, [1]), (1, [0]), (4, [3, 5])):
            data = node("TopK", "ab", attribute("largest", bo.integer(3, old)))
            changed, _ = self.change(ov.other_attribute, data)
            self.assertIn(parse(changed[5][0])[3][0], allowed)
        self.assertIsNone(self.change(ov.other_attribute,
                                      node("Cast", "a", attribute("to", bo.integer(3, 1)))))

    def test_a_constant_has_one_other_number(self):
        value = weight("", 7, 4, 5)[2:]
        changed, _ = self.change(ov.other_constant,
                                 node("Constant", "", attribute("value", bo.message(5, value))))
        tensor = parse(parse(changed[5][0])[5][0])
        self.assertIn(struct.unpack("<2q", tensor[9][0]), [(3, 5), (5, 5), (4, 4), (4, 6)])

    def test_large_and_strange_tensors_stay(self):
        self.assertIsNone(ov.changed_tensor(weight("w", 1, *range(17))[2:], random.Random(0)))
        bools = bo.integer(1, 1) + bo.integer(2, 9) + bo.message(9, b"\x01")
        self.assertIsNone(ov.changed_tensor(bools, random.Random(0)))


class Models(unittest.TestCase):
    def test_one_place_changes_and_the_rest_stays(self):
        data = model(node("Add"), node("Gather"), node("Sub"), weights=weight("w", 7, 1, 2))
        seen = set()
        for seed in range(200):
            found = ov.variant(data, random.Random(seed))
            if not found:
                continue
            graph = parse(parse(found[0])[7][0])
            changed = [index for index, (old, new) in enumerate(zip(nodes_of(data),
                                                                    nodes_of(found[0])))
                       if old != new]
            weights = graph[5] != [weight("w", 7, 1, 2)[2:]]
            self.assertEqual(len(changed) + weights, 1, found[1])
            self.assertEqual(graph[11], parse(parse(data)[7][0])[11])
            seen.add((*changed, weights))
        self.assertEqual(seen, {(0, False), (2, False), (True,)})

    def test_bodies_are_reached(self):
        body = bo.message(1, node("Sub", "ab"))
        data = model(node("Loop", "a", attribute("body", bo.message(6, body))))
        found = next(filter(None, (ov.variant(data, random.Random(seed)) for seed in range(20))))
        self.assertIn("Sub 'n'", found[1])
        inner = parse(parse(parse(nodes_of(found[0])[0][5][0])[6][0])[1][0])
        self.assertNotEqual(inner, parse(node("Sub", "ab")))

    def test_an_order_that_is_not_stated_becomes_one(self):
        data = model(node("TopK", "ab", attribute("sorted", bo.integer(3, 0))), node("Sub"))
        found = next(filter(None, (ov.variant(data, random.Random(seed)) for seed in range(20))))
        self.assertEqual(parse(nodes_of(found[0])[0][5][0])[3], [1])

    def test_nothing_to_change(self):
        for seed in range(20):
            self.assertIsNone(ov.variant(model(node("Gather")), random.Random(seed)))


class Comparison(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.place = pathlib.Path(self.folder.name)
        (self.place / "test_data_set_0").mkdir()
        (self.place / "model.onnx").write_bytes(model(node("Sub")))
        floats("x", 5, 6).write(self.place / "test_data_set_0" / "input_0.pb")

    def outcome(self, **kwargs):
        return oc.check_variants(Fake(self.folder.name, **kwargs), "m",
                                 str(self.place / "model.onnx"), 0, 1)

    def test_agreement_and_refusals_are_counted(self):
        self.assertEqual(self.outcome(), "1 agree")
        self.assertEqual(self.outcome(answers=[(oc.EXIT_REFUSED, REFUSES)]),
                         "1 refused by portolan")
        self.assertEqual(self.outcome(error="invalid model"), "1 refused by ONNX Runtime")
        self.assertEqual(os.listdir(self.place / "build-oracle" / "variants" / "m"), [])

    def test_an_oracle_of_two_minds_says_nothing(self):
        self.assertEqual(self.outcome(outputs={"all": floats("y", 1, 3)},
                                      answers=[(oc.EXIT_DIFFERS, DIFFERS)]),
                         "1 on which ONNX Runtime disagrees with itself")

    def test_other_outputs_and_crashes_fail_and_are_kept(self):
        for answer in ((oc.EXIT_DIFFERS, DIFFERS), (2, "portolan: error: a bug"), (-11, ""),
                       (oc.EXIT_REFUSED, "")):
            with self.assertRaisesRegex(oc.Failure, "Sub 'n': .*\n.*portolan run"):
                self.outcome(answers=[answer])
        kept = self.place / "build-oracle" / "variants" / "m" / "0-0"
        self.assertNotEqual(read_graph(kept / "model.onnx").nodes,
                            read_graph(self.place / "model.onnx").nodes)
        self.assertTrue((kept / "data" / "test_data_set_0" / "output_0.pb").exists())


if __name__ == "__main__":
    unittest.main()
