"""Runs lit, GoogleTest, the package and repository checks, the comparison with ONNX
Runtime and a minute of fuzzing on a finished build, prints what failed with its output,
and ends with the line `N passed, N failed`.

Usage: check.py SOURCE_DIR BUILD_DIR [--quick] [--jobs N]

--quick leaves out what needs a build of its own: another compiler, the fuzzers.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import fuzz_checks
import oracle_checks
import package_checks
import repo_checks

MAX_OUTPUT_LINES = 80  # shown of one failure
LIT_SECONDS = 1800  # for all lit tests together
UNIT_SECONDS = 900  # for one GoogleTest binary
LIT_FAILURES = {"FAIL", "XPASS", "UNRESOLVED", "TIMEOUT"}
LIT_PASSES = {"PASS", "XFAIL", "FLAKYPASS"}


class Tally:
    """Counts passes and skips and keeps each failure with its output."""

    def __init__(self):
        self.passed = self.skipped = 0
        self.failures = []

    def add(self, name, ok, output=""):
        if ok:
            self.passed += 1
        else:
            self.failures.append((name, output))

    def summary(self):
        return f"{self.passed} passed, {len(self.failures)} failed"


def run(command, seconds, **kwargs):
    """Exit status (None: out of time) and merged output of `command`."""
    try:
        done = subprocess.run(command, timeout=seconds, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        text = expired.stdout or b""
        text = text if isinstance(text, str) else text.decode(errors="replace")
        return None, text + f"\nexpects to finish within {seconds} s"


def cached_variable(build, name):
    """The value of a variable of the build folder's CMakeCache.txt."""
    with open(os.path.join(build, "CMakeCache.txt")) as cache:
        for line in cache:
            if line.startswith(name + ":"):
                return line.rstrip("\n").split("=", 1)[1]
    return ""


def run_lit(build, expected):
    """Runs all lit tests; `expected` is the number of tracked test files."""
    tally = Tally()
    lit = shlex.split(cached_variable(build, "LLVM_EXTERNAL_LIT"))
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        status, output = run(lit + ["-q", "--output", result.name, os.path.join(build, "test")],
                             LIT_SECONDS)
        try:
            tests = json.load(result)["tests"]
        except (ValueError, KeyError):
            tests = []
    for test in tests:
        if test["code"] in LIT_FAILURES:
            tally.add("lit " + test["name"], False, test["output"])
        elif test["code"] in LIT_PASSES:
            tally.add("lit " + test["name"], True)
    # A tracked file that lit does not find would never run.
    if len(tests) != expected:
        tally.add("lit discovery", False,
                  f"expects {expected} tests (tracked files), got {len(tests)}\n{output}")
    elif status != 0 and expected and not tally.failures:
        tally.add("lit", False, output)
    return tally


def unit_binaries(build):
    """The GoogleTest binaries that the build defines (a stale one is not run)."""
    _, targets = run(["ninja", "-C", build, "-t", "targets", "all"], 60)
    names = [line.split(":")[0] for line in targets.splitlines() if "EXECUTABLE_LINKER" in line]
    return sorted(os.path.join(build, name) for name in names if name.startswith("test/unit/"))


def run_unit(binary, shard, shards):
    """One of `shards` parts of a binary's cases."""
    tally = Tally()
    name = os.path.basename(binary)
    part = {**os.environ, "GTEST_SHARD_INDEX": str(shard), "GTEST_TOTAL_SHARDS": str(shards)}
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        status, output = run([binary, f"--gtest_output=json:{result.name}", "--gtest_brief=1"],
                             UNIT_SECONDS, env=part)
        try:
            suites = json.load(result)["testsuites"]
        except (ValueError, KeyError):
            suites = []
    for suite in suites:
        for case in suite["testsuite"]:
            if case["status"] != "RUN" or case["result"] == "SKIPPED":
                continue
            problems = [failure["failure"] for failure in case.get("failures", [])]
            tally.add(f"{name} {case['classname']}.{case['name']}", not problems,
                      "\n".join(problems))
    # A crash leaves no result file.
    if status != 0 and not tally.failures:
        tally.add(name, False, f"exit status {status}\n{output}")
    return tally


