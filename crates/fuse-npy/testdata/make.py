#!/usr/bin/env python3
"""Writes the corpus of fuse-npy's tests: files and answers, all of them NumPy's.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 && /tmp/v/bin/python make.py

files/*.npy   one array each: dtype x byte order x {2x3 in C order, 2x3 in Fortran order, 0-d, empty}
files.txt     what numpy.load says about each: descr, shape, strides, offset, values in C order, little-endian
dtypes.txt    the header that numpy.save writes for every other dtype, and what it is
headers.txt   odd headers, and whether numpy.load takes them (as which dtype, shape, order)
"""

import io
import pathlib
import struct
import warnings

import numpy as np

HERE = pathlib.Path(__file__).parent
NOTE = f"# Written by make.py with NumPy {np.__version__}.\n"

# Values at the edges of each kind, six of each.
VALUES = {
    "b": [True, False, False, True, True, False],
    "i": None,
    "u": None,
    "f": [0.5, -0.0, np.inf, -3.25, np.nan, 1e-7],
    "c": [0.5 - 1j, -0.0 + 0j, complex(np.inf, 2), -3.25j, complex(1, np.nan), 1e-7 + 1e7j],
    "S": [b"", b"a", b"\xff\x00b", b"abcde", b"xy", b"\n\x1b"],
    "U": ["", "a", "\u00e9", "\U0001f600b", "abcde", "\u202e"],
}
NAMES = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16 S5 U5".split()


def values(dtype):
    if dtype.kind not in "iu":
        return VALUES[dtype.kind]
    info = np.iinfo(dtype)
    return [info.min, info.max, 1, 2, 0x12 if info.bits == 8 else 0x1234, 100]


def arrays():
    for name in NAMES:
        orders = "<" if np.dtype(name).itemsize == 1 or name[0] == "S" else "<>"
        for order in orders:
            dtype = np.dtype(order + name)
            flat = np.array(values(np.dtype(name)), dtype=dtype)
            mark = "" if len(orders) == 1 else "-le" if order == "<" else "-be"
            yield f"{name}{mark}-c", flat.reshape(2, 3)
            yield f"{name}{mark}-f", np.asfortranarray(flat.reshape(2, 3))
            yield f"{name}{mark}-0d", flat[5].reshape(()).astype(dtype)
            yield f"{name}{mark}-empty", np.empty((0, 3), dtype=dtype)
    yield "rank1", np.arange(3.0)
    yield "rank64", np.arange(2.0).reshape((1,) * 63 + (2,))
    yield "fortran-3d", np.asfortranarray(np.arange(24, dtype="i4").reshape(2, 3, 4))
    yield "both-orders", np.asfortranarray(np.arange(3.0).reshape(1, 3))
    yield "zero-width-text", np.ndarray((2,), dtype="U0")


def shape_text(shape):
    return ",".join(map(str, shape)) or "-"


def save(array):
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.save(out, array, allow_pickle=True)
    return out.getvalue()


def offset(data):
    return 10 + struct.unpack("<H", data[8:10])[0]


def little_endian(array):
    if array.itemsize == 0:  # astype would widen it
        return "-"
    return array.astype(array.dtype.newbyteorder("<")).tobytes("C").hex() or "-"


def write_files():
    folder = HERE / "files"
    folder.mkdir(exist_ok=True)
    lines = [NOTE, "# name, descr, shape, strides, offset of data, values\n"]
    for name, array in arrays():
        path = folder / f"{name}.npy"
        data = save(array)
        path.write_bytes(data)
        back = np.load(path)
        # NumPy's own strides of empty and of length-1 axes carry no meaning.
        strides = [s for s, n in zip(back.strides, back.shape) if n > 1] if back.size else []
        lines.append(
            f"{name} {back.dtype.str} {shape_text(back.shape)} {shape_text(strides)} "
            f"{offset(data)} {little_endian(back)}\n"
        )
    (HERE / "files.txt").write_text("".join(lines))


def write_dtypes():
    kinds = {
        "Object": [np.array([None, 1]), np.array(["a"], dtype=np.dtypes.StringDType())],
        "DateTime": [np.zeros(2, "M8[ns]"), np.zeros(2, ">M8[D]"), np.zeros(2, "M8")],
        "TimeDelta": [np.zeros(2, "m8[25s]"), np.zeros(2, "m8")],
        "Void": [np.zeros(2, "V8"), np.zeros(2, "V1")],
        "LongDouble": [np.zeros(2, "g"), np.zeros(2, ">g")],
        "ComplexLongDouble": [np.zeros(2, "G"), np.zeros(2, ">G")],
        "Structured": [
            np.zeros(2, [("a", "<f8"), ("b", "<i4")]),
            np.zeros(2, [("a", "<f8", (2, 3)), ("", "V4"), ("x'y\u00e9", "S3")]),
            np.zeros(2, [("\u4f60", "<f8")]),
            np.zeros(2, [(f"field{i}", "<f8") for i in range(100)]),
        ],
    }
    lines = [NOTE, "# what it is, header as numpy.save writes it (escaped)\n"]
    for kind, examples in kinds.items():
        for array in examples:
            data = save(array)
            wide = data[6] > 1
            length = struct.unpack("<I" if wide else "<H", data[8 : 12 if wide else 10])[0]
            head = data[: (12 if wide else 10) + length]
            lines.append(f"{kind} {escape(head)}\n")
    (HERE / "dtypes.txt").write_text("".join(lines))


