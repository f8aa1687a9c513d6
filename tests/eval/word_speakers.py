"""Words and who said them: rules that give a word to a speaker, and what such words are worth.

cpWER (Watanabe et al. 2020, CHiME-6): everything that one speaker says is one text; speakers found
are matched with those of the reference so that there are the fewest word errors, and what is left
over counts. WDER (El Shafey, Soltau and Shafran 2019, Interspeech): of the words that an alignment
of the two whole texts puts on a word of the reference, right or wrong, the share that has another
speaker; speakers are matched so that it is smallest.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Sequence

import jiwer
import numpy as np

from tests.eval.scoring import Word, normalizer

NOBODY = ""
FAR_MS = 1 << 40


@dataclasses.dataclass(frozen=True)
class Turn:
    """One stretch of one speaker."""

    start_ms: int
    end_ms: int
    speaker: str


@dataclasses.dataclass(frozen=True)
class Spoken:
    """A text and who says it."""

    speaker: str
    text: str


Rule = Callable[[Sequence[Word], Sequence[Turn]], list[str]]


def by_overlap(reach_ms: int) -> Rule:
    """As src/transcript/word_speakers.cpp: who has most of the word's time.

    Among equals the one of the word before, then the one whose turn began last. A word outside all
    turns is of the nearest one within reach, else nobody's.
    """

    def shared(word: Word, turn: Turn) -> int:
        return min(word.end_ms, turn.end_ms) - max(word.start_ms, turn.start_ms)

    return lambda words, turns: _assign(words, turns, shared, reach_ms)


def by_middle(reach_ms: int) -> Rule:
    """Who speaks at the word's middle; the nearest one within reach, else nobody."""

    def shared(word: Word, turn: Turn) -> int:
        middle = (word.start_ms + word.end_ms) // 2
        return min(0, min(middle - turn.start_ms, turn.end_ms - middle))

    return lambda words, turns: _assign(words, turns, shared, reach_ms)


def _assign(
    words: Sequence[Word],
    turns: Sequence[Turn],
    shared: Callable[[Word, Turn], int],
    reach_ms: int,
) -> list[str]:
    speakers, before = [], NOBODY
    for word in words:
        claims: dict[str, tuple[int, int]] = {}
        for turn in turns:
            overlap, known = shared(word, turn), claims.get(turn.speaker)
            if known is None or (known[0] <= 0 and overlap > known[0]):
                claims[turn.speaker] = (overlap, turn.start_ms)
            elif known[0] > 0 and overlap > 0:
                claims[turn.speaker] = (known[0] + overlap, known[1])
        ranked = [(o, name == before, began, name) for name, (o, began) in claims.items()]
        best = max(ranked, default=(-FAR_MS, False, 0, NOBODY))
        before = best[3] if best[0] >= -reach_ms else NOBODY
        speakers.append(before)
    return speakers


@dataclasses.dataclass(frozen=True)
class Rates:
    """Counts over the words of a reference."""

    words: int
    errors: int  # of cpWER
    aligned: int
    wrong: int  # of the aligned ones, those that have another speaker

    def __add__(self, other: Rates) -> Rates:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Rates(*(a + b for a, b in pairs))

    @property
    def cpwer(self) -> float:
        """In percent."""
        return 100 * self.errors / max(self.words, 1)

    @property
    def wder(self) -> float:
        """In percent."""
        return 100 * self.wrong / max(self.aligned, 1)


def rates(reference: Sequence[Spoken], found: Sequence[Spoken], language: str = "en") -> Rates:
    """Both in the order in which it was said."""
    errors, words = concatenated_errors(reference, found, language)
    aligned, wrong = wrong_speakers(reference, found, language)
    return Rates(words, errors, aligned, wrong)


def concatenated_errors(
    reference: Sequence[Spoken], found: Sequence[Spoken], language: str
) -> tuple[int, int]:
    """Errors of cpWER and words of the reference."""
    clean = normalizer(language)

    def texts(spoken: Sequence[Spoken]) -> list[list[str]]:
        by_speaker: dict[str, list[str]] = {}
        for one in spoken:
            by_speaker.setdefault(one.speaker, []).append(one.text)
        return [clean(" ".join(parts)).split() for parts in by_speaker.values()]

    ours, theirs = texts(reference), texts(found)
    size = max(len(ours), len(theirs))
    ours += [[]] * (size - len(ours))
    theirs += [[]] * (size - len(theirs))
    costs = [[_errors(a, b) for b in theirs] for a in ours]
    return round(least(costs)), sum(map(len, ours))


def _errors(reference: list[str], found: list[str]) -> int:
    if not reference or not found:
        return len(reference) + len(found)
    done = jiwer.process_words(" ".join(reference), " ".join(found))
    return done.substitutions + done.deletions + done.insertions


def least(costs: Sequence[Sequence[float]]) -> float:
    """The least sum of a square matrix with one taken from each row and column.

    By the set of columns that are taken: for a dozen speakers, not for hundreds.
    """
    best = {0: 0.0}
    for row in costs:
        following: dict[int, float] = {}
        for taken, cost in best.items():
            for column, own in enumerate(row):
                bit = 1 << column
                if not taken & bit and cost + own < following.get(taken | bit, float("inf")):
                    following[taken | bit] = cost + own
        best = following
    return min(best.values())


def wrong_speakers(
    reference: Sequence[Spoken], found: Sequence[Spoken], language: str
) -> tuple[int, int]:
    """Aligned words, and those of them that another speaker says."""
    clean = normalizer(language)
    ours = [(word, one.speaker) for one in reference for word in clean(one.text).split()]
    theirs = [(word, one.speaker) for one in found for word in clean(one.text).split()]
    if not ours or not theirs:
        return 0, 0
    flat = (" ".join(word for word, _ in side) for side in (ours, theirs))
    together: collections.Counter[tuple[str, str]] = collections.Counter()
    for chunk in jiwer.process_words(*flat).alignments[0]:
        if chunk.type in ("equal", "substitute"):
            for at in range(chunk.ref_end_idx - chunk.ref_start_idx):
                one, other = ours[chunk.ref_start_idx + at], theirs[chunk.hyp_start_idx + at]
                together[one[1], other[1]] += 1
    names = sorted({a for a, _ in together}), sorted({b for _, b in together} - {NOBODY})
    size = max(map(len, names), default=0)
    costs = np.zeros((size, size))
    for (one, other), count in together.items():
        if other != NOBODY:  # nobody's word is wrong whoever is matched
            costs[names[0].index(one), names[1].index(other)] = -count
    right = -least(costs.tolist()) if size else 0
    aligned = sum(together.values())
    return aligned, aligned - round(right)
