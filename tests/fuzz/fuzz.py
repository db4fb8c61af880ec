#!/usr/bin/env python3
"""Builds and runs the fuzz targets: Python's standard library, a Rust toolchain, a C++ compiler (libFuzzer).

    fuzz.py smoke [--seconds 20]      every target from its seeds; fails where one crashes
    fuzz.py planted [--seconds 60]    every target with its planted defect; fails where one is not found
    fuzz.py series [--seconds 600]    as smoke, from a corpus that is kept in target/fuzz
    fuzz.py seeds FUSE                writes seeds/, from the test suites' files and the program FUSE

--target NAME (repeatable) runs only these, --jobs N (2) so many at once; with --record, `planted` and `series` write
what they found into record.toml. What crashes a target is left in target/fuzz/crashes: it belongs into
regressions/NAME, which `cargo test` runs.

Coverage guides the search, of fuse's crates alone (coverage-rustc.sh); there is no sanitizer, for compiled code
is none's business: operands lie between inaccessible pages instead.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import records

BUILT = ROOT / "target/fuzz"
TARGETS = [row["name"] for row in tomllib.loads((HERE / "Cargo.toml").read_text())["bin"]]

# What a target's figures are of: its body, and where untrusted bytes are read the reader too. Of the compiler and
# the runtime, which every change touches, the smoke in .ci/run has to do.
BODIES = "tests/fuzz-targets/src/"
COVERED = {
    "parse": [f"{BODIES}parsing.rs", "crates/fuse-syntax/src/*.rs"],
    "optimize": [f"{BODIES}optimizer.rs"],
    "backends": [f"{BODIES}hosts.rs"],
    "traps": [f"{BODIES}traps.rs"],
    "overlap": [f"{BODIES}overlapping.rs"],
    "npy_header": [f"{BODIES}header.rs", *(f"crates/fuse-npy/src/{name}.rs" for name in ("descr", "dict", "header", "literal"))],
    "npy_file": [f"{BODIES}npy.rs", *(f"crates/fuse-npy/src/{name}.rs" for name in ("archive", "file", "npz", "view"))],
    "api_sequences": [f"{BODIES}api.rs"],
    "kernel_text": [f"{BODIES}kernel.rs", "crates/fuse-ir/src/text/parse.rs", "crates/fuse-ir/src/verify.rs"],
    "ptx": [f"{BODIES}kernel.rs"],
}

# Longest inputs, in bytes.
MAX_LEN = {"parse": 4096, "npy_file": 4096, "kernel_text": 4096}
DEFAULT_MAX_LEN = 1024


def build(features=()):
    """Compiles all drivers; returns the folder that they were copied to."""
    environment = os.environ | {
        "RUSTC_WRAPPER": str(HERE / "coverage-rustc.sh"),
        "CARGO_TARGET_DIR": str(BUILT),
    }
    command = ["cargo", "build", "--quiet", "--bins", *(f"--features={name}" for name in features)]
    start = time.monotonic()
    subprocess.run(command, cwd=HERE, env=environment, check=True)
    folder = BUILT / "-".join(["drivers", *features])
    folder.mkdir(exist_ok=True)
    for name in TARGETS:
        shutil.copy2(BUILT / "debug" / name, folder / name)
    print(f"built in {time.monotonic() - start:.0f} s", flush=True)
    return folder


class Run:
    """A target that ran for some time."""

    def __init__(self, folder, name, corpus, seconds):
        crashes = BUILT / "crashes"
        crashes.mkdir(exist_ok=True)
        corpus.mkdir(parents=True, exist_ok=True)
        given = [HERE / kind / name for kind in ("seeds", "regressions")]
        command = [
            folder / name,
            f"-max_total_time={seconds}",
            "-rss_limit_mb=3000",
            "-timeout=10",
            "-print_final_stats=1",
            "-verbosity=1",
            f"-max_len={MAX_LEN.get(name, DEFAULT_MAX_LEN)}",
            f"-artifact_prefix={crashes}/{name}-",
            corpus,
            *(path for path in given if path.is_dir()),
        ]
        start = time.monotonic()
        done = subprocess.run(command, cwd=BUILT, capture_output=True, errors="replace")
        self.name = name
        self.seconds = time.monotonic() - start
        self.failed = done.returncode != 0
        self.output = done.stdout + done.stderr
        self.executions = self.last(r"stat::number_of_executed_units: (\d+)") or self.last(r"^#(\d+)")
        self.edges, self.features, self.corpus = (
            self.last(rf"\b{word}: (\d+)") for word in ("cov", "ft", "corp")
        )
        self.rss = self.last(r"stat::peak_rss_mb: +(\d+)")

    def last(self, pattern):
        found = re.findall(pattern, self.output, re.MULTILINE)
        return int(found[-1]) if found else 0

    def row(self):
        return (
            f"| {self.name} | {self.executions:,} | {self.edges:,} | {self.features:,} "
            f"| {self.corpus:,} | {self.rss} MB |"
        ).replace(",", " ")

    def figures(self):
        return {
            "seconds": round(self.seconds, 1),
            "executions": self.executions,
            "edges": self.edges,
            "features": self.features,
            "corpus": self.corpus,
            "memory_mb": self.rss,
            "crashed": self.failed,
        }

    def message(self):
        """What a crash says: from the panic on."""
        lines = self.output.splitlines()
        first = next((k for k, line in enumerate(lines) if "panicked at" in line or "ERROR:" in line), -20)
        return "\n".join(line[:300] for line in lines[first:][:25])


class Record:
    """record.toml: for each target what `planted` and `series` found. It is written target by target."""

    FILE = HERE / "record.toml"
    HEAD = "# Written by fuzz.py planted --record and fuzz.py series --record; docs/testing.md shows it.\n"

    def __init__(self, command):
        self.command = command
        self.tables = tomllib.loads(self.FILE.read_text()) if self.FILE.exists() else {}
        # A series takes longer than files may stay as they are: what they were when it began.
        self.covers = {name: dict(records.covered(COVERED[name])) for name in TARGETS}
        self.origin = {"date": records.today(), "commit": records.commit(), "machine": records.machine()}

    def add(self, run):
        figures = {**self.origin, **run.figures(), "covers": self.covers[run.name]}
        self.tables.setdefault(run.name, {})[self.command] = figures
        text = self.HEAD
        for name in (name for name in TARGETS if name in self.tables):
            for command, row in sorted(self.tables[name].items()):
                text += f"\n[{name}.{command}]\n" + "".join(map(toml_line, row.items()))
        self.FILE.write_text(text)


def toml_line(item):
    key, value = item
    if isinstance(value, dict):
        value = ", ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in value.items())
        return f"{key} = {{ {value} }}\n"
    return f"{key} = {json.dumps(value)}\n"


def run_all(folder, names, seconds, jobs, corpus_of):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(Run, folder, name, corpus_of(name), seconds) for name in names]
        for run in concurrent.futures.as_completed(runs):
            yield run.result()


def search(names, seconds, jobs, corpus_of, record=None):
    """Runs targets as they are; the number of those that crashed."""
    crashed = 0
    print("| target | executions | edges | features | corpus | memory |\n|---|---|---|---|---|---|")
    for run in run_all(build(), names, seconds, jobs, corpus_of):
        print(run.row(), flush=True)
        if record:
            record.add(run)
        if run.failed:
            crashed += 1
            print(f"{run.name} crashed after {run.seconds:.0f} s:\n{run.message()}", flush=True)
        assert run.executions > 20, f"{run.name}: {run.executions} executions\n{run.output[-2000:]}"
    return crashed


def planted(names, seconds, jobs, record=None):
    """Runs targets with their defects; the number of those that did not find it."""
    missed = 0
    folder = build(["planted"])
    with tempfile.TemporaryDirectory(dir=BUILT) as scratch:
        corpus_of = lambda name: pathlib.Path(scratch) / name
        for run in run_all(folder, names, seconds, jobs, corpus_of):
            found = f"found in {run.seconds:.0f} s, {run.executions} executions" if run.failed else "MISSED"
            print(f"{run.name}: {found}", flush=True)
            if record:
                record.add(run)
            missed += not run.failed
    return missed


def write_seeds(fuse):
    """Seeds of every target. The same files and program give the same seeds."""
    shutil.rmtree(HERE / "seeds", ignore_errors=True)
    for name in TARGETS:
        folder = HERE / "seeds" / name
        folder.mkdir(parents=True)
        for seed in sorted(set(seeds(name, fuse))):
            (folder / hashlib.sha1(seed).hexdigest()[:12]).write_bytes(seed)


def seeds(name, fuse):
    if name == "parse":
        return [formula.encode() for formula in formulas()]
    if name == "npy_header":
        return [*headers(), *(b"\4" + choices(name, k) for k in range(8))]
    if name == "npy_file":
        tests = ROOT / "crates/fuse-npy/testdata"
        files = [*sorted(tests.glob("files/*.npy"))[::3], *sorted(tests.glob("archives/*.npz"))]
        return [file.read_bytes() for file in files if file.stat().st_size <= 1500]
    if name == "kernel_text":
        return [*kernels(fuse), *(b"\xff" + choices(name, k) for k in range(8))]
    return [choices(name, k) for k in range(16)]


def choices(name, number):
    """Bytes that any choices are made of: 8 to 128."""
    digest = hashlib.shake_128(f"{name} {number}".encode())
    return digest.digest(8 << number % 5)


def formulas():
    """One formula of the corpus for every sequence of kinds of tokens that is short."""
    kinds = {}
    for file in sorted((ROOT / "tests/corpus").glob("*.toml")):
        for case in tomllib.loads(file.read_text()).get("case", []):
            formula = case["formula"]
            kind = re.sub(r"[0-9]+", "0", re.sub(r"\b[a-z]\b", "x", formula))
            if len(formula) <= 60:
                kinds.setdefault(kind, formula)
    ordered = sorted(kinds.values(), key=lambda formula: hashlib.sha1(formula.encode()).digest())
    return ordered[:120]


def headers():
    """The texts of the headers that NumPy judged, behind the byte that stands for their version."""
    for line in (ROOT / "crates/fuse-npy/testdata/headers.txt").read_text().splitlines()[2::4]:
        *_, version, text = line.split(" ", 5)
        if len(text) <= 300 and version in "123":
            yield bytes([int(version)]) + text.encode("latin-1", "replace").decode("unicode_escape").encode("latin-1", "replace")


KERNELS = [
    "x**5 + x", "sqrt(x*x + y*y)", "sum(x)", "where(x > y, x, y)", "exp(x)", "i32(x) // 3", "sin(x)",
    "f32(x)*2", "max(x)", "x[1:] - x[:-1]", "tanh(y)", "mean(x*y)", "(x > 0) & (y < 1)", "u8(x) >> 2",
]


def kernels(fuse):
    for formula in KERNELS:
        command = [fuse, "explain", formula, "x=f64", "y=f64", "--stage", "kernel"]
        text = subprocess.run(command, check=True, capture_output=True).stdout
        # The kernel of each pass stands between blank lines, behind what the pass reads and writes.
        kernels = (part for part in text.split(b"\n\n") if not part.startswith(b"pass "))
        yield from (kernel for kernel in kernels if len(kernel) <= MAX_LEN["kernel_text"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["smoke", "planted", "series", "seeds"])
    parser.add_argument("fuse", nargs="?", type=pathlib.Path)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--target", action="append", choices=TARGETS)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    record = Record(given.command) if given.record else None
    names = given.target or TARGETS
    BUILT.mkdir(parents=True, exist_ok=True)
    if given.command == "seeds":
        write_seeds(given.fuse)
    elif given.command == "planted":
        sys.exit(planted(names, given.seconds or 60, given.jobs, record))
    elif given.command == "series":
        corpus = BUILT / "corpus"
        sys.exit(search(names, given.seconds or 600, given.jobs, lambda name: corpus / name, record))
    else:
        with tempfile.TemporaryDirectory(dir=BUILT) as scratch:
            corpus_of = lambda name: pathlib.Path(scratch) / name
            sys.exit(search(names, given.seconds or 20, given.jobs, corpus_of))


if __name__ == "__main__":
    main()
