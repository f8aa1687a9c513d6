"""The statistics say what the samples say."""

from __future__ import annotations

import pytest

from tests.bench import pairs


def test_sides_run_in_turns() -> None:
    order: list[str] = []

    def side(name: str) -> pairs.Sample:
        order.append(name)
        return {"s": float(len(order))}

    measured = pairs.interleave(3, lambda: side("A"), lambda: side("B"))
    assert order == ["A", "B"] * 3
    assert [s["s"] for s in measured.ours] == [1, 3, 5]
    assert [s["s"] for s in measured.peer] == [2, 4, 6]


def test_the_median_is_of_the_ratios_not_the_ratio_of_medians() -> None:
    # A slow spell hits the second pair: both sides alike.
    measured = pairs.Pairs(
        ours=({"s": 1.0}, {"s": 10.0}, {"s": 2.0}), peer=({"s": 4.0}, {"s": 30.0}, {"s": 4.0})
    )
    got = measured.times("s")
    assert (got.median, got.low, got.high, got.pairs) == (3.0, 2.0, 4.0, 3)
    assert measured.peer_median("s") / measured.ours_median("s") == 2.0  # what it is not


def test_above_one_is_better_for_us_in_both_kinds() -> None:
    measured = pairs.Pairs(({"s": 1.0, "rps": 100.0},), ({"s": 2.0, "rps": 50.0},))
    assert measured.times("s").median == 2.0
    assert measured.rates("rps").median == 2.0


def test_few_pairs_are_not_quotable() -> None:
    assert not pairs.ratio([1.0] * 4, [1.0] * 4).is_quotable
    assert pairs.ratio([1.0] * 5, [1.0] * 5).is_quotable


@pytest.mark.parametrize(
    ("above", "below"), [([1.0], [1.0, 2.0]), ([], []), ([1.0], [0.0]), ([1.0, 1.0], [1.0, -1.0])]
)
def test_sides_that_do_not_compare_are_refused(above: list[float], below: list[float]) -> None:
    with pytest.raises(ValueError):
        pairs.ratio(above, below)


def test_no_pair_is_no_ratio() -> None:
    with pytest.raises(ValueError):
        pairs.interleave(0, dict, dict)


def test_percentiles_are_nearest_ranks() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert pairs.percentile(values, 0.5) == 50
    assert pairs.percentile(values, 0.99) == 99
    assert pairs.percentile(values, 1) == 100
    assert pairs.percentile([7.0], 0.01) == 7
    with pytest.raises(ValueError):
        pairs.percentile([], 0.5)
    got = pairs.latencies([1000.0, 2000.0, 9000.0])
    assert got == {"mean_ms": 4.0, "p50_ms": 2.0, "p99_ms": 9.0}
