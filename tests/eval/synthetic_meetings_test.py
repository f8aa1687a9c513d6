"""Conversations are made as their plan says, and what is said of their turns is so."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from tests.eval import many_voices, synthetic_meetings, voice_clips
from tests.eval.synthetic_meetings import Plan, Turn, make

RATE = synthetic_meetings.RATE


def tone(hertz: float, *pieces: tuple[float, float]) -> np.ndarray:
    """A clip of six seconds in which the pieces sound."""
    at = np.arange(6 * RATE) / RATE
    sounds = np.sum([(at >= start) & (at < end) for start, end in pieces], axis=0)
    return (0.3 * np.sin(2 * np.pi * hertz * at) * sounds).astype(np.float32)


@pytest.fixture(scope="module")
def clips() -> voice_clips.Clips:
    return {name: [tone(hertz, (0.5, 3), (3.7, 5.5))] for name, hertz in
            (("a", 200), ("b", 450), ("c", 1000), ("d", 3000))}


def test_phrases_end_at_pauses() -> None:
    assert voice_clips.phrases(tone(300, (1, 2), (2.2, 3), (4, 4.5))) == [(1, 3), (4, 4.5)]
    assert voice_clips.phrases(np.zeros(0, np.float32)) == []


def test_what_somebody_says_alone() -> None:
    rttm = "".join(
        f"SPEAKER x 1 {start} {length} <NA> <NA> {name} <NA> <NA>\n"
        for name, start, length in (("a", 0, 5), ("b", 4, 3), ("c", 4.5, 0.5), ("b", 9, 0.5))
    )
    assert voice_clips.alone(rttm) == [("a", 0, 4), ("b", 5, 7)]


def test_a_recording_is_as_its_plan_says(clips: voice_clips.Clips) -> None:
    made = make(Plan("one", 4, 3, 7), clips)
    assert len(made.samples) == 4 * 60 * RATE
    assert len({turn.voice for turn in made.turns}) == 3
    assert {turn.length for turn in made.turns} == {"< 1 s", "1–3 s", "> 3 s"}
    assert {turn.level for turn in made.turns} == set(synthetic_meetings.LEVELS)
    again = make(Plan("one", 4, 3, 7), clips)
    assert again.rttm == made.rttm and np.array_equal(again.samples, made.samples)
    assert make(Plan("one", 4, 3, 8), clips).rttm != made.rttm


def test_speech_is_where_the_reference_says(clips: voice_clips.Clips) -> None:
    """Loud turns that nobody overlaps are heard from their first to their last moment."""
    made = make(Plan("one", 4, 4, 7), clips)
    voice_at = np.zeros(len(made.samples) // 160, int)
    for start, end, _ in many_voices.read_rttm(made.rttm):
        voice_at[round(start * 100) : round(end * 100)] += 1
    power = (made.samples.reshape(-1, 160).astype(float) ** 2).mean(axis=1)
    for turn in made.turns:
        start, end = (round(edge * 100) for edge in turn.spoken[0])
        if turn.level == "normal" and voice_at[start:end].max() == 1 and end - start > 10:
            assert np.median(power[start + 2 : end - 2]) > 10 ** (-4)
    assert np.median(power[voice_at == 0]) < 10 ** (-3.5)


def test_nobody_speaks_over_themselves(clips: voice_clips.Clips) -> None:
    made = make(Plan("one", 6, 2, 9), clips)
    ends: dict[str, float] = {}
    for turn in made.turns:
        assert turn.spoken[0][0] > ends.get(turn.voice, 0)
        ends[turn.voice] = turn.spoken[-1][1]


def test_the_fate_of_turns() -> None:
    turns = [
        Turn("a", ((0, 2), (3, 4)), "> 3 s", "normal"),
        Turn("b", ((5, 5.5),), "< 1 s", "quiet"),
        Turn("c", ((6, 7),), "< 1 s", "quiet"),
    ]
    found = [(0.0, 1.0, "s0"), (1.0, 2.5, "s1"), (5.0, 7.0, "s1"), (6.0, 6.5, "s2")]
    voices = {"s0": "a", "s1": "b", "s2": "c"}
    parts = many_voices.fates(turns, found, voices, lambda turn: turn.length)
    assert parts["> 3 s"] == many_voices.Fate(1, 1, 1, 1)
    assert parts["< 1 s"] == many_voices.Fate(2, 1, 0.5, 0)
    both = many_voices.together([parts, parts], ["< 1 s", "> 3 s"])
    assert both["< 1 s"] == {"turns": 4, "right": 66.7, "other": 33.3, "missed": 0.0}
    # The twin: with two speakers taken for one another nothing is right.
    wrong = many_voices.fates(turns, found, {"s0": "b", "s1": "a"}, lambda turn: turn.level)
    assert wrong["quiet"].right_s == 0


def test_another_package_is_refused(tmp_path: pathlib.Path) -> None:
    package = tmp_path / "prompts.deb"
    package.write_bytes(b"other voices")
    with pytest.raises(ValueError, match="wrong hash"):
        voice_clips.check(package, voice_clips.PROMPTS["fr"])
    assert not package.exists()
