"""Word error rate, its paired bootstrap, and the error of word times.

Word error rate: jiwer's, over texts brought to one form by the English normaliser of the Whisper
paper (appendix C; package whisper-normalizer), other languages by its basic one. A set's figure is
errors over words of all its recordings together.

Paired bootstrap (Bisani & Ney 2004): the recordings' utterances are drawn again 2,000 times, the
same ones for both systems; the interval is that of the difference of the two rates.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Callable, Sequence

import jiwer
import numpy as np
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

RESAMPLES = 2000
SEED = 7
INSIDE_TOLERANCE_MS = 200


@dataclasses.dataclass(frozen=True)
class Errors:
    """Counts of one alignment."""

    words: int
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def count(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Word error rate in percent."""
        return 100.0 * self.count / self.words if self.words else 0.0

    def __add__(self, other: Errors) -> Errors:
        return Errors(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other))))


@functools.cache
def normalizer(language: str) -> Callable[[str], str]:
    """Brings a text to the form that is scored."""
    return EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
