"""The long recording's checks see what they are there for."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests.chaos import long_audio

HOLDS = {
    "status": "succeeded",
    "kills": 3,
    "batches_redone": 6,
    "finished_batches_redone": 0,
    "words": 1000,
    "words_equal": 1000,
    "peak_mb": {"engine": 100},
}


def test_words_are_compared_piece_by_piece() -> None:
    alone = {0: [(5, "a"), (9, "b")], 1: [(3, "c")]}
    placed = [(0, 0, 100), (1, 100, 150), (0, 150, 250)]
    whole = [(5, "a"), (9, "b"), (103, "c"), (155, "a"), (159, "b")]
    assert long_audio.compare(placed, whole, alone) == (5, 5)
    assert long_audio.compare(placed, whole[1:], alone) == (4, 5)
    more = [(4, "new"), *whole]
    assert long_audio.compare(placed, more, alone) == (5, 6)


def test_a_batch_begun_again_is_counted(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "work.log"
    ranges = [(0, 10), (10, 20), (10, 20), (20, 30), (10, 20)]
    lines = [
        json.dumps({"message": "batch started", "start_ms": a, "end_ms": b}) for a, b in ranges
    ]
    log.write_text("\n".join(["not JSON", '{"message": "else"}', *lines]) + "\n")
    assert long_audio.batches_started(log) == ranges
    assert long_audio.redone(ranges) == 2


@pytest.mark.parametrize(
    "planted",
    [
        {"status": "failed"},
        {"kills": 2},
        {"batches_redone": 7},
        {"finished_batches_redone": 1},
        {"words": 0, "words_equal": 0},
        {"words_equal": 998},
        {"peak_mb": {"engine": long_audio.CEILING_MB + 1}},
        {"peak_mb": {}},
    ],
)
def test_what_does_not_hold_is_said(planted: dict) -> None:
    assert long_audio.verdict(HOLDS) == []
    assert long_audio.verdict(HOLDS | planted)
