"""Runs build/release/narralytica as a script would, by the command line contract."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
from typing import Any

from tests.eval import data

PROGRAM = data.ROOT / "build/release/narralytica"
MEETING = data.ROOT / "samples/demo/meeting.mp4"
INAUGURAL = data.ROOT / "samples/demo/inaugural.wav"
TIMEOUT_S = 900

DONE, USAGE, SOME_FAILED, NOT_FOUND, DENIED, UNAVAILABLE, CHECK_FAILED = 0, 2, 3, 4, 5, 6, 7


class Narralytica:
    """The program on one data folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.place = ["--data", str(folder)]
        self.environment: dict[str, str] = {}  # beside the test's own
        self.videos: dict[pathlib.Path, str] = {}

    def without_speakers(self) -> Narralytica:
        """Itself, from now on telling nobody apart: for tests of recognition alone."""
        self.environment["NARRALYTICA_DIARIZATION__ENABLED"] = "false"
        return self

    def command(self, name: str, *arguments: str) -> list[str]:
        """The command line, without --json."""
        return [str(PROGRAM), name, *self.place, *arguments]

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end, whatever its exit code."""
        return subprocess.run(
            self.command(name, *arguments),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, **self.environment},
        )

    def json(self, name: str, *arguments: str, code: int = DONE) -> Any:
        """Runs a command with --json, checks its exit code and returns its one document."""
        done = self.run(name, "--json", *arguments)
        assert done.returncode == code, f"{name}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a command that runs until it is ended; its log goes beside the data folder."""
        with (self.folder.parent / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                self.command(name, *arguments),
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
            )


def meeting_utterances() -> list[data.Utterance]:
    """What is said in the meeting, and when (samples/demo/meeting.stm)."""
    return data.read_stm(MEETING.with_suffix(".stm"))
