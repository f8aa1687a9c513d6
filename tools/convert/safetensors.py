"""Reads a Hugging Face Whisper checkpoint (safetensors) under CTranslate2's names.

A safetensors file is: u64 bytes of the header, the header (JSON: name -> dtype, shape,
data_offsets), the data. Weights become 16-bit floats, as a CTranslate2 conversion has them.
"""

from __future__ import annotations

import json
import re
import struct

import numpy as np

TYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64}
BRAIN = "BF16"
NORM = ("gamma", "beta")
LINEAR = ("weight", "bias")
# Hugging Face's name of a layer's part -> CTranslate2's, and the names of what it holds.
PARTS = {
    "self_attn_layer_norm": ("self_attention/layer_norm", NORM),
    "encoder_attn_layer_norm": ("attention/layer_norm", NORM),
    "final_layer_norm": ("ffn/layer_norm", NORM),
    "self_attn.out_proj": ("self_attention/linear_1", LINEAR),
    "encoder_attn.out_proj": ("attention/linear_2", LINEAR),
    "encoder_attn.q_proj": ("attention/linear_0", LINEAR),
    "fc1": ("ffn/linear_0", LINEAR),
    "fc2": ("ffn/linear_1", LINEAR),
}
# Products that CTranslate2 keeps as one.
FUSED = {
    ("self_attn", "self_attention/linear_0"): ("q_proj", "k_proj", "v_proj"),
    ("encoder_attn", "attention/linear_1"): ("k_proj", "v_proj"),
}


def tensors(data: bytes) -> dict[str, np.ndarray]:
    """Every tensor of one file by its own name, as 16-bit floats."""
    size = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + size])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        if entry["dtype"] == BRAIN:
            wide = np.frombuffer(data[begin:end], "<u2").astype(np.uint32) << 16
            array = wide.view(np.float32)
        elif entry["dtype"] in TYPES:
            array = np.frombuffer(data[begin:end], TYPES[entry["dtype"]])
        else:
            raise ValueError(f"{name} is of type {entry['dtype']}; known are floats")
        found[name.removeprefix("model.")] = array.reshape(entry["shape"]).astype(np.float16)
    return found


def read(files: list[bytes]) -> dict[str, np.ndarray]:
    """All files of a checkpoint as one model by CTranslate2's names."""
    source: dict[str, np.ndarray] = {}
    for data in files:
        source |= tensors(data)
    if "encoder.conv1.weight" not in source or "decoder.embed_tokens.weight" not in source:
        raise ValueError("the checkpoint is not Whisper's: it lacks its encoder or decoder")
    table = source["decoder.embed_tokens.weight"]
    found = {"decoder/embeddings/weight": table, "decoder/projection/weight": table}
    for name in ("conv1", "conv2"):
        for kind in LINEAR:
            found[f"encoder/{name}/{kind}"] = source[f"encoder.{name}.{kind}"]
    for side in ("encoder", "decoder"):
        found[f"{side}/position_encodings/encodings"] = source[f"{side}.embed_positions.weight"]
        found |= part_of(source, f"{side}.layer_norm", f"{side}/layer_norm", NORM)
        pattern = re.compile(rf"{side}\.layers\.(\d+)\.")
        layers = {match[1] for name in source if (match := pattern.match(name))}
        for layer in sorted(layers, key=int):
            read_layer(source, f"{side}.layers.{layer}", found, f"{side}/layer_{layer}")
    return found


def part_of(source: dict[str, np.ndarray], theirs: str, ours: str, names: tuple[str, str],
            ) -> dict[str, np.ndarray]:
    """Weight and bias of one part, by CTranslate2's names."""
    return {f"{ours}/{name}": source[f"{theirs}.{kind}"]
            for kind, name in zip(LINEAR, names, strict=True)}


def read_layer(source: dict[str, np.ndarray], theirs: str, found: dict[str, np.ndarray],
               ours: str) -> None:
    """Everything of one layer; an encoder's has no attention to an encoder."""
    for part, (name, names) in PARTS.items():
        if f"{theirs}.{part}.weight" in source:
            found |= part_of(source, f"{theirs}.{part}", f"{ours}/{name}", names)
    for (part, name), products in FUSED.items():
        weights = [source.get(f"{theirs}.{part}.{product}.weight") for product in products]
        if any(weight is None for weight in weights):
            continue
        # Whisper's keys have no bias.
        biases = [source.get(f"{theirs}.{part}.{product}.bias",
                             np.zeros(len(weight), np.float16))
                  for product, weight in zip(products, weights, strict=True)]
        found[f"{ours}/{name}/weight"] = np.concatenate(weights)
        found[f"{ours}/{name}/bias"] = np.concatenate(biases)
