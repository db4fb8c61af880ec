"""Themes, cases and their TOML text. See make.py for the format."""

import textwrap

import numpy as np

from elementary import FUNCTIONS
from oracle import DTYPES, NAMES

DTYPE_NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
DTYPE_NAMES |= {np.dtype(np.complex64): "c64", np.dtype(np.complex128): "c128"}


def hex_text(value):
    value = float(value)
    if value != value:
        return '"nan"'
    if value in (float("inf"), float("-inf")):
        return f'"{value}"'
    mantissa, exponent = value.hex().split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f'"{mantissa}p{exponent}"'


def values_text(array):
    kind = array.dtype.kind
    if kind == "c":
        # The parts in turn.
        items = [hex_text(part) for v in array.flat for part in (v.real, v.imag)]
    elif kind == "f":
        items = [hex_text(v) for v in array.flat]
    elif kind in "SU":
        # Lines break at blanks.
        texts = [v.decode("latin-1") if kind == "S" else str(v) for v in array.flat]
        items = [toml_text(text).replace(" ", "\\u0020") for text in texts]
    elif kind == "b":
        items = ["true" if v else "false" for v in array.flat]
    else:
        # TOML's integers end at 2^63 - 1.
        items = [str(int(v)) if v < 2**63 else f'"{v}"' for v in array.flat]
    text = ", ".join(items)
    if len(text) <= 70:
        return f"[{text}]"
    wrapped = textwrap.wrap(text, 96, initial_indent="    ", subsequent_indent="    ",
                            break_on_hyphens=False)
    return "[\n" + "\n".join(wrapped) + "\n]"


def dtype_name(dtype):
    if dtype.kind in "SU":
        return f"{dtype.kind}{dtype.itemsize // (4 if dtype.kind == 'U' else 1)}"
    return DTYPE_NAMES[dtype]


def array_text(array):
    name = dtype_name(array.dtype)
    shape = "" if array.ndim == 1 else f"shape = {list(array.shape)}, "
    return f'dtype = "{name}", {shape}values = {values_text(array)}'


class Weak:
    """A plain number, as typed on a command line."""

    def __init__(self, value):
        self.value = value


class Fill:
    """n floats of `oracle.splitmix`, not written out."""

    def __init__(self, seed, array):
        self.seed, self.array = seed, array


class Theme:
    """One file."""

    def __init__(self, name, comment, vectors=None):
        self.name, self.comment, self.vectors = name, comment, vectors or {}
        self.cases = []

    def case(self, formula, expect=None, error=None, mode="strict", note=None, ulp=0, **inputs):
        """A case with an expected value, or an error code, or NumPy's value of the text; of several
        results a tuple, as Python gives."""
        if error is None and expect is None:
            expect = self.numpy(formula, inputs)
        self.cases.append((formula, mode, note, inputs, expect, error, ulp))

    def numpy(self, formula, inputs):
        plain = {name: self.plain(value) for name, value in inputs.items()}
        with np.errstate(all="ignore"):
            return eval(formula.strip(), {"__builtins__": {}}, {**NAMES, **FUNCTIONS, **plain})

    def plain(self, value):
        if isinstance(value, str):
            return self.vectors[value]
        if isinstance(value, Weak):
            return value.value
        return value.array if isinstance(value, Fill) else value

    def input_text(self, name, value):
        if isinstance(value, str):
            return f'{name} = {{ vector = "{value}" }}'
        if isinstance(value, Weak):
            dtype = np.int64 if isinstance(value.value, int) else np.float64
            return f"{name} = {{ weak = true, {array_text(np.array(value.value, dtype))} }}"
        if isinstance(value, Fill):
            dtype = DTYPE_NAMES[value.array.dtype]
            shape = list(value.array.shape)
            return f'{name} = {{ dtype = "{dtype}", shape = {shape}, splitmix = {value.seed} }}'
        if isinstance(value, np.generic):
            return f"{name} = {{ scalar = true, {array_text(np.array(value))} }}"
        return f"{name} = {{ {array_text(value)} }}"

    def text(self):
        lines = [f"# {line}" for line in textwrap.wrap(self.comment, 96)]
        lines += ["# Written by make.py; do not edit.", ""]
        if self.vectors:
            lines.append("[vectors]")
            for name, array in self.vectors.items():
                lines.append(f'"{name}" = {{ {array_text(array)} }}')
            lines.append("")
        for formula, mode, note, inputs, expect, error, ulp in self.cases:
            lines.append("[[case]]")
            if note:
                lines += [f"# {line}" for line in textwrap.wrap(note, 96)]
            lines.append("formula = " + toml_text(formula))
            if mode != "strict":
                lines.append(f'mode = "{mode}"')
            if error is not None:
                lines.append(f'error = "{error}"')
            else:
                tolerance = f"ulp = {ulp}, " if ulp else ""
                table = lambda value: f"{{ {tolerance}{array_text(np.asarray(value))} }}"
                if isinstance(expect, tuple):
                    lines += ["expect = [", *(f"    {table(value)}," for value in expect), "]"]
                else:
                    lines.append(f"expect = {table(expect)}")
            if inputs:
                lines.append("[case.inputs]")
                lines += [self.input_text(name, value) for name, value in inputs.items()]
            lines.append("")
        return "\n".join(lines)


def toml_text(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    escaped = "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped)
    return f'"{escaped}"'
