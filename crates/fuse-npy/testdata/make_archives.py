#!/usr/bin/env python3
"""Writes the archives of fuse-npy's tests: NumPy's own, and what an attacker might make of them.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install numpy==2.4.6 && /tmp/v/bin/python make_archives.py

archives/*.npz    good ones
archives.txt      what numpy.load says about each member: archive, storage, name, descr, shape, values
bad/*.npz         archives that must be refused; each is one defect
"""

import io
import pathlib
import struct
import warnings
import zipfile

import numpy as np
from make import arrays, escape, little_endian, save, shape_text

HERE = pathlib.Path(__file__).parent
NOTE = f"# Written by make_archives.py with NumPy {np.__version__}.\n"
SMALL = {"x": np.arange(3.0), "y": np.arange(6, dtype=">i2").reshape(2, 3)}


class Unseekable(io.RawIOBase):
    """A pipe: sizes and checksums come behind the data."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)

    def flush(self):
        pass


def saved(function, *args, **members):
    out = io.BytesIO()
    function(out, *args, **members)
    return out.getvalue()


def zipped(members, method=zipfile.ZIP_STORED, out=None):
    """Members are names and bytes, in order."""
    out = out or io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue() if isinstance(out, io.BytesIO) else out.data


def zip64():
    """As if the members were larger than 4 GiB: all sizes and offsets in ZIP64 fields."""
    limits = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 10, 1
    try:
        return saved(np.savez, **SMALL)
    finally:
        zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limits


NAMES = ["../../etc/passwd", "/abs", "a/b", "c:\\x", "gr\u00f6\u00dfe", "x y", "\u202e\x1b[2J", "x.npy", ".", "-"]


def good():
    every = dict(arrays())
    yield "stored", saved(np.savez, **every)
    yield "deflated", saved(np.savez_compressed, **every)
    yield "positional", saved(np.savez, np.arange(3.0), np.float32(2.5))
    yield "single", saved(np.savez, only=np.arange(4))
    yield "none", saved(np.savez)
    yield "names", zipped([(f"{name}.npy", save(np.array(n))) for n, name in enumerate(NAMES)])
    yield "zip64", zip64()
    small = [(f"{name}.npy", save(array)) for name, array in SMALL.items()]
    yield "streamed-stored", zipped(small, out=Unseekable())
    yield "streamed-deflated", zipped(small, zipfile.ZIP_DEFLATED, Unseekable())


X = save(SMALL["x"])
STORED = zipped([("x.npy", X)])
DEFLATED = zipped([("x.npy", X)], zipfile.ZIP_DEFLATED)


def patched(data, find, offset, new, which=0):
    """Overwrites bytes at an offset from the first (or last, -1) occurrence of `find`."""
    at = (data.find(find) if which == 0 else data.rfind(find)) + offset
    return data[:at] + new + data[at + len(new) :]


def both(data, offset, new):
    """The same field of the local header and of the directory, where it is two bytes further."""
    return patched(patched(data, b"PK\3\4", offset, new), b"PK\1\2", offset + 2, new)


def directory(data, offset, new):
    return patched(data, b"PK\1\2", offset, new)


def footer(data, offset, new):
    return patched(data, b"PK\5\6", offset, new, -1)


def bad():
    yield "encrypted", both(STORED, 6, b"\1\0")
    yield "bzip2", zipped([("x.npy", X)], zipfile.ZIP_BZIP2)
    yield "lzma", zipped([("x.npy", X)], zipfile.ZIP_LZMA)
    yield "method-99", both(STORED, 8, b"\x63\0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield "same-name", zipped([("x.npy", X), ("x.npy", X)])
    yield "same-name-without-npy", zipped([("x.npy", X), ("x", X)])
    yield "text", zipped([("x.npy", b"a,b,c\n1,2,3\n")])
    yield "pickle", zipped([("x.npy", b"\x80\x04\x95" + bytes(9))])
    yield "objects", saved(np.savez, x=np.array([None, 1]))
    yield "empty-member", zipped([("x.npy", b"")])
    yield "short-stored", zipped([("x.npy", X[:-3])])
    yield "short-deflated", zipped([("x.npy", X[:-3])], zipfile.ZIP_DEFLATED)
    yield "long-stored", zipped([("x.npy", X + b"more")])
    yield "bomb", zipped([("x.npy", X + bytes(1 << 20))], zipfile.ZIP_DEFLATED)
    huge = X.replace(b"(3,)", b"(%d,)" % (1 << 50), 1)
    assert len(X) < len(huge)
    yield "huge", zipped([("x.npy", huge.replace(b" " * 14, b"", 1))], zipfile.ZIP_DEFLATED)
    yield "crc-stored", both(STORED, 14, b"\0\0\0\0")
    yield "crc-deflated", both(DEFLATED, 14, b"\0\0\0\0")
    yield "deflate-stream", patched(DEFLATED, b"x.npy", 5 + 20, b"\xff" * 8)
    yield "local-name", patched(STORED, b"x.npy", 0, b"z")
    yield "local-method", patched(STORED, b"PK\3\4", 8, b"\x08\0")
    yield "size-beyond", both(STORED, 18, struct.pack("<II", 1 << 20, 1 << 20))
    yield "size-less", both(STORED, 18, struct.pack("<II", 100, 100))
    yield "size-4gib", both(STORED, 18, struct.pack("<II", 0xFFFFFFFE, 0xFFFFFFFE))
    yield "offset-beyond", directory(STORED, 42, struct.pack("<I", 1 << 20))
    yield "offset-inside", directory(STORED, 42, struct.pack("<I", 7))
    yield "count-more", footer(STORED, 8, struct.pack("<HH", 2, 2))
    yield "count-65535", footer(STORED, 8, struct.pack("<HH", 0xFFFE, 0xFFFE))
    yield "directory-beyond", footer(STORED, 16, struct.pack("<I", 1 << 30))
    yield "no-directory", STORED[: STORED.find(b"PK\1\2")]
    yield "two-disks", footer(STORED, 4, struct.pack("<HH", 1, 0))
    yield "not-a-zip", X


def storage(archive, name):
    return "stored" if archive.getinfo(name).compress_type == zipfile.ZIP_STORED else "deflated"


def main():
    lines = [NOTE, "# archive, storage, name (escaped), descr, shape, values\n"]
    for folder, made in ("archives", good()), ("bad", bad()):
        (HERE / folder).mkdir(exist_ok=True)
        for name, data in made:
            (HERE / folder / f"{name}.npz").write_bytes(data)
            if folder == "bad":
                continue
            with np.load(io.BytesIO(data)) as back:
                for member in back.zip.namelist():
                    array = back[member]
                    shown = escape(member.removesuffix(".npy").encode()).replace(" ", "\\x20")
                    lines.append(
                        f"{name} {storage(back.zip, member)} {shown} {array.dtype.str} "
                        f"{shape_text(array.shape)} {little_endian(array)}\n"
                    )
    (HERE / "archives.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
