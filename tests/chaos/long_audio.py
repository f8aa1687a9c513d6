"""`make long-audio`: hours of speech in one recording, under a memory ceiling, with three kills.

    NRL_LONG_AUDIO_MINUTES=15 python -m tests.chaos.long_audio

A recording of so many minutes (default: six hours) is joined from the evaluation's real ones, or
from the samples, in a random order with pauses between. While it is transcribed, worker, engine and
worker again are killed with SIGKILL at random moments. Then it must be ready, its words must be
those of the pieces transcribed alone, no batch that was checkpointed may have been computed again,
a kill may have cost no more than the batches in work, and the engine must have stayed under its
ceiling. Batches are counted where they start, by the worker's log, which outlives it. Prints one
line of JSON, with --report into docs/performance.md too; ends with 1 when one does not hold.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

import numpy as np

from tests.bench import report
from tests.bench.__main__ import machine
from tests.eval import data, measure, ours
from tests.pipeline.program import INAUGURAL, MEETING, Narralytica

MINUTES = float(os.environ.get("NRL_LONG_AUDIO_MINUTES", "360"))
MODEL = os.environ.get("NRL_LONG_AUDIO_MODEL", "base")
CEILING_MB = int(os.environ.get("NRL_LONG_AUDIO_CEILING_MB", "1200"))
SEED = int(os.environ.get("NRL_LONG_AUDIO_SEED", "7"))
PAUSE_MS = 4_000  # longer than any that lies inside a recognition window
POLL_S = 0.5
TELL_S = 30
VICTIMS = ("work", "engine", "work")
BATCHES_IN_WORK = 2  # at the same time (src/transcript/transcriber.cpp)
WORDS_EQUAL_MIN = 0.999
TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Seen:
    """What the processes of a worker used, by pid, as far as it was seen."""

    cpu_s: dict[int, float] = dataclasses.field(default_factory=dict)
    peak_mb: dict[str, int] = dataclasses.field(default_factory=dict)

    def look(self, root: int) -> None:
        """Reads every process of the tree once."""
        for pid in measure.tree(root):
            try:
                stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            self.cpu_s[pid] = (int(stat[11]) + int(stat[12])) / TICKS
            name = words[1].decode() if len(words) > 1 else "?"
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    peak = int(line.split()[1]) >> 10
                    self.peak_mb[name] = max(self.peak_mb.get(name, 0), peak)


def pieces(folder: pathlib.Path) -> list[pathlib.Path]:
    """Real recordings as 16 kHz WAV: the evaluation's long ones, else the samples."""
    source = data.folder()
    if source is None:
        found = [data.Recording("samples", p.stem, p, ()) for p in (MEETING, INAUGURAL)]
    else:
        found = [*data.joined(source), *data.meetings(source)]
    return [
        data.write_audio(folder / f"piece-{recording.name}.wav", data.read_audio(recording.path))
        for recording in found
    ]


def join(found: list[pathlib.Path], path: pathlib.Path) -> list[tuple[int, int, int]]:
    """Writes the long recording; returns (piece, start_ms, end_ms) in order."""
    order = random.Random(SEED)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "s16le", "-ar", str(data.SAMPLE_RATE)]
    encoder = subprocess.Popen(
        [*command, "-ac", "1", "-i", "-", str(path)], stdin=subprocess.PIPE
    )
    assert encoder.stdin is not None
    placed, at_ms = [], 0
    while at_ms < MINUTES * 60_000:
        piece = order.randrange(len(found))
        samples = data.read_audio(found[piece])
        # Whole milliseconds, and whole frames of speech detection, so that a piece sounds alike
        # wherever it stands.
        silence = np.zeros(PAUSE_MS * data.SAMPLE_RATE // 1000, np.float32)
        padding = -(len(samples) + len(silence)) % 512
        sound = np.concatenate([samples, silence, np.zeros(padding, np.float32)])
        encoder.stdin.write((sound * 32768).round().clip(-32768, 32767).astype("<i2").tobytes())
        length_ms = len(sound) * 1000 // data.SAMPLE_RATE
        placed.append((piece, at_ms, at_ms + length_ms))
        at_ms += length_ms
    encoder.stdin.close()
    if encoder.wait() != 0:
        raise RuntimeError("ffmpeg could not write the long recording")
    return placed


def words(narralytica: Narralytica, video: str) -> list[tuple[int, str]]:
    """(start_ms, text) of every word."""
    document = narralytica.json("transcript", video, "--format", "json")
    return [(w["start_ms"], w["text"]) for s in document["segments"] for w in s["words"]]


def job(narralytica: Narralytica) -> dict:
    """The transcribe job, or {} before there is one."""
    items = narralytica.json("jobs")["items"]
    return next((item for item in items if item["type"] == "transcribe"), {})


def checkpoints(narralytica: Narralytica) -> list[str]:
    """The ranges of every checkpointed batch."""
    path = narralytica.folder / "narralytica.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT body FROM job_checkpoints").fetchall()
    return [json.dumps(json.loads(body)["ranges"]) for (body,) in rows]


def batches_started(log: pathlib.Path) -> list[tuple[int, int]]:
    """(start_ms, end_ms) of every batch that a worker began, again and again where it did."""
    lines = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
    return [
        (line["start_ms"], line["end_ms"])
        for line in lines
        if line.get("message") == "batch started"
    ]


def redone(of_batches: Sequence[object]) -> int:
    """How many are there again."""
    return len(of_batches) - len(set(of_batches))


@dataclasses.dataclass
class Kills:
    """What was killed, and what was checkpointed then."""

    done: int = 0
    kept_twice: int = 0


