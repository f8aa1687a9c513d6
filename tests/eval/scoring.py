"""Word error rate, its paired bootstrap, and the error of word times.

Word error rate: jiwer's alignment over texts brought to one form by the English normaliser of the
Whisper paper (appendix C; package whisper-normalizer), other languages by its basic one. The figure
of a set is the errors of all its recordings over all their words.

Paired bootstrap (Bisani & Ney, ICASSP 2004): pieces of the reference are drawn again, the same ones
for both systems; the interval is that of the difference of the two rates.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

import jiwer
import numpy as np
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

RESAMPLES = 5000
SEED = 7
TOLERANCE_MS = 200


@dataclasses.dataclass(frozen=True)
class Errors:
    """Counts of an alignment against `words` words of reference."""

    words: int
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def count(self) -> int:
        """All errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Word error rate in percent."""
        return 100.0 * self.count / max(self.words, 1)


@dataclasses.dataclass(frozen=True)
class Word:
    """A recognised word with its times."""

    start_ms: int
    end_ms: int
    text: str


@functools.cache
def normalizer(language: str) -> Callable[[str], str]:
    """Brings a text to the form that is scored."""
    return EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()


def errors_by_utterance(utterances: Sequence[str], said: str, language: str) -> list[Errors]:
    """Aligns the whole transcript with the whole reference, errors given to their utterance.

    An insertion belongs to the utterance of the reference word before it. An utterance that
    normalises to nothing has no entry's worth of words, only insertions.
    """
    clean = normalizer(language)
    references = [clean(text).split() for text in utterances]
    owner = [index for index, words in enumerate(references) for _ in words]
    hypothesis = clean(said)
    kinds = np.zeros((len(references), 3), int)
    if not owner:
        kinds[0, 2] = len(hypothesis.split())
    else:
        flat = " ".join(" ".join(words) for words in references if words)
        alignment = jiwer.process_words(flat, hypothesis).alignments[0]
        for chunk in alignment:
            if chunk.type == "insert":
                place = owner[max(chunk.ref_start_idx - 1, 0)]
                kinds[place, 2] += chunk.hyp_end_idx - chunk.hyp_start_idx
            elif chunk.type != "equal":
                column = 0 if chunk.type == "substitute" else 1
                for word in range(chunk.ref_start_idx, chunk.ref_end_idx):
                    kinds[owner[word], column] += 1
    counts = [(len(words), *map(int, row)) for words, row in zip(references, kinds, strict=True)]
    return [Errors(*count) for count in counts]


def total(errors: Sequence[Errors]) -> Errors:
    """The sum of counts."""
    return Errors(*(int(n) for n in np.sum([dataclasses.astuple(e) for e in errors], axis=0)))


def character_error_rate(reference: str, said: str, language: str) -> float:
    """Character error rate in percent, of the same normalised texts."""
    clean = normalizer(language)
    return 100.0 * jiwer.cer(clean(reference), clean(said))


def bootstrap(ours: Sequence[Errors], peers: Sequence[Errors] | None) -> tuple[float, float]:
    """The 95 % interval of our rate, or of the difference (ours − peer's), in percent points."""
    words = np.array([e.words for e in ours], float)
    errors = np.array([e.count for e in ours], float)
    if peers is not None:
        if [e.words for e in peers] != [e.words for e in ours]:
            raise ValueError("the two systems were not scored on the same references")
        errors -= np.array([e.count for e in peers], float)
    draws = np.random.default_rng(SEED).integers(0, len(words), (RESAMPLES, len(words)))
    rates = 100.0 * errors[draws].sum(axis=1) / np.maximum(words[draws].sum(axis=1), 1)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


@dataclasses.dataclass(frozen=True)
class TimeErrors:
    """How well word times fall: of `matched` right words, those inside their utterance ± .2 s."""

    matched: int
    inside: int
    outside_ms: int  # summed distance of the middles of the others from their utterance
    # How far the first word's start and the last word's end are from the bounds of their
    # utterance, where those words were recognised rightly.
    edges_ms: tuple[int, ...] = ()

    @property
    def share(self) -> float:
        """Share inside, in percent."""
        return 100.0 * self.inside / max(self.matched, 1)


def time_errors(utterances: Sequence[tuple[int, int, str]], words: Sequence[Word]) -> TimeErrors:
    """Compares the times of rightly recognised words with the bounds of their utterances.

    utterances are (start_ms, end_ms, text). The words are aligned by their text alone, so a word at
    a wrong time still counts as right, and is outside.
    """
    clean = normalizer("en")
    reference = [(w, i) for i, (_, _, text) in enumerate(utterances) for w in clean(text).split()]
    said = [(w, word) for word in words for w in clean(word.text).split()]
    if not reference or not said:
        return TimeErrors(0, 0, 0)
    flat = " ".join(w for w, _ in reference), " ".join(w for w, _ in said)
    matched = inside = outside_ms = 0
    edges: list[int] = []
    for chunk in jiwer.process_words(*flat).alignments[0]:
        if chunk.type != "equal":
            continue
        for offset in range(chunk.ref_end_idx - chunk.ref_start_idx):
            at = chunk.ref_start_idx + offset
            start, end, _ = utterances[reference[at][1]]
            word = said[chunk.hyp_start_idx + offset][1]
            low, high = start - TOLERANCE_MS, end + TOLERANCE_MS
            matched += 1
            if at == 0 or reference[at - 1][1] != reference[at][1]:
                edges.append(abs(word.start_ms - start))
            if at + 1 == len(reference) or reference[at + 1][1] != reference[at][1]:
                edges.append(abs(word.end_ms - end))
            if low <= word.start_ms and word.end_ms <= high:
                inside += 1
            else:
                middle = (word.start_ms + word.end_ms) // 2
                outside_ms += max(start - middle, middle - end, 0)
    return TimeErrors(matched, inside, outside_ms, tuple(edges))
