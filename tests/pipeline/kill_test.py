"""kill -9 in the middle of a recording: the job finishes, and the transcript is the same.

`make chaos` runs the same on twenty minutes of speech; here it is ten.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.eval import measure
from tests.pipeline.program import MEETING, Narralytica

COPIES = int(os.environ.get("NRL_KILL_TEST_COPIES", "5"))
WAIT_S = 60 * COPIES
POLL_S = 0.05
UNDISTURBED = "undisturbed"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The meeting, COPIES times over: more than one batch of recognition."""
    path = tmp_path_factory.mktemp("long") / "long.flac"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", str(COPIES - 1)]
    command += ["-i", str(MEETING), "-vn", "-ac", "1", "-ar", "16000", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def undisturbed(recording: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> list:
    """The segments of a run that nobody interrupts."""
    narralytica = Narralytica(tmp_path_factory.mktemp(UNDISTURBED) / "data").without_speakers()
    (item,) = narralytica.json("ingest", "--wait=all", str(recording))
    return segments(narralytica, item["video_id"])


def segments(narralytica: Narralytica, video: str) -> list:
    """The transcript without its ids."""
    kept = ("start_ms", "end_ms", "text", "words")
    document = narralytica.json("transcript", video, "--format", "json")
    return [{key: segment[key] for key in kept} for segment in document["segments"]]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Polls until it holds, or fails the test."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, f"waited {WAIT_S} s until {what}"
        time.sleep(POLL_S)


def recognition(narralytica: Narralytica) -> dict:
    """The transcribe job as `jobs` shows it, or {} before there is one."""
    jobs = narralytica.json("jobs")["items"]
    return next((job for job in jobs if job["type"] == "transcribe"), {})


def is_halfway(narralytica: Narralytica) -> bool:
    """Whether recognition runs and has some of its work behind it."""
    job = recognition(narralytica)
    return job.get("status") == "running" and 0.05 < job["progress"]["fraction"] < 0.95


def child(worker: subprocess.Popen[bytes], name: str) -> int | None:
    """The process id of the worker's child that runs the command `name`."""
    for pid in measure.tree(worker.pid):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if name.encode() in words[:2]:
            return pid
    return None


def is_gone(pid: int) -> bool:
    """Whether the process has ended (a zombie has)."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("victim", ["work", "engine"])
def test_a_killed_process_changes_nothing(
    victim: str, recording: pathlib.Path, undisturbed: list, empty: Narralytica
) -> None:
    (item,) = empty.without_speakers().json("ingest", str(recording))
    worker = empty.start("work")
    try:
        wait_until(lambda: is_halfway(empty), "recognition is halfway")
        family = measure.tree(worker.pid)
        target = worker.pid if victim == "work" else child(worker, victim)
        assert target is not None, f"the worker has no child '{victim}'"
        os.kill(target, signal.SIGKILL)
        wait_until(lambda: is_gone(target), f"{victim} is gone")
        if victim == "work":
            worker.wait()
            wait_until(lambda: all(map(is_gone, family)), "its children are gone too")
            worker = empty.start("work")
        wait_until(lambda: recognition(empty)["status"] != "running", "recognition ends")
    finally:
        worker.terminate()
        worker.wait(timeout=WAIT_S)
    (again,) = empty.json("ingest", "--wait=all", str(recording))
    assert (again["status"], again["duplicate"]) == ("ready", True)
    assert again["video_id"] == item["video_id"]
    assert segments(empty, item["video_id"]) == undisturbed
