"""Writes the table of arrays and their texts as NumPy prints them: python3 make.py [FOLDER].

    case f64 2,3 precision=4        dtype, shape (`-` for none), options of np.set_printoptions
    elements 0x1.8p+0 nan           in C order: hex floats, `re,im`, decimals, `T` and `F`;
                                    texts as code points and bytes in hex, `61.1b`, `-` where empty
    progression 0.5 0.25            instead: elements START + STEP * index, exact in f64
    deviation NAME                  fuse prints another text, which docs/language.md has
    | [[1.5 nan]]                   the lines of str(array)

Nothing in it comes from fuse. The rule for exponents by dtype is that of NumPy 2.3 and later.
"""

import pathlib
import random
import sys

import numpy as np

assert tuple(int(part) for part in np.__version__.split(".")[:2]) >= (2, 3)

NAMES = {
    "bool": "bool", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64",
    "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64",
    "f16": "float16", "f32": "float32", "f64": "float64", "c64": "complex64", "c128": "complex128",
}
FLOATS = ["f16", "f32", "f64"]
INTEGERS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]

out = []


def element(dtype, value):
    if dtype == "bool":
        return "T" if value else "F"
    if dtype[0] in "iu":
        return str(int(value))
    if dtype[0] == "f":
        return float(value).hex()
    if dtype[0] == "c":
        return f"{float(value.real).hex()},{float(value.imag).hex()}"
    units = value if dtype[0] == "S" else [ord(c) for c in value]
    return ".".join(f"{unit:x}" for unit in units) or "-"


def text(array, options):
    with np.printoptions(**options):
        return str(array)


def head(dtype, shape, options):
    extents = ",".join(map(str, shape)) or "-"
    words = [f"{key}={value}" for key, value in options.items()]
    out.append(" ".join(["case", dtype, extents, *words]))


def tail(printed, deviation=None):
    if deviation:
        out.append(f"deviation {deviation}")
    out.extend("| " + line if line else "|" for line in printed.split("\n"))
    out.append("")


def case(dtype, values, shape=None, deviation=None, **options):
    array = np.array(values, dtype=NAMES.get(dtype, dtype))
    array = array if shape is None else array.reshape(shape)
    head(dtype, array.shape, options)
    out.append(" ".join(["elements", *(element(dtype, value) for value in array.ravel().tolist())])
               if dtype[0] != "c" else
               " ".join(["elements", *(element(dtype, value) for value in array.ravel())]))
    tail(text(array, options), deviation)


def progression(dtype, shape, start, step, **options):
    n = int(np.prod(shape, dtype=np.int64))
    values = start + step * np.arange(n, dtype=np.float64)
    array = values.astype(NAMES[dtype]).reshape(shape)
    head(dtype, shape, options)
    out.append(f"progression {float(start).hex()} {float(step).hex()}")
    tail(text(array, options))


def f16(bits):
    return np.array(bits, dtype=np.uint16).view(np.float16)


def f32(bits):
    return np.array(bits, dtype=np.uint32).view(np.float32)


def f64(bits):
    return np.array(bits, dtype=np.uint64).view(np.float64)


def plain():
    case("bool", [True, False])
    case("bool", [[True], [False]])
    case("bool", [True] * 40)
    for dtype in INTEGERS:
        info = np.iinfo(NAMES[dtype])
        case(dtype, [info.min, 5])
        case(dtype, [info.max, 0, 7])
        case(dtype, list(range(60)))
        case(dtype, [[1, 2], [30, 100]])
        case(dtype, 42)
    case("bool", True)


