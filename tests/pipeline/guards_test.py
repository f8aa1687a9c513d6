"""What is not said is not written: nothing for silence and noise, nothing behind a cut-off word."""

from __future__ import annotations

import pathlib
import subprocess

from tests.eval import data
from tests.pipeline.program import INAUGURAL, Narralytica

CUTS = 4
WORD_MS_MIN = 350  # of a word that is cut in its middle
SILENCE_AFTER_S = 2


def words(narralytica: Narralytica, video: str) -> list[dict]:
    """All words, with their times."""
    document = narralytica.json("transcript", video, "--format", "json")
    return [word for segment in document["segments"] for word in segment["words"]]


def invented(heard: list[dict], whole: list[dict], cut_ms: int) -> list[str]:
    """Words beyond those that had begun at the cut."""
    begun = sum(word["start_ms"] < cut_ms for word in whole)
    return [word["text"] for word in heard[begun:]]


def test_silence_and_noise_have_no_words(empty: Narralytica) -> None:
    recordings = data.without_speech(None)
    items = empty.json("ingest", "--wait", *(str(recording.path) for recording in recordings))
    assert len(items) == 3
    assert {item["path"]: words(empty, item["video_id"]) for item in items} == {
        str(recording.path): [] for recording in recordings
    }


def test_nothing_is_invented_behind_a_cut_off_word(
    store: Narralytica, empty: Narralytica, tmp_path: pathlib.Path
) -> None:
    whole = words(store, store.videos[INAUGURAL])
    long = [word for word in whole if word["end_ms"] - word["start_ms"] >= WORD_MS_MIN]
    chosen = long[len(long) // (2 * CUTS) :: max(1, len(long) // CUTS)][:CUTS]
    assert len(chosen) == CUTS
    cuts = {}
    for number, word in enumerate(chosen):
        cut_ms = (word["start_ms"] + word["end_ms"]) // 2
        path = tmp_path / f"cut-{number}.flac"
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(INAUGURAL), "-ac", "1"]
        command += ["-af", f"atrim=end={cut_ms / 1000},apad=pad_dur={SILENCE_AFTER_S}"]
        subprocess.run([*command, str(path)], check=True)
        cuts[str(path)] = cut_ms
    items = empty.json("ingest", "--wait", *cuts)
    for item in items:
        heard = words(empty, item["video_id"])
        assert heard, item
        assert invented(heard, whole, cuts[item["path"]]) == []
    # The comparison sees words that are too many.
    assert invented(whole, whole, cuts[items[0]["path"]])
