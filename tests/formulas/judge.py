#!/usr/bin/env python3
"""Judges what fuse makes of random formulas, beside NumPy: a line in, a line out.

    judge.py < requests > verdicts

A request is a JSON object: `formula`, its text; `variables`, by name; and `results`, what fuse gives, by mode, "strict" or
"relaxed". An array is `[dtype, [extents], bytes]`, its bytes in hexadecimal, native and in C order. A verdict is a JSON object too:
`{"refused": why}`, or by mode the numbers of elements that are equal to the bit, within bounds, and undecided.

Result dtype and shape are NumPy 2's, values NumPy's bits as far as the formula is exact, and within the budgets of
docs/numerics.md otherwise; where fuse means something else on purpose, they are what docs/language.md says. `enclosure.py`
says how errors accumulate. Nothing here comes from fuse.
"""

import json
import pathlib
import sys
import warnings

import numpy as np

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "corpus")]

import discs  # noqa: E402
import oracle  # noqa: E402
from discs import Disc  # noqa: E402
from enclosure import point, same_bits  # noqa: E402
from evaluate import Evaluator  # noqa: E402


DTYPES = {**oracle.DTYPES, "c64": np.complex64, "c128": np.complex128}


def array(written):
    dtype, extents, text = written
    values = np.frombuffer(bytes.fromhex(text), np.uint8 if dtype == "bool" else DTYPES[dtype])
    values = values != 0 if dtype == "bool" else values
    return values.reshape(extents)


def judged(result, expected):
    """The numbers of elements that are equal, within bounds, and undecided; or why the result is refused."""
    if result.dtype != expected.dtype or result.shape != expected.shape:
        return f"{result.dtype} {result.shape}, expected {expected.dtype} {expected.shape}"
    if isinstance(expected, Disc):
        lo, hi = expected.value, expected.radius
        exact, fits = discs.judged(result, expected)
    else:
        lo, hi = expected.lo, expected.hi
        exact = same_bits(lo, hi)
        fits = np.where(exact, same_bits(result, lo), (lo <= result) & (result <= hi))
    wrong = ~(fits | expected.open)
    if np.any(wrong):
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        return f"element {place} is {result[place]!r}, expected {lo[place]!r} to {hi[place]!r}"
    counts = (np.sum(exact & ~expected.open), np.sum(~exact & ~expected.open), np.sum(expected.open))
    return [int(count) for count in counts]


def verdict(request):
    variables = {name: point(array(written)) for name, written in request["variables"].items()}
    verdicts = {}
    for mode, written in request["results"].items():
        expected = Evaluator(variables, mode == "relaxed").formula(request["formula"])
        found = judged(array(written), expected)
        if isinstance(found, str):
            return {"refused": f"{mode}: {found}"}
        verdicts[mode] = found
    return verdicts


def main():
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        print(json.dumps(verdict(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
