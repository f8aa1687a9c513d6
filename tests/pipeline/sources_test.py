"""Recordings from addresses: fetched through the dialer, into a transcript that is found."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.pipeline.program import SOME_FAILED, USAGE, Narralytica
from tests.pipeline.web import ALLOW, Page, Web, cut

BREAK_AT = 30_000
ITEMS = 20
WAIT_S = 240
POLL_S = 0.3


def test_an_address_becomes_a_transcript_though_the_download_breaks(
    empty: Narralytica, web: Web, clip: bytes
) -> None:
    web.pages["/talks/inaugural.flac"] = Page(clip, breaks=[BREAK_AT, BREAK_AT])
    web.pages["/go"] = Page(b"", status=302, headers={"Location": "/talks/inaugural.flac"})
    (item,) = empty.json("ingest", "--wait", ALLOW, web.url("/go"))
    assert item["status"] == "ready", item
    assert not item["duplicate"]
    hits = empty.json("search", '"my fellow americans"')["items"]
    assert hits[0]["video"]["video_id"] == item["video_id"]
    assert hits[0]["video"]["title"] == "inaugural"
    ranges = [headers.get("range") for path, headers in web.asked if path != "/go"]
    assert ranges == [None, f"bytes={BREAK_AT}-", f"bytes={2 * BREAK_AT}-"]
    assert not list((empty.folder / "tmp/downloads").iterdir())


def test_the_same_recording_from_elsewhere_is_the_same_video(
    empty: Narralytica, web: Web, clip: bytes, tmp_path: pathlib.Path
) -> None:
    web.pages["/a"] = web.pages["/b"] = Page(clip)
    (first,) = empty.json("ingest", "--wait", ALLOW, "--external-id=one", web.url("/a"))
    (second,) = empty.json("ingest", "--wait", ALLOW, "--external-id=two", web.url("/b"))
    assert first["status"] == second["status"] == "ready"
    assert second["video_id"] == first["video_id"]
    assert second["duplicate"]
    asked = len(web.asked)
    for external_id in ("one", "two"):
        known = f"--external-id={external_id}"
        (again,) = empty.json("ingest", "--wait", ALLOW, known, web.url("/a"))
        assert (again["video_id"], again["duplicate"]) == (first["video_id"], True)
    assert len(web.asked) == asked, "what is known by its id is not fetched again"
    copy = tmp_path / "copy.flac"
    copy.write_bytes(clip)
    (uploaded,) = empty.json("ingest", "--wait", str(copy))
    assert (uploaded["video_id"], uploaded["duplicate"]) == (first["video_id"], True)
    succeeded = [job["type"] for job in jobs(empty) if job["status"] == "succeeded"]
    assert succeeded.count("transcribe") == 1
    assert succeeded.count("ingest") == 2


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (Page(b"<!doctype html><p>hello", "text/html"), "url_not_media"),
        (Page(b"", "audio/flac"), "media_empty"),
        (Page(b"gone", status=404), "url_not_found"),
        (Page(b"who?", status=403), "url_denied"),
        (Page(b"", status=302, headers={"Location": "http://127.0.0.2/"}), "unsafe_url"),
        (Page(b"", status=302, headers={"Location": "/page"}), "url_redirects"),
        (Page(b"no recording at all", "audio/flac"), "media_unreadable"),
    ],
)
def test_what_is_no_recording_fails_for_good_and_says_why(
    empty: Narralytica, web: Web, page: Page, code: str
) -> None:
    web.pages["/page"] = page
    (item,) = empty.json("ingest", "--wait", ALLOW, web.url("/page"), code=SOME_FAILED)
    assert item["status"] == "failed"
    assert item["dead_letter"]
    assert item["error"]["code"] == code
    assert item["error"]["hint"]


def test_an_address_that_is_not_public_is_refused_and_not_asked(
    empty: Narralytica, web: Web, clip: bytes
) -> None:
    web.pages["/a"] = Page(clip)
    for url in (web.url("/a"), web.url("/a").replace("127.0.0.1", "0x7f.1")):
        (item,) = empty.json("ingest", "--wait", url, code=SOME_FAILED)
        assert item["error"]["code"] == "unsafe_url"
        assert item["job_id"] is None
    assert not web.asked


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(POLL_S)


@pytest.fixture
def worker(empty: Narralytica) -> Iterator[Callable[..., None]]:
    """Starts a worker with settings; it is ended with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*settings: str) -> None:
        running.append(empty.start("work", *settings))

    yield start
    for process in running:
        process.terminate()
        assert process.wait(60) == 0


