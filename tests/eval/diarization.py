"""`make eval`, third part: who speaks when, on recordings whose turns are known.

    python -m tests.eval.diarization [--set meetings|ami]

Writes docs/quality.md and docs/quality/diarization.jsonl. Scored by pyannote.metrics, overlapped
speech included: diarization error rate with a collar of 0 and of .25 s to each side of a reference
boundary, Jaccard error rate, how often the number of speakers is right. Intervals are 95 %
bootstrap over recordings: with four or ten of them they are wide, and say so.

Runs in the environment of tools/requirements-eval.txt, which the tests do not need.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import random
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence

from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

from tests.eval import data, report

PROGRAM = data.ROOT / "build/release/diarization_tool"
THREADS = 2
ROUNDS = 2_000
SEED = 7
COLLAR_S = 0.25


@dataclasses.dataclass(frozen=True)
class Scored:
    """One recording: seconds of error and of reference, by measure."""

    error_s: float  # collar 0
    total_s: float
    error_collar_s: float
    total_collar_s: float
    missed_s: float
    false_s: float
    confused_s: float
    jaccard: float
    count_right: bool
    audio_s: float
    cpu_s: float


def references(folder: pathlib.Path, name: str) -> list[tuple[data.Recording, pathlib.Path]]:
    """The recordings of a set and their RTTM."""
    if name == "meetings":
        return [(r, folder / "meetings" / f"{r.name}.rttm") for r in data.meetings(folder)]
    return [
        (data.Recording("ami", path.stem, path, ()), folder / "ami/rttm" / f"{path.stem}.rttm")
        for path in sorted((folder / "ami/audio").glob("*.flac"))
    ]


def read_rttm(text: str) -> Annotation:
    """Speaker turns; lines of other kinds are left out."""
    turns = Annotation()
    for number, line in enumerate(text.splitlines()):
        fields = line.split()
        if fields and fields[0] == "SPEAKER":
            start, length = float(fields[3]), float(fields[4])
            turns[Segment(start, start + length), number] = fields[7]
    return turns


def scored_part(path: pathlib.Path, audio_s: float) -> Timeline:
    """What of a recording is annotated: its UEM, else all of it."""
    uem = path.parent.parent / "uem" / f"{path.stem}.uem"
    if not uem.exists():
        return Timeline([Segment(0, audio_s)])
    rows = (line.split() for line in uem.read_text().splitlines() if line.strip())
    return Timeline([Segment(float(row[2]), float(row[3])) for row in rows])


def score(path: pathlib.Path, reply: dict) -> Scored:
    """Compares the turns found in a recording with its reference."""
    reference = read_rttm(path.read_text())
    found = read_rttm(reply["rttm"])
    part = scored_part(path, reply["audio_ms"] / 1000)
    exact = DiarizationErrorRate(collar=0)(reference, found, uem=part, detailed=True)
    # pyannote counts the collar's both sides.
    lenient = DiarizationErrorRate(collar=2 * COLLAR_S)(reference, found, uem=part, detailed=True)
    kinds = ("missed detection", "false alarm", "confusion")
    return Scored(
        error_s=sum(exact[kind] for kind in kinds),
        total_s=exact["total"],
        error_collar_s=sum(lenient[kind] for kind in kinds),
        total_collar_s=lenient["total"],
        missed_s=exact["missed detection"],
        false_s=exact["false alarm"],
        confused_s=exact["confusion"],
        jaccard=JaccardErrorRate()(reference, found, uem=part),
        count_right=len(reference.labels()) == reply["speakers"],
        audio_s=reply["audio_ms"] / 1000,
        cpu_s=reply["cpu_ms"] / 1000,
    )


def diarize(recordings: Sequence[data.Recording]) -> list[dict]:
    """What the product finds, one reply a recording."""
    library = data.cache() / "sdk/lib/libonnxruntime.so"
    command = [str(PROGRAM), str(data.cache() / "models"), str(library), str(THREADS)]
    paths = "".join(f"{data.as_wav(recording)}\n" for recording in recordings)
    done = subprocess.run(command, input=paths, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def rate(scores: Sequence[Scored]) -> float:
    """Diarization error rate in percent, collar 0."""
    return 100 * sum(s.error_s for s in scores) / sum(s.total_s for s in scores)


def collar_rate(scores: Sequence[Scored]) -> float:
    """Diarization error rate in percent, with the collar."""
    return 100 * sum(s.error_collar_s for s in scores) / sum(s.total_collar_s for s in scores)


def with_interval(
    name: str, figure: Callable[[Sequence[Scored]], float], scores: list[Scored]
) -> dict[str, float]:
    """{name, name_low, name_high}."""
    order = random.Random(SEED)
    drawn = sorted(figure(order.choices(scores, k=len(scores))) for _ in range(ROUNDS))
    low, high = drawn[int(0.025 * ROUNDS)], drawn[int(0.975 * ROUNDS)]
    values = (figure(scores), low, high)
    return {
        name + end: round(v, 2) for end, v in zip(("", "_low", "_high"), values, strict=True)
    }


def measure(name: str, folder: pathlib.Path) -> dict:
    """One row of the report."""
    pairs = references(folder, name)
    replies = diarize([recording for recording, _ in pairs])
    scores = [score(path, reply) for (_, path), reply in zip(pairs, replies, strict=True)]
    total = sum(s.total_s for s in scores)
    audio_s = sum(s.audio_s for s in scores)
    parts = {
        "missed": sum(s.missed_s for s in scores),
        "false": sum(s.false_s for s in scores),
        "confused": sum(s.confused_s for s in scores),
    }
    return {
        "set": name,
        "recordings": len(scores),
        "audio_s": round(audio_s, 1),
        **with_interval("der_collar", collar_rate, scores),
        **with_interval("der", rate, scores),
        **{kind: round(100 * seconds / total, 2) for kind, seconds in parts.items()},
        "jer": round(100 * sum(s.jaccard for s in scores) / len(scores), 2),
        "counts_right": sum(s.count_right for s in scores),
        "cpu_per_audio_s": round(sum(s.cpu_s for s in scores) / audio_s, 4),
    }


def main() -> int:
    """Measures the sets, adds the rows to the history and writes the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.eval.diarization")
    parser.add_argument("--set", action="append", choices=("meetings", "ami"))
    arguments = parser.parse_args()
    folder = data.folder()
    if folder is None:
        print("eval: no data: set EVAL_DATA, or put shared/data beside the checkout")
        return 6
    if not PROGRAM.exists():
        print("eval: no program: run make eval")
        return 6
    warnings.filterwarnings("ignore", category=UserWarning, module="pyannote")
    for name in arguments.set or ("meetings", "ami"):
        row = measure(name, folder) | report.provenance()
        report.append(row, report.DIARIZATION)
        print(report.line(row), flush=True)
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