def floats():
    nan, inf = float("nan"), float("inf")
    for dtype in FLOATS:
        for values in [
            [0.0], [-0.0], [0.0, -0.0], [1.0], [1.0, 2.5], [0.1, 1.0, 10.25], [-1.0, 0.5],
            [1.0, nan], [nan], [inf], [-inf], [inf, nan], [-inf, nan], [1.0, -inf], [1.0, inf],
            [-0.5, 2.25, nan], [100.5, inf, -inf], [0.001, 0.5], [1e-4, 0.05], [9.9e-5, 0.05],
            [1.0, 1000.0], [1.0, 1001.0], [0.5, 500.0, nan], [0.5, 501.0, -inf],
            [999.0, 10.0], [1000.0], [65504.0], [6e-8, 1.0], [1e-5, 2e-5], [1 / 3, 2 / 3],
            [1e-5, nan], [1e-5, -inf], [12345.678, 0.25], [0.1, 6.1e-5], [0.00048828125, 0.25],
        ]:
            case(dtype, values)
            case(dtype, values[0])
    for dtype in ["f32", "f64"]:
        for values in [
            [99999.0], [999999.0], [999999.94], [1e6], [12345678.0], [99999999.0], [1e8],
            [1e8, 1.0], [16777216.0, 16777217.0], [1e-7, 1e30], [1e-38, 1e38], [3e-45], [8589973504.0],
            [1 / 512, 3 / 512, 0.3], [0.1 + 0.2], [123456.123456789, 1.5], [0.5, 0.000123456789],
            [1.2345679e-5, 0.1], [9.999999995, 1.0], [0.999999995, 0.5], [0.99999999999],
        ]:
            case(dtype, values)
            case(dtype, values[0])
    for values in [
        [1e16, 1.0], [1e100, 1e-100], [1e300, 1e-5], [5e-324, 1.0], [5e-324], [1e-323, 9e-323],
        [1.7976931348623157e308], [-1e100, nan], [1e-100, inf], [123456789.123456789],
        [12345678.123456789, 1.0], [2.0**53, 2.0**53 + 2], [1e22, 1e23], [4.35, 0.285, 1.115],
        [0.5**k for k in range(1, 14)], [10.0**k for k in range(-4, 8)], [10.0**k for k in range(9)],
        [1.5e-5, 2.25e15, 123.456], [100.0, 0.1], [100.1, 0.1],
    ]:
        case("f64", values)
        case("f64", values[0])


def drawn():
    """Random bits of every size, so that nothing is as its author thought."""
    rng = random.Random(20)
    for dtype, size, make in [("f16", 16, f16), ("f32", 32, f32), ("f64", 64, f64)]:
        for _ in range(30):
            case(dtype, make([rng.getrandbits(size) for _ in range(rng.randint(1, 9))]))
        for _ in range(30):
            scale = 10.0 ** rng.randint(-4, 3)
            values = [rng.gauss(0, 1) * scale for _ in range(rng.randint(1, 20))]
            case(dtype, values)
        for _ in range(20):
            values = [round(rng.gauss(0, 100), rng.randint(0, 10)) for _ in range(rng.randint(1, 9))]
            case(dtype, values, precision=rng.choice([0, 1, 2, 3, 4, 12, 17, 30]))
        for _ in range(20):
            bits = [rng.getrandbits(size) for _ in range(4)]
            case(dtype, make(bits), precision=rng.choice([0, 1, 2, 5, 16]))
    for dtype, part, make in [("c64", 32, f32), ("c128", 64, f64)]:
        for _ in range(20):
            parts = make([rng.getrandbits(part) for _ in range(2 * rng.randint(1, 5))])
            case(dtype, parts[::2] + 1j * np.where(np.isfinite(parts[1::2]), parts[1::2], 0))
        for _ in range(20):
            values = [complex(rng.gauss(0, 3), rng.gauss(0, 3)) for _ in range(rng.randint(1, 9))]
            case(dtype, values, precision=rng.choice([8, 8, 3, 17]))


def complexes():
    nan, inf = float("nan"), float("inf")
    for dtype in ["c64", "c128"]:
        for values in [
            [1 + 2j, 10.5 - 0.25j], [complex(0, nan), -1 + 1j], [complex(nan, 1), complex(-inf, -inf)],
            [complex(1, inf)], [complex(nan, nan)], [complex(1, -inf), complex(2, nan)],
            [0j, complex(-0.0, -0.0)], [1e-5 + 1j, 1 + 1e-5j], [1e10 + 1j, 2 + 3j], [1j], [1.5, 2.5],
            [1 + 1.25j, 1 + 2j], [100 + 1e-9j],
        ]:
            case(dtype, values)
            case(dtype, values[0])


