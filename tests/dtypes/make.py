#!/usr/bin/env python3
"""Writes the table of dtypes: `make.py FOLDER` (default: `table` beside this file).

For every operator and function of docs/functions.md, every dtype or pair of dtypes, and every plain
number in place of either: NumPy 2's result dtype and its values, but for the deviations that
docs/language.md lists (`deviations.py`). A test of the suite evaluates each line and writes the table
again; nothing comes from fuse. Needs NumPy 2 and gmpy2.

One file an operator, one line a case:

    i8 u8 = i16 : -128 -127 ...     two arrays: the first one's values, each beside all of the second's
    u8 300 = error                  a plain number
    exp  i8 = f64 [narrow, budget] : ...      what differs from NumPy, by the names of the deviations

An array of a dtype holds the values of that dtype in `values.txt`. Elements of bool stand without
spaces; `?` is an element left open; `every 11` in a file's head says that only each 11th is listed. Casts
are lines `from to`; `where` has its condition first.

Reductions list a result for each slice of a dtype's values: places in `slices.txt`. `dot` takes a slice of
either dtype, beginning again with those of the one that has fewer; and of two slices the values in turns, as
many as the longer one has, the second's from its second value on. `within 4` in a file's head: so many floats an
f64 may be from the one that stands here. `complex 5`: so many units in the last place of the magnitude a
complex number may be, or floats a real result of complex numbers.

`names.txt` has every other name of a row before its operands: aliases, and operators called as functions.

The same dtype and values hold where a typed scalar takes the place of an array: that NumPy does that is
checked here.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "corpus")]

import complexes  # noqa: E402
import reduced  # noqa: E402
from deviations import RULES  # noqa: E402
from outcome import ERROR, outcome  # noqa: E402
from rows import CAST, rows  # noqa: E402
from values import DTYPES, LITERALS, NAMES, plain, slices, text, vector  # noqa: E402

#: Files in which only each n-th element is listed: those of long decimals.
EVERY = {"logaddexp": 11, "atan2": 11, "hypot": 11, "nextafter": 11, "names": 3}

#: Exponents that `**` has a form for, without the general power.
FORMS = (0, 1, 2, -1, 0.5)


class Case:
    """A row on operands: names of dtypes or literals."""

    def __init__(self, row, operands, args, target=None, called=None):
        self.row, self.operands, self.args, self.target = row, operands, args, target
        self.called = called
        literals = [index for index, operand in enumerate(operands) if operand in LITERALS]
        self.literal = literals[-1] if literals else None

    def is_exact_power(self):
        return self.row.name == "power" and self.literal == 1 and self.args[1] in FORMS

    def expected(self):
        """What fuse must give, and the deviations that made it so."""
        held, names = outcome(self.row.numpy, self.args), []
        for name, (rule, depends, _) in RULES.items():
            new = rule(self, held)
            if new is not None:
                if depends or not new.equals(held):
                    names.append(name)
                held = new
        return held, names

    def line(self):
        held, names = self.expected()
        notes = f" [{', '.join(names)}]" if names else ""
        left = " ".join([*([self.called] if self.called else []), *self.operands])
        if held is ERROR:
            return f"{left} = error{notes}"
        every = EVERY.get("names" if self.called else self.row.name, 1)
        known, values = held.known.reshape(-1)[::every], held.values.reshape(-1)[::every]
        items = [text(value) if is_known else "?" for value, is_known in zip(values, known)]
        separator = "" if held.dtype.kind == "b" else " "
        return f"{left} = {NAMES[held.dtype]}{notes} : {separator.join(items)}"


def power(base, exponent):
    """NumPy's `**`, which of bool and 2 gives i8, of bool and any other integer i64: as all others."""
    return np.power(base, exponent) if np.asarray(base).dtype.kind == "b" else base**exponent


def value(operand):
    return plain(operand) if operand in LITERALS else vector(operand)


def outer(operands):
    """Each value of the first operand beside all values of the second."""
    first, second = (value(operand) for operand in operands)
    if operands[0] in DTYPES and operands[1] in DTYPES:
        return [np.repeat(first, len(second)), np.tile(second, len(first))]
    return [first, second]


def same_for_scalars(row, operands):
    """NumPy gives a typed scalar the dtype and values of an array."""
    first, second = (vector(operand) for operand in operands)
    for a, b in [(first, second[-1]), (first[-1], second), (first[1], second[1])]:
        arrays = outcome(row.numpy, [np.atleast_1d(a), np.atleast_1d(b)])
        scalars = outcome(row.numpy, [a, b])
        if arrays is ERROR or scalars is ERROR:
            assert arrays is scalars, (row.name, operands, a, b)
        else:
            close = row.elementary or arrays.dtype.kind == "c" or arrays.equals(scalars)
            assert arrays.dtype == scalars.dtype and close, (row.name, operands, a, b, arrays.values, scalars.values)


def unary(row):
    for operand in DTYPES:
        yield Case(row, [operand], [vector(operand)])
    for literal in LITERALS:
        # A plain number beyond i64 has no dtype of its own.
        if literal != "9223372036854775808":
            number = plain(literal)
            # Python's operators count True as 1; a formula's True is a bool.
            yield Case(row, [literal], [np.bool_(number) if number is True else number])


