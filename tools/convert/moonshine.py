"""Moonshine tiny (Jeffries et al. 2024, arXiv:2410.15608): ORT-format graphs, tokens as text."""

from __future__ import annotations

import base64

from . import Job


def tokens(data: bytes) -> list[bytes]:
    """Reads tokenizer.bin: per token a length of one byte, or of two when it is 128 or more."""
    found = []
    offset = 0
    while offset < len(data):
        length = data[offset]
        offset += 1
        if length >= 128:
            length += data[offset] * 128 - 128
            offset += 1
        if offset + length > len(data):
            raise ValueError("tokenizer.bin ends inside a token; the package has changed")
        found.append(data[offset:offset + length])
        offset += length
    return found


def convert(job: Job) -> dict[str, object]:
    """Copies the two graphs and writes sherpa-onnx's tokens.txt: `base64 id` a line."""
    for name in ("encoder_model.ort", "decoder_model_merged.ort"):
        (job.out / name).write_bytes(job.read_suffix("/" + name))
    pieces = tokens(job.read_suffix("/tokenizer.bin"))
    lines = [f"{base64.b64encode(piece).decode()} {i}\n" for i, piece in enumerate(pieces)]
    (job.out / "tokens.txt").write_text("".join(lines), encoding="ascii")
    return {"sample_rate": 16000, "tokens": len(pieces), "runtime": "sherpa-onnx moonshine, "
            "encoder and merged_decoder; no word times"}
