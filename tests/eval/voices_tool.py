"""The system under evaluation as far as voices go: build/release/diarization_tool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

from tests.eval import data

PROGRAM = data.ROOT / "build/release/diarization_tool"
THREADS = 2


def ask(lines: Sequence[str]) -> list[dict]:
    """A reply a line: the path of a 16 kHz mono WAV, perhaps a tab and the most speakers."""
    library = data.cache() / "sdk/lib/libonnxruntime.so"
    command = [str(PROGRAM), str(data.cache() / "models"), str(library), str(THREADS)]
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]
