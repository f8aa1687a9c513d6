"""Words: our lexical leg beside SQLite FTS5 and beside Xapian used directly.

All three index the same segments and answer the same queries in one process, one thread: any of the
words may match, ranked by BM25, the best ten. Ours is everything from the query's text to ranked
segments: parsing, analysis, the plan, the match, a reader of a committed state. Xapian directly is
its TermGenerator and QueryParser over a database of its own, FTS5 has Porter stemming and is
optimised after the build. Beside it the whole lexical search: passages, neighbours' scores,
highlights and the stored segments, which neither peer does. Quality: queries are words of one
segment, and a hit is a segment of the transcript that it is from.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import tempfile
from typing import Any

from tests.bench import corpus, pairs
from tests.bench.tool import Tool

SIDES = ("ours", "xapian", "fts5")
COMPARED = (("ours", "fts5"), ("ours", "xapian"), ("whole", "fts5"))
WARM_UP_QUERIES = 50


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is measured: segments, queries a run, pairs."""

    segments: int
    queries: int
    pairs: int


def measure(data_folder: pathlib.Path, size: Size) -> list[dict[str, Any]]:
    """One row a compared pair of sides."""
    texts = corpus.build(data_folder, size.segments)
    queries = corpus.queries(texts, size.queries)
    with tempfile.TemporaryDirectory() as folder:
        recordings = pathlib.Path(folder) / "recordings.jsonl"
        recordings.write_text("".join(json.dumps(r) + "\n" for r in texts.recordings))
        with Tool(pathlib.Path(folder)) as tool:
            built = {
                side: tool.ask(op="build", side=side, recordings=str(recordings))["took_s"]
                for side in SIDES
            }
            return _compare(tool, texts, queries, (size, built))


def _compare(
    tool: Tool,
    texts: corpus.Corpus,
    queries: list[corpus.Query],
    settings: tuple[Size, dict[str, float]],
) -> list[dict[str, Any]]:
    size, built = settings
    words = [query.text for query in queries]
    answers: dict[str, list[list[list[int]]]] = {}

    def run(side: str) -> pairs.Sample:
        answer = tool.ask(op="search", side=side, queries=words)
        answers[side] = answer["hits"]
        return pairs.latencies(answer["took_us"])

    rows = []
    for ours, peer in COMPARED:
        for side in (ours, peer):
            tool.ask(op="search", side=side, queries=words[:WARM_UP_QUERIES])
        measured = pairs.interleave(size.pairs, lambda o=ours: run(o), lambda p=peer: run(p))
        row: dict[str, Any] = {"bench": "lexical", "ours": ours, "peer": peer}
        row |= {"segments": texts.segments, "queries": len(queries)}
        row |= {"ratio": dataclasses.asdict(measured.times("mean_ms"))}
        for name in ("mean_ms", "p50_ms", "p99_ms"):
            row[name] = round(measured.ours_median(name), 3)
            row[f"peer_{name}"] = round(measured.peer_median(name), 3)
        row["hit_at_10"] = _hit_rate(answers[ours], queries, texts)
        row["peer_hit_at_10"] = _hit_rate(answers[peer], queries, texts)
        if ours in built:
            row |= {"build_s": round(built[ours], 1), "peer_build_s": round(built[peer], 1)}
        rows.append(row)
    return rows


def _hit_rate(
    answers: list[list[list[int]]], queries: list[corpus.Query], texts: corpus.Corpus
) -> float:
    found = sum(
        any(texts.source[recording] == query.source for recording, _ in hits)
        for hits, query in zip(answers, queries, strict=True)
    )
    return round(found / len(queries), 4)
