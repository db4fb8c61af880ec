#!/usr/bin/env python3
"""Series of whole processes: speed, memory, interrupts, kills, full disks, truncated inputs.

    python3 tests/process/series.py FUSE FOLDER [NAME ...] [--record FILE]

FUSE is the release binary, FOLDER a place on the disk that is measured (4 GiB free). Prints one line a
figure, `name: measured (target)`, and ends with exit code 1 where a target is missed. Needs Linux, Python
3.11 and dd; no NumPy. Names: speed memory sparse kill full truncate. All of them without names.
"""

import hashlib
import os
import pty
import random
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import records

MIB = 1 << 20
GIB = 1 << 30
SECONDS_OF_SPARSE = 8
missed = []
lines = []

# What the figures depend on: a test compares these files with what the record says of them.
COVERED = [
    "crates/fuse-cli/src/eval/large.rs",
    "crates/fuse-cli/src/paging/*.rs",
    "crates/fuse-cli/src/sigbus.rs",
    "crates/fuse-npy/src/abandoned.rs",
    "crates/fuse-npy/src/atomic.rs",
    "crates/fuse-npy/src/map.rs",
    "crates/fuse-npy/src/residence.rs",
    "crates/fuse-npy/src/writer.rs",
    "crates/fuse-runtime/src/boxes.rs",
    "crates/fuse-runtime/src/paged.rs",
    "crates/fuse-runtime/src/pager.rs",
]


def record(path):
    covers, commit = list(records.covered(COVERED)), records.commit()
    with open(path, "w") as out:
        print("# Written by tests/process/series.py; .ci/extended runs it.", file=out)
        print(f"date {records.today()}\ncommit {commit}\nmachine {records.machine()}", file=out)
        for file, hashed in covers:
            print(f"covers {file} {hashed}", file=out)
        print(*lines, sep="\n", file=out)


def say(line):
    print(line, flush=True)
    lines.append(line)


def report(name, measured, target, ok):
    say(f"{name}: {measured} (target {target}){'' if ok else '  MISSED'}")
    if not ok:
        missed.append(name)


def header(shape, descr="<f8"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape!r}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def write_array(path, shape, seed):
    """Normal-looking numbers, cheap to make: a block of them again and again, from another place each time."""
    count = 1
    for extent in shape:
        count *= extent
    rng = random.Random(seed)
    block = struct.pack("<65536d", *(rng.gauss(0, 1) for _ in range(65536)))
    with open(path, "wb") as out:
        out.write(header(shape))
        left = count * 8
        while left:
            at = rng.randrange(65536) * 8
            piece = (block[at:] + block[:at])[: min(left, len(block))]
            out.write(piece)
            left -= len(piece)
        out.flush()
        os.fsync(out.fileno())


