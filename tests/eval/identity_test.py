"""The scoring of identities, on pairs and links that can be counted by hand."""

from __future__ import annotations

import pytest

from tests.eval import identity
from tests.eval.identity import Pair


def pairs(same: list[float], different: list[float]) -> list[Pair]:
    """Pairs with these scores."""
    return [Pair(("a", "a"), score) for score in same] + [
        Pair(("a", "b"), score) for score in different
    ]


def test_rates_are_counted_at_the_threshold() -> None:
    some = pairs([0.4, 0.5, 0.6, 0.7], [0.1, 0.2, 0.5, 0.3, 0.0])
    assert identity.rates_at(some, 0.5) == pytest.approx((20.0, 25.0))
    assert identity.rates_at(some, 0.8) == pytest.approx((0.0, 100.0))


def test_the_equal_error_rate_is_where_both_kinds_meet() -> None:
    assert identity.equal_error(pairs([0.8, 0.9], [0.1, 0.2])) == pytest.approx(0.0)
    mixed = pairs([0.1, 0.6, 0.7, 0.8], [0.0, 0.2, 0.3, 0.65])
    assert identity.equal_error(mixed) == pytest.approx(25.0)
    assert identity.equal_error(pairs([0.1, 0.2], [0.8, 0.9])) == pytest.approx(100.0)


def test_one_alone_speaks_where_no_other_does() -> None:
    turns = [(0.0, 10.0, "a"), (4.0, 6.0, "b"), (12.0, 13.0, "b")]
    assert list(identity.alone(turns)) == [
        (0.0, 4.0, "a"),
        (6.0, 10.0, "a"),
        (12.0, 13.0, "b"),
    ]


def test_links_are_counted_over_recordings() -> None:
    speakers = [
        ("one", "ada", "p1"),
        ("one", "bob", "p2"),
        ("two", "ada", "p1"),  # right
        ("two", "bob", None),  # missed
        ("three", "eve", "p2"),  # wrong: Bob's
    ]
    assert identity.counted(speakers) == {
        "recordings": 3,
        "voices": 5,
        "linked_right": 1,
        "linked_wrong": 1,
        "missed": 1,
        "unknown": 1,
    }
