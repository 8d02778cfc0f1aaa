"""Builds the fuzzers (test/fuzz) with ASan and UBSan and runs each for its share of
the time, from the files of this repository. What they find stays in
build-fuzz/findings; a fix comes with the file in test/fuzz/regressions.

Usage: fuzz_checks.py SOURCE_DIR [--seconds N] [--only NAME] [--seeds DIR] [--jobs N]
       (or through tools/fuzz, and bounded through tools/check)
"""

import argparse
import glob
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from onnx_bytes import external_weights

CHECK_SECONDS = 60  # of fuzzing in tools/check, on all cores together
BUILD_SECONDS = 2400
# Of the time of all: graphs have the most to them.
SHARES = {"onnx": 0.5, "config": 0.12, "graph": 0.1, "model": 0.08, "machine": 0.08, "plan": 0.06,
          "tensor": 0.06}
SEEDS = {
    "onnx": ["test/Inputs/**/model.onnx"],
    "config": ["lib/Import/Models/*.json", "test/Import/HfConfig/Inputs/*.json"],
    "graph": ["test/Conversion/GraphToMoe/*.mlir", "test/Inputs/graphs/*.mlir"],
    "model": ["test/Dialect/Moe/*.mlir", "test/Driver/Inputs/*.mlir"],
    "machine": ["dialects/Machine/Specs/*.mlir"],
    "plan": ["test/Driver/Inputs/*.mlir", "test/Dialect/Plan/*.mlir"],
    "tensor": ["test/Inputs/**/input_0.pb"],
}
SUFFIXES = {"onnx": ".onnx", "config": ".json", "tensor": ".pb"}  # else .mlir
MAX_SEED_BYTES = 1 << 17
MAX_LENGTH = 1 << 16  # of what libFuzzer makes
INPUT_SECONDS = 10  # longer for one input is a finding
MEMORY_MB = 3000
SPLIT = re.compile(r"^// -----.*$", re.MULTILINE)
WORD = re.compile(r"[A-Za-z_][\w.]{2,30}")
MAX_WORDS = 400


class Failure(Exception):
    """The fuzzers cannot be built or started."""


def seed_files(source, target, more=()):
    """Name -> bytes of what fuzzing starts from."""
    seeds = {}
    paths = [path for pattern in SEEDS[target]
             for path in glob.glob(os.path.join(source, pattern), recursive=True)]
    suffix = SUFFIXES.get(target, ".mlir")
    for folder in more:
        paths += glob.glob(os.path.join(folder, "**", "*" + suffix), recursive=True)
    for path in sorted(path for path in paths if os.path.isfile(path)):
        with open(path, "rb") as file:
            data = file.read()
        if target == "onnx":
            try:
                data = external_weights(data, least=1024)
            except (ValueError, IndexError, KeyError):
                continue  # No model; a test of something else.
        parts = [data]
        if path.endswith(".mlir"):
            parts = [part.encode() for part in SPLIT.split(data.decode())]
        name = os.path.relpath(path, source).replace(os.sep, "-").replace("..", "")
        for index, part in enumerate(parts):
            if 0 < len(part) <= MAX_SEED_BYTES:
                seeds[f"{index}-{name}"] = part
    return seeds


def dictionary(seeds):
    """A libFuzzer dictionary of the words of text seeds, the most frequent first."""
    counts = {}
    for data in seeds.values():
        for word in set(WORD.findall(data.decode(errors="replace"))):
            counts[word] = counts.get(word, 0) + 1
    words = sorted(counts, key=lambda word: (-counts[word], word))[:MAX_WORDS]
    return "".join(f'"{word}"\n' for word in words)


def command(binary, folder, target, seconds):
    """The fuzzer's command line; `folder` holds its corpus and its seeds."""
    findings = os.path.join(os.path.dirname(os.path.dirname(folder)), "findings")
    os.makedirs(findings, exist_ok=True)
    arguments = [binary, f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}",
                 f"-rss_limit_mb={MEMORY_MB}", f"-max_len={MAX_LENGTH}", "-print_final_stats=1",
                 "-verbosity=1", f"-artifact_prefix={findings}/{target}-"]
    words = os.path.join(folder, "words")
    if os.path.exists(words):
        arguments.append(f"-dict={words}")
    return arguments + [os.path.join(folder, "corpus"), os.path.join(folder, "seeds")]


