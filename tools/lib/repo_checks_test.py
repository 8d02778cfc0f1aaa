"""Plants one violation per rule of repo_checks.py and expects it to be found,
next to a clean neighbour that must not be."""

import unittest

import repo_checks as rc

HEAD = "//===- {} - a file ---===//\n//\n// " + rc.LICENSE_LINE + "\n"


def files(contents):
    return rc.Repo(contents, contents.__getitem__)


class Layers(unittest.TestCase):
    def test_hardware_dialect_includes_another(self):
        tree = files({
            "dialects/Torus/IR/A.cpp": '#include "dialects/Switched/IR/B.h"\n',
            "dialects/Torus/IR/C.td": 'include "../../Switched/IR/D.td"\n',
            "dialects/Torus/IR/E.h": '#include "dialects/Torus/IR/F.h"\n'})
        problems = rc.check_hardware_dialects_are_independent(tree)
        self.assertEqual(len(problems), 2, problems)
        self.assertIn("dialects/Torus/IR/A.cpp:1", problems[0])

    def test_neutral_dialect_includes_hardware(self):
        tree = files({"dialects/Moe/IR/A.h": '#include "dialects/Torus/IR/B.h"\n',
                      "dialects/Torus/IR/C.h": '#include "dialects/Torus/IR/B.h"\n'})
        self.assertEqual(len(rc.check_neutral_dialects_know_no_hardware(tree)), 1)

    def test_dialect_includes_lib(self):
        tree = files({"dialects/Moe/IR/A.h": '#include "lib/Analysis/Private.h"\n'
                                             '#include "portolan/Analysis/Public.h"\n'})
        self.assertEqual(len(rc.check_dialects_do_not_reach_into_lib(tree)), 1)

    def test_analysis_includes_a_dialect(self):
        tree = files({"include/portolan/Analysis/A.h": '#include "dialects/Moe/IR/Moe.h"\n'
                                                       '#include "dialects/Interfaces/W.h"\n'})
        self.assertEqual(len(rc.check_analysis_sees_only_interfaces(tree)), 1)

    def test_dialect_without_rationale(self):
        tree = files({"dialects/Moe/IR/MoeDialect.td": "", "dialects/Spmd/IR/SpmdDialect.td": "",
                      "dialects/Spmd/README.md": ""})
        self.assertEqual(rc.check_dialect_count(tree), ["dialects/Moe: has no README.md"])


class Sources(unittest.TestCase):
    def test_sizes(self):
        tree = files({"lib/A.cpp": "\n" * 800, "lib/B.cpp": "\n" * 801, "lib/C.h": "\n" * 301,
                      "test/D.mlir": "\n" * 401, "test/Inputs/E.mlir": "\n" * 900})
        self.assertEqual([problem.split(":")[0] for problem in rc.check_file_sizes(tree)],
                         ["lib/B.cpp", "lib/C.h", "test/D.mlir"])

    def test_chip_names(self):
        lines = ["// fast on GB300", 'name == "acme-x1"', "int kH100Tiles;", "acme_x1 = 3",
                 "otherwise browser", "length100 = 0xcs", "depth200"]
        tree = files({"dialects/Machine/Specs/acme-x1.mlir": "acme-x1",
                      "lib/A.cpp": "\n".join(lines)})
        found = [problem.split(":")[1] for problem in rc.check_no_source_knows_a_chip(tree)]
        self.assertEqual(found, ["1", "2", "3", "4"])

    def test_target_predicates(self):
        tree = files({"lib/A.cpp": "if (isTpu(m))\nif (is_gpu_like(m))\nif (m.isTorusAxis(x))\n"})
        self.assertEqual(len(rc.check_no_target_predicates(tree)), 2)

    def test_license(self):
        tree = files({"lib/A.cpp": HEAD.format("A.cpp"), "lib/B.cpp": HEAD.format("A.cpp"),
                      "lib/C.cpp": "//===- C.cpp - c ---===//\n"})
        self.assertEqual(len(rc.check_license_headers(tree)), 2)

    def test_unfinished(self):
        tree = files({"lib/A.cpp": "// TODO: later\n", "docs/b.md": "no `TODO` here\n"})
        self.assertEqual(len(rc.check_nothing_is_unfinished(tree)), 1)

    def test_orphan_source(self):
        tree = files({"lib/X/A.cpp": "", "lib/X/B.cpp": "",
                      "lib/X/CMakeLists.txt": "target_sources(Portolan PRIVATE A.cpp)"})
        self.assertEqual(rc.check_sources_are_built(tree), ["lib/X/B.cpp: is in no CMakeLists.txt"])


class Tests(unittest.TestCase):
    def test_assertions(self):
        tree = files({
            "test/no-run.mlir": "// CHECK: x", "test/nothing.mlir": "// RUN: portolan-opt %s",
            "test/unread.mlir": "// RUN: portolan-opt %s\n// CHECK: x",
            "test/good.mlir": "// RUN: portolan-opt %s | FileCheck %s\n// CHECK: x",
            "test/Inputs/data.mlir": "module {}"})
        self.assertEqual(sorted(problem.split(":")[0] for problem in rc.check_lit_tests_assert(tree)),
                         ["test/no-run.mlir", "test/nothing.mlir", "test/unread.mlir"])

    def test_negative_share(self):
        positive = {f"test/{n}.mlir": "// RUN: a | FileCheck %s" for n in range(4)}
        negative = {"test/n.mlir": "// RUN: not a"}
        self.assertEqual(rc.check_negative_share(files({**positive, **negative})), [])
        positive["test/4.mlir"] = "// cannot fail"
        self.assertEqual(len(rc.check_negative_share(files({**positive, **negative}))), 1)

    def test_labels(self):
        tree = files({"dialects/Torus/README.md": "`torus.matmul_c1` and `torus.matmul_c2`",
                      "test/Dialect/Torus/invalid.mlir": "func.func @matmul_c1()"})
        self.assertEqual(rc.check_rule_labels_are_tested(tree),
                         ["dialects/Torus/README.md: rule matmul_c2 has no test of that name"])


class Docs(unittest.TestCase):
    def test_links(self):
        tree = files({"docs/a.md": "[x](../lib/A.cpp) [y](b.md#part) [z](https://x.org) "
                                   "[l](../lib) [bad](c.md)",
                      "docs/b.md": "", "lib/A.cpp": ""})
        self.assertEqual(rc.check_links(tree), ["docs/a.md: links to c.md, which is not there"])


if __name__ == "__main__":
    unittest.main()
