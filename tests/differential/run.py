#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares random networks in typenet with the same networks in PyTorch. README.md says what is compared.

Draws the networks (generate.py), compiles them with driver.hpp, runs them, and prints the largest deviation of each kind of result. Fails where
one is beyond its limit.
"""

import argparse
import collections
import concurrent.futures
import copy
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

try:
    import torch
except ImportError:
    sys.exit("run.py: %s has no PyTorch; Debian's package python3-torch is for /usr/bin/python3" % sys.executable)

sys.dont_write_bytecode = True
import generate
import safetensors

BACKENDS = dict(cpu_double="tn::eigen_backend<double>", cpu_float="tn::eigen_backend<float>", cpu_single_double="tn::eigen_backend<double, 1>",
                cpu_single_float="tn::eigen_backend<float, 1>", thrust_double="tn::thrust_backend<double>",
                thrust_float="tn::thrust_backend<float>")

# A deviation is the largest difference over the tensors of one kind, each relative to its own largest number, or to a hundredth of the kind's
# largest where that is more: rounding errors of a gradient that is truly 0 count little.
LIMIT_DOUBLE = 1e-10
# In single precision a result may be as far from PyTorch's in double precision as PyTorch's own in single precision is, times LIMIT_RATIO.
# That deviation says how much a network magnifies rounding errors; LIMIT_FLOAT is for those that happen to be luckier.
LIMIT_FLOAT, LIMIT_RATIO = 2e-5, 16


def kind_of(name):
    return name.partition("/")[0]


def deviations(expected, actual):
    """Returns for each kind the largest deviation, and the tensor that it is in. @param expected, actual: tensors by `kind/name`"""
    largest, worst = {}, {}
    for name, tensor in expected.items():
        kind = kind_of(name)
        largest[kind] = max(largest.get(kind, 0), float(tensor.abs().max()))
    for name, tensor in expected.items():
        kind = kind_of(name)
        scale = max(float(tensor.abs().max()), largest[kind] / 100) or 1
        deviation = float("inf")
        if name in actual and actual[name].numel() == tensor.numel():
            deviation = float((actual[name].reshape(-1).double() - tensor.reshape(-1)).abs().max()) / scale
        if deviation != deviation:  # NaN
            deviation = float("inf")
        if kind not in worst or deviation > worst[kind][0]:
            worst[kind] = (deviation, name)
    return worst


def write_case(case, folder):
    """Writes what the driver reads, and notes how far PyTorch's own results in single precision are from those in double precision."""
    name = str(case.seed)
    for earlier in folder.glob(name + ".*.safetensors"):
        earlier.unlink()
    safetensors.write(folder / (name + ".weights.safetensors"), case.module.state_dict())
    inputs = {"evaluation": case.evaluation}
    if case.batches:
        inputs["output gradient"] = case.output_gradient
    for number, (samples, targets) in enumerate(case.batches):
        inputs.update({"samples/%d" % number: samples, "targets/%d" % number: targets.double()})
    safetensors.write(folder / (name + ".inputs.safetensors"), inputs)
    single, _, _ = generate.reference(case, torch.float32)
    case.single = {kind: deviation for kind, (deviation, _) in deviations(case.expected, single).items()}


def program_of(work):
    """The C++ program that runs cases. @param work: pairs of a case and the names of its backends"""
    lines = ["// Written by tests/differential/run.py.", '#include "driver.hpp"', "", "namespace tn = typenet;", ""]
    lines += ["using network_%d = %s;" % (case.seed, case.network) for case, _ in work]
    lines += ["", "int main(int, char** arguments) {", "  bool passed = true;"]
    for case, backends in work:
        for backend in backends:
            target = "double" if backend.endswith("double") else "float"
            if case.batches and not case.batches[0][1].is_floating_point():
                target = "int"
            lines += ['  passed &= differential::attempt(arguments[1], "%d", "%s", [](differential::files& io) {' % (case.seed, backend),
                      "    differential::run<network_%d, %s, %s>(io, %s, %s);" % (case.seed, BACKENDS[backend], target, case.loss, case.optimizer),
                      "  });"]
    return "\n".join(lines + ["  return passed ? 0 : 1;", "}", ""])