def statistics(output):
    """Executions, coverage (edges) and features that libFuzzer reports."""
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    points = re.findall(r"cov: (\d+) ft: (\d+)", output)
    cover, features = points[-1] if points else (0, 0)
    return int(runs.group(1)) if runs else 0, int(cover), int(features)


def problem_of(output):
    """What went wrong, in a few lines of a fuzzer's output."""
    lines = output.splitlines()
    for index, line in enumerate(lines):
        if re.search(r"ERROR: |runtime error: |Assertion|LLVM ERROR", line):
            frames = [frame for frame in lines[index:] if re.search(r"^\s*#\d+ .*portolan", frame)]
            artifact = [one for one in lines if "Test unit written to" in one]
            return "\n".join([line.strip()] + [frame.strip() for frame in frames[:8]] + artifact)
    return "\n".join(lines[-15:])


def build(source, jobs=None):
    """Configures and builds build-fuzz; its folder."""
    folder = os.path.join(source, "build-fuzz")
    ninja = ["ninja", "-C", folder] + (["-j", jobs] if jobs else [])
    for line in (["cmake", "--preset", "fuzz"], ninja + ["portolan-fuzzers"]):
        done = subprocess.run(line, cwd=source, timeout=BUILD_SECONDS, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Failure(f"{' '.join(line)}: {done.stdout.strip()[-2000:]}")
    return folder


def run_one(source, folder, target, seconds, more=()):
    """Fuzzes one target; its name, output and problem ("": none)."""
    place = os.path.join(folder, "fuzz", target)
    for part in ("corpus", "seeds"):
        os.makedirs(os.path.join(place, part), exist_ok=True)
    seeds = seed_files(source, target, more)
    for name, data in seeds.items():
        with open(os.path.join(place, "seeds", name), "wb") as file:
            file.write(data)
    if target not in ("onnx", "tensor"):
        with open(os.path.join(place, "words"), "w", encoding="utf-8") as file:
            file.write(dictionary(seeds))
    binary = os.path.join(folder, "bin", f"fuzz-{target}")
    done = subprocess.run(command(binary, place, target, seconds), cwd=place, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with open(os.path.join(place, "log"), "w", encoding="utf-8") as file:
        file.write(done.stdout)
    return target, done.stdout, problem_of(done.stdout) if done.returncode != 0 else ""


def run_all(source, seconds=CHECK_SECONDS, only=None, more=(), jobs=None):
    """Triples of a target, its statistics and its problem. The targets share
    `seconds` of every core."""
    source = os.path.abspath(source)
    folder = build(source, jobs)
    names = [only] if only else list(SHARES)
    share = sum(SHARES[name] for name in names)
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        # With one target, as many processes on one corpus as there are cores.
        copies = workers if only else 1
        running = [pool.submit(run_one, source, folder, name,
                               max(1, int(seconds * SHARES[name] / share * workers / copies)),
                               more)
                   for name in names for _ in range(copies)]
        for future in running:
            target, output, problem = future.result()
            yield target, statistics(output), problem


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--seconds", type=int, default=CHECK_SECONDS)
    parser.add_argument("--only", choices=list(SHARES))
    parser.add_argument("--seeds", action="append", default=[])
    parser.add_argument("--jobs")
    options = parser.parse_args()
    start, failed = time.monotonic(), 0
    for target, (runs, cover, features), problem in run_all(
            options.source, options.seconds, options.only, options.seeds, options.jobs):
        print(f"{target}: {runs} executions, {cover} edges, {features} features", flush=True)
        if problem:
            failed += 1
            print("FAIL " + target + "\n  " + problem.replace("\n", "\n  "), flush=True)
    print(f"{time.monotonic() - start:.0f} s, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
