"""Interleaved pairs: the statistics of every figure of the benchmarks.

The two sides run in turns, A B A B, so that what slows the machine down for a while slows both.
A pair is one run of each; its ratio is peer over ours for times and ours over peer for rates, so
that above 1 is always better for us. A figure is the median of the pair ratios with their range:
the whole range, not an interval, because five pairs carry none.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence

PAIRS_MIN = 5  # of a figure that may be quoted
Sample = Mapping[str, float]  # what one run of one side measured: name → value


@dataclasses.dataclass(frozen=True)
class Ratio:
    """The median of the pair ratios and their range; `pairs` of them."""

    median: float
    low: float
    high: float
    pairs: int

    @property
    def is_quotable(self) -> bool:
        """Whether enough pairs stand behind it."""
        return self.pairs >= PAIRS_MIN


@dataclasses.dataclass(frozen=True)
class Pairs:
    """The samples of both sides, pair by pair."""

    ours: tuple[Sample, ...]
    peer: tuple[Sample, ...]

    def times(self, name: str, peer_name: str = "") -> Ratio:
        """How many times less we took: peer over ours."""
        return ratio(self._column(self.peer, peer_name or name), self._column(self.ours, name))

    def rates(self, name: str, peer_name: str = "") -> Ratio:
        """How many times more we did: ours over peer."""
        return ratio(self._column(self.ours, name), self._column(self.peer, peer_name or name))

    def ours_median(self, name: str) -> float:
        """The median of our own values."""
        return statistics.median(self._column(self.ours, name))

    def peer_median(self, name: str) -> float:
        """The median of the peer's values."""
        return statistics.median(self._column(self.peer, name))

    @staticmethod
    def _column(samples: Sequence[Sample], name: str) -> list[float]:
        return [sample[name] for sample in samples]


def interleave(count: int, ours: Callable[[], Sample], peer: Callable[[], Sample]) -> Pairs:
    """Runs both sides `count` times in turns, ours first."""
    if count < 1:
        raise ValueError("a ratio needs at least one pair")
    mine, theirs = [], []
    for _ in range(count):
        mine.append(ours())
        theirs.append(peer())
    return Pairs(tuple(mine), tuple(theirs))


def ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Pair ratios above / below: their median and range."""
    if len(above) != len(below) or not above:
        raise ValueError("the two sides have not the same number of runs")
    if min(below) <= 0:
        raise ValueError("a side measured nothing")
    each = [a / b for a, b in zip(above, below, strict=True)]
    return Ratio(statistics.median(each), min(each), max(each), len(each))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all are not above (nearest rank)."""
    if not values or not 0 < share <= 1:
        raise ValueError("a percentile needs values and a share in (0, 1]")
    ordered = sorted(values)
    rank = -(-share * len(ordered) // 1)  # rounded up
    return ordered[max(int(rank), 1) - 1]


def latencies(values_us: Sequence[float]) -> dict[str, float]:
    """Mean, median and 99th percentile of one run's calls, in milliseconds."""
    return {
        "mean_ms": statistics.fmean(values_us) / 1000,
        "p50_ms": percentile(values_us, 0.5) / 1000,
        "p99_ms": percentile(values_us, 0.99) / 1000,
    }
