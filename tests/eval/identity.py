"""`make eval`, fourth part: the same voice in two recordings, and who is who across recordings.

    python -m tests.eval.identity

Writes docs/quality.md and docs/quality/identity.jsonl. Two questions:

*Verification.* What each speaker says alone is cut into pieces of 2, 5 and 10 seconds; the voice
of a piece is the product's own. Pairs of two recordings: one speaker or two. Equal error rate, and
false acceptances and rejections at the shipped threshold; intervals are bootstrap over speakers.

*Across recordings.* All recordings go through the product; the people it finds by itself are held
against the references: pairs of voices linked rightly, wrongly, and missed.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from tests.eval import data, report

PROGRAM = data.ROOT / "build/release/narralytica"
TOOL = data.ROOT / "build/release/diarization_tool"
SECONDS = (2, 5, 10)
THRESHOLD = 0.50  # speakers::IdentityRules
SPEECH_S_MIN = 3.0
ROUNDS = 1_000
SEED = 7
THREADS = 2


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some seconds of one voice."""

    speaker: str
    recording: str
    path: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two pieces of two recordings."""

    speakers: tuple[str, str]
    score: float

    @property
    def same(self) -> bool:
        """Whether one voice said both."""
        return self.speakers[0] == self.speakers[1]


def turns_of(path: pathlib.Path) -> list[tuple[float, float, str]]:
    """(start, end, speaker) of an RTTM file."""
    fields = (line.split() for line in path.read_text().splitlines())
    return [(float(f[3]), float(f[3]) + float(f[4]), f[7]) for f in fields if f[:1] == ["SPEAKER"]]


def alone(turns: list[tuple[float, float, str]]) -> Iterator[tuple[float, float, str]]:
    """The stretches in which one speaker alone speaks."""
    edges = sorted({edge for start, end, _ in turns for edge in (start, end)})
    for start, end in itertools.pairwise(edges):
        speaking = {who for at, until, who in turns if at < end and until > start}
        if len(speaking) == 1:
            yield start, end, speaking.pop()


def voices_of(folder: pathlib.Path) -> dict[tuple[str, str], np.ndarray]:
    """What each speaker says alone, by recording and speaker."""
    rate = data.SAMPLE_RATE
    said: dict[tuple[str, str], list[np.ndarray]] = collections.defaultdict(list)
    for path in sorted((folder / "librispeech/audio").glob("*.flac")):
        speaker, chapter, _ = path.stem.split("-")
        said[f"librispeech-{chapter}", f"spk{speaker}"].append(data.read_audio(path))
    for recording, rttm in annotated(folder):
        samples = data.read_audio(recording)
        for start, end, speaker in alone(turns_of(rttm)):
            said[recording.stem, speaker].append(samples[int(start * rate) : int(end * rate)])
    return {key: np.concatenate(parts) for key, parts in said.items()}


def annotated(folder: pathlib.Path) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """The recordings whose turns are known, and these."""
    meetings = [(r.path, folder / "meetings" / f"{r.name}.rttm") for r in data.meetings(folder)]
    clips = sorted((folder / "ami/audio").glob("*.flac"))
    return meetings + [(path, folder / "ami/rttm" / f"{path.stem}.rttm") for path in clips]


def cut(folder: pathlib.Path, seconds: int, scratch: pathlib.Path) -> list[Piece]:
    """Pieces of that length; what is left at the end is left out."""
    length = seconds * data.SAMPLE_RATE
    pieces = []
    for (recording, speaker), samples in voices_of(folder).items():
        for number, at in enumerate(range(0, len(samples) - length + 1, length)):
            path = scratch / f"{recording}-{speaker}-{seconds}-{number}.wav"
            data.write_audio(path, samples[at : at + length])
            pieces.append(Piece(speaker, recording, path))
    return pieces


def hear(pieces: Sequence[Piece]) -> list[np.ndarray | None]:
    """The voice of each piece; None where the models hear nobody."""
    library = data.cache() / "sdk/lib/libonnxruntime.so"
    command = [str(TOOL), str(data.cache() / "models"), str(library), str(THREADS), "1"]
    lines = "".join(f"{piece.path}\n" for piece in pieces)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    voices = (json.loads(line)["voices"] for line in done.stdout.splitlines())
    return [np.array(found[0]) if found else None for found in voices]


def pairs_of(pieces: Sequence[Piece], voices: Sequence[np.ndarray | None]) -> list[Pair]:
    """All pairs of two recordings."""
    heard = [(p, v) for p, v in zip(pieces, voices, strict=True) if v is not None]
    return [
        Pair((a.speaker, b.speaker), float(x @ y))
        for (a, x), (b, y) in itertools.combinations(heard, 2)
        if a.recording != b.recording
    ]


def rates_at(pairs: Sequence[Pair], threshold: float) -> tuple[float, float]:
    """False acceptances and false rejections in percent."""
    same = np.array([pair.score for pair in pairs if pair.same])
    other = np.array([pair.score for pair in pairs if not pair.same])
    return float(100 * np.mean(other >= threshold)), float(100 * np.mean(same < threshold))


def equal_error(pairs: Sequence[Pair]) -> float:
    """The rate in percent at which both kinds of error are as frequent."""
    scores = np.array([pair.score for pair in pairs])
    same = np.array([pair.same for pair in pairs])
    order = np.argsort(scores)
    rejected = np.cumsum(same[order]) / same.sum()
    accepted = 1 - np.cumsum(~same[order]) / (~same).sum()
    best = int(np.argmin(np.abs(rejected - accepted)))
    return float(100 * (rejected[best] + accepted[best]) / 2)


def interval(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Of the equal error rate, over speakers."""
    order = random.Random(SEED)
    speakers = sorted({name for pair in pairs for name in pair.speakers})
    drawn = []
    for _ in range(ROUNDS):
        times = collections.Counter(order.choices(speakers, k=len(speakers)))
        some = [
            pair for pair in pairs for _ in range(min(times[name] for name in pair.speakers))
        ]
        kinds = {pair.same for pair in some}
        if kinds == {True, False}:
            drawn.append(equal_error(some))
    drawn.sort()
    return drawn[int(0.025 * len(drawn))], drawn[int(0.975 * len(drawn))]


