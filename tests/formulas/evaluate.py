"""The enclosure of a formula's text: Python's grammar holds every form that the generator writes."""

import ast
import functools
import math
import operator

import disc_folds
import discs
import folds
import functions
import numpy as np
import operators
import oracle
from enclosure import Enclosure, Pending, dataclasses, point, stored

DTYPES = {np.dtype(dtype).name: np.dtype(dtype) for dtype in oracle.DTYPES.values()}
DTYPES |= {"bool_": np.dtype(bool)}
DTYPES |= {name: np.dtype(dtype) for name, dtype in oracle.DTYPES.items()}

COMPARISONS = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.GtE: np.greater_equal,
    ast.Gt: np.greater,
}  # fmt: skip
ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
REMAINDERS = {ast.FloorDiv: "//", ast.Mod: "%"}
BITS = {
    ast.BitAnd: np.bitwise_and, ast.BitOr: np.bitwise_or, ast.BitXor: np.bitwise_xor, ast.LShift: np.left_shift,
    ast.RShift: np.right_shift,
}  # fmt: skip
ROUNDINGS = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.rint, "sign": np.sign}
QUESTIONS = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "signbit": oracle.signbit}
INTEGER = {"gcd": np.gcd, "lcm": np.lcm}
PLAIN = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}  # fmt: skip


COMPLEX = ("c64", "c128", "complex64", "complex128")


def is_complex(*values):
    return any(isinstance(value, (discs.Disc, complex)) for value in values)


def is_bool(*values):
    return all(isinstance(value, Enclosure) and value.dtype.kind == "b" for value in values)


