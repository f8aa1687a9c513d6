"""`serve` is killed after it did what was asked and before anybody heard of it: the retry is one.

A proxy keeps every answer back; once the effect is seen in the store itself, the server is killed
with SIGKILL, started again, and asked the same once more.
"""

from __future__ import annotations

import contextlib
import http.client
import pathlib
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract import proxy
from tests.contract.server import Reply, Server, Start, folder_of, tone

WAIT_S = 30


def rows(server: Server, statement: str) -> list[tuple]:
    """What the database holds, read beside the server."""
    path = server.program.folder / "narralytica.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute(statement).fetchall()


def count(server: Server, table: str) -> int:
    """How many rows the table has."""
    return rows(server, f"SELECT COUNT(*) FROM {table}")[0][0]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Polls until it holds, or fails the test."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, f"waited {WAIT_S} s until {what}"
        time.sleep(0.02)


def ask_and_kill(server: Server, happened: Callable[[], bool], ask: Callable[[], Any]) -> None:
    """Asks through a proxy that keeps the answer, and kills the server once it `happened`."""
    heard: list[Any] = []
    direct = server.host, server.port
    with proxy.before(lambda: direct) as between:
        between.answers_held = True
        server.host, port = between.url.removeprefix("http://").split(":")
        server.port = int(port)

        def attempt() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                heard.append(ask())

        asking = threading.Thread(target=attempt)
        asking.start()
        wait_until(happened, "the effect is in the store")
        server.kill()
        between.drop()
        asking.join(WAIT_S)
        server.host, server.port = direct
    assert heard == [], "nobody heard of it"
    server.restart()


@pytest.mark.parametrize("by", ["idempotency key", "external id", "both"])
def test_ingest(serve: Start, by: str) -> None:
    server = serve()
    content = tone(91)
    ref = server.upload(content)
    asked: dict[str, Any] = {}
    if by != "external id":
        asked["key"] = "import-91"
    if by != "idempotency key":
        asked["external_id"] = "council-91"
    ask_and_kill(server, lambda: count(server, "jobs") == 1, lambda: server.ingest(ref, **asked))
    [(video, job)] = rows(server, "SELECT video_id, id FROM jobs")
    if by == "external id":
        # Without the key a client that lost its answer begins anew, with the same bytes.
        ref = server.upload(content)
    reply = server.ingest(ref, **asked)
    assert reply.status == 201
    again = reply.json()
    assert (again["video_id"], again["job_id"]) == (video, job)
    assert again["idempotent_replay"] is True
    assert again["duplicate"] is (by == "external id")
    for table in ("videos", "sources", "jobs"):
        assert count(server, table) == 1, table


def create_key(server: Server, **more: Any) -> Reply:
    """Asks for a key, with the Idempotency-Key "make-1"."""
    body = {"name": "a key that got lost", "role": "viewer", **more}
    return server.request(
        "POST", "/api/v1/keys", body=body, headers={"Idempotency-Key": "make-1"}
    )


def test_key_creation(serve: Start) -> None:
    server = serve()
    before = count(server, "api_keys")
    ask_and_kill(
        server, lambda: count(server, "api_keys") == before + 1, lambda: create_key(server)
    )
    named = "SELECT id FROM api_keys WHERE name = 'a key that got lost'"
    [(made,)] = rows(server, named)
    reply = create_key(server)
    assert reply.status == 201
    again = reply.json()
    assert (again["id"], again["idempotent_replay"]) == (made, True)
    assert rows(server, named) == [(made,)] and count(server, "api_keys") == before + 1
    bearer = {"Authorization": f"Bearer {again['key']}"}
    assert server.request("GET", "/api/v1/jobs", headers=bearer).status == 200, "its secret works"
    assert create_key(server).json() == again
    # Another request, or another caller, does not get it.
    other = create_key(server, role="editor")
    assert (other.status, other.error()["code"]) == (409, "idempotency_mismatch")
    [(answer,)] = rows(server, "SELECT answer FROM idempotency_keys WHERE key = 'make-1'")
    assert again["key"] not in answer and made not in answer
    server.key = server.program.json("key", "create", "--name", "b", "--role", "admin")["key"]
    stranger = create_key(server)
    assert (stranger.status, stranger.error()["code"]) == (409, "idempotency_mismatch")


def test_upload(serve: Start) -> None:
    server = serve()
    content = tone(92, 10)
    half = len(content) // 2
    upload = server.create_upload(len(content))
    file: pathlib.Path = folder_of(server.program) / upload.rsplit("/", 1)[1]
    ask_and_kill(
        server,
        lambda: file.exists() and file.stat().st_size == half,
        lambda: server.patch(upload, 0, content[:half]),
    )
    assert server.offset(upload) == half
    repeated = server.patch(upload, 0, content[:half])
    assert (repeated.status, repeated.error()["code"]) == (409, "conflict")
    assert server.patch(upload, half, content[half:]).status == 204
    taken = server.ingest(upload.rsplit("/", 1)[1]).json()
    got = server.get(f"videos/{taken['video_id']}/media?rendition=original")
    assert got.body == content
    assert count(server, "uploads") == count(server, "videos") == 1


def test_without_any_key_there_would_be_two(serve: Start) -> None:
    """The negative twin: it is the Idempotency-Key that makes a repeated creation one."""
    server = serve()
    before = count(server, "api_keys")

    def create() -> Reply:
        return server.request("POST", "/api/v1/keys", body={"name": "k", "role": "viewer"})

    ask_and_kill(server, lambda: count(server, "api_keys") == before + 1, create)
    assert create().json()["idempotent_replay"] is False
    assert count(server, "api_keys") == before + 2
