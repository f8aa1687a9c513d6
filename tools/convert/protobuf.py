"""The few lines of protocol buffers' wire format that a SentencePiece model needs."""

from __future__ import annotations

import struct
from collections.abc import Iterator


def varint(value: int) -> bytes:
    """Protocol buffers' base-128 integer."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field: int, value: int) -> bytes:
    """A varint field."""
    return varint(field << 3) + varint(value)


def float32(field: int, value: float) -> bytes:
    """A 32-bit float field."""
    return varint(field << 3 | 5) + struct.pack("<f", value)


def block(field: int, data: bytes) -> bytes:
    """A length-delimited field: text, bytes or a message."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a message; others are skipped."""
    offset = 0

    def next_varint() -> int:
        nonlocal offset
        value = shift = 0
        while True:
            byte = data[offset]
            offset += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while offset < len(data):
        tag = next_varint()
        if tag & 7 == 0:
            next_varint()
        elif tag & 7 == 5:
            offset += 4
        elif tag & 7 == 1:
            offset += 8
        else:
            length = next_varint()
            yield tag >> 3, data[offset:offset + length]
            offset += length
