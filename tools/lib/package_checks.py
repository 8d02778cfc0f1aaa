"""What must hold for those who plug Portolan into their own tools. Each check
takes a Package and returns its problems, one line each; the docstring of a
check is its rule. Dialects and families are those of the tree, not a list.

Usage: package_checks.py SOURCE_DIR BUILD_DIR [NAME...]   (or through tools/check)
"""

import difflib
import functools
import glob
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from lsp_client import LspClient, LspError

MODEL = "mixtral-8x7b"
LOWERED_MODELS = ("mixtral-8x7b", "deepseek-v3")
COMMAND_SECONDS = 120
GCC_BUILD_SECONDS = 2400
# What examples/standalone prints: the sums are in its README.md.
STANDALONE_OUTPUT = """\
moe.linear: matmul 1.024000e+03, vector 0.000000e+00, weights 1.280000e+02 bytes
moe.rms_norm: matmul 0.000000e+00, vector 2.560000e+02, weights 0.000000e+00 bytes
gate.scaled_add: matmul 0.000000e+00, vector 6.400000e+01, weights 0.000000e+00 bytes
"""
# A matrix of 16 columns whose result has 15.
WRONG_FILE = """\
func.func @f(%x: tensor<4x8xbf16>, %w: tensor<8x16xbf16>) -> tensor<4x15xbf16> {
  %y = moe.linear %x, %w : (tensor<4x8xbf16>, tensor<8x16xbf16>) -> tensor<4x15xbf16>
  return %y : tensor<4x15xbf16>
}
"""
RIGHT_FILE = WRONG_FILE.replace("4x15", "4x16")


class Failure(Exception):
    """A command that the check depends on went wrong."""


class Package:
    """A finished build, its sources, and how to run what it made."""

    def __init__(self, source, build, jobs=None):
        self.source = os.path.abspath(source)
        self.jobs = ["-j", jobs] if jobs else []
        self.build = os.path.abspath(build)
        self.scratch = tempfile.TemporaryDirectory()
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

    @functools.cache
    def targets(self):
        """Family -> the machine of the family that is a default or comes first."""
        portolan, result = self.tool("portolan"), {}
        machines = json.loads(self.output([portolan, "machines", "--json", "-"]))["machines"]
        for family in self.families():
            names = sorted((not machine["default"], machine["name"])
                           for machine in machines if machine["family"] == family)
            if not names:
                raise Failure(f"{family}: no machine of the family ships")
            result[family] = json.loads(self.output([portolan, "machines", names[0][1],
                                                     "--json", "-"]))
        return result

    @functools.cache
    def programs(self):
        """Name -> file: the dialects' tests of their ops, and the models that ship,
        lowered for each family."""
        result = {os.path.relpath(path, self.source): path for path in self.dialect_tests()}
        for family, machine in self.targets().items():
            for model in LOWERED_MODELS:
                path = os.path.join(self.scratch.name, f"{model}-{family}.mlir")
                status, _, err = self.run([
                    self.tool("portolan"), "lower", model, "--target", machine["name"],
                    "-o", path], text=True)
                # A model may not fit; nothing else may go wrong.
                if status == 0:
                    result[f"{model} lowered to {family}"] = path
                elif "no plan" not in err:
                    raise Failure(f"portolan lower {model} --target {machine['name']}: {err}")
        return result

    def dialect_tests(self):
        """The file of each dialect that tests how its ops parse and print."""
        return [os.path.join(self.source, "test", "Dialect", folder, "ops.mlir")
                for folder in self.dialects()]

    def cached(self, name):
        """A variable of CMakeCache.txt, or ""."""
        with open(os.path.join(self.build, "CMakeCache.txt"), encoding="utf-8") as cache:
            for line in cache:
                if line.startswith(name + ":"):
                    return line.rstrip("\n").split("=", 1)[1]
        return ""

    def run(self, command, data=None, seconds=COMMAND_SECONDS, **kwargs):
        """Status, standard output and error: text or bytes, as `data` is."""
        try:
            done = subprocess.run(command, input=data, capture_output=True, timeout=seconds,
                                  **kwargs)
            return done.returncode, done.stdout, done.stderr
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"{os.path.basename(command[0])}: {error}") from error

    def output(self, command, data=None, **kwargs):
        """Standard output of a command that must succeed."""
        status, out, err = self.run(command, data, **kwargs)
        if status != 0:
            # ninja and cmake say what failed on standard output.
            text = (err or out) if isinstance(err, str) else (err or out).decode(errors="replace")
            words = " ".join([os.path.basename(command[0])] + command[1:])
            raise Failure(f"{words[:200]}: exit status {status}: {text.strip()[:600]}")
        return out