def escape(data):
    """Printable ASCII but the backslash as it is, everything else as \\xNN; no spaces at the end."""
    text = "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in data)
    return text


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"


def odd_headers():
    def descr(text):
        return GOOD.replace("'<f8'", text)

    def shape(text):
        return GOOD.replace("(3,)", text)

    def fortran(text):
        return GOOD.replace("False", text)

    yield from [GOOD, GOOD + "\n", " " + GOOD, "\n" + GOOD, "\t" + GOOD, GOOD + "\n\n  \n", GOOD + " # note", "# note\n" + GOOD]
    yield from [GOOD + " x", GOOD + "\0", GOOD + ";", GOOD + "\n}", GOOD + GOOD, "{}" + GOOD, "(" + GOOD + ")"]
    yield from [GOOD.replace("'", '"'), GOOD.replace(", }", "}"), GOOD.replace(", }", ",, }"), "{," + GOOD[1:]]
    yield from [GOOD.replace(": ", s) for s in (":", " : ", "\n:\n", " :\x0c", " :\x0b", " :\r\n", " :\xa0", " ", "=")]
    yield from [GOOD[:n] for n in range(0, len(GOOD), 3)]
    yield from ["{}", "()", "[]", "None", "{'descr': '<f8', 'fortran_order': False}", "{" * 5000, "(" * 5000, GOOD.replace("'descr': '<f8', ", "")]
    yield from [GOOD[:-1] + "'shape': (2,)}", GOOD[:-1] + "'x': 1}", GOOD.replace("'descr'", "'DESCR'"), GOOD.replace("'descr'", "'\xe9'"), GOOD.replace("'descr'", "descr")]
    yield "{'shape': (2, 3), 'fortran_order': True, 'descr': '>i2'}"
    yield from [shape(s) for s in "() (,) (3) [3] 3 (3,,) (0,) (00,) (03,) (3 (3L,) (3L,4L) (3l,) (3LL,) (2,3) (2,3,) (,3) (2,3 (-3,) (-0,) (+3,) (--3,) (3.0,) (3.,) (3e0,) (0x3,) (0b11,) (0o3,) (1_0,) (True,) (None,) ('3',) ((3),) ((3,)) ((3,),) (1+2,) (1,)*3 (*(3,),) (99999999999999999999999,) (9223372036854775808,) (0,99999999999999999999999)".split()]
    yield from [shape("(" + "1," * n + ")") for n in (64, 65)] + [shape("(3 , 2 )"), shape("(3,\n2)"), shape("(3 2)"), shape("(" + "9" * 4000 + ",)")]
    yield from [fortran(s) for s in "True true 0 1 None 'False' (False) Falsey".split()]
    yield from [descr(s) for s in "u'<f8' U'<f8' b'<f8' r'<f8' '<''f8' '''<f8''' '\\x3cf8' ('<f8') None 8 '<f8 '<f8L'".split()]
    yield from [descr(f"'{s}'") for s in "f8 float64 d <d =f8 |f8 !f8 @f8 |u1 <u1 >u1 u1 =b1 |b1 b1 ? <? |? b2 b <b <F |S0 |S <U <U0 <S5 >S5 |U5 =U5 U5 |a5 <f08 <f+8 <S05 <S-5 <S+5 <f3 <f1 <i3 <i16 <u3 <c4 <l <T <S2147483648 <U536870912 <S5x < > 3<f8 <i8,<f4 f4,f4".split()]
    yield from [descr("''"), descr("'<f 8'"), descr("' <f8'"), descr("'<f8 '"), descr("'<f8\\n'"), descr("'\xb5'")]


def verdict(version, body):
    length = struct.pack("<H" if version == 1 else "<I", len(body))
    data = b"\x93NUMPY" + bytes([version, 0]) + length + body
    try:
        # 8 KiB of data: enough for all that is taken.
        array = np.load(io.BytesIO(data + bytes(8192)), allow_pickle=False)
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        return f"ok {array.dtype.str} {shape_text(array.shape)} {order}"
    except Exception:  # literal_eval raises half a dozen kinds
        return "err - - -"


def write_headers():
    lines = [NOTE, "# numpy.load: verdict, descr, shape, order; version; text (escaped)\n"]
    for version in (1, 2, 3):
        for text in odd_headers():
            if version == 2 and "L" not in text and text != GOOD:
                continue
            body = text.encode("latin1")
            lines.append(f"{verdict(version, body)} {version} {escape(body)}\n")
    (HERE / "headers.txt").write_text("".join(lines))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_files()
    write_dtypes()
    write_headers()
