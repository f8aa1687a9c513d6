"""Reads tables of FlatBuffers' binary format by field number.

flatbuffers.dev, "FlatBuffers internals": a table begins with the distance back to its vtable,
which holds the two-byte offset of each field in the table, or 0 for a field with its default.
Strings, vectors and tables are reached through four-byte distances forwards.
"""

from __future__ import annotations

import struct

import numpy as np


class Table:
    """One table; what lies outside the file is a ValueError."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._fields = at - self._read("<i", at)
        self._size = self._read("<H", self._fields)

    @classmethod
    def root(cls, data: bytes, identifier: bytes) -> Table:
        """The root table of a file of that identifier."""
        if data[4:8] != identifier:
            raise ValueError(f"the file is not a FlatBuffer {identifier.decode()}; "
                             "the package has changed")
        return cls(data, struct.unpack_from("<I", data)[0])

    def integer(self, field: int, kind: str = "<i") -> int:
        """A whole number, 0 when it is left out; `kind` is struct's."""
        at = self._place(field)
        return self._read(kind, at) if at else 0

    def long(self, field: int) -> int:
        """A number of 64 bits."""
        return self.integer(field, "<q")

    def float(self, field: int) -> float:
        """A number of 32 bits, 0 when it is left out."""
        at = self._place(field)
        return struct.unpack_from("<f", self._bytes(at, 4))[0] if at else 0.0

    def text(self, field: int) -> str:
        """A string, empty when it is left out."""
        return self._text(self._follow(field))

    def table(self, field: int) -> Table:
        """A table that must be there."""
        at = self._follow(field)
        if not at:
            raise ValueError(f"a FlatBuffer table lacks its field {field}")
        return Table(self._data, at)

    def tables(self, field: int) -> list[Table]:
        """A vector of tables."""
        return [Table(self._data, at) for at in self._places(field)]

    def texts(self, field: int) -> list[str]:
        """A vector of strings."""
        return [self._text(at) for at in self._places(field)]

    def array(self, field: int, dtype: str) -> np.ndarray:
        """A vector of numbers of one type."""
        at = self._follow(field)
        if not at:
            return np.zeros(0, dtype)
        count = self._read("<I", at)
        return np.frombuffer(self._bytes(at + 4, count * np.dtype(dtype).itemsize), dtype)

    def _place(self, field: int) -> int:
        """Where the field's value is, 0 when it is left out."""
        entry = 4 + 2 * field
        offset = self._read("<H", self._fields + entry) if entry < self._size else 0
        return self._at + offset if offset else 0

    def _follow(self, field: int) -> int:
        at = self._place(field)
        return at + self._read("<I", at) if at else 0

    def _places(self, field: int) -> list[int]:
        """Where each element of a vector of strings or tables is."""
        at = self._follow(field)
        if not at:
            return []
        distances = np.frombuffer(self._bytes(at + 4, self._read("<I", at) * 4), "<u4")
        return [at + 4 + 4 * index + int(distance) for index, distance in enumerate(distances)]

    def _text(self, at: int) -> str:
        return self._bytes(at + 4, self._read("<I", at)).decode() if at else ""

    def _read(self, kind: str, at: int) -> int:
        return int(struct.unpack(kind, self._bytes(at, struct.calcsize(kind)))[0])

    def _bytes(self, at: int, size: int) -> bytes:
        if at < 0 or at + size > len(self._data):
            raise ValueError("a FlatBuffer points outside its file; it is damaged")
        return self._data[at:at + size]
