"""`fsck` finds what was damaged on purpose, and `fsck --repair` makes it whole again."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator

import pytest

from tests.pipeline.program import CHECK_FAILED, INAUGURAL, MEETING, Narralytica


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Narralytica:
    """A data folder with one recording; never changed."""
    narralytica = Narralytica(tmp_path_factory.mktemp("pristine") / "data")
    (item,) = narralytica.json("ingest", "--wait=all", str(INAUGURAL))
    assert item["status"] == "ready"
    narralytica.videos[INAUGURAL] = item["video_id"]
    return narralytica


@pytest.fixture
def copy(pristine: Narralytica, tmp_path: pathlib.Path) -> Narralytica:
    """A copy of it to damage."""
    return copy_of(pristine, tmp_path / "copy")


def copy_of(narralytica: Narralytica, folder: pathlib.Path) -> Narralytica:
    shutil.copytree(narralytica.folder, folder, symlinks=True)
    copied = Narralytica(folder)
    copied.videos = dict(narralytica.videos)
    return copied


def rows(narralytica: Narralytica, statement: str) -> list[tuple]:
    """Runs a statement in the data folder's SQLite."""
    with sqlite3.connect(narralytica.folder / "narralytica.db") as database:
        found = database.execute(statement).fetchall()
    database.close()
    return found


def file_of(narralytica: Narralytica, statement: str) -> pathlib.Path:
    """The file of the one object whose key the statement gives."""
    ((key,),) = rows(narralytica, statement)
    tenant, digest = key.split("/")
    return narralytica.folder / "objects" / tenant / digest[:2] / digest


def artifact(kind: str) -> str:
    return f"SELECT object_key FROM artifacts WHERE kind = '{kind}'"


WORDS = "SELECT words_object_key FROM transcripts"
VECTORS = "SELECT object_key FROM vectors"


