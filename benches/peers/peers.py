"""The same work in fuse, NumPy, numexpr, Numba and JAX: answers first, then times.

Run it through run.sh. All contenders run in this process, on the same arrays and with the same output
policy, interleaved (timing.py); the work is in work.py, tutorials.py and small.py. The record keeps every round.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess

import numpy as np

import report
import small
import timing
import tutorials
import work

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PACKAGES = ("numpy", "scipy", "numexpr", "numba", "jax", "jaxlib")


def main():
    """Measures, prints, stores."""
    arguments = parse()
    if arguments.explain:
        explain(arguments.explain)
        return
    record = describe()
    record["rows"] = []
    machine_now = timing.Machine(arguments.patience)
    for (name, threads), maker in all_rows().items():
        if arguments.only is None or arguments.only in name:
            record["rows"].append(measure_row(maker, threads, machine_now))
    if arguments.only is None or arguments.only in "calls":
        print("calls on 16 elements", flush=True)
        record["calls"] = small.measure_calls(machine_now)
    if arguments.only is None or arguments.only in "formulas":
        print("new formulas", flush=True)
        record["first_results"] = small.first_results()
    record["load"].append(round(os.getloadavg()[0], 1))
    print(report.markdown(record))
    if arguments.only is None:
        store(record, arguments)


def all_rows():
    """Makers of all rows, by name and threads."""
    return work.all_rows() | tutorials.all_rows()


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="rows whose name holds this; `calls`; `formulas`")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for a quiet machine")
    parser.add_argument("--publish", action="store_true", help="rewrite docs/performance.md's tables")
    parser.add_argument("--explain", metavar="ROW", help="print what fuse makes of a row, and stop")
    return parser.parse_args()


def explain(name):
    """Kernels and machine code of a row."""
    maker = next(maker for (row, _), maker in all_rows().items() if row == name)
    call = maker(1).fuse_call
    print(call.explain())
    print(call.explain(asm=True))


def measure_row(maker, threads, machine_now):
    """Checks all answers of a row, then times it."""
    work.set_threads(threads)
    row = maker(threads)
    check(row)
    times = timing.measure(row.contenders, machine_now, row.calls)
    least = {name: timing.least(runs) / row.count for name, runs in times.items()}
    figures = ", ".join(f"{name} {time:.3g}" for name, time in least.items())
    print(f"{row.name}, {threads} threads: {figures}", flush=True)
    kept = ("name", "group", "text", "policy", "threads", "count", "bytes")
    return {key: getattr(row, key) for key in kept} | {"others": machine_now.taken(), "times": times}


def check(row):
    """Every contender's answer against NumPy's."""
    scale = np.max(np.abs(row.reference))
    for name, contender in row.contenders.items():
        if name == "copy":
            continue
        if row.out is not None:
            row.out[:] = np.nan
        answer = contender()
        if name.startswith("fuse") and row.policy == "new":
            answer = row.fuse_call.result(row.reference.shape, row.reference.dtype)
        elif row.out is not None and not name.startswith("JAX"):
            answer = row.out
        np.testing.assert_allclose(
            np.asarray(answer), row.reference, rtol=row.tolerance,
            atol=row.tolerance * scale, err_msg=f"{row.name}: {name}",
        )


def describe():
    """Where and with what the measurement is made."""
    commit = git("rev-parse", "--short", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "crates", "Cargo.lock")
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "commit": commit + ("+changes" if changed else ""),
        "command": "benches/peers/run.sh",
        "machine": machine(),
        "cores": work.CORES,
        "backend": work.ENGINES[1].name(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES}
        | {"Python": platform.python_version()},
        "priority": priority(),
        "load": [round(os.getloadavg()[0], 1)],
        "rounds": {"runs": timing.RUNS, "more": timing.MORE_RUNS, "rounds": timing.ROUNDS},
    }


def priority():
    """How far the process is put before others: its niceness and, where there is one, its session's."""
    group = pathlib.Path("/proc/self/autogroup")
    text = group.read_text().split() if group.exists() else ["0"]
    return [os.nice(0), int(text[-1])]


def machine():
    """Processor, caches, memory, in words."""
    listing = json.loads(subprocess.check_output(["lscpu", "--json"], text=True))["lscpu"]
    fields = {}
    for entry in listing:
        fields[entry["field"].rstrip(":")] = entry["data"]
        for child in entry.get("children", []):
            _flatten(child, fields)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    flags = fields.get("Flags", "").split()
    widest = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "SSE"
    return {
        "model": f"{fields.get('Model name', '?')} (family {fields.get('CPU family', '?')}, "
        f"model {fields.get('Model', '?')}, {widest})",
        "l2": fields.get("L2 cache", fields.get("L2", "?")),
        "l3": fields.get("L3 cache", fields.get("L3", "?")),
        "memory_gib": round(pages / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "virtual": "hypervisor" in flags,
    }


def _flatten(entry, fields):
    fields[entry["field"].rstrip(":")] = entry["data"]
    for child in entry.get("children", []):
        _flatten(child, fields)


def git(*words):
    """What git says about this checkout."""
    return subprocess.check_output(["git", *words], cwd=ROOT, text=True).strip()


def store(record, arguments):
    """Writes the record, its tables, and with `--publish` the page."""
    name = f"{record['date']}-{record['commit']}"
    folder = HERE / "record"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(record, separators=(",", ":")) + "\n")
    (folder / f"{name}.md").write_text(report.markdown(record))
    if arguments.publish:
        report.publish(record, name, ROOT / "docs" / "performance.md")
    print(f"stored as benches/peers/record/{name}.json")


if __name__ == "__main__":
    main()
