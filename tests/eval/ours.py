"""The system under evaluation: build/release/narralytica, by its command line alone."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Sequence

from tests.eval import data, measure, scoring

PROGRAM = data.ROOT / "build/release/narralytica"
NAME = "narralytica"
# The name a user gives → the folder of the model cache.
MODELS = {"base": "whisper-base", "small-en": "whisper-tiny-en"}


@dataclasses.dataclass(frozen=True)
class Transcript:
    """What a system heard in one recording; `words` is empty when it gives no word times."""

    text: str
    words: tuple[scoring.Word, ...] = ()
    languages: tuple[tuple[int, int, str], ...] = ()  # of each segment: start_ms, end_ms, code


@dataclasses.dataclass(frozen=True)
class Result:
    """One system over a list of recordings, and what that took from file to transcript."""

    transcripts: tuple[Transcript, ...]
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int


def model_hash(model: str) -> str:
    """The hash over the model's files, from its description in the cache."""
    path = data.cache() / f"models/{MODELS[model]}/model.json"
    return str(json.loads(path.read_text())["hash"])


def transcribe(recordings: Sequence[data.Recording], model: str) -> Result:
    """Ingests all of them into a new data folder with one command, and reads the transcripts.

    Time and memory are the whole program's: decoding, all models' loading, search index and all,
    but for telling speakers apart.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(recording.path) for recording in recordings]
        command = [*_command("ingest", folder), "--set=diarization.enabled=false"]
        run = measure.run([*command, "--model", model, "--wait", *paths])
        if run.code != 0:
            raise RuntimeError(f"ingest ended with {run.code}: {run.stdout} {run.stderr[-2000:]}")
        items = json.loads(run.stdout)
        transcripts = tuple(_read(folder, item["video_id"], MODELS[model]) for item in items)
    return Result(transcripts, run.wall_s, run.cpu_s, run.peak_rss_bytes)


def _command(name: str, folder: str) -> list[str]:
    return [str(PROGRAM), name, "--data", folder, "--json"]


def _read(folder: str, video: str, model: str) -> Transcript:
    run = measure.run([*_command("transcript", folder), video, "--format", "json"])
    if run.code != 0:
        raise RuntimeError(f"transcript ended with {run.code}: {run.stderr[-2000:]}")
    document = json.loads(run.stdout)
    if document["model"] != model:
        raise RuntimeError(f"asked for {model}, {document['model']} ran")
    segments = document["segments"]
    words = tuple(
        scoring.Word(word["start_ms"], word["end_ms"], word["text"])
        for segment in segments
        for word in segment["words"]
    )
    languages = tuple((s["start_ms"], s["end_ms"], str(s["language"])) for s in segments)
    return Transcript(" ".join(segment["text"] for segment in segments), words, languages)


def is_built() -> bool:
    """Whether there is a program to evaluate."""
    return pathlib.Path(PROGRAM).exists()
