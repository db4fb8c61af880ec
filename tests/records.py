"""What the records of the long series have in common: of which files they are, and when they were made.

`tests/suite/records.rs` fails where a file that a record covers has changed since.
"""

import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def fnv(data):
    """FNV-1a, 64 bits."""
    state = 0xCBF29CE484222325
    for byte in data:
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return f"{state:016x}"


def covered(patterns):
    """The files that patterns mean, from the root of the repository, each with its hash."""
    for pattern in patterns:
        files = sorted(ROOT.glob(pattern))
        assert files, f"{pattern}: no such file"
        for file in files:
            yield file.relative_to(ROOT).as_posix(), fnv(file.read_bytes())


def today():
    return time.strftime("%F", time.gmtime())


def commit():
    """The commit, with a plus sign where files other than records differ from it."""
    git = lambda *words: subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!*/record.t*")
    return git("rev-parse", "--short", "HEAD").strip() + ("+" if changed else "")


def machine():
    return f"{os.uname().machine}, {os.cpu_count()} cores"
