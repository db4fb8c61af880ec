#!/usr/bin/env python3
"""Writes the corpus: `make.py FOLDER` writes one TOML file a theme into FOLDER (default: its own).

A formula is Python text, hence most expected values are what NumPy 2 gives for the same text
(strict mode); the rest comes from `oracle.py` (exact rationals, Python integers), `elementary.py` (MPFR)
or is written down by hand in `themes.py`, with the reason. Never from fuse. A test of the suite
regenerates everything and demands that nothing changed. Needs NumPy 2 and gmpy2.

A case: `formula`, `mode` (strict where absent; `both`: either, with the same bits), `inputs` (dtype,
shape, values (bytes as characters below 256); or the name of a vector of the same file; `scalar` and `weak` ones), and `expect` (dtype,
shape, values; of several results an array of such) or `error` (a code). Floats are hex floats, so that their bits are exact.

The bits of `expect` are demanded, unless it has `ulp = n`: then a float may be n floats away from
that of `expect`, but zeros (with their sign), infinities and NaN are demanded as they are, and all ways
to run the case must give the same bits as each other.
"""

import pathlib
import sys

import numpy as np

from themes import all_themes


def main():
    np.seterr(all="ignore")
    here = pathlib.Path(__file__).parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.toml"):
        old.unlink()
    total = 0
    for theme in all_themes():
        (folder / f"{theme.name}.toml").write_text(theme.text())
        total += len(theme.cases)
    print(f"{total} cases")


if __name__ == "__main__":
    main()
