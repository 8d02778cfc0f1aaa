"""Compares `portolan run` with ONNX Runtime on inputs that neither has seen.

For every ONNX model of test/Inputs, and of the folders given, draws inputs of the
shapes and ranges that the model's data sets show, runs them in ONNX Runtime, with its
graph optimizations off and on, and demands that Portolan's outputs are the same. What
ONNX Runtime cannot do or does wrong is skipped by name (oracle_faults.py). Then changes
each graph in one place (oracle_variants.py): Portolan computes what ONNX Runtime computes,
or refuses.

Usage: oracle_checks.py SOURCE_DIR BUILD_DIR [--models DIR] [--only NAME] [--seed N]
       [--rounds N] [--variants N]   (or through tools/oracle, and through tools/check)

ONNX Runtime comes from npm, in the version of tools/lib/oracle/package-lock.json, into
build-oracle; without node, npm or a network the comparison is skipped. The data sets
stay in build-oracle/cases.
"""

import argparse
import base64
import glob
import json
import math
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from onnx_graph import Tensor, read_graph
from oracle_faults import fault_of
from oracle_inputs import Inputs, expected_of, read_sets
from oracle_variants import variant

INSTALL_SECONDS = 180
RUN_SECONDS = 180  # of one model, and of each set of inputs
SET_SECONDS = 10
TOLERANCE = 1e-4  # absolute, as that of `portolan run`
PERTURBATION = 1e-3  # of one element; ten times the tolerance
LEVELS = ("disabled", "all")  # ONNX Runtime's graph optimizations
EXIT_REFUSED, EXIT_DIFFERS = 1, 3
TRIES = 10  # to find a place that can be changed
LACKS_EXPERTS = "the graph lacks experts"  # portolan's warning
# How npm says that it cannot reach the registry, or finds no file there is.
OFFLINE = re.compile(r"\b(EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|"
                     r"EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|E50\d)\b")


class Skip(Exception):
    """The comparison is not possible here, for the reason given."""


class Failure(Exception):
    """What is compared differs, or cannot be run."""


class Result(NamedTuple):
    """`status`: PASS, FAIL or SKIP."""
    status: str
    name: str
    text: str

    def __str__(self):
        return f"{self.status} {self.name}: {self.text}"