def rss(titles: list[str]) -> bytes:
    """A feed whose items are at /<title>.flac."""
    items = "".join(
        f"<item><title>Episode {title}</title><guid>{title}</guid>"
        f"<pubDate>Tue, 24 Nov 2026 18:{int(title):02}:00 GMT</pubDate>"
        f'<enclosure url="/{title}.flac" type="audio/flac"/></item>'
        for title in titles
    )
    return f"<rss version='2.0'><channel><title>Show</title>{items}</channel></rss>".encode()


def test_a_feed_of_twenty_items_polled_twice_takes_each_in_once(
    empty: Narralytica, web: Web, worker: Callable[..., None], tmp_path: pathlib.Path
) -> None:
    titles = [str(number) for number in range(ITEMS)]
    for number, title in enumerate(titles):
        content = cut(tmp_path / f"{title}.flac", number / 4, 1.5 + number / 20)
        web.pages[f"/{title}.flac"] = Page(content)
    web.pages["/feed.xml"] = Page(rss(titles), "application/rss+xml")
    feed = empty.json("feeds", "add", ALLOW, web.url("/feed.xml"))
    assert feed["status"] == "ok"
    worker(ALLOW)

    def source() -> dict[str, Any]:
        return empty.json("feeds", "list")["items"][0]

    wait_for(lambda: source()["last_polled_at"] is not None, "the first poll")
    assert source()["item_count"] == ITEMS
    assert source()["title"] == "Show"
    wait_for(lambda: all(job["status"] == "succeeded" for job in jobs(empty)), "the pipeline")
    first = source()["last_polled_at"]
    # Another content of the feed with the same items: nothing is new.
    web.pages["/feed.xml"].body = rss(titles[::-1])
    empty.json("feeds", "poll", feed["id"])
    wait_for(lambda: source()["last_polled_at"] != first, "the second poll")
    assert source()["item_count"] == ITEMS
    ingested = [job for job in jobs(empty) if job["type"] == "ingest"]
    assert len(ingested) == ITEMS
    assert sorted(path for path in web.paths() if path.endswith(".flac")) == sorted(
        f"/{title}.flac" for title in titles
    )
    # And the same content again is not even sent.
    second = source()["last_polled_at"]
    empty.json("feeds", "poll", feed["id"])
    wait_for(lambda: source()["last_polled_at"] != second, "the third poll")
    assert web.asked[-1][1]["if-none-match"] == web.pages["/feed.xml"].etag
    assert source()["error"] is None


def jobs(program: Narralytica) -> list[dict[str, Any]]:
    """All jobs."""
    return program.json("jobs", "--limit=500")["items"]


def test_a_file_in_a_watched_folder_is_taken_in_when_it_is_whole(
    empty: Narralytica, worker: Callable[..., None], tmp_path: pathlib.Path, clip: bytes
) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    roots = f"--set=sources.folder_roots={tmp_path}"
    outside = empty.run("feeds", "add", "--json", roots, "/etc")
    assert outside.returncode == USAGE
    assert json.loads(outside.stdout)["error"]["code"] == "folder_not_allowed"
    growing = watched / "talk.flac"
    growing.write_bytes(clip[: len(clip) // 2])
    later = time.time() + 3600
    os.utime(growing, (later, later))  # so it is never old enough
    feed = empty.json("feeds", "add", roots, "--interval=30", str(watched))
    worker(roots, "--set=sources.settle_ms=1000")

    def source() -> dict[str, Any]:
        return empty.json("feeds", "list")["items"][0]

    wait_for(lambda: source()["last_polled_at"] is not None, "the first poll")
    growing.write_bytes(clip)
    wait_for(lambda: source()["item_count"] == 1, "the file")
    wait_for(lambda: bool(jobs(empty)), "its job")
    wait_for(lambda: all(job["status"] == "succeeded" for job in jobs(empty)), "the pipeline")
    hits = empty.json("search", '"my fellow americans"')["items"]
    assert hits[0]["video"]["title"] == "talk"
    empty.json("feeds", "remove", feed["id"])
    assert empty.json("feeds", "list")["items"] == []
    assert empty.json("search", '"my fellow americans"')["items"]
