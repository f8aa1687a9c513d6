"""The whole pipeline: from files to searchable, ours beside the glued peer.

Same weights, same files, two threads each. Ours is one `ingest --wait` into an empty data folder:
its time holds every start of a process, all loading of models, the copy into the store and the
waveforms and posters, which the peer does not make; the peer's holds none of its loading. The times
of our stages are the jobs' own, so loading counts in the stage that waited for it. Quality: word
error rates of both, and queries of words that were said, to be found in the right recording at the
right place.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import random
import tempfile
from collections.abc import Sequence
from typing import Any

from tests.bench import glued, pairs
from tests.eval import data, measure, ours, scoring

WEIGHTS = {"base": "base", "small-en": "tiny.en"}  # the peer's name of our model
STAGES = {"ingest": "decode", "transcribe": "recognise", "enrich": "embed", "index": "index"}
QUERIES_MAX = 20
QUERY_WORDS = 4
WORD_LETTERS_MIN = 5
SEED = 20260103
MARGIN_MS = 2_000


@dataclasses.dataclass(frozen=True)
class Size:
    """Which recordings (a name and the recordings), how many pairs, and our name of the model."""

    name: str
    recordings: tuple[data.Recording, ...]
    pairs: int
    model: str = "base"


@dataclasses.dataclass(frozen=True)
class Query:
    """Words of an utterance, and where it is."""

    text: str
    recording: int
    start_ms: int
    end_ms: int

    def is_at(self, recording: int, start_ms: int, end_ms: int) -> bool:
        """Whether a segment is where the words were said."""
        early, late = self.start_ms - MARGIN_MS, self.end_ms + MARGIN_MS
        return recording == self.recording and start_ms < late and end_ms > early


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run of one side left: its texts, and of each query whether it was answered."""

    texts: tuple[str, ...]
    found: tuple[bool, ...]


def measure_set(size: Size) -> dict[str, Any]:
    """One row."""
    queries = queries_of(size.recordings)
    outcomes: dict[str, Outcome] = {}

    # Searching is no part of what is timed: its hits are looked at once.
    def run_ours() -> pairs.Sample:
        sample, outcome = _run_ours(size, () if "ours" in outcomes else queries)
        outcomes.setdefault("ours", outcome)
        return sample

    def run_peer() -> pairs.Sample:
        sample, outcome = _run_peer(size, () if "peer" in outcomes else queries)
        outcomes.setdefault("peer", outcome)
        return sample

    measured = pairs.interleave(size.pairs, run_ours, run_peer)
    audio_s = sum(data.duration_s(recording) for recording in size.recordings)
    row: dict[str, Any] = {"bench": "pipeline", "set": size.name, "model": size.model}
    row |= {"model_hash": ours.model_hash(size.model), "audio_s": round(audio_s, 1)}
    row |= {"recordings": len(size.recordings), "queries": len(queries)}
    row |= {"ratio": dataclasses.asdict(measured.times("whole_s"))}
    row |= {"words_ratio": dataclasses.asdict(measured.times("words_s"))}
    row |= {"cpu_ratio": dataclasses.asdict(measured.times("cpu_s"))}
    row |= {"speed": round(audio_s / measured.ours_median("whole_s"), 2)}
    row |= {"peer_speed": round(audio_s / measured.peer_median("whole_s"), 2)}
    for name in ("whole_s", *(f"{stage}_s" for stage in STAGES.values()), "cpu_s", "peak_mb"):
        row[name] = round(measured.ours_median(name), 3)
        row[f"peer_{name}"] = round(measured.peer_median(name), 3)
    row["peer_load_s"] = round(measured.peer_median("load_s"), 2)
    for prefix, side in (("", "ours"), ("peer_", "peer")):
        row[f"{prefix}wer"] = round(word_error_rate(size.recordings, outcomes[side].texts), 2)
        row[f"{prefix}hits"] = sum(outcomes[side].found)
    return row


def queries_of(recordings: Sequence[data.Recording]) -> list[Query]:
    """Four longer words each of utterances drawn from all recordings whose times are known."""
    chance = random.Random(SEED)
    possible = []
    for number, recording in enumerate(recordings):
        for spoken in recording.utterances:
            words = sorted({w for w in spoken.text.lower().split() if len(w) >= WORD_LETTERS_MIN})
            if spoken.end_ms and len(words) >= QUERY_WORDS:
                text = " ".join(chance.sample(words, QUERY_WORDS))
                possible.append(Query(text, number, spoken.start_ms, spoken.end_ms))
    return chance.sample(possible, min(QUERIES_MAX, len(possible)))


