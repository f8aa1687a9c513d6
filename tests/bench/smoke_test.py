"""Every benchmark runs, small: no figure is looked at, only that both sides did the same work.

The whole pipeline is left out but for the peer's Python half: whisper.cpp takes minutes to build.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.bench import corpus, glued, lexical, pipeline, queue, report, vectors, web
from tests.eval import data


def own_documents(folder: pathlib.Path) -> Iterator[list[str]]:
    """The words of the project's documents: texts that are always there."""
    for path in sorted(folder.glob("docs/**/*.md")):
        yield path.read_text().split()


def test_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "transcripts", own_documents)
    rows = lexical.measure(data.ROOT, lexical.Size(segments=1_000, queries=20, pairs=1))
    assert [(row["ours"], row["peer"]) for row in rows] == list(lexical.COMPARED)
    for row in rows:
        assert row["segments"] == 1_000
        assert row["hit_at_10"] > 0.8 and row["peer_hit_at_10"] > 0.8


def test_vectors() -> None:
    [row] = vectors.measure(vectors.Size(rows=2_000, queries=10, pairs=1))
    assert row["same_of_10"] > 9


def test_queue() -> None:
    single, batched, pickup = queue.measure(queue.Size(queue.SMALL, rate=200, pickups=40, pairs=1))
    assert [row["what"] for row in (single, batched)] == ["single", "batched"]
    for row in (single, batched):
        assert row["jobs_s"] > 0 and row["peer_jobs_s"] > 0
    assert pickup["jobs"] == 40
    assert report.pickup_verdict({"p95_ms": 11.0}).endswith("**missed**"), "the negative twin"


def test_http() -> None:
    rows = web.measure(web.Size(connections=4, seconds=1, pairs=1))
    assert [row["bench"] for row in rows] == ["http"] * 4 + ["framework"]
    for row in rows[:3]:
        assert row["bytes"] == row["peer_bytes"], row
    assert rows[0]["bytes"] == web.ASSET_BYTES


def test_the_glued_peer_finds_what_was_said(tmp_path: pathlib.Path) -> None:
    said = ["the launch was moved to march", "rigor mortis and marks of violence", "good morning"]
    segments = [(0, i * 1000, (i + 1) * 1000, text) for i, text in enumerate(said)]
    done = glued.embed_and_index(segments, ["when do we launch", "a dead body"], tmp_path)
    assert [hits[0] for hits in done.answer["hits"]] == [0, 1]
    stored = np.fromfile(tmp_path / "segments.sqlite.f32", np.float32).reshape(len(said), -1)
    assert np.allclose(np.linalg.norm(stored, axis=1), 1, atol=1e-3)


def test_queries_are_words_of_their_place() -> None:
    spoken = (
        data.Utterance(0, 4_000, "several different wonderful animals appeared"),
        data.Utterance(5_000, 6_000, "too short"),
    )
    recording = data.Recording("a set", "one", pathlib.Path("one.wav"), spoken)
    [query] = pipeline.queries_of([recording])
    assert set(query.text.split()) <= set(spoken[0].text.split())
    assert query.is_at(0, 3_000, 5_000)
    assert not query.is_at(1, 3_000, 5_000)
    assert not query.is_at(0, 6_100, 9_000)


def test_stages_that_overlap_count_once() -> None:
    assert pipeline.covered([]) == 0
    assert pipeline.covered([(0, 2), (1, 3), (5, 6)]) == 4


def test_the_corpus_is_cut_again_where_texts_do_not_suffice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = [f"word{n}" for n in range(80)]
    monkeypatch.setattr(corpus, "transcripts", lambda folder: iter([words, [], words[:45]]))
    built: Any = corpus.build(pathlib.Path(), 5)
    assert built.segments == 5
    assert built.source == (0, 1, 0)
    assert built.recordings[0][0].split()[0] == "word0"
    assert built.recordings[2][0].split()[0] == f"word{corpus.SHIFT_WORDS}"
