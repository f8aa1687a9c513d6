"""Who speaks in the sample meeting, by the command line: what each command says of it."""

from __future__ import annotations

import json
import pathlib
import re

import pytest

from tests.eval import data
from tests.pipeline.program import INAUGURAL, MEETING, NOT_FOUND, USAGE, Narralytica
from tests.pipeline.voices_test import purity, reference

VOICES = 3  # in the meeting
PURITY_MIN = 0.9
NOBODY = "01890000-0000-7000-8000-000000000000"
QUERY = "influence position young"  # words of all three
SHARE_OF_SEGMENTS_MIN = 0.85  # that are said by whom the meeting's own list names


@pytest.fixture(scope="module")
def meeting(store: Narralytica) -> str:
    """The meeting's id."""
    return store.videos[MEETING]


@pytest.fixture(scope="module")
def found(store: Narralytica, meeting: str) -> dict:
    """What `speakers` says of the meeting."""
    return store.json("speakers", meeting)


def test_the_turns_are_those_of_the_meeting(store: Narralytica, meeting: str, found: dict) -> None:
    assert [s["label"] for s in found["speakers"]] == [f"Speaker {i + 1}" for i in range(VOICES)]
    done = store.run("speakers", meeting, "--format", "rttm")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(found["turns"])
    share, names = purity(done.stdout)
    assert names == VOICES and share > PURITY_MIN, share
    # The twin: the same turns, all of one speaker, are seen to be wrong.
    one = re.sub(r"Speaker_\d", "Speaker_1", done.stdout)
    assert purity(one)[1] == 1


def right(segments: list[dict]) -> float:
    """The share of segments whose speaker is the one whom the meeting's list names there."""
    by_speaker: dict[str, list[str]] = {}
    for segment in segments:
        middle_s = (segment["start_ms"] + segment["end_ms"]) / 2000
        named = [name for start, end, name in reference() if start <= middle_s <= end]
        by_speaker.setdefault(segment["speaker_id"], []).extend(named)
    total = sum(len(names) for names in by_speaker.values())
    return sum(max(names.count(n) for n in names) for names in by_speaker.values() if names) / total


def test_every_segment_is_said_by_one_of_them(
    store: Narralytica, meeting: str, found: dict
) -> None:
    segments = store.json("transcript", meeting)["segments"]
    labels = {s["speaker_id"]: s["label"] for s in found["speakers"]}
    for segment in segments:
        speaker = {"speaker_id": segment["speaker_id"], "name": None}
        assert segment["speaker"] == {**speaker, "label": labels[segment["speaker_id"]]}
    assert {segment["speaker_id"] for segment in segments} == set(labels)
    assert right(segments) > SHARE_OF_SEGMENTS_MIN
    # The twin: everything said by one is seen to be wrong.
    one = found["speakers"][0]["speaker_id"]
    assert right([{**s, "speaker_id": one} for s in segments]) < SHARE_OF_SEGMENTS_MIN


@pytest.mark.parametrize("mode", ["lexical", "semantic", "hybrid"])
def test_a_search_finds_what_one_of_them_said(store: Narralytica, found: dict, mode: str) -> None:
    for speaker in found["speakers"]:
        speaker_id, label = speaker["speaker_id"], speaker["label"]
        asked = ("search", "--mode", mode, "--limit", "100")
        by_id = store.json(*asked, "--speaker", speaker_id, QUERY)
        by_label = store.json(*asked, f'{QUERY} speaker:"{label}"', "--video", speaker["video_id"])
        for reply in (by_id, by_label):
            assert reply["items"] and not reply["degraded"]
            for hit in reply["items"]:
                assert hit["segment"]["speaker_id"] == speaker_id
                assert hit["speaker"] == {"speaker_id": speaker_id, "name": label}
    everybody = store.json("search", "--mode", mode, "--limit", "100", QUERY)["items"]
    assert len({hit["segment"]["speaker_id"] for hit in everybody}) >= VOICES
    nobody = store.json("search", "--mode", mode, "--speaker", NOBODY, QUERY)
    assert nobody["items"] == [] and nobody["page"]["total"] == 0


def test_captions_and_text_say_who_speaks(store: Narralytica, meeting: str) -> None:
    segments = store.json("transcript", meeting)["segments"]
    changes = [
        segment["speaker"]["label"]
        for before, segment in zip([{"speaker_id": None}, *segments], segments, strict=False)
        if segment["speaker_id"] != before["speaker_id"]
    ]
    assert len(changes) > VOICES
    named = r"^(Speaker \d): "
    for form, mark in (("vtt", r"^<v ([^>]+)>"), ("srt", named), ("txt", named)):
        text = store.run("transcript", meeting, "--format", form).stdout
        assert re.findall(mark, text, re.MULTILINE) == changes, form
    # The twin: where one speaks alone, nobody is named.
    for form in ("vtt", "srt", "txt"):
        text = store.run("transcript", store.videos[INAUGURAL], "--format", form).stdout
        assert "Speaker" not in text and "<v" not in text


def test_people_get_a_table(store: Narralytica, meeting: str, found: dict) -> None:
    lines = store.run("speakers", meeting).stdout.splitlines()
    assert len(lines) == VOICES
    shares = [int(re.search(r"(\d+) %", line)[1]) for line in lines]
    assert abs(sum(shares) - 100) <= 1
    for line, speaker in zip(lines, found["speakers"], strict=True):
        assert line.startswith(speaker["speaker_id"])
        assert speaker["label"] in line and f" {speaker['turns_count']} turns" in line


def test_an_export_has_the_speakers(
    store: Narralytica, meeting: str, found: dict, tmp_path: pathlib.Path
) -> None:
    store.json("export", meeting, str(tmp_path))
    assert json.loads((tmp_path / "speakers.json").read_text()) == found
    rttm = (tmp_path / "speakers.rttm").read_text()
    assert rttm == store.run("speakers", meeting, "--format", "rttm").stdout


def test_wrong_questions_get_their_exit_codes(store: Narralytica, meeting: str) -> None:
    assert store.run("speakers", NOBODY).returncode == NOT_FOUND
    assert store.run("speakers", meeting, "--format", "xml").returncode == USAGE
    assert store.run("ingest", "--speakers-min", "0", str(MEETING)).returncode == USAGE
    assert store.run("ingest", "--speakers-max", "101", str(MEETING)).returncode == USAGE
    two_and_one = ("--speakers-min", "2", "--speakers-max", "1")
    assert store.run("ingest", *two_and_one, str(MEETING)).returncode == USAGE


def test_the_number_of_speakers_can_be_given(empty: Narralytica, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "minute.wav"
    data.write_audio(path, data.read_audio(MEETING)[: 60 * 16_000])
    (item,) = empty.json("ingest", "--wait=all", "--speakers-max", "2", str(path))
    assert item["status"] == "ready"
    assert len(empty.json("speakers", item["video_id"])["speakers"]) == 2


def test_a_recording_whose_speakers_are_not_known_says_so(empty: Narralytica) -> None:
    (item,) = empty.without_speakers().json("ingest", "--wait=all", str(INAUGURAL))
    nothing = {"diarization": None, "speakers": [], "turns": []}
    assert empty.json("speakers", item["video_id"]) == nothing
    table = empty.run("speakers", item["video_id"])
    assert (table.returncode, table.stdout) == (0, "") and "told apart" in table.stderr
    assert empty.run("speakers", item["video_id"], "--format", "rttm").stdout == ""
