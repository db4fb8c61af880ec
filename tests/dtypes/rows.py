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


class Row:
    """An operator or function: its name, number of arguments, NumPy's counterpart."""

    def __init__(self, name, arity, numpy=None, aliases=(), reduction=False, operator=False):
        self.name, self.arity, self.aliases, self.reduction = name, arity, aliases, reduction
        self.operator = operator
        self.elementary = name in (*elementary.ONE_ARGUMENT, *elementary.TWO_ARGUMENTS)
        names = [known for known in (name, *aliases) if hasattr(np, known)]
        self.numpy = numpy or (getattr(np, names[0]) if names else self.stand_in())

    def stand_in(self):
        """What has the result dtype of a function that NumPy lacks; its values are MPFR's."""
        if not self.elementary:
            raise SystemExit(f"{self.name}: neither NumPy nor tests/corpus/elementary.py has it")
        return np.sqrt if self.arity == 1 else np.hypot

    def meaning(self, numpy):
        """The same row with another counterpart."""
        return Row(self.name, self.arity, numpy, self.aliases, self.reduction, self.operator)

    def spelled(self):
        """The same row by its other names; of operators, as a function."""
        for name in [*([self.name] if self.operator else []), *self.aliases]:
            yield name, self.meaning(getattr(np, name, self.numpy))


#: Casts are no row of the page: each dtype is a function of its own.
CAST = Row("cast", 1, np.copy)

OPERAND = re.compile(r"\b[abc]\b")


def read(written, aliases, doc):
    """A row from its cells: `a + b`, `add`, or `where(a, b, c)`."""
    arity = len(OPERAND.findall(written[0]))
    numpy = None
    if len(written) == 2:
        numpy = (INFIX if arity == 2 else PREFIX)[OPERAND.sub("", written[0]).strip()]
    reduction = doc.startswith("reduction: ")
    return Row(written[-1].split("(")[0], arity, numpy, aliases, reduction, len(written) == 2)


def rows():
    """All rows of the page."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) == 6 and "`" in cells[1]:
            found.append(read(re.findall("`(.*?)`", cells[1]), re.findall("`(.*?)`", cells[2]), cells[3].strip()))
    return found