def build_and_run(work, folder, compile_command):
    """Returns what went wrong, or an empty text."""
    source = folder / ("program_%d.cpp" % work[0][0].seed)
    source.write_text(program_of(work))
    with_thrust = any("thrust" in backend for _, backends in work for backend in backends)
    program = source.with_suffix("")
    for command in ([*compile_command, *["-DTYPENET_DIFFERENTIAL_THRUST"] * with_thrust, str(source), "-o", str(program)], [str(program), str(folder)]):
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        except OSError as error:
            return "%s: %s\n" % (command[0], error.strerror)
        if done.returncode:
            return "%s: ended with status %d\n%s\n" % (shlex.join(command), done.returncode, done.stdout[-4000:])
    return ""


def compare(case, backend, folder):
    """Returns for each kind of result its deviation, its limit, and the tensor of the deviation."""
    stem = "%d.%s" % (case.seed, backend)
    actual, expected = safetensors.read(folder / (stem + ".results.safetensors")), dict(case.expected)
    own = dict(case.single)
    # The other way: PyTorch predicts with the weights that typenet saved.
    weights = safetensors.read(folder / (stem + ".weights.safetensors"))
    dtype = torch.float64 if backend.endswith("double") else torch.float32
    module = copy.deepcopy(case.module).to(dtype).eval()
    module.load_state_dict(weights)
    for name, tensor in module.state_dict().items():
        if weights[name].dtype != tensor.dtype:
            raise RuntimeError("%s is of type %s, not %s" % (name, weights[name].dtype, tensor.dtype))
    kind, last = "outputs of PyTorch, typenet's weights", "outputs after the steps" if case.batches else "outputs, evaluation"
    expected[kind + "/"] = module(case.evaluation.to(dtype)).detach().double()
    actual[kind + "/"] = actual[last + "/"]
    own[kind] = own[last]
    limit = {k: LIMIT_DOUBLE if backend.endswith("double") else min(1, max(LIMIT_FLOAT, LIMIT_RATIO * own[k])) for k in own}
    return {k: (deviation, limit[k], name) for k, (deviation, name) in deviations(expected, actual).items()}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    # The five networks from 214 on have nearly all that can be drawn.
    parser.add_argument("--count", type=int, default=5, help="networks (default: 5)")
    parser.add_argument("--seed", type=int, default=214, help="of the first network; the next ones follow (default: 214)")
    parser.add_argument("--backends", default=None, help="'few', 'all', or names with commas between: %s (default: few for up to 5 networks, else all)"
                        % " ".join(BACKENDS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilers at a time (default: as many as processors)")
    parser.add_argument("--compiler", default=os.environ.get("CXX", "c++"), help="(default: CXX, or c++)")
    parser.add_argument("--flags", default="-O0", help="its options (default: -O0)")
    parser.add_argument("--include", action="append", default=[], help="a folder with headers of Eigen, nlohmann-json or Thrust; may be repeated")
    parser.add_argument("--folder", type=pathlib.Path, help="keeps all files there (default: a temporary folder, removed at the end)")
    options = parser.parse_args()
    if options.count < 1 or options.jobs < 1 or options.seed < 0:
        parser.error("--count and --jobs must be at least 1, --seed at least 0")
    options.backends = options.backends or ("few" if options.count <= 5 else "all")
    for name in set(options.backends.split(",")) - {"few", "all", *BACKENDS}:
        parser.error("no backend is called '%s'; there are %s" % (name, " ".join(BACKENDS)))
    # g++ does not find its own headers where /usr/include is given.
    options.include = [folder for folder in [*options.include, "/usr/include/eigen3"] if folder not in ("", "/usr/include")]
    return options


def has_thrust(options):
    return any((pathlib.Path(folder) / "thrust/version.h").exists() for folder in [*options.include, "/usr/include"])


def backends_of(seed, options):
    """The names of the backends that run a network. `few`: of five networks one runs on one sample at a time in `float` too, and one on Thrust."""
    if options.backends == "few":
        names = ["cpu_double", *{1: ["cpu_single_float"], 3: ["thrust_float"]}.get(seed % 5, [])]
    else:
        names = list(BACKENDS) if options.backends == "all" else options.backends.split(",")
    return [name for name in names if not name.startswith("thrust") or has_thrust(options)]


class Report:
    """Collects deviations and mismatches."""

    def __init__(self):
        self.worst = {}  # of each kind and precision: (deviation / limit, deviation, limit, where)
        self.checks = collections.Counter()
        self.mismatches = 0

    def add(self, case, backend, results):
        """@param results: for each kind its deviation, its limit and a tensor"""
        for kind, (deviation, limit, _) in results.items():
            key = (kind, backend.rpartition("_")[2])
            self.checks[key] += 1
            self.worst[key] = max(self.worst.get(key, (-1,)), (deviation / limit, deviation, limit, "seed %d on %s" % (case.seed, backend)))
        wrong = ["%s: %.1e, limit %.1e, in '%s'" % (kind, deviation, limit, name)
                 for kind, (deviation, limit, name) in results.items() if not deviation <= limit]
        if wrong:
            self.mismatch(case, backend, "\n  ".join(wrong))

    def mismatch(self, case, backend, what):
        self.mismatches += 1
        print("MISMATCH: seed %d on %s" % (case.seed, backend), what, case.network, case.loss, case.optimizer,
              "again: tests/differential/run.py --seed %d --count 1 --backends %s" % (case.seed, backend), sep="\n  ", flush=True)

    def show(self):
        print("%-40s %-9s %6s %9s %9s  %s" % ("kind", "precision", "checks", "deviation", "limit", "where the limit is nearest"))
        for key, (_, deviation, limit, where) in sorted(self.worst.items()):
            print("%-40s %-9s %6d %9.1e %9.1e  %s" % (*key, self.checks[key], deviation, limit, where))


def main():
    options = arguments()
    torch.set_num_threads(1)
    seeds = range(options.seed, options.seed + options.count)
    most = max(len(backends_of(seed, options)) for seed in seeds)
    if not has_thrust(options):
        print("run.py: no thrust/version.h in /usr/include or the folders of --include; the Thrust backend is left out (Debian: libthrust-dev)")
    if most == 0:
        return 1
    compile_command = [options.compiler, "-std=c++20", *shlex.split(options.flags), "-pthread", "-DTHRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_CPP"]
    compile_command += ["-I%s" % folder for folder in (HERE, HERE.parent / "support", HERE.parents[1] / "include")]
    compile_command += [part for folder in options.include for part in ("-isystem", folder)]
    together = max(1, 10 // most)  # networks of one program
    report = Report()
    with tempfile.TemporaryDirectory() as temporary, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        folder = options.folder or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        pending = {}
        for first in range(0, len(seeds), together):
            work = [(case, backends_of(case.seed, options)) for case in map(generate.draw, seeds[first : first + together])]
            for case, _ in work:
                write_case(case, folder)
            pending[pool.submit(build_and_run, work, folder, compile_command)] = work
        for done in concurrent.futures.as_completed(pending):
            print(done.result(), end="", flush=True)
            for case, backends in pending[done]:
                for backend in backends:
                    try:
                        report.add(case, backend, compare(case, backend, folder))
                    except FileNotFoundError:
                        report.mismatch(case, backend, "typenet left no results; the reason is above")
                    except RuntimeError as error:
                        report.mismatch(case, backend, "PyTorch does not take typenet's weights: %s" % error)
    report.show()
    print("run.py: seeds %d to %d, PyTorch %s: %d mismatches" % (seeds[0], seeds[-1], torch.__version__, report.mismatches))
    return 1 if report.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
