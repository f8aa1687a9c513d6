"""Who speaks, over HTTP: beyond the form of replies, which schemathesis holds to the contract."""

from __future__ import annotations

import urllib.parse

import pytest

from tests.contract.server import Server, make_key, tone

NOBODY = "01a21109-0000-7000-8000-000000000000"
VOICES = 3  # in the meeting


def test_speakers_turns_and_segments_lead_to_each_other(server: Server, video: str) -> None:
    found = server.get(f"videos/{video}/speakers").json()
    assert found["diarization"]["version"] == 1
    speakers = {speaker["speaker_id"]: speaker for speaker in found["speakers"]}
    assert [s["label"] for s in found["speakers"]] == [f"Speaker {i + 1}" for i in range(VOICES)]
    for speaker in found["speakers"]:
        own = [turn for turn in found["turns"] if turn["speaker_id"] == speaker["speaker_id"]]
        assert speaker["turns_count"] == len(own) > 0
        assert speaker["speech_ms"] == sum(turn["end_ms"] - turn["start_ms"] for turn in own)
        assert server.get(f"speakers/{speaker['speaker_id']}").json() == speaker
    starts = [turn["start_ms"] for turn in found["turns"]]
    assert starts == sorted(starts)
    assert starts[0] == min(starts) and found["turns"][0]["speaker_id"] == next(iter(speakers))
    listed = server.get(f"speakers?video_id={video}&limit=100").json()
    assert listed["page"]["total"] == VOICES
    assert {s["speaker_id"] for s in listed["items"]} == set(speakers)
    transcript = server.get(f"videos/{video}").json()["transcript_id"]
    for segment in server.get(f"transcripts/{transcript}").json()["segments"]:
        speaker = speakers[segment["speaker_id"]]
        assert segment["speaker"] == {name: speaker[name] for name in segment["speaker"]}
        assert segment["overlap_ms"] >= 0
        one = server.get(f"segments/{segment['id']}").json()
        assert one["speaker_id"] == segment["speaker_id"]
        assert one["overlap_ms"] == segment["overlap_ms"]


def test_a_cursor_gives_every_speaker_once(server: Server, video: str) -> None:
    seen, cursor = [], ""
    for _ in range(VOICES):
        page = server.get(f"speakers?video_id={video}&limit=1{cursor}").json()
        seen += [item["speaker_id"] for item in page["items"]]
        cursor = f"&cursor={page['page']['next_cursor']}"
    assert page["page"]["next_cursor"] is None
    assert len(set(seen)) == VOICES
    assert server.get(f"speakers?video_id={NOBODY}").json()["page"]["total"] == 0


def test_rttm_has_a_line_a_turn(server: Server, video: str) -> None:
    turns = server.get(f"videos/{video}/speakers").json()["turns"]
    reply = server.get(f"videos/{video}/speakers?format=rttm")
    assert reply.headers["content-type"].startswith("text/plain")
    lines = [line.split(" ") for line in reply.body.decode().splitlines()]
    assert {len(line) for line in lines} == {10}
    assert [round(float(line[3]) * 1000) for line in lines] == [t["start_ms"] for t in turns]
    assert {line[1] for line in lines} == {video}
    assert {line[7] for line in lines} == {f"Speaker_{i + 1}" for i in range(VOICES)}


def test_a_search_finds_what_one_speaker_said(server: Server) -> None:
    query = "search?q=influence%20position%20young&mode=lexical&limit=100"
    everybody = server.get(query).json()["items"]
    speakers = {hit["segment"]["speaker_id"] for hit in everybody}
    assert len(speakers) > 1, "the query is to find several"
    for speaker in speakers:
        label = server.get(f"speakers/{speaker}").json()["label"]
        body = {
            "query": "influence position young",
            "mode": "lexical",
            "limit": 100,
            "filters": {"speaker_id": speaker},
        }
        by_field = urllib.parse.quote(f'influence position young speaker:"{label}"')
        for reply in (
            server.get(f"{query}&speaker_id={speaker}"),
            server.request("POST", "/api/v1/search", body=body),
            server.get(f"search?q={by_field}&mode=lexical&limit=100"),
        ):
            found = reply.json()
            assert not found["degraded"]
            assert found["items"]
            for hit in found["items"]:
                assert hit["segment"]["speaker_id"] == speaker
                assert hit["speaker"] == {"speaker_id": speaker, "name": label}
    # The twin: of somebody who says nothing, nothing is found.
    assert server.get(f"{query}&speaker_id={NOBODY}").json()["items"] == []


def test_captions_say_who_speaks(server: Server, video: str) -> None:
    vtt = server.get(f"videos/{video}/captions").body.decode()
    srt = server.get(f"videos/{video}/captions?format=srt").body.decode()
    for i in range(VOICES):
        assert f"\n<v Speaker {i + 1}>" in vtt
        assert f"\nSpeaker {i + 1}: " in srt


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"videos/{NOBODY}/speakers", 404, "resource_not_found"),
        ("videos/nonsense/speakers", 404, "resource_not_found"),
        (f"speakers/{NOBODY}", 404, "resource_not_found"),
        ("speakers/nonsense", 404, "resource_not_found"),
        (f"videos/{NOBODY}/speakers?format=xml", 400, "invalid_input"),
        ("speakers?limit=0", 400, "invalid_input"),
        ("search?q=x&speaker_id=nonsense", 400, "invalid_input"),
        ("search?q=x%20speaker:%3F", 400, "invalid_input"),
    ],
)
def test_errors_have_the_one_form(server: Server, path: str, status: int, code: str) -> None:
    reply = server.get(path)
    assert (reply.status, reply.error()["code"]) == (status, code)


def test_who_may_not_read_transcripts_may_not_read_speakers(server: Server, video: str) -> None:
    body = {"name": "videos alone", "role": "admin", "scopes": ["read:videos"]}
    narrow = server.request("POST", "/api/v1/keys", body=body).json()["key"]
    viewer = make_key(server.program, "viewer")
    for path in (f"videos/{video}/speakers", "speakers", f"speakers/{NOBODY}"):
        refused = server.get(path, Authorization=f"Bearer {narrow}")
        assert refused.error()["code"] == "forbidden"
        assert server.get(path, Authorization=f"Bearer {viewer}").status in (200, 404)


def test_a_recording_nobody_has_heard_yet_has_no_speakers(server: Server) -> None:
    video = server.ingest(server.upload(tone(910)), speakers_min=2, speakers_max=4).json()
    found = server.get(f"videos/{video['video_id']}/speakers")
    assert found.json() == {"diarization": None, "speakers": [], "turns": []}
    rttm = server.get(f"videos/{video['video_id']}/speakers?format=rttm")
    assert (rttm.status, rttm.body) == (200, b"")
    server.request("DELETE", f"/api/v1/videos/{video['video_id']}")
    assert server.get(f"videos/{video['video_id']}/speakers").status == 404


def test_numbers_of_speakers_are_checked(server: Server) -> None:
    upload = server.upload(tone(911))
    for more, field in (
        ({"speakers_min": 0}, "speakers_min"),
        ({"speakers_max": 101}, "speakers_max"),
        ({"speakers_min": "2"}, "speakers_min"),
        ({"speakers_min": 3, "speakers_max": 2}, "speakers_min"),
    ):
        refused = server.ingest(upload, **more)
        assert refused.status == 400
        assert refused.error()["details"]["field"] == field
