"""XLM-R's text normalisation as SentencePiece's compiled rules.

A compiled map is: u32 bytes of the trie, the trie (u32 units of a Darts-clone double array,
github.com/s-yata/darts-clone), then NUL-closed replacement texts. In a unit, bits 0-7 are the
label, bit 8 says that the node has a value, bits 10-30 (times 256 when bit 9 is set) are the
exclusive-or distance to its children; a value unit has bit 31 set.

XLM-R was trained with nmt_nfkc when that still turned the zero width joiner into a space, which
Indic scripts and emoji use often. Today's rules keep the joiner, so it is added back here.
"""

from __future__ import annotations

import io
import struct

from . import protobuf

RULE = "nmt_nfkc"
ZERO_WIDTH_JOINER = "\u200d"
ZERO_WIDTH_SPACE = "\u200b"
BLOCK_UNITS = 256
LABEL_MASK = 1 << 31 | 0xFF
OFFSET_MAX = 1 << 21


def children(units: list[int], position: int) -> int:
    """The base position of the children of the unit at `position`."""
    unit = units[position]
    return position ^ ((unit >> 10) << ((unit & 1 << 9) >> 6))


def find(units: list[int], key: bytes) -> int:
    """The position of the node reached by `key`; ValueError when there is none."""
    position = 0
    for byte in key:
        position = children(units, position) ^ byte
        if units[position] & LABEL_MASK != byte:
            raise ValueError(f"the compiled rules have no entry on the path {key.hex()}")
    return position


def unit(label: int, has_value: int, position: int, base: int) -> int:
    """A node unit at `position` whose children are at `base`."""
    distance = position ^ base
    if distance >= OFFSET_MAX:
        raise ValueError("the compiled rules are too large to patch")
    return label | has_value | distance << 10


def add_like(charsmap: bytes, new: str, model: str) -> bytes:
    """Gives `new` the replacement of `model`; the two differ in the last byte only.

    The siblings are copied into a block of their own at the end, so nothing else moves.
    """
    size = struct.unpack_from("<I", charsmap)[0]
    units = list(struct.unpack_from(f"<{size // 4}I", charsmap, 4))
    added, known = new.encode(), model.encode()
    parent = find(units, known[:-1])
    old_base, new_base = children(units, parent), len(units)
    units += [0] * BLOCK_UNITS
    for label in range(1, 256):
        source = old_base ^ label
        if units[source] & LABEL_MASK == label:
            position = new_base ^ label
            units[position] = unit(label, units[source] & 1 << 8, position,
                                   children(units, source))
    like, position = find(units, known), new_base ^ added[-1]
    units[position] = unit(added[-1], units[like] & 1 << 8, position, children(units, like))
    units[parent] = unit(units[parent] & 0xFF, units[parent] & 1 << 8, parent, new_base)
    trie = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(trie)) + trie + charsmap[4 + size:]


def compiled_rules() -> bytes:
    """nmt_nfkc as the pinned `sentencepiece` package compiles it, with XLM-R's joiner rule.

    The package gives its rules only inside a trained model, so a throw-away one is trained.
    """
    import sentencepiece  # only in the conversion environment

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e f g"]), model_writer=model, vocab_size=12,
        hard_vocab_limit=False, normalization_rule_name=RULE, minloglevel=2, num_threads=1)
    normaliser = dict(protobuf.fields(model.getvalue()))[3]
    return add_like(dict(protobuf.fields(normaliser))[2], ZERO_WIDTH_JOINER, ZERO_WIDTH_SPACE)
