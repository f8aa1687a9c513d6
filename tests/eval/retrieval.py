"""`make eval`, second part: retrieval quality on QMSum through our own index and searcher.

    python -m tests.eval.retrieval [--split val] [--windows turns|segments] [--limit N]

Writes docs/quality.md and docs/quality/retrieval.jsonl. Documents are consecutive windows of eight
turns, "speaker: content" joined, as in the published baselines; with --windows segments they are
what the product indexes: pieces of a turn of at most 40 words. A document is relevant to a query
when it shares a turn with one of the query's gold spans. Intervals are 95 % bootstrap over queries.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.eval import data, report

TURNS_PER_WINDOW = 8
WORDS_PER_SEGMENT = 40
DEPTH = 10
BOOTSTRAP_ROUNDS = 2000
MODES = ("lexical", "semantic", "hybrid")
PROGRAM = data.ROOT / "build/release/retrieval_tool"


@dataclass(frozen=True)
class Document:
    """One indexed text and the turns that it holds, [first, last]."""

    text: str
    first: int
    last: int


@dataclass(frozen=True)
class Query:
    """A query of one meeting and the documents that answer it."""

    text: str
    meeting: int
    relevant: frozenset[int]


def meetings(folder: pathlib.Path, split: str) -> list[dict]:
    """The meetings of a split."""
    with gzip.open(folder / "qmsum" / f"{split}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def turn_windows(turns: list[dict]) -> list[Document]:
    """Windows of eight turns."""
    documents = []
    for first in range(0, len(turns), TURNS_PER_WINDOW):
        window = turns[first : first + TURNS_PER_WINDOW]
        text = " ".join(f"{turn['speaker']}: {turn['content']}" for turn in window)
        documents.append(Document(text, first, first + len(window) - 1))
    return documents


def segments(turns: list[dict]) -> list[Document]:
    """Pieces of turns, as the product cuts recordings."""
    documents = []
    for number, turn in enumerate(turns):
        words = turn["content"].split()
        for first in range(0, len(words), WORDS_PER_SEGMENT):
            piece = " ".join(words[first : first + WORDS_PER_SEGMENT])
            documents.append(Document(piece, number, number))
    return documents


def queries_of(number: int, meeting: dict, documents: list[Document]) -> Iterator[Query]:
    """The specific queries of a meeting that have an answer."""
    for query in meeting["specific_query_list"]:
        spans = [(int(a), int(b)) for a, b in query["relevant_text_span"]]
        relevant = frozenset(
            place
            for place, document in enumerate(documents)
            if any(document.first <= b and a <= document.last for a, b in spans)
        )
        if relevant:
            yield Query(query["query"], number, relevant)


def ndcg(ranking: list[tuple[int, int]], query: Query) -> float:
    """Binary nDCG at DEPTH; the ideal ranking has as many relevant documents as there are."""
    gain = sum(
        1 / math.log2(rank + 2)
        for rank, (meeting, place) in enumerate(ranking[:DEPTH])
        if meeting == query.meeting and place in query.relevant
    )
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(DEPTH, len(query.relevant))))
    return gain / ideal


def reciprocal_rank(ranking: list[tuple[int, int]], query: Query) -> float:
    """1 / rank of the first relevant document within DEPTH, else 0."""
    for rank, (meeting, place) in enumerate(ranking[:DEPTH]):
        if meeting == query.meeting and place in query.relevant:
            return 1 / (rank + 1)
    return 0.0


def mean(values: list[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def interval(values: list[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean."""
    generator = random.Random(1)
    means = sorted(mean(generator.choices(values, k=len(values))) for _ in range(BOOTSTRAP_ROUNDS))
    return means[int(0.025 * BOOTSTRAP_ROUNDS)], means[int(0.975 * BOOTSTRAP_ROUNDS) - 1]


CUTS = {"turns": turn_windows, "segments": segments}


class Tool:
    """The running retrieval_tool."""

    def __init__(self, folder: str) -> None:
        cache = data.cache()
        library = cache / "sdk/lib/libonnxruntime.so"
        self.process = subprocess.Popen(
            [str(PROGRAM), folder, str(cache / "models"), str(library)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **line: object) -> dict:
        """Sends one line and reads the answer."""
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("retrieval_tool ended")
        return json.loads(answer)

    def close(self) -> None:
        """Ends the tool."""
        self.process.stdin.close()
        self.process.wait()


def build(
    tool: Tool, split: list[dict], cut: Callable[[list[dict]], list[Document]], embed: str
) -> list[Query]:
    """Indexes a split; gives its queries."""
    queries = []
    for number, meeting in enumerate(split, start=1):
        documents = cut(meeting["meeting_transcripts"])
        texts = [document.text for document in documents]
        tool.ask(op="recording", video=number, title="", language="en", texts=texts, embed=embed)
        queries.extend(queries_of(number, meeting, documents))
    tool.ask(op="commit")
    return queries


def measure(tool: Tool, queries: list[Query], mode: str, in_meeting: bool) -> dict:
    """The figures of one mode in one scope."""
    rankings = []
    for query in queries:
        video = query.meeting if in_meeting else None
        answer = tool.ask(
            op="search", query=query.text, mode=mode, video=video, limit=DEPTH, spacing=0
        )
        if answer["degraded"]:
            raise RuntimeError("a leg did not run")
        rankings.append([(hit[0], hit[1]) for hit in answer["hits"]])
    scores = [ndcg(r, q) for r, q in zip(rankings, queries, strict=True)]
    firsts = [reciprocal_rank(r, q) for r, q in zip(rankings, queries, strict=True)]
    low, high = interval(scores)
    return {
        "mode": mode,
        "scope": "in the meeting" if in_meeting else "all meetings",
        "queries": len(queries),
        "ndcg": round(mean(scores), 3),
        "ndcg_low": round(low, 3),
        "ndcg_high": round(high, 3),
        "mrr": round(mean(firsts), 3),
        "hit": round(mean([float(first > 0) for first in firsts]), 3),
    }


def main() -> int:
    """Measures every mode in both scopes, adds the rows to the history and writes the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.eval.retrieval")
    parser.add_argument("--split", default="val")
    parser.add_argument("--windows", choices=CUTS, action="append")
    parser.add_argument("--embed", choices=("alone", "context"), default="alone")
    parser.add_argument("--limit", type=int, default=None, help="meetings")
    arguments = parser.parse_args()
    folder = data.folder()
    if folder is None:
        print("retrieval: no data: set EVAL_DATA, or put shared/data beside the checkout")
        return 6
    split = meetings(folder, arguments.split)[: arguments.limit]
    for windows in arguments.windows or CUTS:
        about = {"windows": windows, "split": arguments.split, "meetings": len(split)}
        with tempfile.TemporaryDirectory() as scratch:
            tool = Tool(scratch)
            queries = build(tool, split, CUTS[windows], arguments.embed)
            for mode in MODES:
                for in_meeting in (True, False):
                    row = about | measure(tool, queries, mode, in_meeting)
                    print(report.line(row), flush=True)
                    report.append(row | report.provenance(), report.RETRIEVAL)
            tool.close()
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