class Oracle:
    """ONNX Runtime, installed for the source tree, and what is compared with it."""

    def __init__(self, source, build):
        self.source = os.path.abspath(source)
        self.scripts = os.path.join(self.source, "tools", "lib", "oracle")
        self.place = os.path.join(self.source, "build-oracle")
        self.modules = os.path.join(self.place, "node_modules")
        self.portolan = os.path.join(os.path.abspath(build), "bin", "portolan")

    def install(self):
        """Installs what the lock file names, unless it is there already."""
        for tool in ("node", "npm"):
            if not shutil.which(tool):
                raise Skip(f"{tool} is not installed")
        stamp = os.path.join(self.place, "installed.json")
        with open(os.path.join(self.scripts, "package-lock.json"), encoding="utf-8") as file:
            lock = file.read()
        if os.path.exists(stamp):
            with open(stamp, encoding="utf-8") as file:
                if file.read() == lock:
                    return
            os.remove(stamp)
        os.makedirs(self.place, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(self.scripts, name), self.place)
        # The package's own script would fetch more, from elsewhere, that a CPU needs not.
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
                   "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
        try:
            done = subprocess.run(command, cwd=self.place, timeout=INSTALL_SECONDS, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired as error:
            raise Skip(f"npm got no ONNX Runtime within {INSTALL_SECONDS} s") from error
        if done.returncode != 0:
            offline = OFFLINE.search(done.stdout)
            if offline:
                raise Skip(f"npm reaches no registry ({offline.group(0)})")
            raise Failure(f"npm ci: {done.stdout.strip()[-1000:]}")
        # The package holds the libraries of every system: 250 MB of 290.
        for folder in glob.glob(os.path.join(self.modules, "onnxruntime-node", "bin", "*", "*")):
            if os.path.basename(folder) != sys.platform:
                shutil.rmtree(folder)
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(lock)

    def ask(self, model, sets, levels=LEVELS):
        """Level -> outputs of each set, or the error and its stage."""
        job = {"model": model, "levels": levels, "sets": [
            {one.name: {"type": one.type, "dims": one.dims,
                        "data": base64.b64encode(one.data).decode()} for one in inputs}
            for inputs in sets]}
        try:
            done = subprocess.run(["node", os.path.join(self.scripts, "oracle.mjs"), self.modules],
                                  input=json.dumps(job), capture_output=True, text=True,
                                  timeout=RUN_SECONDS + len(sets) * SET_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"ONNX Runtime: expects an answer within {error.timeout} s") from error
        if done.returncode < 0:
            return {"error": f"dies of signal {-done.returncode}", "stage": "run"}
        if done.returncode != 0:
            raise Failure(f"oracle.mjs: exit status {done.returncode}\n{done.stderr.strip()}")
        answer = json.loads(done.stdout)
        if "error" in answer:
            return answer
        return {"outputs": {level: [[Tensor(one["name"], one["type"], one["dims"],
                                            base64.b64decode(one["data"])) for one in outputs]
                                    for outputs in results]
                            for level, results in answer["outputs"].items()}}

    def compare(self, model, folder, rtol=0):
        """Exit status and output of Portolan's comparison with a folder of data sets."""
        command = [self.portolan, "run", model, "--inputs", folder, "--expect", folder,
                   "--atol", str(TOLERANCE), "--rtol", str(rtol)]
        try:
            done = subprocess.run(command, text=True, errors="replace",
                                  timeout=RUN_SECONDS + len(os.listdir(folder)) * SET_SECONDS,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"portolan: expects to finish within {error.timeout} s") from error
        return done.returncode, done.stdout


def models_of(oracle, folders=()):
    """Name -> file of each model in the repository and in the folders."""
    result = {}
    own = os.path.join(oracle.source, "test", "Inputs")
    for folder in [own, *map(os.path.abspath, folders)]:
        found = sorted(glob.glob(os.path.join(folder, "**", "*.onnx"), recursive=True))
        if not found:
            raise Failure(f"{folder}: expects models (.onnx), got none")
        base = folder if folder == own else os.path.dirname(folder)
        for path in found:
            name = os.path.relpath(path, base).removesuffix("/model.onnx")
            while name in result:  # Two folders may hold models of one name.
                name += "'"
            result[name] = path
    return result


def write_sets(folder, sets, outputs):
    """Data sets in the layout of the ONNX backend tests."""
    shutil.rmtree(folder, ignore_errors=True)
    for index, (inputs, results) in enumerate(zip(sets, outputs)):
        path = os.path.join(folder, f"test_data_set_{index}")
        os.makedirs(path)
        for kind, tensors in (("input", inputs), ("output", results)):
            for number, tensor in enumerate(tensors):
                tensor.write(os.path.join(path, f"{kind}_{number}.pb"))


def difference(got, want):
    """The largest absolute difference of two lists of lists of tensors; infinite where
    shapes differ or only one is a number."""
    largest = 0.0
    for one, other in zip((tensor for results in got for tensor in results),
                          (tensor for results in want for tensor in results)):
        if one.dims != other.dims or one.type != other.type:
            return math.inf
        if one.data == other.data:
            continue
        for a, b in zip(one.values(), other.values()):
            if a == b or (a != a and b != b):
                continue
            error = abs(a - b)
            largest = max(largest, math.inf if error != error else error)
    return largest


def perturbed(tensor, random_of):
    """The tensor with one element changed by more than the tolerance."""
    values = tensor.values()
    values[random_of.randrange(len(values))] += PERTURBATION
    return Tensor.of(tensor.name, tensor.type, tensor.dims, values)


def largest_error(output):
    """The largest error that `portolan run` prints, and how many outputs it compared."""
    errors = [float(one) for one in re.findall(r"largest error ([-+.\w]+)", output)]
    return max(errors, default=0.0), len(errors)


def refused(graph, name, answer):
    """What to say of a model that ONNX Runtime refuses."""
    if answer["stage"] == "install":
        raise Skip(f"onnxruntime-node does not load on {platform.platform()}: {answer['error']}")
    fault = fault_of(graph, answer["error"])
    if fault:
        return Result("SKIP", name, fault.reason)
    return Result("FAIL", name, f"ONNX Runtime: {answer['error']}")


def check_model(oracle, name, path, seed, rounds):
    """Compares one model: in each round, as many sets of inputs of the shapes shown as
    there are, and of other shapes."""
    graph = read_graph(path)
    stored = read_sets(os.path.dirname(path))
    if not stored:
        return Result("SKIP", name, "no data set beside it shows its inputs")
    fault = fault_of(graph)
    if fault and fault.message is None:
        return Result("SKIP", name, fault.reason)

    draw = random.Random(f"{seed} {name}")
    inputs = Inputs(graph, list(stored.values()))
    fresh = []
    for _ in range(rounds):
        fresh += inputs.of_shown_shapes(draw) + inputs.of_other_shapes(len(stored), draw)
    answer = oracle.ask(path, fresh + inputs.named())
    if "error" in answer:
        return refused(graph, name, answer)
    if fault:
        return Result("FAIL", name, f"expects what oracle_faults.py says, {fault.reason}; got "
                      "outputs of ONNX Runtime")
    plain, optimized = (answer["outputs"][level] for level in LEVELS)

    folder = os.path.join(oracle.place, "cases", name)
    write_sets(folder, fresh, plain)
    status, output = oracle.compare(path, folder)
    own = difference(plain, optimized)
    note = f"; ONNX Runtime's own: optimized, it differs by {own:.2e}" if own > TOLERANCE else ""
    if status == EXIT_DIFFERS and note:
        # The oracle is of two minds: either will do.
        write_sets(folder, fresh, optimized)
        status, output = oracle.compare(path, folder)
    if status != 0:
        return Result("FAIL", name, f"portolan run {path} --inputs {folder} --expect {folder}: exit "
                      f"status {status}{note}\n{output.strip()}")
    error, count = largest_error(output)
    text = f"{len(fresh)} sets of inputs, {count} outputs, largest error {error:.2e}{note}"

    # Does ONNX Runtime compute what comes with the model? If not, one of them is wrong.
    expected = [expected_of(one) for one in stored]
    known = difference(plain[len(fresh):], expected)
    if known > TOLERANCE:
        text = (f"ONNX Runtime differs from the data sets that come with the model by {known:.2e} "
                f"(portolan agrees with it: {text})")
        lacking = next((line for line in output.splitlines() if LACKS_EXPERTS in line), None)
        if lacking:
            return Result("SKIP", name, f"{LACKS_EXPERTS}, which the file cannot make up for; {text}")
        return Result("FAIL", name, text)
    return Result("PASS", name, text)


def check_variant(oracle, name, path, seed, number):
    """What came of one changed graph, and what was changed; None if nothing could be. Raises
    Failure where Portolan computes something else."""
    draw = random.Random(f"{seed} {name} {number}")
    with open(path, "rb") as file:
        model = file.read()
    found = next(filter(None, (variant(model, draw) for _ in range(TRIES))), None)
    if not found:
        return None
    folder = os.path.join(oracle.place, "variants", name, f"{seed}-{number}")
    os.makedirs(folder, exist_ok=True)
    changed = os.path.join(folder, "model.onnx")
    with open(changed, "wb") as file:
        file.write(found[0])
    inputs = Inputs(read_graph(path), list(read_sets(os.path.dirname(path)).values()))
    sets = [draw.choice(inputs.of_shown_shapes(draw) + inputs.of_other_shapes(1, draw))]
    answer = oracle.ask(changed, sets)
    if "error" in answer or fault_of(read_graph(changed)):
        shutil.rmtree(folder)
        return "refused by ONNX Runtime"
    plain, optimized = (answer["outputs"][level] for level in LEVELS)
    data = os.path.join(folder, "data")
    write_sets(data, sets, plain)
    # A changed graph may compute large numbers.
    status, output = oracle.compare(changed, data, rtol=TOLERANCE)
    if status == EXIT_DIFFERS and difference(plain, optimized) > TOLERANCE:
        outcome = "on which ONNX Runtime disagrees with itself"
    elif status == EXIT_REFUSED and "error: " in output:
        outcome = "refused by portolan"
    elif status == 0:
        outcome = "agree"
    else:
        raise Failure(f"{found[1]}\nportolan run {changed} --inputs {data} --expect {data} --rtol "
                      f"{TOLERANCE}: exit status {status}\n{output.strip()}")
    shutil.rmtree(folder)
    return outcome


def check_variants(oracle, name, path, seed, count):
    """How many of `count` changed graphs came to what."""
    outcomes, problems = {}, []
    for number in range(count):
        try:
            outcome = check_variant(oracle, name, path, seed, number)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        except Failure as problem:
            problems.append(f"variant {number}: {problem}")
    if problems:
        raise Failure("\n".join(problems))
    outcomes.pop(None, None)
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))


