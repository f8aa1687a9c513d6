"""Writes docs/performance.md from the history of runs, docs/performance/runs.jsonl.

A row of the history is one comparison in one run; the page shows the newest row of each.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

from tests.bench import diarization, glued, pairs
from tests.eval import data
from tests.eval.report import table

HISTORY = data.ROOT / "docs/performance/runs.jsonl"
PAGE = data.ROOT / "docs/performance.md"
Row = dict[str, Any]
# What identifies a comparison from run to run.
KEYS = ("bench", "what", "set", "model", "ours", "peer", "segments", "rows")
# Median ratio to reach, by bench and comparison (docs/performance.md says against whom).
AIMS: dict[tuple[str, ...], float] = {
    ("pipeline",): 3.0,
    ("diarization",): 6.0,
    ("http", "cached GET"): 0.8,
    ("http", "revalidation"): 0.8,
    ("http", "search reply, prepared"): 1.5,
    ("http", "search reply, searched"): 1.5,
    ("lexical", "ours", "xapian"): 1 / 1.1,
}
WORDS_RATIO_MIN = 4.0  # decoding and recognition, over whisper.cpp with the same weights
FRAMEWORK_SHARE_MAX = 0.10
SCAN_MS_MAX_PER_MILLION = 15.0
JOBS_S_MIN = {"single": 5_000, "batched": 30_000}
PICKUP_P95_MS_MAX = 10.0


def append(row: Row, history: pathlib.Path | None = None) -> None:
    """Adds a row to the history."""
    path = history or HISTORY
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def newest(history: list[Row]) -> dict[str, list[Row]]:
    """The last row of every comparison, by bench, in the order of their first appearance."""
    last: dict[tuple[Any, ...], Row] = {}
    for row in history:
        key = tuple(row.get(name) for name in KEYS)
        last[key] = row
    benches: dict[str, list[Row]] = {}
    for row in last.values():
        benches.setdefault(row["bench"], []).append(row)
    return benches


def write(history: pathlib.Path | None = None, page: pathlib.Path | None = None) -> None:
    """Writes the page anew."""
    lines = (history or HISTORY).read_text().splitlines()
    benches = newest([json.loads(line) for line in lines])
    parts = [HEAD]
    for bench, (text, tables) in SECTIONS.items():
        if rows := benches.get(bench, []):
            parts.append(text)
            parts += [table(columns, rows) for columns in tables]
    every = [row for rows in benches.values() for row in rows]
    parts += [RESTS_ON, table(ORIGIN_COLUMNS, every)]
    (page or PAGE).write_text("\n\n".join(parts) + "\n")


def ratio(row: Row, name: str = "ratio") -> str:
    """`median× (low–high, n pairs)`; too few pairs are said to be a smoke test."""
    given = pairs.Ratio(**row[name])
    text = f"{given.median:.2f}× ({given.low:.2f}–{given.high:.2f}, {given.pairs} pairs)"
    return text if given.is_quotable else text + " *too few to quote*"


def aim_of(row: Row) -> float | None:
    """The ratio that the design asks for."""
    for key in ((row["bench"], row.get("what", "")), (row["bench"], row.get("ours", ""))):
        for full in (key, (*key, row.get("peer", ""))):
            if full in AIMS:
                return AIMS[full]
    return AIMS.get((row["bench"],))


def verdict(row: Row) -> str:
    """Whether the aim holds."""
    aim = aim_of(row)
    if aim is None:
        return "–"
    return f"≥ {aim:.2f}: {'holds' if row['ratio']['median'] >= aim else '**missed**'}"


def words_verdict(row: Row) -> str:
    """The ratio of decoding and recognition, and whether it is high enough."""
    if "words_ratio" not in row:
        return "–"
    holds = row["words_ratio"]["median"] >= WORDS_RATIO_MIN
    verdict_ = "holds" if holds else "**missed**"
    return f"{ratio(row, 'words_ratio')}; ≥ {WORDS_RATIO_MIN:.0f}: {verdict_}"


def share(row: Row) -> str:
    """The framework's share of a search and its verdict."""
    given = row["share"]
    text = f"{100 * given['median']:.1f} % ({100 * given['low']:.1f}–{100 * given['high']:.1f})"
    holds = given["median"] <= FRAMEWORK_SHARE_MAX
    return f"{text}; ≤ {100 * FRAMEWORK_SHARE_MAX:.0f} %: {'holds' if holds else '**missed**'}"


