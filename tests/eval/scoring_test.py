"""The scorer, on texts whose errors can be counted by hand."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from tests.eval import scoring
from tests.eval.data import Recording, Utterance, right_languages
from tests.eval.scoring import Errors, Word


def test_errors_are_counted_where_they_are() -> None:
    said = "Mr. Smith has twenty-five very big dogs"
    found = scoring.errors_by_utterance(["mister smith had 25", "big cats run"], said, "en")
    assert found == [
        Errors(4, substitutions=1, insertions=1),
        Errors(3, substitutions=1, deletions=1),
    ]
    assert scoring.total(found) == Errors(7, 2, 1, 1)
    assert scoring.total(found).rate == pytest.approx(100 * 4 / 7)


def test_nothing_said_is_all_deletions_and_words_in_silence_are_insertions() -> None:
    assert scoring.errors_by_utterance(["two words"], "", "en") == [Errors(2, deletions=2)]
    assert scoring.errors_by_utterance([""], "thank you", "en") == [Errors(0, insertions=2)]


def test_other_languages_keep_their_letters() -> None:
    assert scoring.errors_by_utterance(["eaux et forêts"], "Eaux et forêts.", "fr")[0].count == 0
    assert scoring.errors_by_utterance(["eaux et forêts"], "eaux et foret", "fr")[0].count == 1


def test_the_bootstrap_is_paired() -> None:
    random = np.random.default_rng(1)
    peers = [Errors(10, int(n)) for n in random.integers(0, 9, 200)]
    same = scoring.bootstrap(peers, peers)
    assert same == (0.0, 0.0)
    worse = [Errors(10, e.substitutions + 1) for e in peers]
    assert scoring.bootstrap(worse, peers) == pytest.approx((10.0, 10.0))
    low, high = scoring.bootstrap(peers, None)
    assert low < scoring.total(peers).rate < high


def test_systems_scored_on_different_references_are_refused() -> None:
    with pytest.raises(ValueError, match="same references"):
        scoring.bootstrap([Errors(3)], [Errors(4)])


def test_words_outside_their_utterance_are_seen() -> None:
    utterances = [(0, 1000, "good morning"), (2000, 3000, "all of you")]
    words = [
        Word(0, 400, "Good"),
        Word(400, 1150, "morning,"),
        Word(1500, 1700, "all"),  # 300 ms before its utterance, and more than the tolerance
        Word(2100, 2200, "of"),
        Word(2500, 2800, "them"),  # a wrong word has no right time
    ]
    found = scoring.time_errors(utterances, words)
    assert (found.matched, found.inside, found.outside_ms) == (4, 3, 400)
    # Starts of "Good" and "all", end of "morning"; what was heard as "them" has no edge.
    assert found.edges_ms == (0, 150, 500)
    later = [Word(word.start_ms + 70, word.end_ms + 70, word.text) for word in words]
    assert scoring.time_errors(utterances, later).edges_ms == (70, 220, 430)


def test_a_sentence_in_another_language_is_seen() -> None:
    said = (Utterance(0, 1000, "en"), Utterance(2000, 3000, "fr"), Utterance(4000, 5000, "es"))
    recording = Recording("switched", "switched", pathlib.Path("none.wav"), said, "")
    heard = [(100, 900, "en"), (2000, 2300, "en"), (2300, 3000, "fr"), (4000, 5000, "es")]
    assert right_languages(recording, heard) == 3
    assert right_languages(recording, [(0, 3000, "en"), (4000, 5000, "es")]) == 2
    assert right_languages(recording, []) == 0
