"""Segments of real speech in any number, and queries with a known answer.

The texts are the English transcripts of the evaluation data (changelog, QMSum, FOMC), cut into
pieces of 40 words as the product cuts a long turn. Where that is not enough the same texts are cut
again, each time beginning five words later: other segments, the same language statistics.
"""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
import pathlib
import random
import re
from collections import Counter
from collections.abc import Iterator

WORDS_PER_SEGMENT = 40
SHIFT_WORDS = 5
PASSES_MAX = WORDS_PER_SEGMENT // SHIFT_WORDS
QUERY_WORDS = (2, 3, 4, 5)
COMMON_WORDS = 150  # the corpus's most frequent words stand in no query
SEED = 20260101


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Recordings as lists of segments; `source[i]` is the transcript that recording i is of."""

    recordings: tuple[tuple[str, ...], ...]
    source: tuple[int, ...]

    @property
    def segments(self) -> int:
        """How many there are."""
        return sum(map(len, self.recordings))


@dataclasses.dataclass(frozen=True)
class Query:
    """Words of one segment, and the transcript that it is from."""

    text: str
    source: int


def transcripts(folder: pathlib.Path) -> Iterator[list[str]]:
    """The words of every English transcript, in a fixed order."""
    for episode in _lines(folder / "changelog/episodes.jsonl.gz"):
        yield _words(turn["text"] for turn in episode["turns"])
    for split in ("train", "val"):
        for meeting in _lines(folder / f"qmsum/{split}.jsonl.gz"):
            yield _words(turn["content"] for turn in meeting["meeting_transcripts"])
    for conference in _lines(folder / "fomc/press_conferences.jsonl.gz"):
        yield _words(sentence["text"] for sentence in conference["sentences"])


def build(folder: pathlib.Path, segments: int) -> Corpus:
    """At least one transcript, at most `segments` segments; fewer when the texts do not suffice."""
    texts = [words for words in transcripts(folder) if words]
    recordings: list[tuple[str, ...]] = []
    source: list[int] = []
    left = segments
    for shift, number in itertools.product(range(PASSES_MAX), range(len(texts))):
        if left <= 0:
            break
        words = texts[number][shift * SHIFT_WORDS :]
        starts = range(0, len(words), WORDS_PER_SEGMENT)[:left]
        pieces = tuple(" ".join(words[at : at + WORDS_PER_SEGMENT]) for at in starts)
        if pieces:
            recordings.append(pieces)
            source.append(number)
            left -= len(pieces)
    return Corpus(tuple(recordings), tuple(source))


def queries(corpus: Corpus, count: int) -> list[Query]:
    """`count` queries of two to five of the less common words of one segment each."""
    chance = random.Random(SEED)
    seen = Counter(
        word for segments in corpus.recordings for text in segments for word in _plain(text)
    )
    common = {word for word, _ in seen.most_common(COMMON_WORDS)}
    made: list[Query] = []
    while len(made) < count:
        number = chance.randrange(len(corpus.recordings))
        text = chance.choice(corpus.recordings[number])
        words = sorted({word for word in _plain(text) if word not in common})
        wanted = chance.choice(QUERY_WORDS)
        if len(words) >= wanted:
            made.append(Query(" ".join(chance.sample(words, wanted)), corpus.source[number]))
    return made


def _plain(text: str) -> list[str]:
    return re.findall(r"[a-z]{3,}", text.lower())


def _words(texts: Iterator[str]) -> list[str]:
    return [word for text in texts for word in text.split()]


def _lines(path: pathlib.Path) -> Iterator[dict]:
    with gzip.open(path, "rt") as lines:
        yield from map(json.loads, lines)
