"""What must hold for the tree besides its tests. Each check takes a Repo and
returns its problems, one line each; the docstring of a check is its rule.

Usage: repo_checks.py SOURCE_DIR [BUILD_DIR]   (or through tools/check)
"""

import os
import re
import shutil
import subprocess
import sys

HARDWARE_DIALECTS = ("Switched", "Torus", "Trainium", "Wafer")
MAX_DIALECTS = 9
MAX_LINES = {".cpp": 800, ".h": 300, ".td": 500}
MAX_TEST_LINES = 400
MIN_NEGATIVE_SHARE = 0.2
CODE = (".cpp", ".h", ".td")
LICENSE_LINE = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
# The parts of machine names that betray a chip even when the rest is left out.
CHIP_TOKENS = ("gb300", "gb200", "gh200", "h100", "h200", "b200", "b300", "tpu7x", "tpu-v", "tpu_v",
               "trn1", "trn2", "trn3", "cs2", "cs3", "wse", "wse2", "wse3")
# Words that only this file and its test may contain.
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
SELF = ("tools/lib/repo_checks.py", "tools/lib/repo_checks_test.py")


class Repo:
    """The files to check: path relative to the root -> contents on demand."""

    def __init__(self, files, read, source=None, build=None):
        self.files = sorted(files)
        self.read = read
        self.source = source
        self.build = build

    @staticmethod
    def tracked(source, build=None):
        # A new file counts before it is added: what is checked is what is there.
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=source, check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
        files = [path for path in set(listed) if os.path.isfile(os.path.join(source, path))]

        def read(path):
            with open(os.path.join(source, path), encoding="utf-8", errors="replace") as file:
                return file.read()

        return Repo(files, read, source, build)

    def matching(self, *suffixes, under=""):
        return [path for path in self.files if path.startswith(under) and path.endswith(suffixes)]

    def lit_tests(self):
        return [path for path in self.matching(".mlir", ".test", under="test/")
                if not re.search(r"/Inputs/|^test/unit/", path)]


def includes(repo, path):
    """(line number, file) of every #include and TableGen include."""
    pattern = re.compile(r'^\s*#?\s*include\s+["<]([^">]+)[">]')
    for number, line in enumerate(repo.read(path).splitlines(), 1):
        match = pattern.match(line)
        if match:
            yield number, match.group(1)


def forbidden_includes(repo, paths, forbidden, why):
    return [f"{path}:{number}: includes {name}: {why}"
            for path in paths for number, name in includes(repo, path)
            if forbidden(path, name)]


def names_dialect(path, name, dialects):
    """Whether include `name` of `path` reaches into one of `dialects`."""
    if name.startswith("."):
        name = os.path.normpath(os.path.join(os.path.dirname(path), name))
    parts = name.split("/")
    return any(dialect in parts for dialect in dialects)


def check_hardware_dialects_are_independent(repo):
    """a hardware dialect never includes another one"""
    problems = []
    for dialect in HARDWARE_DIALECTS:
        others = [other for other in HARDWARE_DIALECTS if other != dialect]
        problems += forbidden_includes(
            repo, repo.matching(*CODE, under=f"dialects/{dialect}/"),
            lambda path, name: names_dialect(path, name, others),
            "a hardware dialect never includes another one")
    return problems


def check_neutral_dialects_know_no_hardware(repo):
    """a hardware-neutral dialect includes no hardware dialect"""
    neutral = [path for path in repo.matching(*CODE, under="dialects/")
               if path.split("/")[1] not in HARDWARE_DIALECTS]
    return forbidden_includes(
        repo, neutral, lambda path, name: names_dialect(path, name, HARDWARE_DIALECTS),
        "a hardware-neutral dialect includes no hardware dialect")


