"""Writes a SentencePiece unigram model file (sentencepiece_model.proto) from its pieces.

Piece ids equal token ids: the control pieces stand where XLM-R's token ids want them, so no
offset is needed. The normaliser is nmt_nfkc, compiled by the `sentencepiece` package itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

NORMAL, UNKNOWN, CONTROL = 1, 2, 3
UNIGRAM = 1
CHARSMAP_RULE = "nmt_nfkc"


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


def compiled_charsmap() -> bytes:
    """The compiled nmt_nfkc rules, from the pinned `sentencepiece` package."""
    import sentencepiece  # only in the conversion environment

    normaliser = sentencepiece.SentencePieceNormalizer(rule_name=CHARSMAP_RULE)
    spec = dict(fields(normaliser.serialized_model_proto()))[3]
    return dict(fields(spec))[2]


def write(pieces: list[bytes], scores: list[float], ids: dict[str, int]) -> bytes:
    """Returns the model file. `ids` holds the positions of bos, eos, pad and unk."""
    kinds = {ids["unk"]: UNKNOWN}
    controls = {ids["bos"], ids["eos"], ids["pad"]}
    controls |= {i for i, piece in enumerate(pieces) if piece == b"<mask>"}
    out = bytearray()
    for i, (piece, score) in enumerate(zip(pieces, scores, strict=True)):
        kind = kinds.get(i, CONTROL if i in controls else NORMAL)
        out += block(1, block(1, piece) + b"\x15" + struct.pack("<f", score) + integer(3, kind))
    trainer = integer(3, UNIGRAM) + integer(4, len(pieces))
    for field, name in ((40, "unk"), (41, "bos"), (42, "eos"), (43, "pad")):
        trainer += integer(field, ids[name])
    for field, name in ((45, "unk"), (46, "bos"), (47, "eos"), (48, "pad")):
        trainer += block(field, pieces[ids[name]])
    out += block(2, trainer)
    normaliser = block(1, CHARSMAP_RULE.encode()) + block(2, compiled_charsmap())
    normaliser += integer(3, 1) + integer(4, 1) + integer(5, 1)
    out += block(3, normaliser)
    return bytes(out)
