"""What becomes of each turn of a recording whose turns are known, by its length and its level.

Speakers found are matched to voices one to one, as the diarization error rate does it. Of a turn's
time: *right*, its own voice is found there; *other*, somebody else alone; *missed*, nobody.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tests.eval.synthetic_meetings import Turn

FRAMES_S = 100
Found = Sequence[tuple[float, float, str]]  # start_s, end_s, speaker


@dataclasses.dataclass(frozen=True)
class Fate:
    """Seconds of the turns of one kind, and how many they are."""

    turns: int
    right_s: float
    other_s: float
    missed_s: float

    def shares(self) -> dict[str, float]:
        """In percent of their time."""
        total = max(self.right_s + self.other_s + self.missed_s, 1e-9)
        parts = {"right": self.right_s, "other": self.other_s, "missed": self.missed_s}
        return {"turns": self.turns} | {k: round(100 * v / total, 1) for k, v in parts.items()}


def read_rttm(text: str) -> list[tuple[float, float, str]]:
    """Turns of an RTTM."""
    lines = [line.split() for line in text.splitlines() if line.startswith("SPEAKER")]
    return [(float(f[3]), float(f[3]) + float(f[4]), f[7]) for f in lines]


def fates(
    turns: Sequence[Turn], found: Found, voice_of: Mapping[str, str], kind: Callable[[Turn], str]
) -> dict[str, Fate]:
    """The fate of the turns of every kind; `voice_of` a speaker found."""
    last = max([end for _, end, _ in found] + [t.spoken[-1][1] for t in turns])
    anybody = np.zeros(round(last * FRAMES_S) + 2, bool)
    by_voice: dict[str, np.ndarray] = {}
    for start, end, speaker in found:
        frames = slice(round(start * FRAMES_S), round(end * FRAMES_S))
        anybody[frames] = True
        if speaker in voice_of:
            own = by_voice.setdefault(voice_of[speaker], np.zeros(len(anybody), bool))
            own[frames] = True
    nobody = np.zeros(len(anybody), bool)
    sums: dict[str, np.ndarray] = {}
    for turn in turns:
        own = by_voice.get(turn.voice, nobody)
        counts = np.zeros(4)
        for start, end in turn.spoken:
            frames = slice(round(start * FRAMES_S), round(end * FRAMES_S))
            right, heard = own[frames], anybody[frames]
            counts[1:] += (right.sum(), (heard & ~right).sum(), (~heard).sum())
        counts[1:] /= FRAMES_S
        counts[0] = 1
        sums[kind(turn)] = sums.get(kind(turn), np.zeros(4)) + counts
    return {name: Fate(int(s[0]), *map(float, s[1:])) for name, s in sums.items()}


def together(parts: Sequence[Mapping[str, Fate]], kinds: Sequence[str]) -> dict[str, dict]:
    """The shares over several recordings."""
    result = {}
    for kind in kinds:
        every = [part[kind] for part in parts if kind in part]
        sums = [sum(getattr(fate, f.name) for fate in every) for f in dataclasses.fields(Fate)]
        result[kind] = Fate(*sums).shares()
    return result
