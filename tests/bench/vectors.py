"""Vectors: our exact scan beside numpy's float32 matrix product, two threads each.

The same made vectors for both: unit vectors around random centres, as embeddings of a few topics
lie. Ours keeps int8 and goes through a reader of the index, best ten with their segments; numpy
keeps float32, multiplies the whole matrix by the query and takes the best ten. Quality: how many of
numpy's exact ten ours has.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import tempfile
import time
from typing import Any

import numpy as np

from tests.bench import pairs
from tests.bench.tool import Tool

DIMENSION = 384
VECTORS_PER_RECORDING = 100_000  # as search_bench lays them out
CENTRES = 1_000
SPREAD = 0.7  # length of the random part beside a centre of length 1
CHUNK_ROWS = 50_000
HITS = 10
SEED = 20260102
THREADS = 2


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is measured: rows, queries a run, pairs."""

    rows: int
    queries: int
    pairs: int


def measure(size: Size) -> list[dict[str, Any]]:
    """One row."""
    random = np.random.default_rng(SEED)
    centres = _unit(random.standard_normal((CENTRES, DIMENSION), np.float32))
    matrix = np.empty((size.rows, DIMENSION), np.float32)
    for first in range(0, size.rows, CHUNK_ROWS):
        matrix[first : first + CHUNK_ROWS] = _around(
            centres, random, min(CHUNK_ROWS, size.rows - first)
        )
    queries = _around(centres, random, size.queries)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "vectors.f32"
        matrix.tofile(file)
        with Tool(pathlib.Path(folder)) as tool:
            tool.ask(op="build_vectors", file=str(file), rows=size.rows)
            file.unlink()
            return [_compare(tool, matrix, queries, size)]


def _compare(tool: Tool, matrix: np.ndarray, queries: np.ndarray, size: Size) -> dict[str, Any]:
    found: dict[str, list[set[int]]] = {}

    def ours() -> pairs.Sample:
        answer = tool.ask(op="nearest", queries=queries.tolist())
        found["ours"] = [
            {recording * VECTORS_PER_RECORDING + place for recording, place in hits}
            for hits in answer["hits"]
        ]
        return pairs.latencies(answer["took_us"])

    def numpy() -> pairs.Sample:
        took_us, found["numpy"] = [], []
        for query in queries:
            begin = time.perf_counter()
            scores = matrix @ query
            best = np.argpartition(scores, -HITS)[-HITS:]
            best = best[np.argsort(-scores[best])]
            took_us.append((time.perf_counter() - begin) * 1e6)
            found["numpy"].append(set(best.tolist()))
        return pairs.latencies(took_us)

    ours(), numpy()  # once unmeasured: pages and caches
    measured = pairs.interleave(size.pairs, ours, numpy)
    same = [len(a & b) / HITS for a, b in zip(found["ours"], found["numpy"], strict=True)]
    row: dict[str, Any] = {"bench": "vectors", "ours": "exact int8 scan", "peer": "numpy float32"}
    row |= {"rows": size.rows, "dimension": DIMENSION, "queries": size.queries, "threads": THREADS}
    row |= {"ratio": dataclasses.asdict(measured.times("mean_ms"))}
    for name in ("mean_ms", "p50_ms", "p99_ms"):
        row[name] = round(measured.ours_median(name), 3)
        row[f"peer_{name}"] = round(measured.peer_median(name), 3)
    return row | {"same_of_10": round(float(np.mean(same)) * HITS, 2), "cores": os.cpu_count()}


def _around(centres: np.ndarray, random: np.random.Generator, count: int) -> np.ndarray:
    noise = _unit(random.standard_normal((count, DIMENSION), np.float32)) * SPREAD
    return _unit(centres[random.integers(0, len(centres), count)] + noise)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
