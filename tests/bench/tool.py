"""Talks with build/release/search_bench, the C++ side of the search benchmarks."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

from tests.eval import data

PROGRAM = data.ROOT / "build/release/search_bench"


class Tool:
    """One running search_bench on a folder of its own; a context manager."""

    def __init__(self, folder: pathlib.Path) -> None:
        command = [str(PROGRAM), str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Tool:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def ask(self, **line: Any) -> Any:
        """Sends one operation and returns its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"search_bench ended on {line['op']}")
        return json.loads(answer)
