"""Text: comparisons and `contains`, by NumPy's own."""

import numpy as np

from oracle import NAMES
from writer import Theme

WORDS = ["", "a", "ab", "abc", "b", "ba", "aab", "Ab", "abab", "aba", "ab c", "zz"]
OPS = ("==", "!=", "<", "<=", ">", ">=")


def contains(a, b):
    return np.strings.find(a, b) >= 0


class Text(Theme):
    def numpy(self, formula, inputs):
        values = {name: self.plain(value) for name, value in inputs.items()}
        return eval(formula, {"__builtins__": {}}, {**NAMES, "contains": contains, **values})


def pairs(words, dtype):
    lhs = [x for x in words for _ in words]
    rhs = [y for _ in words for y in words]
    return np.array(lhs, dtype), np.array(rhs, dtype)


def text():
    unicode = WORDS + ["\u00e9", "e\u0301", "\uffff", "\U0001f600", "a\0b"]
    raw = [word.encode() for word in WORDS] + [b"\xff", b"a\xffb", b"\x80", b"a\0b", b"zzz"]
    s, t = pairs(unicode, "U5")
    u, v = pairs(raw, "S4")
    n = np.arange(len(s)) % 7 - 3.0
    t_ = Text("text", "Text of dtypes S and U: comparisons by unit, zeros at the end as padding, `contains`; "
              "among numbers, in views, with literals and scalars. NumPy's answers (np.strings.find).",
              {"s": s, "t": t, "u": u, "v": v, "n": n})
    for a, b in (("s", "t"), ("u", "v")):
        for op in OPS:
            t_.case(f"{a} {op} {b}", mode="both", **{a: a, b: b})
        t_.case(f"contains({a}, {b})", mode="both", **{a: a, b: b})
        t_.case(f"({a} < {b}) & ~contains({b}, {a})", **{a: a, b: b})
        t_.case(f"{a}[::-1] <= {b}", **{a: a, b: b})
        t_.case(f"({a} <= {b})[5::3]", **{a: a, b: b})
        t_.case(f"{a}[:17, None] == {b}[None, :17]", **{a: a, b: b})
        t_.case(f"contains({a}[:17, None], {b}[:17]).T", **{a: a, b: b})
    for op in OPS:
        t_.case(f"s {op} 'ab'", s="s")
        t_.case(f"b'ab' {op} u", u="u")
        t_.case(f"'ab' {op} 'b'", mode="both")
        t_.case(f"s {op} k", s="s", k=np.array("aba"), note="a scalar")
    t_.case("contains(s, 'ab')", s="s")
    t_.case("contains(s, '')", s="s", note="the empty text occurs in all")
    t_.case("contains('xabay', s)", s="s")
    t_.case("contains(u, b'\\xff')", u="u")
    t_.case("contains('abc', 'c')")
    t_.case("contains(a=s, b='b')", np.strings.find(s, "b") >= 0, s="s", note="by name")
    t_.case("s == 'ab\\0'", s="s", note="zeros at the end of a literal are padding, too")
    t_.case("s == 'a\\0b'", s="s", note="others are not")
    t_.case("where(s < t, n, -n)", s="s", t="t", n="n", mode="both")
    t_.case("where((u == b'ab') | (n > 1), 2*n, n - 1)", u="u", n="n", mode="both")
    t_.case("contains(u, b'a') & (n > 1)", u="u", n="n")
    t_.case("sum(where(contains(s, 'a'), n, 0))", s="s", n="n", mode="both", note="small integers: exact")
    names = np.array(["ada", "alan", "grace", "edsger"])
    keys = np.array([["a", "l"], ["gr", "e"], ["x", ""], ["ada", "n"]])
    x = np.arange(8.0).reshape(4, 2)
    t_.case("contains(names[:, None], keys)", names=names, keys=keys)
    t_.case("where(keys < names[:, None], x, -x)", names=names, keys=keys, x=x)
    t_.case("x + (names[:, None] == 'alan')", names=names, x=x)
    t_.case("keys.T == keys.T[::-1]", keys=keys)
    t_.case("sum(contains(names[:, None], keys), axis=0)",
            np.sum(contains(names[:, None], keys), axis=0), names=names, keys=keys)
    t_.case("names[0] == 'ada'", names=names)
    t_.case("names[1:] > names[:-1]", names=names)
    t_.case("names.size + (names == 'ada')", names=names)
    t_.case("empty == 'a'", empty=np.array([], "U3"))
    long = np.array(["ab" * 20 + "c", "ab" * 30, "ba" * 25], "U60")
    t_.case("contains(long[:, None], long)", long=long)
    t_.case("contains(long, '" + "ab" * 10 + "c')", long=long)
    for formula in ("s + 1", "s", "sqrt(s)", "s == n", "s == 1", "where(n > 0, s, t)", "s == u",
                    "contains(s, u)", "contains(s, n)", "sum(s)", "-s", "+s", "f64(s)", "n[s]", "clip(s, t, t)",
                    "s ** 2", "s and t", "s == b'ab'", "max(s)", "full(3, 'a')", "contains(s, 1)"):
        code = "E0904" if formula == "n[s]" else "E0301"
        t_.case(formula, error=code, s="s", t="t", u="u", n="n")
    t_.case("s[:3] == t[:4]", error="E0401", s="s", t="t")
    t_.case("s[400] == 'a'", error="E0403", s="s")
    return t_
