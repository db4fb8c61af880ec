"""Prints formulas and how Python reads them, for `python_agrees` in src/tests/accept.rs.

    python3 python.py > python.txt

Formulas are random, from a fixed seed; half of them have one token removed, doubled or exchanged, so
that many are errors. The second column has all brackets written, or `error`. Python accepts some forms that the
language refuses on purpose (`reject`): those count as errors.
"""

import ast
import random
import sys

random.seed(20240601)
UNARY = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not"}
BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitXor: "^", ast.BitOr: "|",
    ast.And: "and", ast.Or: "or",
}
COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=", ast.GtE: ">=", ast.Gt: ">"}
INFIX = list(BINARY.values()) + list(COMPARE.values()) * 2


def generate(depth):
    """The tokens of a random expression."""
    pick = random.random()
    if depth == 0 or pick < 0.12:
        return [random.choice(["a", "b", "c", "x", "1", "2", "0.5", "3j", "True", "None"])]
    def sub():
        return generate(depth - 1)
    if pick < 0.5:
        return sub() + [random.choice(INFIX)] + sub()
    if pick < 0.64:
        return [random.choice(["-", "+", "~", "not"])] + sub()
    if pick < 0.72:
        return ["("] + sub() + [")"]
    if pick < 0.8:
        return sub() + ["if"] + sub() + ["else"] + sub()
    if pick < 0.86:
        keyword = ["k", "="] if random.random() < 0.5 else []
        return [random.choice("fg"), "("] + sub() + [","] + keyword + sub() + [")"]
    if pick < 0.92:
        items = random.choice([[":"], ["..."], sub(), sub() + [":"], [":"] + sub(), [":", ":"] + sub()])
        return ["x", "["] + items + random.choice([[], [",", ":"], [","] + sub()]) + ["]"]
    if pick < 0.96:
        return [random.choice("ab"), ".", "real"] + random.choice([[], ["(", ")"]])
    return ["("] + sub() + [","] + random.choice([[], sub()]) + [")"]


def mutate(tokens):
    position = random.randrange(len(tokens))
    pick = random.random()
    if pick < 0.4:
        return tokens[:position] + tokens[position + 1 :]
    if pick < 0.6:
        return tokens[: position + 1] + tokens[position:]
    return tokens[:position] + [random.choice(tokens + ["-", "not", ",", ":", "+"])] + tokens[position + 1 :]


class Refused(Exception):
    pass


def bracketed(source, node):
    """Whether brackets stand around the whole tuple."""
    if source[node.col_offset] != "(":
        return False
    depth = 0
    for position in range(node.col_offset, node.end_col_offset):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(source[position], 0)
        if depth == 0:
            return position == node.end_col_offset - 1
    return False


def show(node, source):
    def sub(child):
        return show(child, source)
    if isinstance(node, ast.Constant):
        if node.value is Ellipsis:
            raise Refused
        if isinstance(node.value, complex):
            return repr(node.value.imag) + "j"
        return repr(node.value)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.UnaryOp):
        return f"({UNARY[type(node.op)]} {sub(node.operand)})"
    if isinstance(node, ast.BinOp):
        return f"({sub(node.left)} {BINARY[type(node.op)]} {sub(node.right)})"
    if isinstance(node, ast.BoolOp):
        text = sub(node.values[0])
        for value in node.values[1:]:
            text = f"({text} {BINARY[type(node.op)]} {sub(value)})"
        return text
    if isinstance(node, ast.Compare):
        links = [f" {COMPARE[type(op)]} {sub(rhs)}" for op, rhs in zip(node.ops, node.comparators)]
        return f"({sub(node.left)}{''.join(links)})"
    if isinstance(node, ast.IfExp):
        return f"({sub(node.body)} if {sub(node.test)} else {sub(node.orelse)})"
    if isinstance(node, ast.Attribute):
        return f"{sub(node.value)}.{node.attr}"
    if isinstance(node, ast.Tuple):
        return "(" + " ".join(sub(element) + "," for element in node.elts) + ")"
    if isinstance(node, ast.Call):
        return call(node, source)
    if isinstance(node, ast.Subscript):
        return subscript(node, source)
    raise Refused


def call(node, source):
    behind = source[node.func.end_col_offset :].lstrip()
    names = [keyword.arg for keyword in node.keywords]
    # Only names and methods are called, without brackets around them; each keyword once.
    if not isinstance(node.func, (ast.Name, ast.Attribute)) or behind[0] != "(" or len(set(names)) < len(names):
        raise Refused
    args = [show(arg, source) for arg in node.args]
    args += [f"{keyword.arg}={show(keyword.value, source)}" for keyword in node.keywords]
    return f"{show(node.func, source)}({', '.join(args)})"


def subscript(node, source):
    items = [node.slice]
    if isinstance(node.slice, ast.Tuple) and not bracketed(source, node.slice):
        items = node.slice.elts
    if sum(isinstance(item, ast.Constant) and item.value is Ellipsis for item in items) > 1:
        raise Refused
    return f"{show(node.value, source)}[{', '.join(show_item(item, source) for item in items)}]"


def show_item(item, source):
    if isinstance(item, ast.Constant) and item.value is Ellipsis:
        return "..."
    if isinstance(item, ast.Slice):
        return ":".join(show(b, source) if b else "" for b in (item.lower, item.upper, item.step))
    return show(item, source)


def read(source):
    try:
        tree = ast.parse(source, mode="eval").body
        if isinstance(tree, ast.Tuple) and not bracketed(source, tree):
            return ", ".join(show(element, source) for element in tree.elts)
        return show(tree, source)
    except (SyntaxError, Refused):
        return "error"


def main():
    seen = set()
    while len(seen) < 1600:
        tokens = generate(random.choice([1, 2, 3, 4]))
        if random.random() < 0.5:
            tokens = mutate(tokens)
        source = " ".join(tokens)
        if 0 < len(source) < 120 and source not in seen:
            seen.add(source)
            print(f"{source}\t{read(source)}")


if __name__ == "__main__":
    sys.exit(main())
