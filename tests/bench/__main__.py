"""`make bench`: measures ratios to peers and writes docs/performance.md.

    python -m tests.bench [--only pipeline|diarization|http|lexical|vectors|queue]...
                          [--pairs N] [--quick] [--segments N] [--rows N]

Needs the release build with search_bench, queue_bench and diarization_tool, the models, the
evaluation data (EVAL_DATA, or shared/data beside the checkout), Node for http and queue, nginx and
wrk for http, the evaluation's Python packages (tools/setup.sh eval) for diarization.
--quick is one small pair of each for CI: it shows that the harness works and writes nothing. A
whole run takes most of an hour on two idle cores.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.bench import diarization, lexical, pairs, pipeline, queue, report, tool, vectors, web
from tests.eval import data, ours

BENCHES = ("lexical", "vectors", "http", "queue", "diarization", "pipeline")
NO_DATA, SETS = 6, ("meetings", "librispeech")


def main() -> int:
    """Measures what was asked for, adds the rows to the history and writes the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="ratios to peers")
    parser.add_argument("--only", action="append", choices=BENCHES)
    parser.add_argument("--pairs", type=int, default=pairs.PAIRS_MIN)
    parser.add_argument("--quick", action="store_true", help="one small pair of each")
    parser.add_argument("--segments", type=int, default=200_000, help="of the lexical bench")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the vector bench")
    parser.add_argument("--model", action="append", choices=pipeline.WEIGHTS, help="of pipeline")
    parser.add_argument("--set", action="append", choices=data.SETS, help="of pipeline")
    options = parser.parse_args()
    if missing := what_is_missing(options.only or BENCHES):
        print(f"bench: {missing}")
        return NO_DATA
    os.environ.pop("OPENBLAS_CORETYPE", None)
    facts = machine()
    for row in measure(options):
        if not options.quick:
            report.append(row | facts)
        print(json.dumps(row, ensure_ascii=False), flush=True)
    if not options.quick:
        report.write()
    return 0


def what_is_missing(benches: tuple[str, ...] | list[str]) -> str:
    """What a person has to do before this can run; empty when nothing."""
    if data.folder() is None and {"lexical", "diarization", "pipeline"} & set(benches):
        return "no data: set EVAL_DATA, or put shared/data beside the checkout"
    others = set(benches) - {"diarization"}
    if others and not (ours.is_built() and tool.PROGRAM.exists()):
        return "no program: run make bench, which builds it"
    if "queue" in benches and (shutil.which("npm") is None or not queue.PROGRAM.exists()):
        return "no npm or no queue_bench: run make bench, which builds it; Node is from nodejs.org"
    if "diarization" in benches and not diarization.PROGRAM.exists():
        return "no diarization_tool: run make bench, which builds it"
    if "diarization" in benches and not diarization.EVAL_PYTHON.exists():
        return "no pyannote.metrics: run tools/setup.sh eval"
    if "http" in benches:
        for program in ("wrk", "/usr/sbin/nginx", "node", "npm"):
            if shutil.which(program) is None:
                return f"no {program}: run tools/setup.sh bench; Node is from nodejs.org"
    return ""


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The rows of every bench that was asked for."""
    quick, count = options.quick, 1 if options.quick else options.pairs
    for bench in options.only or BENCHES:
        if bench == "lexical":
            size = (2_000, 50) if quick else (options.segments, 1_000)
            yield from lexical.measure(_data(), lexical.Size(*size, count))
        elif bench == "vectors":
            size = (20_000, 10) if quick else (options.rows, 100)
            yield from vectors.measure(vectors.Size(*size, count))
        elif bench == "queue":
            jobs = queue.SMALL if quick else queue.WHOLE
            yield from queue.measure(queue.Size(jobs, 300, 60 if quick else 3_000, count))
        elif bench == "http":
            yield from web.measure(web.Size(32, 1 if quick else 10, count))
        elif bench == "diarization":
            yield from _diarization(options, count)
        else:
            yield from _pipeline(options, count)


def _pipeline(options: argparse.Namespace, count: int) -> Iterator[dict[str, Any]]:
    names = SETS[:1] if options.quick else options.set or SETS
    for model in options.model or ["base"]:
        for name in names:
            recordings = data.SETS[name](_data())
            recordings = recordings[:1] if options.quick else recordings
            yield pipeline.measure_set(pipeline.Size(name, tuple(recordings), count, model))


def _diarization(options: argparse.Namespace, count: int) -> Iterator[dict[str, Any]]:
    for name in ("ami",) if options.quick else diarization.THRESHOLDS:
        recordings = diarization.recordings(name, _data())
        yield diarization.measure_set(diarization.Size(name, recordings, count))


def _data() -> pathlib.Path:
    folder = data.folder()
    assert folder is not None
    return folder


def machine() -> dict[str, Any]:
    """What a figure rests on: when, which commit, which machine and how busy it was."""
    described = subprocess.run(
        ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+changes"],
        cwd=data.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = (
        line.split(":", 1)[1].strip()
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M"),
        "commit": described.stdout.strip(),
        "cores": os.cpu_count(),
        "processor": next(names, "unknown"),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    sys.exit(main())
