"""The operators and functions of the table, read from docs/functions.md, which a test of the suite keeps
equal to the operator table; and what NumPy calls them.
"""

import operator
import pathlib
import re

import elementary
import numpy as np

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/functions.md"

#: Operators that Python does not let NumPy have.
WORDS = {"and": np.logical_and, "or": np.logical_or, "not": np.logical_not}
INFIX = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "&": operator.and_,
    "|": operator.or_, "^": operator.xor, "<<": operator.lshift, ">>": operator.rshift,
    "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">": operator.gt,
    ">=": operator.ge, **WORDS,
}  # fmt: skip
PREFIX = {"-": operator.neg, "~": operator.invert, **WORDS}


def real_only(function):
    """Neither has NumPy complex forms of what it lacks."""

    def call(arg):
        if np.asarray(arg).dtype.kind == "c":
            raise TypeError("no complex numbers")
        return function(arg)

    return call


class Row:
    """An operator or function: its name, number of arguments, NumPy's counterpart."""

    def __init__(self, name, parameters, numpy=None, aliases=(), reduction=False, operator=False):
        self.name, self.parameters, self.aliases = name, parameters, aliases
        self.arity, self.reduction, self.operator = len(parameters), reduction, operator
        self.elementary = name in (*elementary.ONE_ARGUMENT, *elementary.TWO_ARGUMENTS)
        found = (getattr(home, known, None) for home in (np, np.linalg) for known in (name, *aliases))
        self.numpy = numpy or next(filter(None, found), None) or self.stand_in()

    def stand_in(self):
        """What has the result dtype of a function that NumPy lacks; its values are MPFR's."""
        if not self.elementary:
            raise SystemExit(f"{self.name}: neither NumPy nor tests/corpus/elementary.py has it")
        return real_only(np.sqrt) if self.arity == 1 else np.hypot

    def meaning(self, numpy):
        """The same row with another counterpart."""
        return Row(self.name, self.parameters, numpy, self.aliases, self.reduction, self.operator)

    def spelled(self):
        """The same row by its other names; of operators, as a function."""
        for name in [*([self.name] if self.operator else []), *self.aliases]:
            yield name, self.meaning(getattr(np, name, self.numpy))


#: Casts are no row of the page: each dtype is a function of its own.
CAST = Row("cast", ["a"], np.copy)

#: NumPy has no function of two parts: the corpus has it, on every dtype, in its theme `complex`.
ELSEWHERE = ("complex",)
#: How the page begins what is said of functions of no elements: they have no values to be tabled.
NO_ELEMENTS = ("new array: ", "shape: ", "of texts: ")

OPERAND = re.compile(r"\b[ab]\b")


def read(written, aliases, doc):
    """A row from its cells: `a + b`, `add`, or `isclose(a, b, rtol=1e-5)`, whose first two are needed."""
    if len(written) == 2:
        parameters = OPERAND.findall(written[0])
        symbol = OPERAND.sub("", written[0]).strip()
        numpy = (INFIX if len(parameters) == 2 else PREFIX)[symbol]
        return Row(written[1], parameters, numpy, aliases, operator=True)
    name, _, rest = written[0].partition("(")
    parameters = [parameter for parameter in rest.rstrip(")").split(", ") if "=" not in parameter]
    return Row(name, parameters, None, aliases, doc.startswith("reduction: "))


def rows():
    """All rows of the page that work on elements, by the names of their files: a second row of a name has its arity there."""
    found = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) == 6 and "`" in cells[1]:
            names = [re.findall("`(.*?)`", cell) for cell in cells[1:3]]
            doc, name = cells[3].strip(), names[0][0].partition("(")[0]
            if not doc.startswith(NO_ELEMENTS) and name not in ELSEWHERE:
                row = read(*names, doc)
                found[f"{row.name}-{row.arity}" if row.name in found else row.name] = row
    return found