class Evaluator:
    """The values of variables by name, and the mode."""

    def __init__(self, variables, relaxed):
        self.variables, self.relaxed = variables, relaxed

    def formula(self, text):
        value = self.value(ast.parse(text, mode="eval").body)
        return value if is_complex(value) else stored(value)

    def value(self, node):
        """An enclosure, or a plain number."""
        return getattr(self, type(node).__name__)(node)

    def Constant(self, node):
        return node.value

    def Name(self, node):
        if node.id == "pi":
            return math.pi
        x = self.variables[node.id]
        if x.dtype.kind == "c":
            return discs.variable(x.lo)
        if self.relaxed and x.dtype == operators.HALF:
            x = dataclasses.replace(x, lo=(lo := x.lo.astype(np.float32)), hi=lo)
        return x

    def UnaryOp(self, node):
        x = self.value(node.operand)
        if is_complex(x) and not isinstance(x, complex):
            return discs.negative(x)
        if not isinstance(x, Enclosure):
            return -x
        if isinstance(node.op, ast.USub):
            return operators.negative(x)
        return operators.exactly(np.logical_not if isinstance(node.op, ast.Not) else np.invert, x)

    def BinOp(self, node):
        a, b, kind = self.value(node.left), self.value(node.right), type(node.op)
        if kind is ast.Pow and is_complex(a, b):
            return discs.power(a, b)
        if kind is ast.Pow:
            return self.power(a, b)
        if kind in ARITHMETIC and is_complex(a, b):
            return discs.arithmetic(ARITHMETIC[kind], a, b)
        if kind in ARITHMETIC:
            return operators.arithmetic(ARITHMETIC[kind], a, b, self.relaxed)
        if kind in REMAINDERS:
            return operators.remainder(REMAINDERS[kind], a, b, self.relaxed)
        if is_bool(a, b) and kind in (ast.BitAnd, ast.BitOr):
            return operators.both(np.logical_and if kind is ast.BitAnd else np.logical_or, a, b)
        return operators.bits(BITS[kind], a, b, self.relaxed)

    def BoolOp(self, node):
        function = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return functools.reduce(lambda a, b: operators.both(function, a, b), map(self.value, node.values))

    def Compare(self, node):
        values = [self.value(node.left), *map(self.value, node.comparators)]
        if is_complex(*values):
            return discs.equal(*values, isinstance(node.ops[0], ast.Eq))
        pairs = zip(node.ops, values, values[1:])
        answers = [operators.compared(COMPARISONS[type(op)], a, b) for op, a, b in pairs]
        return functools.reduce(lambda a, b: operators.both(np.logical_and, a, b), answers)

    def IfExp(self, node):
        return self.applied("where", [self.value(part) for part in (node.test, node.body, node.orelse)])

    def Attribute(self, node):
        assert node.attr == "T", node.attr
        return self.value(node.value).mapped(np.transpose)

    def Subscript(self, node):
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        items = tuple(self.item(item) for item in items)
        return self.value(node.value).mapped(lambda values: np.asarray(values[items]))

    def item(self, node):
        if isinstance(node, ast.Slice):
            return slice(*(end and self.bound(end) for end in (node.lower, node.upper, node.step)))
        return self.bound(node)

    def bound(self, node):
        value = self.value(node)
        return int(value.lo) if isinstance(value, Enclosure) else value

    def Tuple(self, node):
        return tuple(self.bound(item) for item in node.elts)

    def Call(self, node):
        name, args = node.func.id, [self.value(arg) for arg in node.args]
        given = {keyword.arg: self.value(keyword.value) for keyword in node.keywords}
        if name in disc_folds.NAMED and is_complex(*args):
            return disc_folds.reduced(name, *args, **given)
        if is_complex(*args) or name in (*COMPLEX, "complex"):
            return self.of_complex(name, args)
        if name in DTYPES:
            return operators.cast(args[0], DTYPES[name], self.relaxed)
        if name in folds.NAMED:
            return operators.carried(folds.reduced(name, *args, **given), self.relaxed)
        if name in ("arange", "full", "linspace"):
            return self.generated(name, [int(arg.lo) if isinstance(arg, Enclosure) else arg for arg in args])
        return self.applied(name, args)

    def applied(self, name, args):
        return self.of_complex(name, args) if is_complex(*args) else self.called(name, args)

    def of_complex(self, name, args):
        """Functions with complex arguments or results."""
        if name in COMPLEX:
            return discs.typed(args[0], np.dtype({"c64": "complex64", "c128": "complex128"}.get(name, name)))
        if name in ("real", "imag"):
            return discs.side(args[0], name)
        if name in QUESTIONS:
            return discs.question(QUESTIONS[name], args[0])
        match name:
            case "complex":
                return discs.paired(*map(stored, args))
            case "conj":
                return discs.conjugate(args[0])
            case "abs":
                return discs.magnitude(args[0])
            case "arg":
                return discs.angle(args[0])
            case "where":
                return discs.chosen(*args)
        return discs.function(name, args)

    def called(self, name, args):
        if name in ROUNDINGS:
            return operators.rounded(ROUNDINGS[name], args[0])
        if name in QUESTIONS:
            return operators.question(QUESTIONS[name], args[0])
        if name in INTEGER:
            return operators.bits(INTEGER[name], *args, self.relaxed)
        match name:
            case "where":
                return operators.chosen(*args, self.relaxed)
            case "minimum" | "maximum":
                return operators.extreme(getattr(oracle, name), *args, self.relaxed)
            case "abs":
                return operators.magnitude(args[0])
            case "copysign":
                return operators.copysign(*args, self.relaxed)
            case "fmod":
                return operators.remainder("fmod", *args, self.relaxed)
            case "popcount":
                return operators.exactly(np.bitwise_count, args[0])
        return functions.called(name, args, self.relaxed)

    def generated(self, name, args):
        """`linspace` is a start and a product: relaxed mode may round the two at once."""
        if name != "linspace":
            return point(np.arange(*args) if name == "arange" else np.full(*args))
        x = point(np.linspace(*args))
        if self.relaxed:
            size = np.full(x.shape, 2.0 * max(map(abs, args[:2])) + 1)
            x.pending = Pending(size, 3 * operators.unit(x.dtype) * size, size, 2, np.zeros(x.shape, bool))
        return x

    def power(self, base, exponent):
        """Integers wrap. Of floats a plain number is a power of its own; in relaxed mode a product."""
        plain = not isinstance(exponent, Enclosure)
        if base.dtype.kind != "f" and (not plain or isinstance(exponent, int)):
            return self.integer_power(base, exponent)
        if not plain or exponent not in (0, 1, 2, -1, 0.5) and not self.relaxed:
            return functions.called("power", [base, exponent], self.relaxed)
        if exponent == 0.5:
            return functions.called("sqrt", [base], self.relaxed)
        if exponent < 0:
            return self.reciprocal(self.product(base, -exponent))
        return self.product(base, exponent)

    def product(self, base, count):
        """x * x * ..."""
        result = base
        for _ in range(1, int(count)):
            result = operators.arithmetic("*", result, base, self.relaxed)
        return result

    def reciprocal(self, product):
        """Where the product overflows or is subnormal, a power stands in, whose bits are not these."""
        tiny = np.finfo(product.lo.dtype).tiny
        lo, hi = abs(product.lo), abs(product.hi)
        usual = (lo >= tiny) & (hi >= tiny) & np.isfinite(lo) & np.isfinite(hi) | np.isnan(lo)
        result = operators.arithmetic("/", 1.0, product, self.relaxed)
        is_product = product.pending is not None and product.pending.depth > 0
        return operators.opened(result, ~usual & is_product)

    def integer_power(self, base, exponent):
        if not isinstance(exponent, Enclosure):
            exponent = point(np.array(exponent, base.dtype))
        return operators.exactly(oracle.int_power, base, exponent)