def pairs():
    for first in DTYPES:
        yield from ([first, second] for second in [*DTYPES, *LITERALS])
    for literal in LITERALS:
        yield from ([literal, second] for second in DTYPES)


def binary(row):
    for operands in pairs():
        if all(operand in DTYPES for operand in operands):
            same_for_scalars(row, operands)
        yield pair(row, [], operands)


def pair(row, condition, operands):
    """A case on two operands, behind a condition that takes both values in turns."""
    args = outer(operands)
    length = max(np.size(arg) for arg in args)
    conditions = [np.resize(vector("bool"), length) for _ in condition]
    return Case(row, [*condition, *operands], [*conditions, *args])


def choice(row):
    for operands in pairs():
        yield pair(row, ["bool"], operands)
    for test in DTYPES:
        if test != "bool":
            values = vector(test)
            yield Case(row, [test, "f64", "f64"], [values, values.real.astype(float), values.real.astype(float)])


def reduction(row):
    """Cases whose arguments are those of each slice."""
    if row.arity == 1:
        for operand in DTYPES:
            yield Case(row, [operand], [[vector(operand)[places]] for places in slices(operand)])
        return
    for operands in ([first, second] for first in DTYPES for second in DTYPES):
        yield Case(row, operands, list(in_turns(operands)))


def in_turns(operands):
    """For each slice of either, values that stand beside each other."""
    first, second = map(slices, operands)
    for index in range(max(len(first), len(second))):
        left, right = first[index % len(first)], second[index % len(second)]
        length = max(len(left), len(right))
        left, right = np.resize(left, length), np.resize(np.roll(right, -1), length)
        yield [vector(operands[0])[left], vector(operands[1])[right]]


def casts():
    for source in [*DTYPES, *LITERALS]:
        for target in DTYPES:
            dtype = np.dtype(DTYPES[target])
            convert = dtype.type if source in LITERALS else lambda a, dtype=dtype: a.astype(dtype)
            yield source, target, Case(CAST.meaning(convert), [source], [value(source)], dtype)


def names():
    """Every other name of a row, on arrays of one dtype."""
    for file, row in rows().items():
        for name, meant in row.spelled() if file == row.name else []:
            if row.reduction:
                found = reduction(meant)
            elif row.arity == 1:
                found = (Case(meant, [operand], [vector(operand)]) for operand in DTYPES)
            else:
                condition = ["bool"] if row.arity == 3 else []
                found = (pair(meant, condition, [operand, operand]) for operand in DTYPES)
            for case in found:
                case.called = name
                yield case


def clipped(row):
    """Bounds of any dtype below and above, beside a plain one."""
    for operands in pairs():
        yield Case(row, [*operands, "2"], [*outer(operands), 2])
    for first in DTYPES:
        for last in DTYPES:
            args = outer([first, last])
            yield Case(row, [first, "0", last], [args[0], 0, args[1]])


def decimals(row):
    for places in ("2", "-1"):
        for case in unary(row):
            yield Case(row, [*case.operands, places], [*case.args, int(places)])


#: What a row's cases are, by the names of its arguments.
FAMILIES = {"a": unary, "a b": binary, "a b c": choice, "a min max": clipped, "a decimals": decimals}


def cases(row):
    return reduction(row) if row.reduction else FAMILIES[" ".join(row.parameters)](row)


def reduce_line(case):
    """The results of a reduction for each slice on one line."""
    parts = [Case(case.row, case.operands, args, None, case.called) for args in case.args]
    lines = [part.line().partition(" : ") for part in parts]
    assert len({line[0] for line in lines}) == 1, lines
    separator = "" if " = bool" in lines[0][0] else " "
    return f"{lines[0][0]} : {separator.join(line[2] for line in lines)}"


def lines(name, cases):
    head = [f"# every {EVERY[name]}"] if name in EVERY else []
    head += [f"# within {reduced.WITHIN[name]}"] if name in reduced.WITHIN else []
    units = complexes.WITHIN_POWER if name in ("power", "names") else complexes.WITHIN
    units = reduced.WITHIN_OF_COMPLEX.get(name, units)
    head += [f"# complex {units}"] if name in (*complexes.KINDS, *reduced.WITHIN, "names") else []
    return head + [reduce_line(case) if case.row.reduction else case.line() for case in cases]


def table():
    """The files."""
    yield "deviations", [f"# {name}: {sentence}" for name, (_, _, sentence) in RULES.items()]
    yield "names", lines("names", names())
    yield "values", [f"{name} : {' '.join(text(v, True) for v in vector(name))}" for name in DTYPES]
    yield "slices", [f"{name} : {' '.join(map(str, places))}" for name in DTYPES for places in slices(name)]
    for file, row in rows().items():
        row = row.meaning(power) if row.name == "power" else row
        yield file, lines(file, cases(row))
    converted = [(source, target, case.line().partition(" = ")[2]) for source, target, case in casts()]
    yield "cast", [f"{source} {target} = {right}" for source, target, right in converted]


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "table"
    np.seterr(all="ignore")
    files = dict(table())
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.txt"):
        old.unlink()
    for name, written in files.items():
        (folder / f"{name}.txt").write_text("\n".join(written) + "\n")
    print(f"{sum(map(len, files.values()))} lines")


if __name__ == "__main__":
    main()