def scan_verdict(row: Row) -> str:
    """Milliseconds for a million vectors, and whether that is few enough."""
    each = row["p50_ms"] * 1e6 / row["rows"]
    holds = each <= SCAN_MS_MAX_PER_MILLION
    return f"{each:.1f}; ≤ {SCAN_MS_MAX_PER_MILLION:.0f}: {'holds' if holds else '**missed**'}"


def rate_verdict(row: Row) -> str:
    """Whether as many jobs a second were worked off as were aimed at."""
    aim = JOBS_S_MIN[row["what"]]
    return f"≥ {aim}: {'holds' if row['jobs_s'] >= aim else '**missed**'}"


def error_verdict(row: Row) -> str:
    """Whether fewer errors were made than by the peer, with the collar and without."""
    holds = all(row[name] < row[f"peer_{name}"] for name in ("der_collar", "der"))
    return "holds" if holds else "**missed**"


def pickup_verdict(row: Row) -> str:
    """Whether jobs were picked up soon enough."""
    holds = row["p95_ms"] <= PICKUP_P95_MS_MAX
    return f"p95 ≤ {PICKUP_P95_MS_MAX:.0f} ms: {'holds' if holds else '**missed**'}"


def both(name: str) -> Any:
    """A cell with our median and the peer's."""
    return lambda row: f"{row[name]} / {row['peer_' + name]}"


def whole(name: str) -> Any:
    """The same without decimals."""
    return lambda row: f"{row[name]:.0f} / {row['peer_' + name]:.0f}"


def cell(name: str) -> Any:
    """A cell with one value."""
    return lambda row: row[name]


