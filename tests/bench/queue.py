"""The queue on PostgreSQL beside graphile-worker, on the same server in the same run.

Both put as many jobs that do nothing into an empty database and work them off with as many slots.
Ours fences every claim and completion by epoch and writes a row for every attempt and two events;
graphile-worker deletes a job that is done and keeps neither. *single*: a claim and a completion a
job; *batched*: graphile-worker's local queue of 500 with batched completions, ours claims and
completes 500 at a time. The server's processor time a job stands beside the rate, for the clients
take their part of the same cores. *pickup*: from the commit of a job to its claim by one of two
idle claimers that are woken by the hint, at a steady rate; it has no peer.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

from tests.bench import load, npm_peer, pairs
from tests.eval import data
from tests.pipeline.postgres_test import Server

PROGRAM = data.ROOT / "build/release/queue_bench"
PEER = pathlib.Path(__file__).parent / "graphile"
NAME = "graphile-worker " + json.loads((PEER / "package.json").read_text())["dependencies"][
    "graphile-worker"
]
SLOTS = {"single": 4, "batched": 2}
TIMEOUT_S = 300


@dataclasses.dataclass(frozen=True)
class Size:
    """Jobs of a run, jobs a second and jobs of the pickup, pairs."""

    jobs: dict[str, int]
    rate: int
    pickups: int
    pairs: int


WHOLE = {"single": 8_000, "batched": 40_000}
SMALL = {"single": 50, "batched": 600}


def measure(size: Size) -> Iterator[dict[str, Any]]:
    """One row a way of claiming, and one for the pickup."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        folder.chmod(0o755)
        server = Server(folder)
        try:
            for mode in SLOTS:
                yield _rates(server, mode, size)
            yield _pickup(server, size)
        finally:
            server.stop()


def _rates(server: Server, mode: str, size: Size) -> dict[str, Any]:
    jobs, slots = size.jobs[mode], SLOTS[mode]
    ours = [str(PROGRAM), "{url}", mode, str(jobs), str(slots)]
    worker = npm_peer.installed(PEER, "worker.mjs")
    peer = ["node", str(worker), "{url}", mode, str(jobs), str(slots)]
    run = pairs.interleave(size.pairs, lambda: _side(server, ours), lambda: _side(server, peer))
    row = {"bench": "queue", "what": mode, "peer": NAME, "jobs": jobs, "slots": slots}
    row["ratio"] = dataclasses.asdict(run.rates("jobs_s"))
    row["cpu_ratio"] = dataclasses.asdict(run.times("server_cpu_ms"))
    for name, digits in (("jobs_s", 0), ("server_cpu_ms", 3)):
        row[name] = round(run.ours_median(name), digits)
        row[f"peer_{name}"] = round(run.peer_median(name), digits)
    return row


def _pickup(server: Server, size: Size) -> dict[str, Any]:
    command = [str(PROGRAM), "{url}", "pickup", str(size.pickups), str(size.rate)]
    answer, _ = _run(server, command)
    return {"bench": "pickup", "rate": size.rate} | answer


def _side(server: Server, command: list[str]) -> dict[str, float]:
    """A run on an empty database."""
    answer, cpu_s = _run(server, command)
    jobs = answer["jobs"]
    return {"jobs_s": jobs / answer["seconds"], "server_cpu_ms": 1000 * cpu_s / jobs}


def _run(server: Server, command: list[str]) -> tuple[dict[str, Any], float]:
    """What the program said, and the server's processor time from its first job to the end."""
    server.sql(
        "DROP DATABASE IF EXISTS bench WITH (FORCE)",
        "CREATE DATABASE bench OWNER narralytica TEMPLATE template0 LOCALE 'C.UTF-8'",
    )
    assert server.process is not None
    full = [part.format(url=server.url(database="bench")) for part in command]
    with subprocess.Popen(
        full, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        before = load.cpu_s(server.process.pid)
        process.stdin.write("go\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        used = load.cpu_s(server.process.pid) - before
        assert process.wait(TIMEOUT_S) == 0
    return answer, used

