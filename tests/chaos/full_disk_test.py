"""A disk without room, or without a file left to give: work waits for it and goes on by itself."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.pipeline.program import INAUGURAL, SOME_FAILED, UNAVAILABLE, Narralytica

DISK = "24m"
FILES = 150
WAIT_S = 120
POLL_S = 0.2
FULL_S = 5  # several attempts long
# So small a disk has never as much room as is asked for by default.
ROOM = "--set=media.disk_free_bytes_min=0"
SETTINGS = (ROOM, "--set=jobs.backoff_base_ms=100", "--set=jobs.backoff_cap_ms=1000")


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Polls until it holds."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, f"waited {WAIT_S} s until {what}"
        time.sleep(POLL_S)


def has_ended(program: Narralytica) -> bool:
    """Whether the whole flow is behind the one recording."""
    jobs = program.json("jobs")["items"]
    return len(jobs) == 5 and all(job["finished_at"] for job in jobs)


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A disk of 24 MB and 150 files."""
    assert os.getuid() == 0, "these tests mount a small disk: run them as root"
    folder = tmp_path / "disk"
    folder.mkdir()
    options = f"size={DISK},nr_inodes={FILES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill_bytes(folder: pathlib.Path) -> list[pathlib.Path]:
    """Leaves not a page free."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return [ballast]


def fill_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Leaves not a file free."""
    made = []
    try:
        while True:
            path = folder / f"ballast-{len(made)}"
            path.touch()
            made.append(path)
    except OSError:
        return made


@pytest.mark.parametrize("fill", [fill_bytes, fill_files])
def test_a_full_disk_accepts_nothing_and_loses_nothing(fill, small_disk: pathlib.Path) -> None:
    program = Narralytica(small_disk)
    program.json("jobs")  # makes the folder
    ballast = fill(small_disk)
    refused = program.run("ingest", ROOM, str(INAUGURAL))
    assert refused.returncode in (SOME_FAILED, UNAVAILABLE)
    assert "disk" in refused.stderr
    for path in ballast:
        path.unlink()
    (item,) = program.json("ingest", ROOM, "--wait=all", str(INAUGURAL))
    assert (item["status"], item["duplicate"]) == ("ready", False)
    assert program.json("fsck", "--orphan-age", "0")["findings"] == []


@pytest.mark.parametrize("fill", [fill_bytes, fill_files])
def test_accepted_work_waits_for_room(fill, small_disk: pathlib.Path) -> None:
    program = Narralytica(small_disk)
    (item,) = program.json("ingest", ROOM, str(INAUGURAL))
    worker = program.start("work", *SETTINGS)
    try:
        wait_until(lambda: program.json("jobs")["items"][0]["attempts"] > 0, "it has begun")
        ballast = fill(small_disk)
        time.sleep(FULL_S)
        assert worker.poll() is None, "the worker lives on"
        for path in ballast:
            path.unlink()
        wait_until(lambda: has_ended(program), "all is done")
    finally:
        worker.terminate()
        assert worker.wait(timeout=WAIT_S) == 0
    (again,) = program.json("ingest", ROOM, "--wait=all", str(INAUGURAL))
    assert (again["status"], again["video_id"]) == ("ready", item["video_id"])
    assert program.json("fsck", "--orphan-age", "0")["findings"] == []


def test_too_little_room_is_said_before_anything_is_taken_in(small_disk: pathlib.Path) -> None:
    program = Narralytica(small_disk)
    (refused,) = program.json("ingest", str(INAUGURAL), code=SOME_FAILED)
    assert "media.disk_free_bytes_min" in refused["error"]["hint"]
    program.json("ingest", ROOM, str(INAUGURAL))
    worker = program.start("work")
    log = small_disk.parent / "work.log"
    wait_until(lambda: "no job is claimed" in log.read_text(), "the worker says that it waits")
    worker.terminate()
    assert worker.wait(timeout=WAIT_S) == 0
    (job,) = program.json("jobs")["items"]
    assert (job["status"], job["attempts"]) == ("queued", 0)
