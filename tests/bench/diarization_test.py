"""Both sides of the diarization benchmark hear the same; their turns are joined by one rule."""

from __future__ import annotations

import pathlib

from tests.bench import diarization, pairs, report, sherpa_diarizer
from tests.eval import data

SOUND = data.ROOT / "samples/demo/inaugural.wav"


def rttm(*turns: tuple[float, float, int]) -> str:
    return sherpa_diarizer.rttm("a", list(turns))


def test_one_voice_is_heard_by_both_sides() -> None:
    recording = data.Recording("smoke", "inaugural", SOUND, ())
    row = diarization.measure_set(diarization.Size("smoke", (recording,), 1))
    assert row["speakers"] == row["peer_speakers"] == [1]
    assert row["ratio"]["pairs"] == 1 and row["ratio"]["median"] > 0
    assert row["cpu_per_audio_s"] > 0 and row["peer_cpu_per_audio_s"] > 0
    assert "der" not in row  # the recording has no reference


def test_pauses_are_joined_where_nobody_else_speaks() -> None:
    found = diarization.joined(rttm((0, 1, 0), (1.9, 2.5, 0), (3, 3.5, 1), (3.4, 4, 0)))
    assert found == rttm((0, 2.5, 0), (3, 3.5, 1), (3.4, 4, 0))
    assert diarization.joined(rttm((0, 1, 0), (2.1, 3, 0))) == rttm((0, 1, 0), (2.1, 3, 0))


def test_short_turns_are_left_out_after_joining() -> None:
    assert diarization.joined(rttm((0, 1, 0), (5, 5.1, 1))) == rttm((0, 1, 0))
    assert diarization.joined(rttm((0, 0.1, 0), (0.3, 0.5, 0))) == rttm((0, 0.5, 0))
    assert diarization.joined("") == ""


def test_a_pair_is_one_recording_through_both() -> None:
    ours = tuple({"wall_s": 1.0, "cpu_ms": 2_000, "audio_ms": 10_000} for _ in range(6))
    peer = tuple({"wall_s": float(n), "cpu_ms": 8_000, "audio_ms": 10_000} for n in range(4, 10))
    size = diarization.Size("meetings", tuple([_nothing()] * 3), 5)
    row = diarization.row_of(size, pairs.Pairs(ours, peer))
    assert row["ratio"] == {"median": 6.5, "low": 4, "high": 9, "pairs": 6}
    assert row["cpu_ratio"]["median"] == 4
    assert row["audio_s"] == 30 and row["speed"] == 10


def test_more_errors_than_the_peer_are_said() -> None:
    row = {"der": 8.0, "peer_der": 11.0, "der_collar": 5.0, "peer_der_collar": 7.0}
    assert report.error_verdict(row) == "holds"
    assert report.error_verdict(row | {"peer_der": 7.9}) == "**missed**"
    assert report.aim_of({"bench": "diarization", "peer": diarization.NAME}) == 6


def _nothing() -> data.Recording:
    return data.Recording("meetings", "none", pathlib.Path("none.wav"), ())
