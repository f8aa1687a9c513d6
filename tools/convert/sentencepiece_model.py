"""Writes a SentencePiece unigram model file (sentencepiece_model.proto) from its pieces.

Piece ids equal token ids: the control pieces stand where XLM-R's token ids want them, so no
offset is needed.
"""

from __future__ import annotations

from .charsmap import RULE, compiled_rules
from .protobuf import block, float32, integer

NORMAL, UNKNOWN, CONTROL = 1, 2, 3
UNIGRAM = 1


def write(pieces: list[bytes], scores: list[float], ids: dict[str, int]) -> bytes:
    """Returns the model file. `ids` holds the positions of bos, eos, pad and unk."""
    kinds = {ids["unk"]: UNKNOWN}
    controls = {ids["bos"], ids["eos"], ids["pad"]}
    controls |= {i for i, piece in enumerate(pieces) if piece == b"<mask>"}
    out = bytearray()
    for i, (piece, score) in enumerate(zip(pieces, scores, strict=True)):
        kind = kinds.get(i, CONTROL if i in controls else NORMAL)
        out += block(1, block(1, piece) + float32(2, score) + integer(3, kind))
    trainer = integer(3, UNIGRAM) + integer(4, len(pieces))
    for field, name in ((40, "unk"), (41, "bos"), (42, "eos"), (43, "pad")):
        trainer += integer(field, ids[name])
    for field, name in ((45, "unk"), (46, "bos"), (47, "eos"), (48, "pad")):
        trainer += block(field, pieces[ids[name]])
    out += block(2, trainer)
    normaliser = block(1, RULE.encode()) + block(2, compiled_rules())
    normaliser += integer(3, 1) + integer(4, 1) + integer(5, 1)
    out += block(3, normaliser)
    return bytes(out)
