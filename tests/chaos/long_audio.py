"""`make long-audio`: hours of speech in one recording, under a memory ceiling, with three kills.

    NRL_LONG_AUDIO_MINUTES=15 python -m tests.chaos.long_audio

A recording of so many minutes (default: six hours) is joined from the evaluation's real ones, or
from the samples, in a random order with pauses between. While it is transcribed, worker, engine and
worker again are killed with SIGKILL at random moments. Then it must be ready, its words must be
those of the pieces transcribed alone, no finished batch may have been computed twice, and the
engine must have stayed under its ceiling. Prints one line of JSON; ends with 1 when one does not
hold.
"""

from __future__ import annotations

import dataclasses
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

import numpy as np

from tests.eval import data, measure
from tests.pipeline.program import INAUGURAL, MEETING, Narralytica

MINUTES = float(os.environ.get("NRL_LONG_AUDIO_MINUTES", "360"))
CEILING_MB = int(os.environ.get("NRL_LONG_AUDIO_CEILING_MB", "1200"))
SEED = int(os.environ.get("NRL_LONG_AUDIO_SEED", "7"))
PAUSE_MS = 4_000  # longer than any that lies inside a recognition window
POLL_S = 0.1
VICTIMS = ("work", "engine", "work")
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


def checkpoints(narralytica: Narralytica) -> tuple[int, int]:
    """How many batches are checkpointed, and how many of them are not each other's copies."""
    path = narralytica.folder / "narralytica.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT body FROM job_checkpoints").fetchall()
    return len(rows), len({json.dumps(json.loads(body)["ranges"]) for (body,) in rows})


def disturb(narralytica: Narralytica, seen: Seen) -> tuple[int, int]:
    """Runs the worker to the end of recognition, killing on the way; (kills, batches redone)."""
    order = random.Random(SEED + 1)
    moments = sorted(order.uniform(0.1, 0.9) for _ in VICTIMS)
    worker = narralytica.start("work", *SETTINGS)
    kills = redone = 0
    try:
        while True:
            time.sleep(POLL_S)
            seen.look(worker.pid)
            now = job(narralytica)
            total, different = checkpoints(narralytica)
            redone = max(redone, total - different)
            if now.get("status") in ("succeeded", "failed", "canceled"):
                return kills, redone
            fraction = now.get("progress", {}).get("fraction", 0)
            if kills == len(VICTIMS) or now.get("status") != "running" or fraction < moments[kills]:
                continue
            target = worker.pid if VICTIMS[kills] == "work" else child(worker.pid, "engine")
            if target is None:
                continue
            os.kill(target, signal.SIGKILL)
            print(f"killed {VICTIMS[kills]} at {fraction:.3f}", file=sys.stderr, flush=True)
            kills += 1
            if target == worker.pid:
                worker.wait()
                worker = narralytica.start("work", *SETTINGS)
    finally:
        worker.terminate()
        worker.wait()


SETTINGS = ("--set", f"engine.memory_bytes_max={CEILING_MB << 20}")


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
        equal += sum(a == b for a, b in zip(here, there, strict=False))
    return equal, total


def main() -> int:
    """Runs it and prints what came out."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        found = pieces(folder)
        recording = folder / "long.flac"
        placed = join(found, recording)
        apart = Narralytica(folder / "pieces")
        used = sorted({piece for piece, _, _ in placed})
        items = apart.json("ingest", "--wait", *SETTINGS, *(str(found[piece]) for piece in used))
        alone = {
            piece: words(apart, item["video_id"])
            for piece, item in zip(used, items, strict=True)
        }
        narralytica = Narralytica(folder / "long")
        (item,) = narralytica.json("ingest", str(recording))
        seen, start = Seen(), time.monotonic()
        kills, redone = disturb(narralytica, seen)
        wall_s = time.monotonic() - start
        status = job(narralytica)["status"]
        whole = words(narralytica, item["video_id"]) if status == "succeeded" else []
    equal, total = compare(placed, whole, alone)
    audio_s = placed[-1][2] / 1000
    print(
        json.dumps(
            {
                "audio_s": round(audio_s),
                "status": status,
                "kills": kills,
                "finished_batches_redone": redone,
                "wall_s": round(wall_s, 1),
                "cpu_s": round(sum(seen.cpu_s.values()), 1),
                "real_time": round(audio_s / wall_s, 2),
                "ceiling_mb": CEILING_MB,
                "peak_mb": seen.peak_mb,
                "words": total,
                "words_equal": equal,
                "seed": SEED,
            }
        )
    )
    holds = status == "succeeded" and kills == len(VICTIMS) and redone == 0
    holds = holds and total > 0 and equal >= WORDS_EQUAL_MIN * total
    return 0 if holds and seen.peak_mb.get("engine", 1 << 30) <= CEILING_MB else 1


if __name__ == "__main__":
    sys.exit(main())
