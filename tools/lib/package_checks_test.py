"""What the helpers of package_checks.py find, and what they must not."""

import os
import pathlib
import tempfile
import types
import unittest

import package_checks as pc

FORM = """\
"builtin.module"() ({
  %0 = "toy.a"(%x) {name = "name = ", size = 1 : i64} : (i32) -> (i32)
  "toy.b"() ({
  }) {name = "b"} : () -> ()
}) : () -> ()
"""
IRDL = """\
  irdl.dialect @toy {
    irdl.operation @a {
      irdl.attributes {"size" = %0}
    }
    irdl.operation @b {
    }
  }
"""


class Helpers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = pathlib.Path(self.folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def package(self):
        self.write("build/test/lit.site.cfg.py", 'config.llvm_tools_dir = "/llvm/bin"\n')
        package = pc.Package(self.folder.name, os.path.join(self.folder.name, "build"))
        self.addCleanup(package.scratch.cleanup)
        return package

    def test_missing_includes(self):
        self.write("include/portolan/A.h", '#include "portolan/B.h"\n#include "C.h.inc"\n'
                                           '#include "dialects/D.td"\n#include <vector>\n')
        self.write("include/portolan/B.h", '#include "mlir/E.h"\n')
        self.write("include/portolan/dialects/D.td", 'include "gone/F.td"\n')
        self.write("llvm/mlir/E.h", "")
        found = pc.missing_includes(self.folder.name, os.path.join(self.folder.name, "llvm"))
        self.assertEqual(sorted(problem.split(", ")[0] for problem in found),
                         ["include/portolan/A.h: includes C.h.inc",
                          "include/portolan/dialects/D.td: includes gone/F.td"])

    def test_broken_ops(self):
        broken = pc.break_op(FORM, "toy", IRDL)
        self.assertEqual(sorted(broken), ["an unknown op", "toy.a without size"])
        self.assertIn('"toy.a_x"(', broken["an unknown op"][0])
        self.assertIn('{name = "name = ", size_x = 1 : i64}', broken["toy.a without size"][0])
        self.assertEqual(pc.break_op(FORM, "toy", IRDL.replace("size", "none")).keys(),
                         {"an unknown op"})

    def test_tests_of_opt(self):
        self.write("test/Dialect/Toy/ops.mlir", "// RUN: portolan-opt %s | FileCheck %s")
        self.write("test/Dialect/Toy/two.mlir", "// RUN: portolan-opt %s | portolan-translate")
        self.write("test/Driver/Toy/x.mlir", "// RUN: portolan-opt %s")
        found = pc.tests_of_opt(types.SimpleNamespace(source=self.folder.name))
        self.assertEqual(found, ["test/Dialect/Toy/ops.mlir"])

    def test_dialects_come_from_the_tree(self):
        self.write("dialects/Toy/IR/ToyDialect.td", 'let name = "toy";')
        self.write("dialects/Rig/IR/RigDialect.td", 'let name = "rig";')
        self.write("dialects/Rig/Realize/Realize.cpp", "")
        package = self.package()
        self.assertEqual(package.dialects(), {"Rig": "rig", "Toy": "toy"})
        self.assertEqual(package.families(), ["rig"])

    def test_failed_command(self):
        package = self.package()
        self.assertEqual(package.output(["echo", "x"], text=True), "x\n")
        with self.assertRaisesRegex(pc.Failure, "sh -c .*: exit status 3: why"):
            package.output(["sh", "-c", "echo why >&2; exit 3"])
        with self.assertRaisesRegex(pc.Failure, "no-such-tool"):
            package.output(["no-such-tool"])


if __name__ == "__main__":
    unittest.main()