def drop_caches(*paths):
    for path in paths:
        with open(path, "rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def sha(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(8 * MIB):
            digest.update(piece)
    return digest.hexdigest()


def timed(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


class Sampler(threading.Thread):
    """The largest RssAnon and RssFile of a process, looked at every 2 ms."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.status = open(f"/proc/{pid}/status", "rb", buffering=0)
        self.anon = self.file = self.samples = 0
        self.done = False

    def run(self):
        while not self.done:
            try:
                self.status.seek(0)
                text = self.status.read(4096)
            except (OSError, ValueError):
                return
            for line in text.split(b"\n"):
                if line.startswith(b"RssAnon:"):
                    self.anon = max(self.anon, int(line.split()[1]) * 1024)
                elif line.startswith(b"RssFile:"):
                    self.file = max(self.file, int(line.split()[1]) * 1024)
            self.samples += 1
            time.sleep(0.002)


def inputs(folder):
    x, y, m = folder / "x.npy", folder / "y.npy", folder / "m.npy"
    for path, shape, seed in [(x, (1 << 27,), 1), (y, (1 << 27,), 2), (m, (1 << 14, 1 << 13), 3)]:
        if not path.exists():
            write_array(path, shape, seed)
    return x, y, m


def speed(fuse, folder):
    x, y, _ = inputs(folder)
    out = folder / "out.npy"
    ours, theirs = [], []
    for _ in range(5):
        drop_caches(x, y)
        out.unlink(missing_ok=True)
        # As many bytes: two files read, one written.
        took = timed(["dd", f"if={x}", "of=/dev/null", "bs=4M"])
        took += timed(["dd", f"if={y}", f"of={out}", "bs=4M", "conv=fsync"])
        theirs.append(took)
        drop_caches(x, y)
        out.unlink(missing_ok=True)
        ours.append(timed([fuse, "eval", "2*x + 3*y**2", f"x={x}", f"y={y}", "-o", str(out)]))
    out.unlink()
    ratio = min(ours) / min(theirs)
    detail = f"{min(ours):.2f} s over {min(theirs):.2f} s = {ratio:.2f}"
    report("speed: two 1 GiB inputs, 1 GiB output, over dd", detail, "1.4", ratio <= 1.4)
    say(f"  all runs, s: fuse {[round(t, 2) for t in ours]}, dd {[round(t, 2) for t in theirs]}")


def memory(fuse, folder):
    x, y, m = inputs(folder)
    out = folder / "out.npy"
    cases = [
        ("2*x + 3*y**2", [f"x={x}", f"y={y}", "-o", str(out)]),
        ("mean(x)", [f"x={x}"]),
        ("(x - mean(x))/std(x)", [f"x={x}", "-o", str(out)]),
        ("m - mean(m, axis=0)", [f"m={m}", "-o", str(out)]),
    ]
    for formula, arguments in cases:
        for cached in [True, False]:
            if not cached:
                drop_caches(x, y, m)
            out.unlink(missing_ok=True)
            command = [fuse, "eval", formula, *arguments, "--mem", "256M"]
            start = time.perf_counter()
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            sampler = Sampler(child.pid)
            sampler.start()
            code = child.wait()
            took = time.perf_counter() - start
            sampler.done = True
            sampler.join()
            ok = code == 0 and sampler.anon <= 64 * MIB and sampler.file <= 256 * MIB
            name = f"memory: {formula}, {'cached' if cached else 'from disk'}"
            figures = f"RssAnon {sampler.anon / MIB:.0f} MiB, RssFile {sampler.file / MIB:.0f} MiB"
            report(name, f"{figures}, {took:.2f} s, {sampler.samples} samples", "64, 256 MiB", ok)
    out.unlink(missing_ok=True)


def sparse(fuse, folder):
    """80 GB of zeros, interrupted on the way: long before the fastest disk's file would have been read."""
    path = folder / "sparse.npy"
    shape = (100_000, 100_000)
    with open(path, "wb") as file:
        file.write(header(shape))
        file.truncate(len(header(shape)) + 8 * shape[0] * shape[1])
    main, terminal = pty.openpty()
    child = subprocess.Popen(
        [fuse, "eval", "mean(x)", f"x={path}"], stdout=subprocess.PIPE, stderr=terminal, text=True
    )
    os.close(terminal)
    sampler = Sampler(child.pid)
    sampler.start()
    shown, end = b"", time.monotonic() + SECONDS_OF_SPARSE
    while time.monotonic() < end and child.poll() is None:
        if select.select([main], [], [], 0.1)[0]:
            try:
                shown += os.read(main, 65536)
            except OSError:
                break
    interrupted = child.poll() is None
    start = time.perf_counter()
    if interrupted:
        child.send_signal(signal.SIGINT)
    code = child.wait()
    took = (time.perf_counter() - start) * 1000
    sampler.done = True
    sampler.join()
    path.unlink()
    last = [line for line in shown.decode(errors="replace").split("\r") if "%" in line]
    report("sparse: a mean of 80 GB, RssAnon", f"{sampler.anon / MIB:.0f} MiB", "64 MiB", sampler.anon <= 64 * MIB)
    say(f"  RssFile {sampler.file / MIB:.0f} MiB")
    report("sparse: progress bar", repr(last[-1].strip()) if last else "none", "shown", bool(last))
    if interrupted:
        report("sparse: Ctrl-C", f"{took:.0f} ms, exit {code}", "50 ms, 130", took <= 50 and code == 130)
    else:
        report("sparse: Ctrl-C", f"done before it, exit {code}", "50 ms, 130", False)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def kill(fuse, folder):
    """Killed at random moments, the target is the old file or the complete new one."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        place = Path(place)
        x, target = place / "x.npy", place / "r.npy"
        write_array(x, (1 << 21,), 5)
        command = [fuse, "eval", "x*2 + 1", f"x={x}", "-o", str(target), "--force", "--mem", "8M"]
        whole = min(timed(command) for _ in range(5))
        new = sha(target)
        write_array(target, (1000,), 6)
        old = sha(target)
        rng, outcomes, left = random.Random(7), {"old": 0, "new": 0, "other": 0}, 0
        seen = 0
        for _ in range(200):
            write_array(target, (1000,), 6)
            child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            time.sleep(rng.random() * whole * 1.1)
            child.kill()
            child.wait()
            found = sha(target)
            outcomes["new" if found == new else "old" if found == old else "other"] += 1
            # A kill between link and rename leaves a temporary, which the next run has to remove.
            left = max(left, len(names_in(place)) - 2)
            seen += len(names_in(place)) > 2
        subprocess.run(command, check=True)
        after = len(names_in(place)) - 2
        figures = (
            f"{outcomes['old']} old, {outcomes['new']} new, {outcomes['other']} other; a temporary after {seen} "
            f"kills, {left} at most, {after} after the next run"
        )
        ok = outcomes["other"] == 0 and min(outcomes["old"], outcomes["new"]) > 0 and left <= 1 and after == 0
        report("kill: 200 times", figures, "no other; 1 temporary at most, none after the next run", ok)


def refused(name, command, place, target, expect, **options):
    """Exit code 1, a message that says why, the old file as it was, no temporary."""
    before, files = sha(target), names_in(place)
    done = subprocess.run(command, capture_output=True, text=True, **options)
    message = done.stderr.strip().replace(f"{place}/", "")
    ok = done.returncode == 1 and expect in message and sha(target) == before and names_in(place) == files
    report(f"full: {name}", f"exit {done.returncode}, {message!r}", "exit 1, old file, no temporary", ok)


def full(fuse, folder):
    with tempfile.TemporaryDirectory(dir=folder) as place:
        place = Path(place)
        x, target = place / "x.npy", place / "r.npy"
        write_array(x, (1 << 21,), 5)
        write_array(target, (10,), 6)
        command = [fuse, "eval", "x + 1", f"x={x}", "-o", str(target), "--force"]
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
        for mem in ["8M", "1G"]:
            refused(f"file-size limit, --mem {mem}", [*command, "--mem", mem], place, target, "", preexec_fn=limit)
        small = place / "small"
        small.mkdir()
        if os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "fuse", str(small)]).returncode == 0:
            try:
                tmpfs_target = small / "r.npy"
                write_array(tmpfs_target, (10,), 6)
                for mem in ["8M", "1G"]:
                    command = [fuse, "eval", "x + 1", f"x={x}", "-o", str(tmpfs_target), "--force", "--mem", mem]
                    refused(f"1 MiB file system, --mem {mem}", command, small, tmpfs_target, "space")
            finally:
                subprocess.run(["umount", str(small)], check=True)
        else:
            say("  skipped: mounting a tmpfs is refused")
        done = subprocess.run([fuse, "eval", "x + 1", f"x={x}", "-o", "/dev/full"], capture_output=True, text=True)
        report("full: /dev/full", f"exit {done.returncode}, {done.stderr.strip()!r}", "exit 1", done.returncode == 1)


def truncate(fuse, folder):
    """The input becomes shorter while it is read: a message, exit code 1, no output. Or it was done before."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        place = Path(place)
        x, target = place / "x.npy", place / "r.npy"
        rng, ended, done, wrong = random.Random(9), 0, 0, []
        write_array(x, (1 << 24,), 5)
        command = [fuse, "eval", "sin(x)**2", f"x={x}", "-o", str(target), "--mem", "8M"]
        whole = min(timed([*command, "--force"]) for _ in range(3))
        size = x.stat().st_size
        while ended < 50 and len(wrong) < 5 and done < 200:
            target.unlink(missing_ok=True)
            write_array(x, (1 << 24,), 5)
            child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            time.sleep(rng.random() * whole * 0.9)
            # Not a multiple of the page: the rest of the page would read as zeros.
            os.truncate(x, rng.randrange(1, size // 2))
            try:
                message = child.communicate(timeout=30)[1].strip()
            except subprocess.TimeoutExpired:
                child.kill()
                message = "hangs"
            left = [name for name in names_in(place) if name not in ("x.npy", "r.npy")]
            if child.returncode == 0 and target.exists() and not left:
                done += 1
            elif child.returncode == 1 and "x.npy" in message and not target.exists() and not left:
                ended += 1
            else:
                wrong.append((child.returncode, message, left))
        report("truncate: 50 times", f"{ended} ended with a message, {done} had been done, wrong: {wrong}", "50", ended >= 50 and not wrong)


SERIES = {"speed": speed, "memory": memory, "sparse": sparse, "kill": kill, "full": full, "truncate": truncate}


def main():
    arguments = sys.argv[1:]
    to = None
    if "--record" in arguments:
        at = arguments.index("--record")
        to = arguments[at + 1]
        del arguments[at : at + 2]
    fuse, folder, *names = arguments
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or SERIES:
        SERIES[name](os.path.abspath(fuse), folder)
    for name in ("x.npy", "y.npy", "m.npy"):
        if not names:
            (folder / name).unlink(missing_ok=True)
    if to:
        record(to)
    if missed:
        print("missed:", "; ".join(missed))
        sys.exit(1)


if __name__ == "__main__":
    main()
