"""What fuzz_checks.py makes of seeds and of a fuzzer's output."""

import pathlib
import tempfile
import unittest

import fuzz_checks as fc
import onnx_bytes as ob

OUTPUT = """\
#2	INITED cov: 10 ft: 11 corp: 1/1b
#100	NEW    cov: 20 ft: 31 corp: 2/3b
../lib/A.cpp:3:5: runtime error: signed integer overflow
    #0 0x1 in portolan::f() lib/A.cpp:3:5
    #1 0x2 in main
Test unit written to findings/onnx-crash-1
stat::number_of_executed_units: 100
"""


def field(number, contents):
    return ob.varint(number << 3 | ob.BYTES) + ob.varint(len(contents)) + contents


class Seeds(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, data):
        path = pathlib.Path(self.folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def test_text_is_split_where_tests_split_it(self):
        self.write("test/Conversion/GraphToMoe/a.mlir", b"one\n// -----\ntwo\n")
        seeds = fc.seed_files(self.folder.name, "graph")
        self.assertEqual(sorted(seeds.values()), [b"\ntwo\n", b"one\n"])

    def test_what_is_no_model_is_left_out(self):
        self.write("test/Inputs/a/model.onnx", b"\x0f")
        self.assertEqual(fc.seed_files(self.folder.name, "onnx"), {})

    def test_every_target_has_a_share_and_seeds(self):
        self.assertEqual(set(fc.SHARES), set(fc.SEEDS))
        self.assertAlmostEqual(sum(fc.SHARES.values()), 1)

    def test_words_are_sorted_by_use(self):
        words = fc.dictionary({"a": b"moe.add x moe.mul", "b": b"moe.add"})
        self.assertEqual(words, '"moe.add"\n"moe.mul"\n')


class Output(unittest.TestCase):
    def test_statistics_are_the_last_ones(self):
        self.assertEqual(fc.statistics(OUTPUT), (100, 20, 31))
        self.assertEqual(fc.statistics("dead on arrival"), (0, 0, 0))

    def test_problem_names_error_frames_and_file(self):
        self.assertEqual(fc.problem_of(OUTPUT), "\n".join([
            "../lib/A.cpp:3:5: runtime error: signed integer overflow",
            "#0 0x1 in portolan::f() lib/A.cpp:3:5",
            "Test unit written to findings/onnx-crash-1"]))


class OnnxBytes(unittest.TestCase):
    def test_long_raw_data_becomes_external(self):
        def model(*tensors):
            return field(7, b"".join(field(5, tensor) for tensor in tensors) + field(2, b"g"))

        short, name = field(9, b"x" * 9), field(8, b"w")
        self.assertEqual(
            ob.external_weights(model(name + field(9, b"x" * 10), short), least=10),
            model(name + ob.LOCATION + ob.IS_EXTERNAL, short))

    def test_tensors_of_nodes_and_bodies_too(self):
        tensor = field(9, b"x" * 300)
        external = ob.LOCATION + ob.IS_EXTERNAL

        def model(data):
            inner = field(1, field(5, field(5, data)))
            return field(7, field(1, field(5, field(6, inner + field(5, data)))))

        self.assertEqual(ob.external_weights(model(tensor), least=300), model(external))

    def test_what_ends_early_is_refused(self):
        with self.assertRaises((ValueError, IndexError)):
            ob.external_weights(b"\x3a\x05\x01", least=1)


if __name__ == "__main__":
    unittest.main()
