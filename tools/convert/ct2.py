"""Reads a CTranslate2 model file (binary version 6) into numpy arrays.

Layout, little endian, after CTranslate2's `python/ctranslate2/specs/model_spec.py`:

    u32 version, string specification, u32 revision, u32 count
    count x { string name, u8 rank, u32[rank] shape, u8 dtype, u32 bytes, data }
    u32 aliases x { string alias, string name }

where a string is u16 length (with the closing NUL), then its bytes.
"""

from __future__ import annotations

import struct

import numpy as np

DTYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
VERSION = 6


class _Reader:
    """A cursor over the file's bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def number(self, code: str) -> int:
        """The next little-endian integer of struct code `code`."""
        value: int = struct.unpack_from("<" + code, self.data, self.offset)[0]
        self.offset += struct.calcsize("<" + code)
        return value

    def string(self) -> str:
        """The next NUL-closed string."""
        length = self.number("H")
        text = self.data[self.offset:self.offset + length - 1].decode()
        self.offset += length
        return text


def read(data: bytes) -> dict[str, np.ndarray]:
    """Returns every variable of the model by its CTranslate2 name, as 16-bit floats."""
    reader = _Reader(data)
    version = reader.number("I")
    if version != VERSION:
        raise ValueError(f"CTranslate2 file version is {version}, this reader knows {VERSION}")
    specification = reader.string()
    if specification != "WhisperSpec":
        raise ValueError(f"model is a {specification}, not a WhisperSpec")
    reader.number("I")
    variables = {}
    for _ in range(reader.number("I")):
        name = reader.string()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        dtype = np.dtype(DTYPES[reader.number("B")])
        size = reader.number("I")
        array = np.frombuffer(data, dtype, size // dtype.itemsize, reader.offset)
        variables[name] = array.reshape(shape)
        reader.offset += size
    for _ in range(reader.number("I")):
        alias = reader.string()
        variables[alias] = variables[reader.string()]
    return floats(variables)


def floats(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The model in 16-bit floats: CTranslate2 may store codes (int8, int16) with a scale a row."""
    found = {}
    for name, array in variables.items():
        if name.endswith("_scale") or array.ndim == 0:
            continue
        scale = variables.get(f"{name}_scale")
        if scale is not None:
            array = array.astype(np.float32) / scale.reshape(-1, *[1] * (array.ndim - 1))
        found[name] = array.astype(np.float16, copy=False)
    return found
