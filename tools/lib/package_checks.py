"""What must hold for those who plug Portolan into their own tools. Each check
takes a Package and returns its problems, one line each; the docstring of a
check is its rule. Dialects and families are those of the tree, not a list.

Usage: package_checks.py SOURCE_DIR BUILD_DIR [NAME...]   (or through tools/check)
"""

import difflib
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

MODEL = "mixtral-8x7b"
COMMAND_SECONDS = 120


class Failure(Exception):
    """A command that the check depends on went wrong."""


class Package:
    """A finished build, its sources, and how to run what it made."""

    def __init__(self, source, build):
        self.source = os.path.abspath(source)
        self.build = os.path.abspath(build)
        with open(os.path.join(self.build, "test", "lit.site.cfg.py"), encoding="utf-8") as site:
            self.llvm_bin = re.search(r'llvm_tools_dir = "(.*)"', site.read()).group(1)

    def tool(self, name):
        """Portolan's tool of that name, or else LLVM's."""
        own = os.path.join(self.build, "bin", name)
        return own if os.path.exists(own) else os.path.join(self.llvm_bin, name)

    def dialects(self):
        """Folder name -> namespace of every dialect."""
        found = {}
        for path in sorted(glob.glob(os.path.join(self.source, "dialects/*/IR/*Dialect.td"))):
            with open(path, encoding="utf-8") as file:
                name = re.search(r'let name = "(\w+)"', file.read())
            found[path.split(os.sep)[-3]] = name.group(1)
        return found

    def families(self):
        """The hardware families: the dialects that realize steps."""
        return [name for folder, name in self.dialects().items()
                if os.path.isdir(os.path.join(self.source, "dialects", folder, "Realize"))]

    def dialect_tests(self):
        """The file of each dialect that holds every one of its ops."""
        return [os.path.join(self.source, "test", "Dialect", folder, "ops.mlir")
                for folder in self.dialects()]

    def run(self, command, data=None, **kwargs):
        """Status, standard output and error (as text, if `data` is)."""
        try:
            done = subprocess.run(command, input=data, capture_output=True,
                                  timeout=COMMAND_SECONDS, **kwargs)
            return done.returncode, done.stdout, done.stderr
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"{os.path.basename(command[0])}: {error}") from error

    def output(self, command, data=None, **kwargs):
        """Standard output of a command that must succeed."""
        status, out, err = self.run(command, data, **kwargs)
        if status != 0:
            text = err if isinstance(err, str) else err.decode(errors="replace")
            words = " ".join([os.path.basename(command[0])] + command[1:])
            raise Failure(f"{words[:200]}: exit status {status}: {text.strip()[:600]}")
        return out


def first_difference(a, b):
    lines = list(difflib.unified_diff(a.splitlines(), b.splitlines(), lineterm="", n=0))
    return "; ".join(line[:120] for line in lines[2:6])


def moe_module(package, target, folder):
    """A moe module with its target, and the target's own plan as a script."""
    model, plan = os.path.join(folder, "model.mlir"), os.path.join(folder, "plan.mlir")
    config = os.path.join(package.source, "lib", "Import", "Models", MODEL + ".json")
    text = package.output([package.tool("portolan-translate"), "--import-hf-config", config],
                          text=True)
    text, count = re.subn(r'^module @"[^"]*" \{', lambda match: match.group(0)[:-1] +
                          f'attributes {{plan.target = "{target}"}} {{', text, count=1,
                          flags=re.MULTILINE)
    if count != 1:
        raise Failure(f"portolan-translate: expects a named module, got {text[:80]}")
    with open(model, "w", encoding="utf-8") as file:
        file.write(text)
    package.output([package.tool("portolan"), "tune", MODEL, "--target", target, "-o", plan])
    return model, plan


def check_plugin(package):
    """the stock mlir-opt with PortolanPlugin.so lowers moe to each family as portolan-opt does"""
    problems = []
    machines = json.loads(package.output([package.tool("portolan"), "machines", "--json", "-"]))
    plugin = os.path.join(package.build, "lib", "PortolanPlugin.so")
    for family in package.families():
        names = sorted((not machine["default"], machine["name"])
                       for machine in machines["machines"] if machine["family"] == family)
        if not names:
            problems.append(f"{family}: no machine of the family ships")
            continue
        machine = json.loads(package.output(
            [package.tool("portolan"), "machines", names[0][1], "--json", "-"]))
        with tempfile.TemporaryDirectory() as folder:
            model, plan = moe_module(package, machine["name"], folder)
            # A plan is a transform script: the interpreter is mlir-opt's own.
            pipeline = ",".join([
                "moe-bind-workload{batch=256 new-tokens=1 past-tokens=4096 phase=decode}",
                f"transform-preload-library{{transform-library-paths={plan}}}",
                "transform-interpreter",
                f"convert-moe-to-spmd{{chips={machine['chips']}}}",
                f"convert-spmd-to-{family}{{target={machine['name']}}}"])
            arguments = [model, f"--pass-pipeline=builtin.module({pipeline})"]
            own = package.output([package.tool("portolan-opt")] + arguments)
            stock = package.output(
                [os.path.join(package.llvm_bin, "mlir-opt"), f"--load-dialect-plugin={plugin}",
                 f"--load-pass-plugin={plugin}"] + arguments)
        if f"{family}.".encode() not in own:
            problems.append(f"{family}: no op of the dialect in the lowered program")
        if own != stock:
            problems.append(f"{family}: portolan-opt and mlir-opt differ: " +
                            first_difference(own.decode(), stock.decode()))
    return problems


def check_bytecode(package):
    """text -> bytecode -> text is the identity for every op of every dialect"""
    problems = []
    opt = package.tool("portolan-opt")
    for path in package.dialect_tests():
        name = os.path.relpath(path, package.source)
        if not os.path.isfile(path):
            problems.append(f"{name}: is missing: expects every op of the dialect")
            continue
        text = package.output([opt, path])
        bytecode = package.output([opt, path, "--emit-bytecode"])
        if not bytecode.startswith(b"ML\xefR"):
            problems.append(f"{name}: --emit-bytecode writes no bytecode")
            continue
        again = package.output([opt], bytecode)
        if again != text:
            problems.append(f"{name}: " + first_difference(text.decode(), again.decode()))
    return problems


CHECKS = [check_plugin, check_bytecode]


def run_all(source, build, names=()):
    package = Package(source, build)
    for check in CHECKS:
        if names and check.__name__.removeprefix("check_") not in names:
            continue
        try:
            problems = check(package)
        except Failure as failure:
            problems = [str(failure)]
        yield check.__doc__, problems


if __name__ == "__main__":
    failed = 0
    for rule, found in run_all(sys.argv[1], sys.argv[2], sys.argv[3:]):
        print(("FAIL " if found else "PASS ") + rule, flush=True)
        print("".join(f"  {problem}\n" for problem in found), end="", flush=True)
        failed += bool(found)
    sys.exit(1 if failed else 0)