def check_that_it_can_fail(oracle, name, path, seed):
    """A data set whose expectation is changed in one element must be reported."""
    title = f"{name} with a wrong expectation"
    draw = random.Random(f"{seed} {title}")
    folder = os.path.join(oracle.place, "cases", name)
    sets = read_sets(folder)
    results = [expected_of(one) for one in sets]
    results[0][0] = perturbed(results[0][0], draw)
    wrong = os.path.join(oracle.place, "cases", title.replace(" ", "-"))
    write_sets(wrong, list(sets.values()), results)
    status, output = oracle.compare(path, wrong)
    if status == EXIT_DIFFERS and re.search(r", 1 of \d+ beyond the tolerance", output):
        return Result("PASS", title, "is reported")
    return Result("FAIL", title, f"expects exit status {EXIT_DIFFERS}, got {status}\n{output}")


def run_all(source, build, folders=(), only=None, seed=0, rounds=1, variants=1):
    """Yields the Result of each model, with `variants` changed graphs of each."""
    oracle = Oracle(source, build)
    try:
        models = models_of(oracle, folders)
        oracle.install()
    except Skip as reason:
        yield Result("SKIP", "ONNX Runtime", str(reason))
        return
    except (Failure, OSError) as error:
        yield Result("FAIL", "ONNX Runtime", str(error))
        return
    if only:
        models = {name: path for name, path in models.items() if only in name}

    def one(item):
        try:
            result = check_model(oracle, *item, seed, rounds) if rounds else None
            if variants and (result is None or result.status == "PASS"):
                said = check_variants(oracle, *item, seed, variants)
                result = Result("PASS", item[0], "; ".join(
                    ([result.text] if result else []) + ["variants: " + said] * bool(said)))
            return result
        except Skip as reason:
            return Result("SKIP", item[0], str(reason))
        except (Failure, OSError, ValueError, KeyError, IndexError) as error:
            said = str(error) if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
            return Result("FAIL", item[0], said)

    agreed = None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, path), result in zip(models.items(), pool.map(one, models.items())):
            if rounds and result.status == "PASS" and not agreed:
                agreed = (name, path)
            yield result
    if agreed:
        yield check_that_it_can_fail(oracle, *agreed, seed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("build")
    parser.add_argument("--models", action="append", default=[], metavar="DIR")
    parser.add_argument("--only", metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--variants", type=int, default=1)
    options = parser.parse_args()
    start = time.monotonic()
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    for result in run_all(options.source, options.build, options.models, options.only,
                          options.seed, options.rounds, options.variants):
        counts[result.status] += 1
        print(str(result).replace("\n", "\n  "), flush=True)
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped, "
          f"{time.monotonic() - start:.1f} s")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