def check_dialects_do_not_reach_into_lib(repo):
    """a dialect includes no private header of lib/"""
    def private(path, name):
        if name.startswith("."):
            name = os.path.normpath(os.path.join(os.path.dirname(path), name))
        return name.startswith("lib/")
    return forbidden_includes(repo, repo.matching(*CODE, under="dialects/"), private,
                              "only headers under include/portolan are public")


def check_analysis_sees_only_interfaces(repo):
    """the analyses include no dialect, only dialects/Interfaces"""
    paths = (repo.matching(".cpp", ".h", under="include/portolan/Analysis/") +
             repo.matching(".cpp", ".h", under="lib/Analysis/"))
    return forbidden_includes(
        repo, paths,
        lambda path, name: "dialects/" in name and "dialects/Interfaces/" not in name,
        "an analysis asks interfaces and plain data")


def check_dialect_count(repo):
    """at most nine dialects, each with a rationale page"""
    dialects = {path.split("/")[1] for path in repo.matching(*CODE, under="dialects/")
                if re.match(r"dialects/[^/]+/IR/[^/]+Dialect\.td$", path)}
    problems = [f"dialects/{name}: has no README.md" for name in sorted(dialects)
                if f"dialects/{name}/README.md" not in repo.files]
    if len(dialects) > MAX_DIALECTS:
        problems.append(f"expects at most {MAX_DIALECTS} dialects, got {len(dialects)}")
    return problems


def check_file_sizes(repo):
    """.cpp 800, .h 300, .td 500, a test 400 lines"""
    problems = []
    for path in repo.matching(*CODE, ".mlir", ".test"):
        if path.startswith("test/"):
            limit = None if "/Inputs/" in path else MAX_TEST_LINES
        else:
            limit = MAX_LINES.get(os.path.splitext(path)[1])
        if limit:
            lines = repo.read(path).count("\n")
            if lines > limit:
                problems.append(f"{path}: expects at most {limit} lines, got {lines}")
    return problems


