"""Objects of a shared library by their symbol's name (ELF, 64 bits, little endian).

The System V ABI, chapters 4 and 5: the section headers name a dynamic symbol table, a symbol's
value is an address, and a loaded segment says where in the file that address lies.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MAGIC = b"\x7fELF\x02\x01"
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SEGMENT = struct.Struct("<IIQQQQQQ")
SYMBOL = struct.Struct("<IBBHQQ")
LOADED, DYNAMIC_SYMBOLS, OBJECT = 1, 11, 1


class Section(NamedTuple):
    """What a section header says of where its content lies, and of its string table."""

    kind: int
    offset: int
    size: int
    link: int


class Library:
    """The defined objects of one library; what is damaged or missing is a ValueError."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC):
            raise ValueError("the library is not a 64-bit little-endian ELF file")
        self._data = data
        try:
            self._read_headers()
            self._symbols = self._read_symbols()
        except (struct.error, OverflowError) as error:
            raise ValueError(f"the library is damaged: {error}") from error

    def object(self, name: str) -> bytes:
        """The bytes of the object whose symbol is called `name`."""
        if name not in self._symbols:
            raise ValueError(f"the library has no object {name}; the package has changed")
        address, size = self._symbols[name]
        for offset, start, length in self._segments:
            if start <= address and address + size <= start + length:
                found = self._data[offset + address - start:][:size]
                if len(found) == size:
                    return found
        raise ValueError(f"the library ends before its object {name}; it is damaged")

    def _read_headers(self) -> None:
        header = HEADER.unpack_from(self._data)
        segments_at, sections_at = header[5], header[6]
        segment_size, segments, section_size, sections = header[9:13]
        self._segments = []
        for index in range(segments):
            segment = SEGMENT.unpack_from(self._data, segments_at + index * segment_size)
            if segment[0] == LOADED:
                self._segments.append((segment[2], segment[3], segment[5]))
        self._sections = []
        for index in range(sections):
            section = SECTION.unpack_from(self._data, sections_at + index * section_size)
            self._sections.append(Section(section[1], section[4], section[5], section[6]))

    def _read_symbols(self) -> dict[str, tuple[int, int]]:
        """Address and size of every defined object in the dynamic symbol table, by name."""
        tables = [table for table in self._sections if table.kind == DYNAMIC_SYMBOLS]
        if len(tables) != 1 or tables[0].link >= len(self._sections):
            raise ValueError("the library has no dynamic symbol table; it is damaged")
        names = self._sections[tables[0].link]
        found = {}
        for index in range(tables[0].size // SYMBOL.size):
            name, info, _, section, address, size = SYMBOL.unpack_from(
                self._data, tables[0].offset + index * SYMBOL.size)
            if info & 15 == OBJECT and section and name < names.size:
                start = names.offset + name
                end = self._data.find(b"\0", start, names.offset + names.size)
                found[self._data[start:max(end, start)].decode("ascii", "replace")] = \
                    (address, size)
        return found
