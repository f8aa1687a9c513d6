"""Voices across recordings: the sample meeting cut in two, whose voices are to be found again, and
a stranger; then everything that can be done to people, by command line and API.
"""

from __future__ import annotations

import collections
import json
import pathlib
import shutil
import sqlite3
import subprocess
import time
from typing import Any

import pytest

from tests.contract.server import Server, make_key
from tests.pipeline.program import (
    CHECK_FAILED,
    INAUGURAL,
    MEETING,
    NOT_FOUND,
    USAGE,
    Narralytica,
)

CUT_S = 62.0  # in a pause, with all three voices on both sides
NOBODY = "01890000-0000-7000-8000-000000000000"
INDEXED_S = 60


def cut(path: pathlib.Path, start_s: float) -> pathlib.Path:
    """Half of the meeting."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-ss", str(start_s), "-t", str(CUT_S)]
    command += ["-i", str(MEETING), "-ac", "1", "-ar", "16000", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Narralytica:
    """Both halves and the stranger, ready; nobody writes here. `videos` has ids by path."""
    folder = tmp_path_factory.mktemp("halves")
    paths = [cut(folder / "first.wav", 0), cut(folder / "second.wav", CUT_S), INAUGURAL]
    program = Narralytica(folder / "data")
    for item in program.json("ingest", "--wait", *map(str, paths)):
        assert item["status"] == "ready", item
        program.videos[pathlib.Path(item["path"])] = item["video_id"]
    return program


@pytest.fixture
def program(halves: Narralytica, tmp_path: pathlib.Path) -> Narralytica:
    """A copy of them to change."""
    copy = Narralytica(tmp_path / "data")
    shutil.copytree(halves.folder, copy.folder)
    copy.videos.update(halves.videos)
    return copy


def rows(program: Narralytica, query: str, *values: str) -> list[tuple[Any, ...]]:
    """What the database says."""
    database = sqlite3.connect(program.folder / "narralytica.db")
    try:
        return database.execute(query, values).fetchall()
    finally:
        database.close()


def spoken(program: Narralytica, path: pathlib.Path) -> dict[str, str]:
    """Who each speaker of a half really is, by the reference."""
    start_s = CUT_S if path.name == "second.wav" else 0.0
    shared: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    turns = rows(
        program,
        "SELECT t.speaker_id, t.start_ms, t.end_ms FROM speaker_turns t"
        " JOIN speakers s ON s.id = t.speaker_id WHERE s.video_id = ?",
        program.videos[path],
    )
    for line in MEETING.with_suffix(".stm").read_text().splitlines():
        fields = line.split(maxsplit=5)
        start, end = float(fields[3]) - start_s, float(fields[4]) - start_s
        for speaker, at_ms, until_ms in turns:
            both = min(end, until_ms / 1000) - max(start, at_ms / 1000)
            shared[speaker][fields[2]] += max(0.0, both)
    return {speaker: names.most_common(1)[0][0] for speaker, names in shared.items()}


def links(program: Narralytica) -> dict[str, str | None]:
    """The person of every speaker."""
    return dict(rows(program, "SELECT id, person_id FROM speakers"))


def people(program: Narralytica, *arguments: str, code: int = 0) -> Any:
    """`narralytica people ...`."""
    return program.json("people", *arguments, code=code)


def recurring(program: Narralytica) -> list[dict[str, Any]]:
    """The profile of each person."""
    listed = people(program, "list")["items"]
    return [people(program, "show", person["person_id"]) for person in listed]


def half(halves: Narralytica, name: str) -> pathlib.Path:
    """The path of a half."""
    return next(path for path in halves.videos if path.name == name)


def test_the_voices_that_recur_are_linked_and_none_wrongly(halves: Narralytica) -> None:
    truth = {
        **spoken(halves, half(halves, "first.wav")),
        **spoken(halves, half(halves, "second.wav")),
    }
    found: dict[str, list[str]] = collections.defaultdict(list)
    for speaker, person in links(halves).items():
        if person is not None:
            found[person].append(truth.get(speaker, "stranger"))
    print({person: names for person, names in found.items()})
    assert sorted(found.values()) == [[name] * 2 for name in sorted(set(truth.values()))]
    listed = people(halves, "list", "--state", "unknown")["items"]
    assert len(listed) == 3
    assert all(person["videos_count"] == 2 for person in listed)
    profile = people(halves, "show", listed[0]["person_id"])
    assert len(profile["speaks_with"]) == 2
    assert [one["how"] for one in profile["appearances"]] == ["match", "match"]
    for one in profile["appearances"]:
        assert one["score"] >= 0.5
        assert one["evidence"], one
    assert people(halves, "list", "--state", "named")["items"] == []


def test_a_voice_is_kept_sealed(halves: Narralytica) -> None:
    sealed = rows(halves, "SELECT sealed FROM voiceprints")
    keys = rows(halves, "SELECT secret FROM voice_keys")
    assert len(sealed) == len(keys) == len(links(halves))
    assert len({text for (text,) in sealed}) == len(sealed)


def test_everything_is_done_and_undone_by_command_line(program: Narralytica) -> None:
    first, second, third = recurring(program)
    ada, bob = (one["person"]["person_id"] for one in (first, second))
    mine, other = (one["speaker_id"] for one in first["appearances"])
    before = links(program)

    named = people(program, "rename", ada, " Ada Lovelace ")
    assert named["person"]["name"] == "Ada Lovelace"
    assert set(named["video_ids"]) == {one["video_id"] for one in first["appearances"]}
    assert [one["name"] for one in people(program, "list", "--query", "LOVE")["items"]] == [
        "Ada Lovelace"
    ]

    steps = [
        ("assign", mine, bob),
        ("assign", mine, "--name", "Somebody"),
        ("reject", other, ada),
        ("split", ada, other, "--name", "A twin"),
        ("merge", ada, bob),
        ("consent", ada, "denied"),
        ("enrol", ada, mine),
        ("enrol", ada, "--video", first["appearances"][0]["video_id"], "--start-ms", "0")
        + ("--end-ms", "60000"),
    ]
    for step in steps:
        done = people(program, *step)
        assert len(done["event_ids"]) == 1, step
        changed = links(program) != before
        assert changed == (step[0] in {"assign", "reject", "split", "merge"}), step
        assert bool(done["video_ids"]) == changed, step
        undone = people(program, "undo", done["event_ids"][0])
        assert undone["video_ids"] == done["video_ids"], step
        assert links(program) == before, step
    kinds = [event["kind"] for event in people(program, "events", ada)["items"]]
    assert kinds.count("undo") >= 6
    assert "create" in kinds
    assert "rename" in kinds
    assert people(program, "add", "Nobody yet")["person"]["speakers_count"] == 0
    assert third["person"]["name"] is None


def test_what_cannot_be_done_is_refused(program: Narralytica) -> None:
    first = recurring(program)[0]
    person = first["person"]["person_id"]
    speaker = first["appearances"][0]["speaker_id"]
    people(program, "show", NOBODY, code=NOT_FOUND)
    people(program, "show", "nonsense", code=NOT_FOUND)
    people(program, "rename", person, "a\nb", code=USAGE)
    people(program, "assign", speaker, code=USAGE)
    people(program, "merge", person, code=USAGE)
    made = people(program, "assign", speaker, "--name", "Ada")
    people(program, "rename", made["person"]["person_id"], "Ada L.")
    refused = people(program, "undo", made["event_ids"][0], code=1)
    assert refused["error"]["code"] == "conflict"


def erase(program: Narralytica, person: str) -> dict[str, Any]:
    """Erases, and asks again until search has followed."""
    worker = program.start("work")
    try:
        deadline = time.monotonic() + INDEXED_S
        done = program.run("people", "--json", "erase", person)
        assert done.returncode in {0, CHECK_FAILED}, done.stderr
        while (proof := program.run("people", "--json", "erase", person)).returncode != 0:
            assert proof.returncode == CHECK_FAILED, proof.stderr
            assert time.monotonic() < deadline, proof.stdout
        return json.loads(done.stdout)
    finally:
        worker.terminate()
        assert worker.wait(60) == 0


def test_erasing_leaves_nothing_of_a_voice(program: Narralytica) -> None:
    profile = recurring(program)[0]
    person = profile["person"]["person_id"]
    people(program, "rename", person, "Ada Lovelace")
    people(program, "enrol", person, profile["appearances"][0]["speaker_id"])
    proof = erase(program, person)
    places = {place["what"]: place for place in proof["places"]}
    assert places["sealed voices"]["removed"] == 3
    assert places["keys to sealed voices"]["removed"] == 3
    assert places["names"]["removed"] == 1
    voices = [place for place in proof["places"] if place["place"] != "search_index"]
    assert all(place["left"] == 0 for place in voices)
    people(program, "show", person, code=NOT_FOUND)
    for speaker in profile["appearances"]:
        assert links(program)[speaker["speaker_id"]] is None
    assert rows(program, "SELECT COUNT(*) FROM voiceprints WHERE person_id = ?", person) == [(0,)]
    assert rows(program, "SELECT evidence FROM identity_events WHERE kind = 'rename'") == [("{}",)]


def test_the_same_by_api(program: Narralytica) -> None:
    server = Server(program, make_key(program, "admin"))
    try:
        by_api(server)
    finally:
        assert server.stop() == 0


def by_api(server: Server) -> None:
    """Each action once, and its undo."""
    before = links(server.program)

    def post(path: str, body: Any = None) -> dict[str, Any]:
        reply = server.request("POST", f"/api/v1/{path}", body=body)
        assert reply.status == 200, reply
        return reply.json()

    listed = server.get("people?state=unknown").json()
    assert listed["page"]["total"] == 3
    first, second = (one["person_id"] for one in listed["items"][:2])
    profile = server.get(f"people/{first}").json()
    mine, other = (one["speaker_id"] for one in profile["appearances"])
    clip = profile["appearances"][0]["evidence"][0]
    for path, body in [
        (f"speakers/{mine}/assign", {"person_id": second}),
        (f"speakers/{mine}/assign", {"name": "Somebody"}),
        (f"speakers/{other}/reject", {"person_id": first}),
        (f"people/{first}/split", {"speaker_ids": [other]}),
        (f"people/{first}/merge", {"into": second}),
        (f"people/{first}/voiceprints", clip),
        (f"people/{first}/voiceprints", {"speaker_id": other}),
    ]:
        done = post(path, body)
        post(f"identity-events/{done['event_ids'][0]}/undo")
        assert links(server.program) == before, path
    changed = server.request(
        "PATCH", f"/api/v1/people/{first}", body={"name": "Ada", "consent": "granted"}
    )
    assert len(changed.json()["event_ids"]) == 2
    assert server.get(f"people/{first}/events").json()["page"]["total"] >= 10
    again = server.request("POST", f"/api/v1/identity-events/{NOBODY}/undo")
    assert again.status == 404
    erased = server.request("DELETE", f"/api/v1/people/{first}").json()
    assert {place["what"]: place["left"] for place in erased["places"]}["sealed voices"] == 0
    assert server.get(f"people/{first}").status == 404