def check_formatting(repo):
    """clang-format 22 changes nothing"""
    tool = shutil.which("clang-format-22") or "/usr/lib/llvm-22/bin/clang-format"
    paths = [path for path in repo.matching(".cpp", ".h") if "/Inputs/" not in path]
    done = subprocess.run([tool, "-style=file", "--dry-run", "-Werror"] + paths, cwd=repo.source,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    bad = re.findall(r"^(\S+?):\d+:\d+: error:", done.stdout, re.MULTILINE)
    problems = [f"{path}: {bad.count(path)} places differ; run clang-format-22 -i {path}"
                for path in sorted(set(bad))]
    if done.returncode != 0 and not problems:
        problems.append(done.stdout.strip() or f"{tool}: exit status {done.returncode}")
    return problems


def machine_names(repo):
    """The machines that ship, by the names of their files."""
    return [os.path.basename(path)[:-len(".mlir")]
            for path in repo.matching(".mlir", under="dialects/Machine/Specs/")]


def chip_pattern(names):
    """Matches a machine name or chip token that starts a word or a CamelCase part."""
    spelled = set(CHIP_TOKENS)
    for name in names:
        spelled |= {name, name.replace("-", "_"), name.replace("-", "")}
    words = sorted((re.escape(word) for word in spelled), key=len, reverse=True)
    camel = [word[0].upper() + word[1:] for word in words]
    return re.compile(r"(?<![A-Za-z0-9])(?i:%s)(?![A-Za-z0-9])|(?<=[a-z])(?:%s)(?![a-z0-9])" %
                      ("|".join(words), "|".join(camel)))


def sources_that_must_not_know_chips(repo):
    return (repo.matching(".cpp", ".h", under="lib/") + repo.matching(".h", under="include/") +
            repo.matching(*CODE, under="dialects/") + repo.matching(".cpp", ".h", under="tools/"))


def check_no_source_knows_a_chip(repo):
    """no source names a chip; only machine files do"""
    pattern = chip_pattern(machine_names(repo))
    problems = []
    for path in sources_that_must_not_know_chips(repo):
        for number, line in enumerate(repo.read(path).splitlines(), 1):
            match = pattern.search(line)
            if match:
                problems.append(f"{path}:{number}: names a chip: {match.group(0)}")
    return problems


def check_no_target_predicates(repo):
    """no isTpu()-like function: a machine is asked what it can do, not who it is"""
    pattern = re.compile(r"\bis_?(Tpu|Gpu|Nvidia|Google|Trainium|Cerebras|Wafer|Neuron)\w*\s*\(",
                         re.IGNORECASE)
    problems = []
    for path in sources_that_must_not_know_chips(repo):
        for number, line in enumerate(repo.read(path).splitlines(), 1):
            match = pattern.search(line)
            if match:
                problems.append(f"{path}:{number}: asks who the target is: {match.group(0)})")
    return problems


def check_license_headers(repo):
    """every source starts with its own name and the license"""
    problems = []
    for path in repo.matching(*CODE):
        head = repo.read(path).splitlines()[:8]
        name = os.path.basename(path)
        if not head or not head[0].startswith(f"//===- {name} - "):
            problems.append(f"{path}:1: expects `//===- {name} - what it is ---===//`")
        if not any(LICENSE_LINE in line for line in head):
            problems.append(f"{path}: expects `{LICENSE_LINE}` in its first 8 lines")
    return problems


def check_nothing_is_unfinished(repo):
    """no TODO or FIXME: finish it, or refuse clearly"""
    problems = []
    for path in repo.files:
        if path in SELF or "/Inputs/" in path or not path.endswith(
                CODE + (".py", ".mlir", ".test", ".txt", ".md", ".sh", ".json", ".yaml")) and \
                not re.match(r"tools/[a-z]+$|\.ci/run$", path):
            continue
        for number, line in enumerate(repo.read(path).splitlines(), 1):
            match = UNFINISHED.search(line)
            # docs may say that the words are not used, in code quotes
            if match and f"`{match.group(0)}`" not in line:
                problems.append(f"{path}:{number}: {line.strip()[:80]}")
    return problems


def check_sources_are_built(repo):
    """every .cpp is listed in a CMakeLists.txt of its folder or above"""
    problems = []
    for path in repo.matching(".cpp"):
        folder, name = os.path.split(path)
        listed = False
        while folder and not listed:
            cmake = folder + "/CMakeLists.txt"
            listed = cmake in repo.files and name in repo.read(cmake)
            folder = os.path.dirname(folder)
        if not listed:
            problems.append(f"{path}: is in no CMakeLists.txt")
    return problems


def check_lit_tests_assert(repo):
    """every lit test runs something and asserts something"""
    asserts = re.compile(r"CHECK|expected-(error|warning|remark|note)|\bdiff |\bcmp |\bnot ")
    problems = []
    for path in repo.lit_tests():
        text = repo.read(path)
        if not re.search(r"RUN:", text):
            problems.append(f"{path}: has no RUN line")
        elif not asserts.search(text):
            problems.append(f"{path}: asserts nothing")
        elif "CHECK" in text and not re.search(r"FileCheck|expected-", text):
            problems.append(f"{path}: has CHECK lines that nothing reads")
    return problems


def is_negative(text):
    return bool(re.search(r"expected-error|RUN:.*\bnot |-verify-diagnostics", text))


def check_negative_share(repo):
    """at least a fifth of the lit tests are negative"""
    tests = repo.lit_tests()
    negative = sum(is_negative(repo.read(path)) for path in tests)
    if negative < MIN_NEGATIVE_SHARE * len(tests):
        return [f"expects at least {MIN_NEGATIVE_SHARE:.0%} of {len(tests)} tests, got {negative}"]
    return []


def check_rule_labels_are_tested(repo):
    """every verifier rule labelled in a dialect's README has a test of that name"""
    label = re.compile(r"`(?:[a-z]+\.)?([a-z][a-z0-9_]*_c\d+)`")
    tests = "\n".join(repo.read(path) for path in repo.lit_tests() + repo.matching(
        ".cpp", under="test/unit/"))
    known = set(re.findall(r"[a-z][a-z0-9_]*_c\d+", tests))
    return [f"{path}: rule {name} has no test of that name"
            for path in repo.files if re.match(r"dialects/[^/]+/README\.md$", path)
            for name in dict.fromkeys(label.findall(repo.read(path))) if name not in known]


def check_links(repo):
    """every relative link in the documentation leads to a file"""
    folders = {os.path.dirname(path) for path in repo.files}
    folders |= {parent for folder in list(folders) for parent in
                (folder[:index] for index, char in enumerate(folder) if char == "/")}
    problems = []
    for path in repo.matching(".md"):
        text = re.sub(r"```.*?```", "", repo.read(path), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            target = link.split("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            full = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if full not in repo.files and full not in folders:
                problems.append(f"{path}: links to {link}, which is not there")
    return problems


def check_generated_docs(repo):
    """docs/generated is what `tools/docs` writes"""
    made = os.path.join(repo.build, "docs", "generated")
    kept = os.path.join(repo.source, "docs", "generated")
    def pages(folder):
        return {name for name in os.listdir(folder) if name.endswith(".md")} \
            if os.path.isdir(folder) else set()
    problems = []
    for name in sorted(pages(made) | pages(kept)):
        if name not in pages(made):
            problems.append(f"docs/generated/{name}: nothing generates it; run tools/docs")
        elif name not in pages(kept):
            problems.append(f"docs/generated/{name}: is missing; run tools/docs")
        else:
            with open(os.path.join(made, name)) as a, open(os.path.join(kept, name)) as b:
                if a.read() != b.read():
                    problems.append(f"docs/generated/{name}: is out of date; run tools/docs")
    return problems


def check_scripts_parse(repo):
    """every shell and Python script parses"""
    problems = []
    for path in repo.files:
        text = repo.read(path) if re.match(r"(tools|\.ci)/", path) else ""
        if path.endswith(".py"):
            try:
                compile(repo.read(path), path, "exec")
            except SyntaxError as error:
                problems.append(f"{path}:{error.lineno}: {error.msg}")
        elif text.startswith("#!") and "bash" in text.splitlines()[0]:
            done = subprocess.run(["bash", "-n", path], cwd=repo.source, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode != 0:
                problems.append(done.stdout.strip())
    return problems


def check_scripts_pass_their_tests(repo):
    """the scripts in tools/lib pass their tests (planted violations are found)"""
    problems = []
    for path in repo.matching("_test.py", under="tools/lib/"):
        done = subprocess.run([sys.executable, path], cwd=repo.source, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            problems.append(done.stdout.strip())
    return problems


CHECKS = [
    check_hardware_dialects_are_independent,
    check_neutral_dialects_know_no_hardware,
    check_dialects_do_not_reach_into_lib,
    check_analysis_sees_only_interfaces,
    check_dialect_count,
    check_file_sizes,
    check_formatting,
    check_no_source_knows_a_chip,
    check_no_target_predicates,
    check_license_headers,
    check_nothing_is_unfinished,
    check_sources_are_built,
    check_lit_tests_assert,
    check_negative_share,
    check_rule_labels_are_tested,
    check_links,
    check_generated_docs,
    check_scripts_parse,
    check_scripts_pass_their_tests,
]


def run_all(source, build=None):
    repo = Repo.tracked(source, build)
    for check in CHECKS:
        if build is None and check is check_generated_docs:
            continue
        yield check.__doc__, check(repo)


if __name__ == "__main__":
    failed = 0
    for rule, found in run_all(*sys.argv[1:3]):
        print(("FAIL " if found else "PASS ") + rule)
        print("".join(f"  {problem}\n" for problem in found), end="")
        failed += bool(found)
    sys.exit(1 if failed else 0)
