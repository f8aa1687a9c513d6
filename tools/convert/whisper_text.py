"""Whisper's token tables and mel filters in the plain forms the engine reads."""

from __future__ import annotations

import base64
import json
import math
import pathlib

import numpy as np

SAMPLE_RATE = 16000
FFT = 400
FIRST_MULTILINGUAL_VOCABULARY = 51865


def write_json(path: pathlib.Path, value: object) -> None:
    """Writes compact JSON with a closing newline."""
    path.write_text(json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n",
                    encoding="utf-8")


def byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-in for every byte (openai/gpt-2 encoder.py, bytes_to_unicode)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    alphabet = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(256) if byte not in set(printable)]
    return alphabet | {chr(256 + i): byte for i, byte in enumerate(others)}


def token_bytes(tokenizer: dict) -> list[str]:
    """Base64 of the bytes of every ordinary token, by id, without holes."""
    alphabet = byte_alphabet()
    special = {token["content"] for token in tokenizer["added_tokens"]}
    by_id = {index: bytes(alphabet[char] for char in text)
             for text, index in tokenizer["model"]["vocab"].items() if text not in special}
    if sorted(by_id) != list(range(len(by_id))):
        raise ValueError("ordinary token ids have holes; the tokenizer is not Whisper's")
    return [base64.b64encode(by_id[i]).decode() for i in range(len(by_id))]


def special_tokens(tokenizer: dict, vocabulary: int) -> dict[str, object]:
    """Ids of the control tokens, and of every language by its code."""
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    start, stop = ids["<|startoftranscript|>"], ids["<|translate|>"]
    languages = {text[2:-2]: index for text, index in sorted(ids.items(), key=lambda kv: kv[1])
                 if start < index < stop}
    no_speech = ids["<|nospeech|>"] if "<|nospeech|>" in ids else ids["<|nocaptions|>"]
    return {
        "multilingual": vocabulary >= FIRST_MULTILINGUAL_VOCABULARY,
        "eot": ids["<|endoftext|>"],
        "sot": start,
        "translate": stop,
        "transcribe": ids["<|transcribe|>"],
        "start_of_lm": ids["<|startoflm|>"],
        "start_of_prev": ids["<|startofprev|>"],
        "no_speech": no_speech,
        "no_timestamps": ids["<|notimestamps|>"],
        "timestamp_begin": ids["<|notimestamps|>"] + 1,
        "languages": languages,
    }


def mel_to_hertz(mel: float) -> float:
    """Slaney's scale: linear to 1 kHz, then 27 steps for a factor of 6.4."""
    return mel * 200 / 3 if mel < 15 else 1000 * math.exp(math.log(6.4) / 27 * (mel - 15))


def hertz_to_mel(hertz: float) -> float:
    """The inverse of `mel_to_hertz`."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + math.log(hertz / 1000) * 27 / math.log(6.4)


def mel_filters(bands: int) -> np.ndarray:
    """Area-normalised triangular filters [bands, 201], as librosa.filters.mel makes them."""
    bins = np.array([SAMPLE_RATE * i / FFT for i in range(FFT // 2 + 1)])
    top = hertz_to_mel(SAMPLE_RATE / 2)
    edges = np.array([mel_to_hertz(top * i / (bands + 1)) for i in range(bands + 2)])
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    return (filters * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)
