"""fuse through its C interface (bridge/src/lib.rs), loaded with ctypes.

NumPy arrays are passed by pointer: nothing is copied on the way in or out.
"""

import ctypes
import json
import pathlib
import subprocess

import numpy as np

POINTER = ctypes.c_void_p
SIZE = ctypes.c_size_t


class BridgeArray(ctypes.Structure):
    """An array's address, dtype and layout."""

    _fields_ = [
        ("data", POINTER),
        ("dtype", ctypes.c_char_p),
        ("rank", SIZE),
        ("extents", ctypes.POINTER(SIZE)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
    ]

    @classmethod
    def of(cls, array):
        rank = array.ndim
        return cls(
            array.ctypes.data,
            array.dtype.name.encode(),
            rank,
            (SIZE * rank)(*array.shape),
            (ctypes.c_ssize_t * rank)(*array.strides),
        )


def _load():
    here = pathlib.Path(__file__).parent
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"]
    metadata = json.loads(subprocess.check_output(command, cwd=here))
    library = ctypes.CDLL(f"{metadata['target_directory']}/release/libfuse_peers_bridge.so")
    signatures = {
        "fuse_error": (ctypes.c_char_p, []),
        "fuse_engine_new": (POINTER, [SIZE, ctypes.c_int]),
        "fuse_engine_name": (None, [POINTER, ctypes.c_char_p, SIZE]),
        "fuse_call_new": (
            POINTER,
            [
                POINTER,
                ctypes.c_char_p,
                ctypes.POINTER(ctypes.c_char_p),
                ctypes.POINTER(BridgeArray),
                SIZE,
                ctypes.POINTER(BridgeArray),
                ctypes.c_int,
            ],
        ),
        "fuse_call_into": (ctypes.c_int, [POINTER, SIZE]),
        "fuse_call_formula": (ctypes.c_int, [POINTER, SIZE]),
        "fuse_call_text": (ctypes.c_int, [POINTER, SIZE]),
        "fuse_call_explain": (ctypes.c_ssize_t, [POINTER, ctypes.c_int, ctypes.c_char_p, SIZE]),
        "fuse_call_new_array": (POINTER, [POINTER]),
        "fuse_array_data": (POINTER, [POINTER]),
        "fuse_array_free": (None, [POINTER]),
        "fuse_call_free": (None, [POINTER]),
        "fuse_copy": (None, [POINTER, POINTER, SIZE, SIZE]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


LIBRARY = _load()


def _failure():
    return RuntimeError(LIBRARY.fuse_error().decode())


def copy(to, source, size, threads):
    """Copies bytes with so many threads: what moving the bytes alone costs."""
    LIBRARY.fuse_copy(to.ctypes.data, source.ctypes.data, size, threads)


class Engine:
    """An engine with its own threads and cache; lives as long as the process."""

    def __init__(self, threads, interpret=False):
        self.handle = LIBRARY.fuse_engine_new(threads, int(interpret))
        if not self.handle:
            raise _failure()

    def name(self):
        """Back end and instruction set."""
        buffer = ctypes.create_string_buffer(256)
        LIBRARY.fuse_engine_name(self.handle, buffer, len(buffer))
        return buffer.value.decode()


class Call:
    """A formula with the arrays that it is called on, which it keeps alive."""

    def __init__(self, engine, text, arrays, out=None, compiled=True):
        self.kept = (arrays, out)
        names = (ctypes.c_char_p * len(arrays))(*(name.encode() for name in arrays))
        described = (BridgeArray * len(arrays))(*map(BridgeArray.of, arrays.values()))
        into = None if out is None else ctypes.byref(BridgeArray.of(out))
        self.handle = LIBRARY.fuse_call_new(
            engine.handle, text.encode(), names, described, len(arrays), into, int(compiled)
        )
        if not self.handle:
            raise _failure()

    def into(self, times=1):
        """Prepared calls into the output."""
        if LIBRARY.fuse_call_into(self.handle, times):
            raise _failure()

    def formula(self, times=1):
        """Calls of the parsed formula into the output."""
        if LIBRARY.fuse_call_formula(self.handle, times):
            raise _failure()

    def text(self, times=1):
        """Evaluations of the text, found in the cache, each into a new array."""
        if LIBRARY.fuse_call_text(self.handle, times):
            raise _failure()

    def explain(self, asm=False):
        """The kernels' text, or their machine code."""
        buffer = ctypes.create_string_buffer(1 << 20)
        size = LIBRARY.fuse_call_explain(self.handle, int(asm), buffer, len(buffer))
        if size < 0:
            raise _failure()
        return buffer.raw[:size].decode()

    def new_array(self):
        """One evaluation into a new array, freed at once."""
        LIBRARY.fuse_array_free(self._result())

    def result(self, shape, dtype=np.float64):
        """One evaluation into a new array, copied out."""
        array = self._result()
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        data = ctypes.string_at(LIBRARY.fuse_array_data(array), size)
        LIBRARY.fuse_array_free(array)
        return np.frombuffer(data, dtype).reshape(shape)

    def _result(self):
        array = LIBRARY.fuse_call_new_array(self.handle)
        if not array:
            raise _failure()
        return array

    def __del__(self):
        if getattr(self, "handle", None):
            LIBRARY.fuse_call_free(self.handle)
