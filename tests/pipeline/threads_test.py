"""The transcript's bytes depend on the sound alone: not on threads, not on the memory at hand.

`make long-audio` runs the first on twenty minutes; here it is a few.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import pytest

from tests.pipeline.program import INAUGURAL, MEETING, SOME_FAILED, Narralytica

THREADS = (1, 2, 8)
CEILING_MB = 900
TOO_LOW_MB = 850
MINUTES = float(os.environ.get("NRL_THREADS_TEST_MINUTES", "3"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Both samples one after the other, over and over, for so many minutes."""
    folder = tmp_path_factory.mktemp("threads")
    pieces = folder / "pieces.txt"
    for sample in (MEETING, INAUGURAL):
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(sample), "-vn", "-ac", "1"]
        subprocess.run([*command, "-ar", "16000", str(folder / f"{sample.stem}.wav")], check=True)
    names = [f"file '{sample.stem}.wav'\n" for sample in (MEETING, INAUGURAL)]
    pieces.write_text("".join(names) * (1 + int(MINUTES)))
    path = folder / "long.flac"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "concat", "-i", str(pieces)]
    subprocess.run([*command, "-t", str(60 * MINUTES), str(path)], check=True)
    return path


def transcript(folder: pathlib.Path, recording: pathlib.Path, *settings: str) -> str:
    """What a new data folder makes of the recording, as bytes that can be compared."""
    narralytica = Narralytica(folder).without_speakers()
    flags = [flag for setting in settings for flag in ("--set", setting)]
    (item,) = narralytica.json("ingest", *flags, "--wait", str(recording))
    document = narralytica.json("transcript", item["video_id"], "--format", "json")
    kept = ("start_ms", "end_ms", "text", "language", "words")
    return json.dumps([{key: segment[key] for key in kept} for segment in document["segments"]])


def test_any_number_of_threads_gives_the_same_bytes(
    recording: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    made = {
        threads: transcript(tmp_path / str(threads), recording, f"engine.threads={threads}")
        for threads in THREADS
    }
    assert len(set(made.values())) == 1, [len(text) for text in made.values()]
    assert len(made[1]) > 1000
    # The comparison sees what it is there for: other settings give other bytes.
    other = transcript(tmp_path / "other", recording, "recognition.model=small-en")
    assert other != made[1]


def test_a_memory_ceiling_halves_batches_and_changes_no_word(
    recording: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    ample = transcript(tmp_path / "ample", recording, "recognition.language=en")
    assert "batches halved" not in log(tmp_path)
    ceiling = f"engine.memory_bytes_max={CEILING_MB << 20}"
    tight = transcript(tmp_path / "tight", recording, "recognition.language=en", ceiling)
    assert "batches halved" in log(tmp_path), "the ceiling was never met: nothing was tested"
    assert tight == ample


def test_a_ceiling_that_the_model_does_not_work_in_is_told_with_the_number(
    empty: Narralytica, tmp_path: pathlib.Path
) -> None:
    ceiling = f"--set=engine.memory_bytes_max={TOO_LOW_MB << 20}"
    (item,) = empty.json("ingest", "--wait=all", ceiling, str(INAUGURAL), code=SOME_FAILED)
    assert item["status"] == "failed"
    assert f"engine.memory_bytes_max gives it {TOO_LOW_MB} MiB" in item["error"]["message"]
    needed = int(item["error"]["hint"].split("engine.memory_bytes_max=")[1].split()[0])
    assert TOO_LOW_MB << 20 < needed <= CEILING_MB << 20
    # And that number is enough.
    enough = f"--set=engine.memory_bytes_max={needed}"
    other = Narralytica(tmp_path / "enough")
    (again,) = other.json("ingest", "--wait=all", enough, str(INAUGURAL))
    assert again["status"] == "ready"


def log(folder: pathlib.Path) -> str:
    """What the processes of the data folders wrote."""
    return "".join(path.read_text() for path in folder.glob("*/logs/*"))