def first_difference(a, b):
    lines = list(difflib.unified_diff(a.splitlines(), b.splitlines(), lineterm="", n=0))
    return "; ".join(line[:120] for line in lines[2:6])


def moe_module(package, target, folder):
    """A moe module with its target, the target's own plan as a script, and how many
    sequences the plan has in flight."""
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
    tuned = os.path.join(folder, "tune.json")
    package.output([package.tool("portolan"), "tune", MODEL, "--target", target, "-o", plan,
                    "--json", tuned])
    with open(tuned, encoding="utf-8") as file:
        return model, plan, json.load(file)["target"]["concurrency"]


def check_plugin(package):
    """the stock mlir-opt with PortolanPlugin.so lowers moe to each family as portolan-opt does"""
    problems = []
    plugin = os.path.join(package.build, "lib", "PortolanPlugin.so")
    for family, machine in package.targets().items():
        with tempfile.TemporaryDirectory() as folder:
            model, plan, batch = moe_module(package, machine["name"], folder)
            # A plan is a transform script: the interpreter is mlir-opt's own.
            pipeline = ",".join([
                f"moe-bind-workload{{batch={batch} new-tokens=1 past-tokens=4096 phase=decode}}",
                f"transform-preload-library{{transform-library-paths={plan}}}",
                "transform-interpreter",
                f"convert-moe-to-spmd{{target={machine['name']}}}",
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
    """text -> bytecode -> text is the identity for every dialect and lowered program"""
    problems = []
    opt = package.tool("portolan-opt")
    for name, path in package.programs().items():
        text = package.output([opt, path])
        bytecode = package.output([opt, path, "--emit-bytecode"])
        if not bytecode.startswith(b"ML\xefR"):
            problems.append(f"{name}: --emit-bytecode writes no bytecode")
            continue
        again = package.output([opt], bytecode)
        if again != text:
            problems.append(f"{name}: " + first_difference(text.decode(), again.decode()))
    return problems


def missing_includes(prefix, llvm_include):
    """Includes of installed headers and .td files that lead to no file."""
    roots = [os.path.join(prefix, "include"), os.path.join(prefix, "include", "portolan"),
             llvm_include]
    problems = []
    for path in pathlib.Path(prefix, "include").rglob("*"):
        if path.suffix not in (".h", ".td", ".inc"):
            continue
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'^\s*#?include "([^"]+)"', text, re.MULTILINE):
            if not any(os.path.isfile(os.path.join(root, name)) for root in roots + [path.parent]):
                problems.append(f"{path.relative_to(prefix)}: includes {name}, "
                                "which is not installed")
    return problems


def build_standalone(package, prefix, compiler, folder):
    """Builds examples/standalone against an installation and runs it."""
    build = os.path.join(folder, "standalone-" + os.path.basename(prefix))
    example = os.path.join(package.source, "examples", "standalone")
    package.output(["cmake", "-S", example, "-B", build, "-G", "Ninja",
                    "-DCMAKE_CXX_COMPILER=" + compiler, "-DPortolan_ROOT=" + prefix])
    package.output(["cmake", "--build", build], seconds=600)
    return package.output([os.path.join(build, "standalone"),
                           os.path.join(example, "model.mlir")], text=True)


def check_installed_package(package):
    """a project of its own builds and runs with find_package(Portolan), also after a move"""
    problems = []
    llvm_include = os.path.normpath(os.path.join(package.llvm_bin, "..", "include"))
    with tempfile.TemporaryDirectory() as folder:
        first, moved = os.path.join(folder, "first"), os.path.join(folder, "moved")
        package.output(["cmake", "--install", package.build, "--prefix", first])
        problems += missing_includes(first, llvm_include)
        # Once with the compiler of the build and once with the system's.
        compilers = {first: package.cached("CMAKE_CXX_COMPILER"), moved: "c++"}
        for prefix, compiler in compilers.items():
            if prefix == moved:
                os.rename(first, moved)
            printed = build_standalone(package, prefix, compiler, folder)
            if printed != STANDALONE_OUTPUT:
                problems.append(f"{os.path.basename(prefix)}, {compiler}: " +
                                first_difference(STANDALONE_OUTPUT, printed))
        version = package.output([os.path.join(moved, "bin", "portolan"), "--version"], text=True)
        if not version.startswith("portolan "):
            problems.append(f"moved: portolan --version prints {version.strip()[:80]}")
        plugin = os.path.join(moved, "lib", "PortolanPlugin.so")
        package.output([os.path.join(package.llvm_bin, "mlir-opt"),
                        f"--load-dialect-plugin={plugin}"], RIGHT_FILE.encode())
    return problems


def check_language_server(package):
    """portolan-lsp-server answers initialize, didOpen, hover and definition"""
    problems = []

    def expect(what, got, wanted):
        if got != wanted:
            problems.append(f"{what}: expects {wanted}, got {got}")

    try:
        with LspClient([package.tool("portolan-lsp-server")]) as client:
            answer = client.request("initialize", {"processId": None, "rootUri": None,
                                                   "capabilities": {}})
            for ability in ("hoverProvider", "definitionProvider", "referencesProvider"):
                expect(f"initialize: {ability}", answer["capabilities"].get(ability), True)
            client.notify("initialized", {})

            # Every dialect's ops are known, and an op is described by its name.
            for path, namespace in zip(package.dialect_tests(), package.dialects().values()):
                with open(path, encoding="utf-8") as file:
                    # A comment may name an op, and is not one.
                    text = "".join("\n" if re.match(r"\s*//", line) else line for line in file)
                uri = "file://" + path
                name = os.path.relpath(path, package.source)
                expect(f"{name}: diagnostics", client.open(uri, text), [])
                op = re.search(rf"^ *(?:%[^=]* = )?(({namespace}\.\w+)[ (])", text, re.MULTILINE)
                if not op:
                    problems.append(f"{name}: has no op of {namespace}")
                    continue
                hover = client.at("hover", uri, text, op.group(1))
                # The first line is the name, and of a symbol also the symbol.
                title = hover and hover["contents"]["value"].splitlines()[0].split(" : ")[0]
                expect(f"{name}: hover", title, f'"{op.group(2)}"')

            uri = "file:///right.mlir"
            expect("right file: diagnostics", client.open(uri, RIGHT_FILE), [])
            hover = client.at("hover", uri, RIGHT_FILE, "%y", 1)["contents"]["value"]
            if 'Operation: "moe.linear"' not in hover or "`tensor<4x16xbf16>`" not in hover:
                problems.append(f"hover on %y: got {hover}")
            place = client.at("definition", uri, RIGHT_FILE, "%y", 1)
            expect("definition of %y", place, [{"uri": uri, "range": {
                "start": {"line": 1, "character": 2}, "end": {"line": 1, "character": 4}}}])

            found = client.open("file:///wrong.mlir", WRONG_FILE)
            expect("wrong file: diagnostics", [(item["severity"], item["range"]["start"]["line"])
                                               for item in found], [(1, 1)])
            if found and "moe.linear" not in found[0]["message"]:
                problems.append(f"wrong file: got {found[0]['message']}")
            expect("exit status", client.close(), 0)
    except (LspError, OSError, ValueError) as error:
        problems.append(str(error))
    return problems


def break_op(text, namespace, irdl):
    """Variants of a module in IRDL form, each with one op of the dialect that it
    does not have or that lacks something; what is wrong -> text, error."""
    result = {}
    ops = re.findall(rf'"({namespace}\.(\w+))"\(', text)
    if ops:
        name = ops[0][0]
        result["an unknown op"] = (text.replace(f'"{name}"(', f'"{name}_x"('),
                                   "unregistered operation")
    definitions = irdl[irdl.index(f"irdl.dialect @{namespace} {{"):]
    for name, mnemonic in ops:
        body = definitions[definitions.index(f"irdl.operation @{mnemonic} {{"):]
        required = re.search(r'irdl.attributes \{"(\w+)"', body[:body.index("\n    }")])
        if required:
            key = required.group(1)
            line = next(line for line in text.splitlines() if f'"{name}"(' in line)
            bad = re.sub(rf"([{{ ]){key} = ", rf"\1{key}_x = ", line, count=1)
            # An op with regions has its attributes on the line that closes them.
            if bad != line:
                result[f"{name} without {key}"] = (text.replace(line, bad), key)
                break
    return result


def check_irdl(package):
    """a stock mlir-opt with our IRDL files accepts every program and refuses bad ops"""
    problems, unbroken = [], set(package.dialects().values())
    mlir_opt = os.path.join(package.llvm_bin, "mlir-opt")
    folder = os.path.join(package.build, "irdl")
    everything = os.path.join(folder, "portolan.irdl.mlir")
    own_files = {os.path.join(package.source, "test", "Dialect", name, "ops.mlir"):
                 os.path.join(folder, namespace + ".irdl.mlir")
                 for name, namespace in package.dialects().items()}
    for name, path in package.programs().items():
        text = package.output([package.tool("portolan-opt"), path], text=True)
        form = package.output([package.tool("portolan-translate"), "--export-irdl-form", path],
                              text=True)
        file = own_files.get(path, everything)
        read = [mlir_opt, f"--irdl-file={file}", "--mlir-print-op-generic"]
        printed = package.output(read, form, text=True)
        back = package.output([package.tool("portolan-translate"), "--import-irdl-form"], printed,
                              text=True)
        if back.strip() != text.strip():
            problems.append(f"{name}: comes back different: " + first_difference(text, back))
        if file == everything:
            continue
        package.output([mlir_opt, f"--irdl-file={everything}"], form, text=True)
        namespace = os.path.basename(file).split(".")[0]
        with open(file, encoding="utf-8") as definitions:
            broken = break_op(form, namespace, definitions.read())
        for what, (bad, error) in broken.items():
            status, _, err = package.run(read, bad, text=True)
            if status == 0 or error not in err:
                problems.append(f"{name}: {what} is not refused: {err.strip()[:200]}")
        if len(broken) == 2:
            unbroken.discard(namespace)
    problems += [f"{namespace}: no op with a required attribute to leave out"
                 for namespace in sorted(unbroken)]
    return problems


def tests_of_opt(package):
    """The lit tests of dialects and conversions that run portolan-opt alone."""
    result = []
    for path in sorted(pathlib.Path(package.source, "test").glob("[DC]*/*/*.mlir")):
        text = path.read_text(encoding="utf-8")
        tools = {tool for line in re.findall(r"RUN:(.*)", text)
                 for tool in re.findall(r"\bportolan(?:-\w+)*\b", line)}
        if path.parts[-3] in ("Dialect", "Conversion") and tools == {"portolan-opt"}:
            result.append(str(path.relative_to(package.source)))
    return result


def check_gcc(package):
    """g++-12 builds portolan-opt without a warning, and the tests of its passes pass"""
    build = os.path.join(package.source, "build-gcc")
    mlir = package.cached("MLIR_DIR")
    package.output(["cmake", "--preset", "gcc"] + ([f"-DMLIR_DIR={mlir}"] if mlir else []),
                   cwd=package.source, text=True)
    log = package.output(["ninja", "-C", build] + package.jobs + ["portolan-opt"],
                         seconds=GCC_BUILD_SECONDS, text=True)
    problems = sorted(set(re.findall(r"^\S.*: warning: .*", log, re.MULTILINE)))
    tests = tests_of_opt(package)
    if len(tests) < len(package.dialects()):
        problems.append(f"expects tests of every dialect, got {len(tests)}")
    lit = shlex.split(package.cached("LLVM_EXTERNAL_LIT"))
    status, out, err = package.run(lit + ["-q"] + [os.path.join(build, test) for test in tests],
                                   seconds=600, text=True)
    if status != 0:
        problems.append((out + err).strip())
    return problems


CHECKS = [check_plugin, check_bytecode, check_irdl, check_language_server,
          check_installed_package, check_gcc]
SLOW_CHECKS = (check_gcc,)


def run_all(source, build, names=(), quick=False, jobs=None):
    """Pairs of a rule and its problems; the slow ones not if `quick`."""
    package = Package(source, build, jobs)
    for check in CHECKS:
        if quick and check in SLOW_CHECKS:
            continue
        if names and check.__name__.removeprefix("check_") not in names:
            continue
        try:
            problems = check(package)
        except (Failure, OSError, ValueError, KeyError) as error:
            problems = [f"{type(error).__name__}: {error}"]
        yield check.__doc__, problems


if __name__ == "__main__":
    failed = 0
    for rule, found in run_all(sys.argv[1], sys.argv[2], sys.argv[3:]):
        print(("FAIL " if found else "PASS ") + rule, flush=True)
        print("".join(f"  {problem}\n" for problem in found), end="", flush=True)
        failed += bool(found)
    sys.exit(1 if failed else 0)
