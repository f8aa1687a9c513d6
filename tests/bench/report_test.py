"""The performance page says what the runs say."""

from __future__ import annotations

import pathlib

import pytest

from tests.bench import report

FACTS = {
    "date": "2026-01-01 12:00",
    "commit": "0123456789ab",
    "cores": 2,
    "processor": "a processor",
    "load": 0.1,
}


def ratio_of(median: float, pairs: int = 5) -> dict[str, float]:
    return {"median": median, "low": median - 0.1, "high": median + 0.1, "pairs": pairs}


HTTP = FACTS | {
    "bench": "http",
    "what": "cached GET",
    "ours": "asset",
    "peer": "nginx, static file",
    "ratio": ratio_of(0.9),
    "cpu_ratio": ratio_of(0.8),
    **{name: 1.5 for name in ("rps", "p99_ms", "cpu_us", "bytes")},
    **{f"peer_{name}": 2.5 for name in ("rps", "p99_ms", "cpu_us", "bytes")},
}
SHARE = FACTS | {
    "bench": "framework",
    "share": {"median": 0.08, "low": 0.07, "high": 0.2, "pairs": 5},
    "cpu_us": 8.0,
    "search_cpu_us": 100.0,
}
SCAN = FACTS | {
    "bench": "vectors",
    "ours": "exact int8 scan",
    "peer": "numpy float32",
    "rows": 500_000,
    "dimension": 384,
    "ratio": ratio_of(4.0),
    "same_of_10": 9.9,
    **{name: 7.0 for name in ("mean_ms", "p50_ms", "p99_ms")},
    **{f"peer_{name}": 28.0 for name in ("mean_ms", "p50_ms", "p99_ms")},
}


def page(tmp_path: pathlib.Path, *rows: report.Row) -> str:
    history, out = tmp_path / "runs.jsonl", tmp_path / "performance.md"
    for row in rows:
        report.append(row, history)
    report.write(history, out)
    return out.read_text()


def test_the_newest_row_of_a_comparison_is_shown(tmp_path: pathlib.Path) -> None:
    text = page(tmp_path, HTTP | {"ratio": ratio_of(77.0)}, HTTP, SHARE, SCAN)
    assert "77.00" not in text
    assert "| 0.90× (0.80–1.00, 5 pairs) | ≥ 0.80: holds |" in text
    assert "8.0 % (7.0–20.0); ≤ 10 %: holds" in text
    assert "14.0; ≤ 15: holds" in text  # 7 ms for half a million
    assert "too few" not in text


def test_other_sizes_stand_beside_one_another(tmp_path: pathlib.Path) -> None:
    text = page(tmp_path, SCAN, SCAN | {"rows": 1_000})
    assert "| 500000 |" in text and "| 1000 |" in text


@pytest.mark.parametrize(
    "row",
    [
        HTTP | {"ratio": ratio_of(0.79)},
        SHARE | {"share": {"median": 0.11, "low": 0.1, "high": 0.2, "pairs": 5}},
        SCAN | {"p50_ms": 7.6},
    ],
)
def test_a_missed_aim_is_said(tmp_path: pathlib.Path, row: report.Row) -> None:
    text = page(tmp_path, row)
    assert text.count("**missed**") == 1 and "holds |" not in text


def test_few_pairs_are_said_to_be_few(tmp_path: pathlib.Path) -> None:
    assert "*too few to quote*" in page(tmp_path, HTTP | {"ratio": ratio_of(0.9, pairs=4)})


def test_every_aim_is_found_by_its_row() -> None:
    assert report.aim_of({"bench": "pipeline", "set": "meetings"}) == 3.0
    assert report.aim_of({"bench": "lexical", "ours": "ours", "peer": "xapian"}) == 1 / 1.1
    assert report.aim_of({"bench": "lexical", "ours": "ours", "peer": "fts5"}) is None
    assert report.aim_of(HTTP) == 0.8


def test_the_ratio_from_file_to_words_has_its_verdict() -> None:
    fast = {"words_ratio": {"median": 4.1, "low": 4.0, "high": 4.2, "pairs": 5}}
    assert report.words_verdict(fast) == "4.10× (4.00–4.20, 5 pairs); ≥ 4: holds"
    slow = {"words_ratio": fast["words_ratio"] | {"median": 3.9}}
    assert report.words_verdict(slow).endswith("**missed**")
    assert report.words_verdict({}) == "–"