def word_error_rate(recordings: Sequence[data.Recording], texts: Sequence[str]) -> float:
    """Of all recordings together, in percent."""
    errors = [
        error
        for recording, text in zip(recordings, texts, strict=True)
        for error in scoring.errors_by_utterance(
            [spoken.text for spoken in recording.utterances], text, recording.language
        )
    ]
    return scoring.total(errors).rate


def _run_ours(
    size: Size, queries: Sequence[Query]
) -> tuple[pairs.Sample, Outcome]:
    with tempfile.TemporaryDirectory() as scratch:
        program = Program(pathlib.Path(scratch) / "data")
        paths = [str(recording.path) for recording in size.recordings]
        # The threads of the peer; more cores than these two shall not count. The peer does not tell
        # speakers apart: that is a bench of its own.
        settings = ("--set=engine.threads=2", "--set=diarization.enabled=false")
        run = program.run("ingest", *settings, "--model", size.model, "--wait", *paths)
        videos = [item["video_id"] for item in json.loads(run.stdout)]
        sample = {"whole_s": run.wall_s, "cpu_s": run.cpu_s, "load_s": 0.0}
        sample |= {"peak_mb": run.peak_rss_bytes / 2**20} | program.stages()
        sample["words_s"] = sample["decode_s"] + sample["recognise_s"]
        texts = tuple(program.text(video) for video in videos)
        found = tuple(program.answers(query, videos) for query in queries)
    return sample, Outcome(texts, found)


def _run_peer(
    size: Size, queries: Sequence[Query]
) -> tuple[pairs.Sample, Outcome]:
    result = glued.run(size.recordings, WEIGHTS[size.model], [query.text for query in queries])
    sample = {name: getattr(result, f"{name}_s") for name in ("whole", "cpu", "load")}
    sample |= {stage: getattr(result, f"{stage}_s") for stage in STAGES.values()}
    sample = {f"{name}_s": value for name, value in sample.items()}
    sample["words_s"] = sample["decode_s"] + sample["recognise_s"]
    sample["peak_mb"] = result.peak_rss_bytes / 2**20
    found = tuple(
        any(query.is_at(*result.segments[hit][:3]) for hit in hits)
        for query, hits in zip(queries, result.hits, strict=True)
    )
    return sample, Outcome(result.texts, found)


class Program:
    """Our program on a new data folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder

    def run(self, name: str, *arguments: str) -> measure.Run:
        """Runs a command with --json; it must succeed."""
        command = [str(ours.PROGRAM), name, "--data", str(self._folder), "--json"]
        done = measure.run([*command, *arguments])
        if done.code != 0:
            raise RuntimeError(f"{name} ended with {done.code}: {done.stderr[-800:]}")
        return done

    def stages(self) -> dict[str, float]:
        """Seconds in which a job of the stage ran, by the peer's names for stages."""
        spans: dict[str, list[tuple[float, float]]] = {stage: [] for stage in STAGES.values()}
        for job in json.loads(self.run("jobs", "--limit", "1000").stdout)["items"]:
            begin, end = (_seconds(job[name]) for name in ("started_at", "finished_at"))
            if job["type"] in STAGES:
                spans[STAGES[job["type"]]].append((begin, end))
        return {f"{stage}_s": covered(each) for stage, each in spans.items()}

    def text(self, video: str) -> str:
        """The whole transcript of a video."""
        document = json.loads(self.run("transcript", video, "--format", "json").stdout)
        return " ".join(segment["text"] for segment in document["segments"])

    def answers(self, query: Query, videos: Sequence[str]) -> bool:
        """Whether one of the best ten hits is where the words were said."""
        reply = json.loads(self.run("search", query.text, "--limit", "10").stdout)
        return any(
            query.is_at(videos.index(hit["video_id"]), hit["start_ms"], hit["end_ms"])
            for hit in (item["segment"] for item in reply["items"])
        )


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """The length of the union of spans: what runs side by side counts once."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()
