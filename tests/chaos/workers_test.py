"""Workers that die or sleep past their lease: who works on a job, and what it costs.

`make chaos-workers` repeats what CI does once: NRL_CHAOS_TAKEOVERS.
"""

from __future__ import annotations

import os
import pathlib
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.pipeline.program import INAUGURAL, Narralytica

TAKEOVERS = int(os.environ.get("NRL_CHAOS_TAKEOVERS", "1"))
LEASE_S = 15  # as shipped
POLL_S = 0.05
WAIT_S = 120
SHORT_LEASE = ("--set=jobs.lease_ms=1000", "--set=work.heartbeat_ms=200", "--set=work.poll_ms=50")


def rows(program: Narralytica, statement: str) -> list[tuple]:
    """What a query of the data folder's SQLite gives."""
    database = sqlite3.connect(program.folder / "narralytica.db")
    found = database.execute(statement).fetchall()
    database.close()
    return found


def wait_until(condition: Callable[[], object], what: str) -> float:
    """Polls until it holds; the seconds it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + WAIT_S, f"waited {WAIT_S} s until {what}"
        time.sleep(POLL_S)
    return time.monotonic() - start


def runs(program: Narralytica, stage: str) -> list[tuple]:
    """(worker, status, code or None) of every attempt at the newest job of a stage."""
    return rows(program, "SELECT r.worker_id, r.status, r.error_reason FROM job_runs r JOIN jobs j"
                f" ON j.id = r.job_id WHERE j.type = '{stage}' ORDER BY r.lease_epoch")  # fmt: skip


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Five minutes of speech."""
    path = tmp_path_factory.mktemp("long") / "long.flac"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "27", "-i", str(INAUGURAL)]
    subprocess.run([*command, "-ac", "1", "-ar", "16000", str(path)], check=True)
    return path


@pytest.mark.parametrize("number", range(TAKEOVERS))
def test_a_dead_workers_job_runs_elsewhere_within_two_leases(
    number: int, long_recording: pathlib.Path, empty: Narralytica
) -> None:
    empty.json("ingest", str(long_recording))
    first = empty.start("work")
    second = None
    try:
        wait_until(lambda: runs(empty, "transcribe"), "recognition runs")
        second = empty.start("work")
        wait_until(lambda: rows(empty, "SELECT COUNT(*) FROM workers")[0][0] == 2, "both are there")
        ((victim, _, _),) = runs(empty, "transcribe")
        by_id = dict(rows(empty, "SELECT id, process_id FROM workers"))
        os.kill(by_id[victim], signal.SIGKILL)
        took_s = wait_until(lambda: len(runs(empty, "transcribe")) == 2, "the other takes over")
        print(f"\nrunning elsewhere after {took_s:.1f} s (number {number})")
        assert took_s <= 2 * LEASE_S
        assert [run[2] for run in runs(empty, "transcribe")] == ["worker_lost", None]
    finally:
        for worker in filter(None, (first, second)):
            worker.kill()
            worker.wait()


def test_a_worker_that_wakes_up_after_its_lease_changes_nothing(
    long_recording: pathlib.Path, empty: Narralytica
) -> None:
    (item,) = empty.json("ingest", str(long_recording))
    sleeper = empty.start("work", *SHORT_LEASE)
    other = None
    try:
        wait_until(lambda: runs(empty, "transcribe"), "recognition runs")
        sleeper.send_signal(signal.SIGSTOP)
        other = empty.start("work", "--drain", *SHORT_LEASE)
        assert other.wait(timeout=WAIT_S) == 0
        before = rows(empty, "SELECT id, version FROM transcripts")
        log = empty.folder.parent / "work.log"
        sleeper.send_signal(signal.SIGCONT)
        wait_until(lambda: "lease lost" in log.read_text(), "the sleeper sees that it lost the job")
    finally:
        sleeper.send_signal(signal.SIGCONT)
        sleeper.terminate()
        assert sleeper.wait(timeout=WAIT_S) == 0
    assert rows(empty, "SELECT id, version FROM transcripts") == before and len(before) == 1
    assert empty.json("fsck")["findings"] == []
    document = empty.json("transcript", item["video_id"], "--format", "json")
    assert document["text"].count("your country") > 20
