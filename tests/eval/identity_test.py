"""The figures about identity, from voices whose likeness is known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.eval import identity
from tests.eval.identity import Clip, Heard

A, B, C = np.eye(3)


def towards(one: np.ndarray, other: np.ndarray, cosine: float) -> np.ndarray:
    """A voice of that likeness to `one`, the rest towards `other`."""
    return cosine * one + np.sqrt(1 - cosine**2) * other


def heard(recording: str, person: str, voice: np.ndarray, speech_s: float = 10) -> Heard:
    return Heard(recording, person, speech_s, voice)


def test_equal_error_of_what_is_apart_and_of_what_is_not() -> None:
    assert identity.equal_error(np.array([0.7, 0.8]), np.array([0.1, 0.2])) == 0
    assert identity.equal_error(np.array([0.1, 0.2]), np.array([0.1, 0.2])) == 50


def test_pairs_are_of_other_takes_and_count_by_the_threshold() -> None:
    def clip(person: str, take: str, seconds: int, voice: np.ndarray) -> Clip:
        return Clip(person, take, seconds, tuple(voice))

    clips = [clip("a", "s one", 2, A), clip("a", "s one", 10, A), clip("a", "s two", 10, A)]
    clips += [clip("a", "t one", 10, A), clip("b", "s three", 10, B), Clip("a", "s four", 2)]
    row = identity.pair_row(clips, 2)
    assert (row["clips"], row["unheard"], row["same"], row["other"]) == (2, 1, 1, 1)
    assert (row["far"], row["frr"], row["eer"]) == (0, 0, 0)
    alike = identity.pair_row([*clips, clip("b", "s four", 10, towards(A, B, 0.6))], 2)
    assert alike["far"] == 50


def test_a_voice_is_given_by_threshold_margin_and_speech() -> None:
    known = {"a": A, "b": B}
    assert identity.decide(heard("x", "a", towards(A, C, 0.6)), known) == "a"
    assert identity.decide(heard("x", "a", towards(A, C, 0.49)), known) == ""
    assert identity.decide(heard("x", "a", towards(A, B, 0.72)), known) == ""  # too near to b
    assert identity.decide(heard("x", "a", A, speech_s=2.9), known) == ""
    assert identity.decide(heard("x", "a", A), {}) == ""


@pytest.mark.parametrize(("voice", "kind"), [(A, "right"), (B, "wrong"), (C, "missed")])
def test_recordings_are_compared_with_all_others(voice: np.ndarray, kind: str) -> None:
    found = [heard("one", "a", A), heard("one", "b", B), heard("two", "a", voice)]
    counts = identity.recording_row(found)
    assert counts[kind] >= 1
    assert counts["speakers"] == 3 and counts["recordings"] == 2


def test_a_speaker_is_whoever_has_most_of_the_time() -> None:
    wanted = [(0.0, 4.0, "a"), (4.0, 6.0, "b")]
    assert identity.whose([(0, 5)], wanted) == "a"
    assert identity.whose([(3.5, 20)], wanted) == ""