def verify(folder: pathlib.Path, seconds: int) -> dict:
    """One row of the report."""
    with tempfile.TemporaryDirectory() as scratch:
        pieces = cut(folder, seconds, pathlib.Path(scratch))
        voices = hear(pieces)
    pairs = pairs_of(pieces, voices)
    accepted, rejected = rates_at(pairs, THRESHOLD)
    low, high = interval(pairs)
    same = [pair.score for pair in pairs if pair.same]
    other = [pair.score for pair in pairs if not pair.same]
    return {
        "seconds": seconds,
        "speakers": len({piece.speaker for piece in pieces}),
        "unheard": sum(voice is None for voice in voices),
        "same": len(same),
        "different": len(other),
        "eer": round(equal_error(pairs), 2),
        "eer_low": round(low, 2),
        "eer_high": round(high, 2),
        "false_accepted": round(accepted, 2),
        "false_rejected": round(rejected, 2),
        "same_p05": round(float(np.percentile(same, 5)), 3),
        "different_p99": round(float(np.percentile(other, 99)), 3),
    }


def link(folder: pathlib.Path) -> dict:
    """What the product makes of all recordings, against the references."""
    recordings = annotated(folder)
    with tempfile.TemporaryDirectory() as scratch:
        store = pathlib.Path(scratch) / "data"
        paths = [str(path) for path, _ in recordings]
        command = [str(PROGRAM), "ingest", "--data", str(store), "--json", "--wait", *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        videos = {item["path"]: item["video_id"] for item in json.loads(done.stdout)}
        database = sqlite3.connect(store / "narralytica.db")
        speakers = [
            (recording.stem, *row)
            for recording, rttm in recordings
            for row in named(database, videos[str(recording)], turns_of(rttm))
        ]
        database.close()
    return counted(speakers)


def named(
    database: sqlite3.Connection, video: str, turns: list[tuple[float, float, str]]
) -> Iterator[tuple[str, str | None]]:
    """Of each speaker found with enough speech: who that is by the reference, and the person."""
    query = "SELECT id, person_id FROM speakers WHERE video_id = ? AND speech_ms >= ?"
    for speaker, person in database.execute(query, (video, SPEECH_S_MIN * 1000)).fetchall():
        shared: collections.Counter[str] = collections.Counter()
        found = "SELECT start_ms, end_ms FROM speaker_turns WHERE speaker_id = ?"
        for start_ms, end_ms in database.execute(found, (speaker,)):
            for start, end, who in turns:
                shared[who] += max(0.0, min(end, end_ms / 1000) - max(start, start_ms / 1000))
        yield (shared.most_common(1) or [("nobody", 0)])[0][0], person


def counted(speakers: Sequence[tuple[str, str, str | None]]) -> dict:
    """Pairs of speakers of two recordings: linked rightly, wrongly, and not though they are one."""
    right = wrong = missed = 0
    for (video, who, person), (video2, who2, person2) in itertools.combinations(speakers, 2):
        if video == video2:
            continue
        linked = person is not None and person == person2
        right += linked and who == who2
        wrong += linked and who != who2
        missed += not linked and who == who2
    return {
        "recordings": len({video for video, _, _ in speakers}),
        "voices": len(speakers),
        "linked_right": right,
        "linked_wrong": wrong,
        "missed": missed,
        "unknown": sum(person is None for _, _, person in speakers),
    }


def main() -> int:
    """Measures, adds the rows to the history and writes the report."""
    folder = data.folder()
    if folder is None:
        print("eval: no data: set EVAL_DATA, or put shared/data beside the checkout")
        return 6
    if not TOOL.exists() or not PROGRAM.exists():
        print("eval: no program: run make eval")
        return 6
    measured = [{"question": "verification", **verify(folder, s)} for s in SECONDS]
    measured.append({"question": "across", **link(folder)})
    for row in measured:
        report.append(row | report.provenance(), report.IDENTITY)
        print(report.line(row), flush=True)
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