def disturb(narralytica: Narralytica, seen: Seen) -> Kills:
    """Runs the worker to the end of recognition, killing on the way."""
    order = random.Random(SEED + 1)
    # One in each part of the recording.
    moments = [(part + order.uniform(0.2, 0.8)) / len(VICTIMS) for part in range(len(VICTIMS))]
    worker = narralytica.start("work", *SETTINGS)
    kills, told = Kills(), time.monotonic()
    try:
        while True:
            time.sleep(POLL_S)
            seen.look(worker.pid)
            now = job(narralytica)
            kills.kept_twice = max(kills.kept_twice, redone(checkpoints(narralytica)))
            if now.get("status") in ("succeeded", "failed", "canceled"):
                return kills
            fraction = now.get("progress", {}).get("fraction", 0)
            if time.monotonic() > told + TELL_S:
                told = time.monotonic()
                tell(f"{now.get('status')} {fraction:.3f}, peak {seen.peak_mb}")
            running = now.get("status") == "running"
            if kills.done == len(VICTIMS) or not running or fraction < moments[kills.done]:
                continue
            victim = VICTIMS[kills.done]
            target = worker.pid if victim == "work" else child(worker.pid, victim)
            if target is None:
                continue
            os.kill(target, signal.SIGKILL)
            tell(f"killed {victim} at {fraction:.3f}")
            kills.done += 1
            if target == worker.pid:
                worker.wait()
                worker = narralytica.start("work", *SETTINGS)
    finally:
        worker.terminate()
        worker.wait()


def tell(what: str) -> None:
    """One line of progress."""
    print(time.strftime("%H:%M:%S"), what, file=sys.stderr, flush=True)


SETTINGS = (
    f"--set=engine.memory_bytes_max={CEILING_MB << 20}",
    "--set=engine.threads=2",
    f"--set=recognition.model={MODEL}",
    "--set=recognition.language=en",
    "--set=diarization.enabled=false",
    "--set=log.level=debug",
)


def child(root: int, name: str) -> int | None:
    """The descendant that runs the command `name`."""
    for pid in measure.tree(root):
        try:
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if name.encode() in line[:2]:
            return pid
    return None


def compare(
    placed: list[tuple[int, int, int]],
    whole: list[tuple[int, str]],
    alone: dict[int, list[tuple[int, str]]],
) -> tuple[int, int]:
    """(words that are those of the piece alone, words compared): same text in the same order."""
    equal = total = 0
    for piece, start_ms, end_ms in placed:
        here = [text for at_ms, text in whole if start_ms <= at_ms < end_ms]
        there = [text for _, text in alone[piece]]
        total += max(len(here), len(there))
        blocks = difflib.SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks()
        equal += sum(block.size for block in blocks)
    return equal, total


def verdict(row: dict) -> list[str]:
    """What does not hold."""
    rules = {
        "it is not ready": row["status"] == "succeeded",
        "too few kills": row["kills"] == len(VICTIMS),
        "a checkpointed batch was computed again": row["finished_batches_redone"] == 0,
        "a kill cost more than the batches in work": row["batches_redone"]
        <= BATCHES_IN_WORK * row["kills"],
        "other words than those of the pieces": 0 < row["words"]
        and row["words_equal"] >= WORDS_EQUAL_MIN * row["words"],
        "the engine was over its ceiling": 0 < row["peak_mb"].get("engine", 0) <= CEILING_MB,
    }
    return [what for what, holds in rules.items() if not holds]


def run(folder: pathlib.Path) -> dict:
    """One whole run; its row."""
    found = pieces(folder)
    recording = folder / "long.flac"
    placed = join(found, recording)
    apart = Narralytica(folder / "pieces")
    used = sorted({piece for piece, _, _ in placed})
    items = apart.json("ingest", "--wait", *SETTINGS, *(str(found[piece]) for piece in used))
    alone = {
        piece: words(apart, item["video_id"]) for piece, item in zip(used, items, strict=True)
    }
    tell(f"{len(used)} pieces transcribed alone; {len(placed)} joined")
    narralytica = Narralytica(folder / "long" / "data")
    (item,) = narralytica.json("ingest", *SETTINGS, str(recording))
    seen, start = Seen(), time.monotonic()
    kills = disturb(narralytica, seen)
    wall_s = time.monotonic() - start
    status = job(narralytica)["status"]
    whole = words(narralytica, item["video_id"]) if status == "succeeded" else []
    equal, total = compare(placed, whole, alone)
    started = batches_started(folder / "long" / "work.log")
    audio_s = placed[-1][2] / 1000
    cpu_s = sum(seen.cpu_s.values())
    return {
        "bench": "long audio",
        "set": f"{audio_s / 3600:.1f} h",
        "model": MODEL,
        "model_hash": ours.model_hash(MODEL),
        "audio_s": round(audio_s),
        "pieces": len(used),
        "status": status,
        "kills": kills.done,
        "batches": len(set(started)),
        "batches_redone": redone(started),
        "finished_batches_redone": kills.kept_twice,
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "cpu_per_audio_s": round(cpu_s / audio_s, 4),
        "speed": round(audio_s / wall_s, 2),
        "ceiling_mb": CEILING_MB,
        "peak_mb": seen.peak_mb,
        "words": total,
        "words_equal": equal,
        "seed": SEED,
    }


def main() -> int:
    """Runs it and prints what came out."""
    facts = machine()
    with tempfile.TemporaryDirectory() as temporary:
        row = run(pathlib.Path(temporary))
    print(json.dumps(row), flush=True)
    if "--report" in sys.argv[1:]:
        report.append(row | facts)
        report.write()
    missed = verdict(row)
    for what in missed:
        tell(f"does not hold: {what}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
