"""The glued peer: what somebody would put together in an afternoon from the same weights.

ffmpeg to 16 kHz WAV → whisper.cpp's command line (two threads, its defaults) → sentence embeddings
in Python on onnxruntime (two threads) → SQLite FTS5 and numpy. No diarization on either side.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tests.eval import data, measure, peer_whisper_cpp

FOLDER = pathlib.Path(__file__).parent / "glued_peer"
NAME = f"ffmpeg + {peer_whisper_cpp.NAME} + onnxruntime (Python) + SQLite FTS5"
EMBEDDING_MODEL = "e5-small"
Segment = tuple[int, int, int, str]  # recording, start_ms, end_ms, text


@dataclasses.dataclass(frozen=True)
class Result:
    """Seconds of each stage without the loading of models, texts, and hits of the queries."""

    decode_s: float
    recognise_s: float
    embed_s: float
    index_s: float
    load_s: float
    cpu_s: float
    peak_rss_bytes: int
    texts: tuple[str, ...]
    segments: tuple[Segment, ...]
    hits: tuple[tuple[int, ...], ...]  # for every query, numbers of segments

    @property
    def whole_s(self) -> float:
        """From file to searchable."""
        return self.decode_s + self.recognise_s + self.embed_s + self.index_s


def python() -> pathlib.Path:
    """The interpreter with the peer's packages, installed once into the cache."""
    pins = FOLDER / "requirements.txt"
    name = hashlib.sha256(pins.read_bytes()).hexdigest()[:16]
    folder = data.cache() / f"peers/glued-{name}"
    program = folder / "bin/python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(pins)]
        subprocess.run(pip, check=True)
        (folder / "installed").touch()
    return program


def run(
    recordings: Sequence[data.Recording], weights: str, queries: Sequence[str] = ()
) -> Result:
    """The whole of it over all recordings, one after the other as a script would."""
    decode_s = recognise_s = load_s = cpu_s = 0.0
    peak = 0
    texts: list[str] = []
    segments: list[Segment] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, recording in enumerate(recordings):
            wav = pathlib.Path(scratch) / f"{number}.wav"
            decoded = _decode(recording.path, wav)
            said = peer_whisper_cpp.transcribe(wav, weights, recording.language)
            decode_s += decoded.wall_s
            recognise_s += said["wall_s"] - said["load_s"]
            load_s += said["load_s"]
            cpu_s += decoded.cpu_s + said["cpu_s"]
            peak = max(peak, decoded.peak_rss_bytes, said["peak_rss_bytes"])
            texts.append(said["text"])
            segments += [(number, s["start_ms"], s["end_ms"], s["text"]) for s in said["segments"]]
        indexed = embed_and_index(segments, queries, pathlib.Path(scratch))
    return Result(
        decode_s,
        recognise_s,
        indexed.answer["embed_s"],
        indexed.answer["index_s"],
        load_s + indexed.answer["load_s"],
        cpu_s + indexed.run.cpu_s,
        max(peak, indexed.run.peak_rss_bytes),
        tuple(texts),
        tuple(segments),
        tuple(tuple(hits) for hits in indexed.answer["hits"]),
    )


@dataclasses.dataclass(frozen=True)
class Indexed:
    """What the Python half answered, and what it used."""

    answer: dict
    run: measure.Run


def embed_and_index(
    segments: Sequence[Segment], queries: Sequence[str], scratch: pathlib.Path
) -> Indexed:
    """The Python half alone."""
    request = scratch / "request.json"
    request.write_text(json.dumps({"segments": segments, "queries": queries}))
    model = data.cache() / f"models/{EMBEDDING_MODEL}"
    script = str(FOLDER / "embed_and_index.py")
    # Through the shell for its standard input alone; measure.run gives a process none.
    line = 'exec "$0" "$1" "$2" "$3" < "$4"'
    command = ["sh", "-c", line, str(python()), script, str(model)]
    done = measure.run([*command, str(scratch / "segments.sqlite"), str(request)])
    if done.code != 0:
        raise RuntimeError(f"the glued peer failed: {done.stderr[-800:]}")
    return Indexed(json.loads(done.stdout), done)


def _decode(source: pathlib.Path, wav: pathlib.Path) -> measure.Run:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(source), "-vn", "-ac", "1"]
    command += ["-ar", str(data.SAMPLE_RATE), "-c:a", "pcm_s16le", str(wav)]
    done = measure.run(command)
    if done.code != 0:
        raise RuntimeError(f"ffmpeg failed on {source.name}: {done.stderr[-400:]}")
    return done
