"""The diarize stage in a recording's life: what it gives, and what is there without it."""

from __future__ import annotations

import pathlib
import sqlite3
from typing import Any

import pytest

from tests.eval import data
from tests.pipeline.program import INAUGURAL, MEETING, Narralytica

VOICES = 3  # in the meeting


def rows(program: Narralytica, statement: str) -> list[tuple[Any, ...]]:
    """What the database of a data folder answers."""
    database = sqlite3.connect(program.folder / "narralytica.db")
    found = database.execute(statement).fetchall()
    database.close()
    return found


@pytest.fixture(scope="module")
def voiceless(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """All models but the one that tells voices apart."""
    folder = tmp_path_factory.mktemp("models")
    for model in (data.cache() / "models").iterdir():
        if model.name != "community-1":
            (folder / model.name).symlink_to(model)
    return folder


def test_every_segment_of_the_meeting_has_one_of_three_speakers(store: Narralytica) -> None:
    video = store.videos[MEETING]
    speakers = rows(
        store,
        "SELECT s.label, s.speech_ms FROM speakers s JOIN diarizations d ON d.id ="
        f" s.diarization_id WHERE d.video_id = '{video}' ORDER BY s.speaker_index",
    )
    assert [label for label, _ in speakers] == [f"Speaker {i + 1}" for i in range(VOICES)]
    assert all(speech_ms > 1_000 for _, speech_ms in speakers)
    segments = rows(
        store,
        "SELECT s.start_ms, s.end_ms, k.label FROM segments s LEFT JOIN speakers k"
        f" ON k.id = s.speaker_id WHERE s.video_id = '{video}' ORDER BY s.segment_index",
    )
    assert len(segments) > 10
    assert all(label for _, _, label in segments)
    assert len({label for _, _, label in segments}) == VOICES
    # One voice alone is not called two.
    one = rows(
        store,
        f"SELECT COUNT(*) FROM speakers WHERE video_id = '{store.videos[INAUGURAL]}'",
    )
    assert one == [(1,)]


def test_without_speakers_a_recording_can_be_searched_is_partial_and_says_what_is_missing(
    empty: Narralytica, voiceless: pathlib.Path
) -> None:
    models = f"--set=engine.models_folder={voiceless}"
    (item,) = empty.json("ingest", "--wait=all", models, str(MEETING))
    assert item["status"] == "partial"
    assert "voice model 'community-1' is not installed" in item["error"]["message"]
    found = empty.json("search", "--mode=lexical", "poisoning")["items"]
    assert [hit["segment"]["video_id"] for hit in found] == [item["video_id"]] * len(found) != []
    kept = rows(empty, "SELECT text FROM segments ORDER BY segment_index")
    assert kept and rows(empty, "SELECT COUNT(*) FROM speakers") == [(0,)]
    # With the model there, the job is started again: the words are known, who said them is new.
    again = empty.json("jobs", "redrive", "--type", "diarize")
    assert again["redriven"] == 1
    assert empty.run("work", "--drain").returncode == 0
    ((status,),) = rows(empty, "SELECT status FROM videos")
    assert status == "ready"
    assert rows(empty, "SELECT COUNT(*) FROM speakers") == [(VOICES,)]
    assert rows(empty, "SELECT COUNT(*) FROM transcripts") == [(2,)]
    (heard_ms,), (known_ms,) = rows(
        empty,
        "SELECT finished_at_ms - started_at_ms FROM job_runs WHERE job_id IN"
        " (SELECT id FROM jobs WHERE type = 'transcribe') ORDER BY started_at_ms",
    )
    assert known_ms < heard_ms / 2, "recognised once more"
    said = " ".join(text for (text,) in kept)
    current = rows(
        empty,
        "SELECT s.text FROM segments s JOIN transcripts t ON t.id = s.transcript_id"
        " WHERE t.superseded_by IS NULL ORDER BY s.segment_index",
    )
    assert " ".join(text for (text,) in current) == said


def test_an_installation_may_leave_speakers_out(empty: Narralytica) -> None:
    (item,) = empty.without_speakers().json("ingest", "--wait=all", str(INAUGURAL))
    assert item["status"] == "ready"
    assert rows(empty, "SELECT COUNT(*) FROM diarizations") == [(0,)]
