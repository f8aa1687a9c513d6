"""Canceling takes effect within two seconds in every stage, and leaves nothing behind."""

from __future__ import annotations

import pathlib
import sqlite3
import subprocess
import time

import pytest

from tests.eval import measure
from tests.pipeline.program import INAUGURAL, Narralytica

CANCEL_MAX_S = 2.0
WAIT_S = 120
POLL_S = 0.02
IDLE_SHARE = 0.25  # of one core that the engine may still use: its own housekeeping
LOOK_S = 1.0


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """More than half an hour of speech: every stage that reads sound takes a while."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "200", "-i", str(INAUGURAL)]
    subprocess.run([*command, "-ac", "1", "-ar", "16000", str(path)], check=True)
    return path


def status_of(program: Narralytica, job_type: str) -> tuple[str, str] | None:
    """(job id, status) of the newest job of that type."""
    database = sqlite3.connect(program.folder / "narralytica.db")
    found = database.execute(
        "SELECT id, status FROM jobs WHERE type = ? ORDER BY id DESC LIMIT 1", (job_type,)
    ).fetchone()
    database.close()
    return found


def wait_for(program: Narralytica, job_type: str, status: str) -> tuple[str, float]:
    """Waits until the newest job of that type has the status; its id, and the seconds it took."""
    start = time.monotonic()
    while (found := status_of(program, job_type)) is None or found[1] != status:
        assert time.monotonic() < start + WAIT_S, f"{job_type} is {found}, not {status}"
        time.sleep(POLL_S)
    return found[0], time.monotonic() - start


def children(worker: subprocess.Popen[bytes], name: str) -> list[int]:
    """Process ids of the worker's descendants that run the command `name`."""
    found = []
    for pid in measure.tree(worker.pid):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if name.encode() in words:
            found.append(pid)
    return found


def cpu_s(pid: int) -> float:
    """CPU time of a process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("job_type", ["ingest", "diarize", "transcribe"])
def test_canceling_ends_the_work_and_the_children(
    job_type: str, long_recording: pathlib.Path, empty: Narralytica
) -> None:
    (item,) = empty.json("ingest", str(long_recording))
    speakers = "true" if job_type == "diarize" else "false"
    worker = empty.start("work", "--set", f"diarization.enabled={speakers}")
    try:
        job, _ = wait_for(empty, job_type, "running")
        if job_type == "ingest":
            wait_until_child(worker, "media")
        start = time.monotonic()
        empty.json("jobs", "cancel", job)
        wait_for(empty, job_type, "canceled")
        took_s = time.monotonic() - start
        assert took_s <= CANCEL_MAX_S, f"{took_s:.2f} s"
        if job_type == "diarize":  # recognition goes on without it
            return
        assert children(worker, "media") == []
        temporary = [p for p in (empty.folder / "tmp").rglob("*") if p.is_file()]
        assert temporary == [], "nothing is left behind"
        for engine in children(worker, "engine"):
            before = cpu_s(engine)
            time.sleep(LOOK_S)
            assert cpu_s(engine) - before <= IDLE_SHARE * LOOK_S, "the engine works on"
    finally:
        worker.terminate()
        assert worker.wait(timeout=WAIT_S) == 0
    database = sqlite3.connect(empty.folder / "narralytica.db")
    (status,) = database.execute("SELECT status FROM videos").fetchone()
    database.close()
    assert status == "failed" and item["video_id"]


def wait_until_child(worker: subprocess.Popen[bytes], name: str) -> None:
    """Until the worker has a child of that name."""
    end = time.monotonic() + WAIT_S
    while not children(worker, name):
        assert time.monotonic() < end, f"no child {name}"
        time.sleep(POLL_S)


def test_a_queued_job_is_canceled_at_once(empty: Narralytica) -> None:
    (item,) = empty.json("ingest", str(INAUGURAL))
    empty.json("jobs", "cancel", item["job_id"])
    assert empty.json("jobs")["items"][0]["status"] == "canceled"