PIPELINE_COLUMNS = {
    "model": cell("model"),
    "set": cell("set"),
    "audio s": cell("audio_s"),
    "file → searchable, ratio": ratio,
    "aim": verdict,
    "CPU, ratio": lambda row: ratio(row, "cpu_ratio"),
    "× real time": both("speed"),
    "peak MB": whole("peak_mb"),
    "WER %": both("wer"),
    "found of queries": lambda row: f"{row['hits']} / {row['peer_hits']} of {row['queries']}",
}
STAGE_COLUMNS = {
    "model": cell("model"),
    "set": cell("set"),
    "file → words, ratio": lambda row: words_verdict(row),
    "decode s": both("decode_s"),
    "recognise s": both("recognise_s"),
    "embed s": both("embed_s"),
    "index s": both("index_s"),
    "whole s": both("whole_s"),
    "peer's loading, left out, s": cell("peer_load_s"),
}
DIARIZATION_COLUMNS = {
    "set": cell("set"),
    "audio s": cell("audio_s"),
    "time, ratio": ratio,
    "aim": verdict,
    "CPU, ratio": lambda row: ratio(row, "cpu_ratio"),
    "× real time": both("speed"),
    "CPU s per audio s": both("cpu_per_audio_s"),
    "peak MB": both("peak_mb"),
    "DER %, collar .25": both("der_collar"),
    "DER %": both("der"),
    "number right": lambda row: f"{both('counts_right')(row)} of {row['recordings']}",
    "lower DER": lambda row: error_verdict(row),
}
LONG_AUDIO_COLUMNS = {
    "recording": cell("set"),
    "model": cell("model"),
    "ended": cell("status"),
    "kills": cell("kills"),
    "batches": cell("batches"),
    "begun again": cell("batches_redone"),
    "kept, begun again": cell("finished_batches_redone"),
    "words": lambda row: f"{row['words_equal']} of {row['words']} the same",
    "engine's peak MB": lambda row: f"{row['peak_mb'].get('engine')} of {row['ceiling_mb']}",
    "× real time": cell("speed"),
    "CPU s per audio s": cell("cpu_per_audio_s"),
}
HTTP_COLUMNS = {
    "what": cell("what"),
    "ours": cell("ours"),
    "peer": cell("peer"),
    "requests/s, ratio": ratio,
    "aim": verdict,
    "CPU a request, ratio": lambda row: ratio(row, "cpu_ratio"),
    "requests/s": both("rps"),
    "p99 ms": both("p99_ms"),
    "CPU µs a request": both("cpu_us"),
    "body bytes": both("bytes"),
}
SHARE_COLUMNS = {
    "framework's share of a search": share,
    "CPU µs without a search": cell("cpu_us"),
    "CPU µs with": cell("search_cpu_us"),
}
LEXICAL_COLUMNS = {
    "segments": cell("segments"),
    "ours": cell("ours"),
    "peer": cell("peer"),
    "mean time, ratio": ratio,
    "aim": verdict,
    "mean ms": both("mean_ms"),
    "p50 ms": both("p50_ms"),
    "p99 ms": both("p99_ms"),
    "hit@10": both("hit_at_10"),
    "build s": lambda row: both("build_s")(row) if "build_s" in row else "–",
}
VECTOR_COLUMNS = {
    "vectors": cell("rows"),
    "dimension": cell("dimension"),
    "mean time, ratio": ratio,
    "p50 ms a million": scan_verdict,
    "mean ms": both("mean_ms"),
    "p99 ms": both("p99_ms"),
    "same of the exact ten": cell("same_of_10"),
}
QUEUE_COLUMNS = {
    "what": cell("what"),
    "peer": cell("peer"),
    "jobs/s, ratio": ratio,
    "server's CPU a job, ratio": lambda row: ratio(row, "cpu_ratio"),
    "jobs/s": whole("jobs_s"),
    "server's CPU ms a job": both("server_cpu_ms"),
    "aim, jobs/s": lambda row: rate_verdict(row),
}
PICKUP_COLUMNS = {
    "jobs/s": cell("rate"),
    "p50 ms": cell("p50_ms"),
    "p95 ms": cell("p95_ms"),
    "p99 ms": cell("p99_ms"),
    "aim": lambda row: pickup_verdict(row),
}
ORIGIN_COLUMNS = {
    "bench": lambda row: " ".join(str(row[k]) for k in KEYS if k in row),
    "measured": cell("date"),
    "commit": lambda row: f"`{row['commit']}`",
    "cores": cell("cores"),
    "processor": cell("processor"),
    "load before": cell("load"),
    "model hash": lambda row: f"`{row['model_hash'][:16]}`" if "model_hash" in row else "–",
}