def flip(path: pathlib.Path) -> None:
    """Changes one byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def lose(statement: str) -> Callable[[Narralytica], None]:
    return lambda store: file_of(store, statement).unlink()


def damage(statement: str) -> Callable[[Narralytica], None]:
    return lambda store: flip(file_of(store, statement))


def change(statement: str) -> Callable[[Narralytica], None]:
    return lambda store: rows(store, statement) and None


def damage_index(store: Narralytica) -> None:
    for path in (store.folder / "index").rglob("*"):
        if path.is_file() and path.stat().st_size > 0:
            flip(path)


def lose_index(store: Narralytica) -> None:
    shutil.rmtree(store.folder / "index")


def forget_changes(store: Narralytica) -> None:
    """As when a backup of the database, and of nothing else, was restored."""
    rows(store, "DELETE FROM changes WHERE seq > (SELECT MIN(seq) FROM changes)")


@dataclasses.dataclass(frozen=True)
class Harm:
    name: str
    do: Callable[[Narralytica], None]
    kind: str  # of the first finding
    outcome: str  # of its repair


HARMS = (
    Harm("playback lost", lose(artifact("playback")), "artifact", "queued"),
    Harm("sound damaged", damage(artifact("audio")), "artifact", "queued"),
    Harm("words damaged", damage(WORDS), "words", "queued"),
    Harm("words lost", lose(WORDS), "words", "queued"),
    Harm("vectors lost", lose(VECTORS), "vectors", "queued"),
    Harm("vectors damaged", damage(VECTORS), "vectors", "queued"),
    Harm("status wrong", change("UPDATE videos SET status = 'failed'"), "video", "repaired"),
    Harm("index damaged", damage_index, "index", "repaired"),
    Harm("index lost", lose_index, "index", "repaired"),
    Harm("index newer than the database", forget_changes, "index", "repaired"),
)  # fmt: skip


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.name)
def test_what_was_harmed_is_found_and_mended(harm: Harm, copy: Narralytica) -> None:
    before = copy.run("transcript", copy.videos[INAUGURAL], "--format", "txt").stdout
    harm.do(copy)
    found = copy.json("fsck", code=CHECK_FAILED)
    assert found["findings"][0]["kind"] == harm.kind
    assert all(finding["repairable"] for finding in found["findings"])
    report = copy.json("fsck", "--repair")
    assert report["ok"] and report["findings"] == []
    assert report["repairs"][0]["outcome"] == harm.outcome
    assert copy.json("fsck") == {"ok": True, "findings": []}
    assert copy.run("transcript", copy.videos[INAUGURAL], "--format", "txt").stdout == before
    reply = copy.json("search", "ask not what your country")
    assert reply["items"] and not reply["degraded"]
    ((versions,),) = rows(copy, "SELECT COUNT(*) FROM transcripts")
    assert versions == (2 if harm.kind == "words" else 1)


def test_a_transcript_without_a_segment_is_superseded_and_stays_known(copy: Narralytica) -> None:
    rows(copy, "DELETE FROM segments WHERE segment_index = 0")
    report = copy.json("fsck", "--repair", code=CHECK_FAILED)
    assert "queued" in {repair["outcome"] for repair in report["repairs"]}
    (left,) = report["findings"]
    assert (left["kind"], left["repairable"]) == ("transcript", False), "the old version"
    assert "in version 1, which is superseded" in left["detail"]
    assert "history: nothing current is made of it" in copy.run("fsck").stdout
    document = copy.json("transcript", copy.videos[INAUGURAL], "--format", "json")
    assert "your country" in document["text"] and len(document["segments"]) > 1


def test_a_lost_original_comes_back_with_the_file(copy: Narralytica) -> None:
    lose(artifact("original"))(copy)
    found = copy.json("fsck", "--repair", code=CHECK_FAILED)
    assert [(f["kind"], f["repairable"]) for f in found["findings"]] == [("artifact", False)]
    (item,) = copy.json("ingest", str(INAUGURAL))
    assert item["duplicate"] and item["video_id"] == copy.videos[INAUGURAL]
    assert copy.json("fsck")["ok"]


def test_an_index_of_other_recordings_is_put_right(
    copy: Narralytica, tmp_path: pathlib.Path
) -> None:
    other = Narralytica(tmp_path / "other")
    other.json("ingest", "--wait=all", str(MEETING))
    shutil.rmtree(copy.folder / "index")
    shutil.copytree(other.folder / "index", copy.folder / "index")
    details = [finding["detail"] for finding in copy.json("fsck", code=CHECK_FAILED)["findings"]]
    assert any("is not in the index" in detail for detail in details), details
    assert any("the database 0" in detail for detail in details), details
    copy.json("fsck", "--repair")
    items = copy.json("search", "the", "--mode=lexical")["items"]
    assert {item["segment"]["video_id"] for item in items} <= {copy.videos[INAUGURAL]}


def test_an_object_without_a_row_goes_once_it_is_old(copy: Narralytica) -> None:
    rows(copy, "DELETE FROM artifacts WHERE kind = 'waveform'")
    assert copy.json("fsck")["ok"], "it may belong to work in progress"
    (orphan,) = copy.json("fsck", "--orphan-age", "0", code=CHECK_FAILED)["findings"]
    assert (orphan["kind"], orphan["repairable"]) == ("object", True)
    (repair,) = copy.json("fsck", "--repair", "--orphan-age", "0")["repairs"]
    assert repair["outcome"] == "repaired"
    assert copy.json("fsck", "--orphan-age", "0")["ok"]


@pytest.fixture
def working(empty: Narralytica) -> Iterator[Narralytica]:
    """A data folder in which a worker works."""
    empty.json("ingest", str(MEETING), str(INAUGURAL))
    worker = empty.start("work", "--drain")
    yield empty
    worker.wait(timeout=300)


def test_work_in_progress_is_no_finding(working: Narralytica) -> None:
    while any(not job["finished_at"] for job in working.json("jobs")["items"]):
        assert working.json("fsck")["findings"] == []
    assert working.json("fsck")["findings"] == []
