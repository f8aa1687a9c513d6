"""`make eval`, third part: who speaks when, on recordings whose turns are known.

    python -m tests.eval.diarization [--set meetings|ami|synthetic] | --score SET

Writes docs/quality.md and docs/quality/diarization.jsonl; --score only prints the figures of the
replies that it reads, one a line, for tests/bench. Scored by pyannote.metrics, overlapped
speech included: diarization error rate with a collar of 0 and of .25 s to each side of a reference
boundary, Jaccard error rate, how often the number of speakers is right. Intervals are 95 %
bootstrap over recordings: with four or ten of them they are wide, and say so.

*synthetic*: hours of many voices, made here (tests/eval/synthetic_meetings.py), with what becomes
of turns by their length and level.

Runs in the environment of tools/requirements-eval.txt, which the tests do not need.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import operator
import pathlib
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence

from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

from tests.eval import data, many_voices, report, synthetic_meetings, voice_clips
from tests.eval.voices_tool import PROGRAM, ask

ROUNDS = 2_000
SEED = 7
COLLAR_S = 0.25
SETS = ("meetings", "ami")
SYNTHETIC = "synthetic"


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
    part = scored_part(path, reply["audio_ms"] / 1000)
    return compare(read_rttm(path.read_text()), part, reply)


def compare(reference: Annotation, part: Timeline, reply: dict) -> Scored:
    """The same with a reference that was read."""
    found = read_rttm(reply["rttm"])
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
    return ask([str(data.as_wav(recording)) for recording in recordings])


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
    return figures(name, [path for _, path in pairs], replies)


def figures(name: str, paths: Sequence[pathlib.Path], replies: Sequence[dict]) -> dict:
    """The figures of replies about recordings whose references these are."""
    scores = [score(path, reply) for path, reply in zip(paths, replies, strict=True)]
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


def measure_synthetic(folder: pathlib.Path) -> Iterator[dict]:
    """A row a recording, and one of what became of all their turns."""
    clips = voice_clips.voices(folder)
    by_length, by_level = [], []
    for plan in synthetic_meetings.PLANS:
        made = synthetic_meetings.make(plan, clips)
        with tempfile.TemporaryDirectory() as scratch:
            [reply] = ask([str(data.write_audio(pathlib.Path(scratch) / "made.wav", made.samples))])
        reference, found = read_rttm(made.rttm), read_rttm(reply["rttm"])
        audio_s = reply["audio_ms"] / 1000
        scored = compare(reference, Timeline([Segment(0, audio_s)]), reply)
        mapping = DiarizationErrorRate().optimal_mapping(reference, found)
        turns = many_voices.read_rttm(reply["rttm"])
        for kinds, kind in ((by_length, "length"), (by_level, "level")):
            kinds.append(many_voices.fates(made.turns, turns, mapping, operator.attrgetter(kind)))
        yield {
            "recording": plan.name,
            "turns": len(made.turns),
            "voices": len(reference.labels()),
            "speakers": reply["speakers"],
            "der_collar": round(collar_rate([scored]), 2),
            "der": round(rate([scored]), 2),
            "missed": round(100 * scored.missed_s / scored.total_s, 2),
            "false": round(100 * scored.false_s / scored.total_s, 2),
            "confused": round(100 * scored.confused_s / scored.total_s, 2),
            "jer": round(100 * scored.jaccard, 2),
            "audio_s": round(audio_s, 1),
            "cpu_per_audio_s": round(scored.cpu_s / audio_s, 4),
        }
    yield {
        "recording": report.FATES,
        "by_length": many_voices.together(by_length, tuple(synthetic_meetings.LENGTHS)),
        "by_level": many_voices.together(by_level, tuple(synthetic_meetings.LEVELS)),
    }


def main() -> int:
    """Measures the sets, adds the rows to the history and writes the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.eval.diarization")
    parser.add_argument("--set", action="append", choices=(*SETS, SYNTHETIC))
    parser.add_argument("--score", choices=SETS, help="score the replies of the standard input")
    arguments = parser.parse_args()
    folder = data.folder()
    if folder is None:
        print("eval: no data: set EVAL_DATA, or put shared/data beside the checkout")
        return 6
    warnings.filterwarnings("ignore", category=UserWarning, module="pyannote")
    if arguments.score:
        paths = [path for _, path in references(folder, arguments.score)]
        print(json.dumps(figures(arguments.score, paths, [json.loads(line) for line in sys.stdin])))
        return 0
    if not PROGRAM.exists():
        print("eval: no program: run make eval")
        return 6
    for name in arguments.set or (*SETS, SYNTHETIC):
        rows = measure_synthetic(folder) if name == SYNTHETIC else [measure(name, folder)]
        history = report.SYNTHETIC if name == SYNTHETIC else report.DIARIZATION
        for row in rows:
            row |= report.provenance()
            report.append(row, history)
            print(report.line(row), flush=True)
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
