"""Who speaks in the sample meeting, by the real models: against what is known of it."""

from __future__ import annotations

import collections
import json
import pathlib
import subprocess

import pytest

from tests.eval import data
from tests.pipeline.program import MEETING

TOOL = data.ROOT / "build/release/diarization_tool"
EDGE_S = 0.5  # around a reference boundary nothing is asked


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The meeting as the tool reads it."""
    path = tmp_path_factory.mktemp("sound") / "meeting.wav"
    return data.write_audio(path, data.read_audio(MEETING))


def diarize(sound: pathlib.Path, threads: int) -> dict:
    """The tool's reply."""
    library = data.cache() / "sdk/lib/libonnxruntime.so"
    command = [str(TOOL), str(data.cache() / "models"), str(library), str(threads)]
    done = subprocess.run(
        command, input=f"{sound}\n", capture_output=True, text=True, check=True, timeout=300
    )
    return json.loads(done.stdout)


def reference() -> list[tuple[float, float, str]]:
    """(start, end, speaker) of what is said."""
    lines = MEETING.with_suffix(".stm").read_text().splitlines()
    fields = (line.split(maxsplit=5) for line in lines)
    return [(float(f[3]), float(f[4]), f[2]) for f in fields]


def purity(rttm: str) -> tuple[float, int]:
    """Share of the spoken time whose speaker is found, each speaker known by one name; names."""
    found = [line.split() for line in rttm.splitlines()]
    turns = [(float(f[3]), float(f[3]) + float(f[4]), f[7]) for f in found]
    shared: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    total = 0.0
    for start, end, speaker in reference():
        start, end = start + EDGE_S, end - EDGE_S
        total += max(0.0, end - start)
        for at, until, name in turns:
            shared[speaker][name] += max(0.0, min(end, until) - max(start, at))
    names = {speaker: counts.most_common(1)[0][0] for speaker, counts in shared.items()}
    right = sum(shared[speaker][name] for speaker, name in names.items())
    return right / total, len(set(names.values()))


def test_the_voices_of_the_meeting_are_told_apart(sound: pathlib.Path) -> None:
    reply = diarize(sound, 2)
    share, names = purity(reply["rttm"])
    assert reply["speakers"] == names == 3
    assert share > 0.9
    # The twin: one voice for everybody is seen to be wrong.
    everybody = "SPEAKER meeting 1 0.000 200.000 <NA> <NA> s0 <NA> <NA>\n"
    assert purity(everybody)[1] == 1


def test_any_number_of_threads_gives_the_same_turns(sound: pathlib.Path) -> None:
    made = {threads: diarize(sound, threads)["rttm"] for threads in (1, 8)}
    assert made[1] == made[8] != ""