def shapes():
    for shape in [(0,), (0, 3), (2, 0), (2, 0, 3), (1, 0), (0, 0, 0)]:
        case("f64", [], shape)
    case("i32", [], (0,))
    case("U3", [], (0,))
    for shape in [(1,), (1, 1), (1, 1, 1), (2, 3), (3, 1), (1, 4), (2, 3, 4), (2, 1, 2, 2), (2, 1, 1, 1, 2)]:
        for dtype in ["f64", "i64", "bool", "c128"]:
            progression(dtype, shape, 0, 1)
    progression("f64", (2, 3, 4), -3.5, 0.25)


def wrapped():
    progression("f64", (30,), 0, 0.125)
    progression("f64", (100,), -50, 1)
    progression("i64", (1000,), 0, 1)
    progression("f32", (3, 40), 0, 0.5)
    progression("c128", (20,), 1, 0.5)
    progression("f64", (2, 2, 30), 0, 0.5)
    for width in [1, 2, 5, 10, 20, 40, 74, 76, 200]:
        progression("f64", (25,), 0, 0.25, linewidth=width)
        progression("i64", (3, 25), 0, 7, linewidth=width)
        progression("c64", (2, 2, 5), 0, 0.5, linewidth=width)
    for n in range(14, 24):
        progression("i64", (n,), 100, 1)


def shortened():
    for shape in [
        (1000,), (1001,), (5000,), (40, 50), (2, 1000), (1000, 2), (6, 200), (7, 200), (7, 7, 30),
        (3, 4, 100), (1, 1, 1001), (1001, 1), (1, 1001, 1), (10, 10, 10), (11, 10, 10), (2, 3, 4, 50),
        (500, 3, 1),
    ]:
        for dtype in ["f64", "i32"]:
            progression(dtype, shape, 0, 1)
    progression("f64", (2000,), -0.5, 0.125)
    progression("c64", (1500,), 0, 1)
    progression("bool", (1200,), 0, 1)
    progression("f16", (1100,), 0, 0.5)
    for edge in [1, 2, 5, 20, 600]:
        progression("i64", (1500,), 0, 1, edgeitems=edge)
        progression("f64", (40, 50), 0, 1, edgeitems=edge)
    for threshold in [0, 1, 5, 6, 7, 8]:
        progression("i64", (7,), 0, 1, threshold=threshold)
        progression("i64", (7,), 0, 1, threshold=threshold, edgeitems=2)
    progression("f64", (1500,), 0, 0.125, precision=1, linewidth=30)
    progression("f64", (8, 300), 0, 1, linewidth=40)


def texts():
    case("U3", ["a", "bc", ""])
    case("U9", ["it's", 'say "a"', "it's \"a\"", "back\\slash"])
    case("U6", ["tab\t", "nl\n", "cr\r", "\x1b[2J", "\x7f", "\0a"])
    case("U4", ["\u202e", "\u200b", "\u00a0", "\u00ad", "\u2028", "\ufeff", "\u0085", "\u3000"])
    case("U4", ["é", "Grün", "日本", "😀", "e\u0301", "\U000e0001", "\ue000"])
    case("U9", ["word"] * 20)
    case("U2", [["a", "b"], ["cc", "\n"]])
    case("U30", ["日本語のテキスト" * 3] * 4)
    case("U1", ["x"] * 1001)
    case("S4", [b"a", b"bc", b""])
    case("S9", [b"it's", b'say "a"', b"it's \"a\"", b"back\\"])
    case("S6", [b"tab\t", b"nl\n", b"\x1b[2J", b"\xe9\xff\x80", b"\x7f", b"\0a"])
    case("S3", b"a\n'", deviation="scalar-bytes")
    case("U3", "abc")
    case("U9", "\x1b[2J\n", deviation="scalar-text")
    case("U2", "\\", deviation="scalar-backslash")


for part in [plain, floats, drawn, complexes, shapes, wrapped, shortened, texts]:
    part()
folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
(folder / "table.txt").write_text("\n".join(out), encoding="utf-8")