def run_units(build):
    # A part per core of every binary: the longest one would be waited for alone.
    shards = os.cpu_count()
    binaries = unit_binaries(build)
    with ThreadPoolExecutor(shards) as pool:
        parts = [[pool.submit(run_unit, binary, shard, shards) for shard in range(shards)]
                 for binary in binaries]
        tallies = [[part.result() for part in of_binary] for of_binary in parts]
    for binary, of_binary in zip(binaries, tallies):
        # A binary without cases tests nothing.
        if not any(tally.passed or tally.failures for tally in of_binary):
            of_binary[0].add(os.path.basename(binary), False, "runs no case")
    return [tally for of_binary in tallies for tally in of_binary]


def run_rules(title, results):
    """Tallies pairs of a rule and its problems."""
    tally = Tally()
    for name, problems in results:
        print(("FAIL " if problems else "PASS ") + name, flush=True)
        tally.add(f"{title} {name}", not problems, "\n".join(problems))
    return tally


def run_fuzzers(source, jobs):
    """A minute of fuzzing: each target that finds nothing passes."""
    tally = Tally()
    try:
        for target, (runs, cover, _), problem in fuzz_checks.run_all(source, jobs=jobs):
            print(f"{'FAIL' if problem else 'PASS'} fuzz {target}: {runs} executions, "
                  f"{cover} edges", flush=True)
            tally.add("fuzz " + target, not problem, problem)
    except (fuzz_checks.Failure, OSError, subprocess.TimeoutExpired) as error:
        tally.add("fuzz", False, str(error))
    return tally


def run_oracle(source, build):
    """Compares with ONNX Runtime; a model that it cannot run is skipped with the reason,
    and all of them without a network."""
    tally = Tally()
    for result in oracle_checks.run_all(source, build):
        if result.status == "SKIP":
            tally.skipped += 1
            print(result, flush=True)
        else:
            tally.add("oracle " + result.name, result.status == "PASS", result.text)
    return tally


def shortened(output):
    """The output, its middle cut out where it is long."""
    lines = output.strip().splitlines()
    if len(lines) > MAX_OUTPUT_LINES:
        half = MAX_OUTPUT_LINES // 2
        lines[half:-half] = [f"... {len(lines) - 2 * half} lines ..."]
    return "\n".join(lines)


def stage(title, action):
    start = time.monotonic()
    result = action()
    tallies = result if isinstance(result, list) else [result]
    passed = sum(tally.passed for tally in tallies)
    failed = sum(len(tally.failures) for tally in tallies)
    skipped = sum(tally.skipped for tally in tallies)
    print(f"{title}: {passed} passed, {failed} failed, " +
          (f"{skipped} skipped, " if skipped else "") + f"{time.monotonic() - start:.1f} s",
          flush=True)
    return tallies


def main(source, build, quick=False, jobs=None):
    lit_tests = len(repo_checks.Repo.tracked(source).lit_tests())
    tallies = stage("lit", lambda: run_lit(build, lit_tests))
    tallies += stage("GoogleTest", lambda: run_units(build))
    tallies += stage("package", lambda: run_rules(
        "package", package_checks.run_all(source, build, quick=quick, jobs=jobs)))
    tallies += stage("oracle", lambda: run_oracle(source, build))
    if not quick:
        tallies += stage("fuzz", lambda: run_fuzzers(source, jobs))
    tallies += stage("repository", lambda: run_rules(
        "repository", repo_checks.run_all(source, build)))

    total = Tally()
    for tally in tallies:
        total.passed += tally.passed
        total.failures += tally.failures
    for name, output in total.failures:
        print(f"\nFAIL {name}")
        if output:
            print("  " + shortened(output).replace("\n", "\n  "))
    print(total.summary())
    return 1 if total.failures else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs")
    sys.exit(main(**vars(parser.parse_args())))
