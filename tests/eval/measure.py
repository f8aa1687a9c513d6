"""Runs a program and measures what it and all its descendants used."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import resource
import subprocess
import threading
import time

POLL_S = 0.05
PAGE_BYTES = resource.getpagesize()


@dataclasses.dataclass(frozen=True)
class Run:
    """The result of one program: its output, and what the whole process tree used.

    peak_rss_bytes adds the resident pages of all processes, seen every 50 ms: pages they share
    count in each, so it is an upper bound between two looks.
    """

    code: int
    stdout: str
    stderr: str
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int


def run(command: list[str], environment: dict[str, str] | None = None) -> Run:
    """Runs `command` to its end. CPU time counts every descendant that was waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    process = subprocess.Popen(
        command,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = _Peak(process.pid)
    peak.start()
    stdout, stderr = process.communicate()
    wall = time.monotonic() - start
    peak.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(process.returncode, stdout, stderr, wall, cpu, peak.bytes)


class _Peak(threading.Thread):
    """Looks at the process tree until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.bytes = 0

    def run(self) -> None:
        while not self._done.wait(POLL_S):
            self.bytes = max(self.bytes, sum(_rss_bytes(pid) for pid in tree(self._pid)))

    def stop(self) -> None:
        self._done.set()
        self.join()


def tree(pid: int) -> list[int]:
    """The process and its living descendants."""
    found = [pid]
    for parent in found:
        try:
            for children in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        except OSError:
            continue  # it ended while we looked
    return found


def _rss_bytes(pid: int) -> int:
    try:
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0