HEAD = f"""<!-- Generated by tests/bench/report.py: make bench writes it. -->
# Performance

Ratios to named peers, measured by `make bench` in the same run: both sides in turns on the same
machine with the same weights, data and threads. A figure is the median of the pair ratios, with
their range and number in brackets; above 1 is always better for us. Fewer than {pairs.PAIRS_MIN}
pairs are a smoke test, not a figure. Where two values stand together, ours is first, the peer's
second; they are medians of what each side measured and hold for this machine alone."""
PIPELINE = f"""## From file to searchable

Peer: {glued.NAME}, put together as somebody would in an afternoon (`tests/bench/glued_peer`): each
recording by `ffmpeg` to 16 kHz WAV, whisper.cpp's command line with its defaults (beam 5), sentence
embeddings of the same model in batches sorted by length, FTS5 and one numpy matrix. Two threads
each. Speakers are not told apart on either side yet. Our time holds all starts of processes, all
loading of models, the copy into the store, the waveform and the poster; the peer's holds no loading
and makes neither. Found of queries: four words of an utterance, searched in hybrid mode, the right
place among the best ten. Peak memory is the sum over all processes living at a time."""
DIARIZATION = f"""## Who speaks when

Peer: {diarization.NAME}'s offline diarization, with the same segmentation and voice models, on the
same ONNX Runtime, two threads each, models loaded; its threshold is the one that suits the set best
(.8 on *meetings*, .7 on *ami*), its other settings its defaults, its turns joined over pauses of up
to a second, as ours are. A pair is one recording through both. Diarization error rates are of the
same runs (pyannote.metrics, overlapped speech scored)."""
LONG_AUDIO = """## Hours in one recording

`make long-audio`: real recordings joined in a random order, under a memory ceiling that the kernel
holds, on two threads, with worker, engine and worker killed by SIGKILL on the way. The words are
compared with those of the pieces transcribed alone. *Begun again*: batches of eight windows that
were in work when something was killed, two at most each time; *kept, begun again*: of those that
were checkpointed, none may be. The time holds the kills and the waiting after them."""
HTTP = """## HTTP

Asked by wrk over loopback with two threads; it takes its part of the same cores. nginx: two
workers, `sendfile`, open file cache, no access log. Fastify: one process (Node answers on one
thread), no logger, a prepared string. Ours: the release `serve` with two I/O threads, limits raised
out of the way.

*Search reply, prepared*: the bytes of a real search reply, as a file of ours and as Fastify's
prepared string: the frameworks side by side. *Search reply, searched*: ours checks the key, counts
the limits and really searches, there is no cache of replies; Fastify sends its prepared string
still. It is not the same work; the row says what searching costs."""
SHARE = """### The framework's share of a search

CPU time of a request whose search has nothing to do (key, limits, parsing and reply are all there)
over that of a lexical search over one short recording, the cheapest search there is; over more
recordings the share falls."""
LEXICAL = """## Words

Ranked OR queries of two to five less common words, best ten, one thread, all in one process over
the same segments of real transcripts. *ours*: the lexical leg, from the query's text to ranked
segments. *whole*: a whole lexical search, with passages, neighbours' scores, highlights and stored
segments, which the peers do not make. Xapian directly: its own TermGenerator, QueryParser and BM25.
FTS5: Porter stemming, optimised after the build, all in its page cache. hit@10: a segment of the
transcript that the query's words are from."""
QUEUE = """## The queue

On one PostgreSQL server (`fsync` off) whose processor time a job stands beside the rates, for the
clients take their part of the same cores. Both work off jobs that do nothing with as many slots,
from an empty database. Ours fences every claim and completion and keeps a row of each attempt and
two events; graphile-worker deletes what is done and keeps neither. *single*: a claim and a
completion a job. *batched*: its local queue of 500 with batches of completions beside claims and
completions of 500."""
PICKUP = """### Pickup

From the commit of a job to its claim by one of two idle claimers that the hint wakes."""
VECTORS = """## Vectors

The exact int8 scan, through a reader of the index, beside numpy's float32 matrix product with the
best ten partitioned off: the same made unit vectors, two threads each."""
RESTS_ON = "## What each figure rests on"
SECTIONS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "pipeline": (PIPELINE, [PIPELINE_COLUMNS, STAGE_COLUMNS]),
    "diarization": (DIARIZATION, [DIARIZATION_COLUMNS]),
    "long audio": (LONG_AUDIO, [LONG_AUDIO_COLUMNS]),
    "http": (HTTP, [HTTP_COLUMNS]),
    "framework": (SHARE, [SHARE_COLUMNS]),
    "queue": (QUEUE, [QUEUE_COLUMNS]),
    "pickup": (PICKUP, [PICKUP_COLUMNS]),
    "lexical": (LEXICAL, [LEXICAL_COLUMNS]),
    "vectors": (VECTORS, [VECTOR_COLUMNS]),
}
