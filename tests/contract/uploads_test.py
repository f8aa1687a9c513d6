"""Uploads that survive broken connections, restarts and kills; ingest that happens once."""

from __future__ import annotations

import base64
import sqlite3
import time

import pytest

from tests.contract.server import Server, Start, folder_of, tone

NAME = base64.b64encode("Rat / Sitzung ä.wav".encode()).decode()


def begin_patch(server: Server, upload: str, offset: int, length: int) -> bytes:
    """The header of a PATCH that announces `length` bytes."""
    return (
        f"PATCH {upload} HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Bearer {server.key}\r\n"
        f"Tus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n"
        "Content-Type: application/offset+octet-stream\r\n\r\n"
    ).encode()


def wait_for_offset(server: Server, upload: str, offset: int) -> None:
    """Waits until so many bytes have arrived."""
    deadline = time.monotonic() + 20
    while server.offset(upload) < offset:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_capabilities(server: Server) -> None:
    reply = server.request("OPTIONS", "/api/v1/uploads", headers={"Authorization": ""})
    assert reply.status == 204
    assert reply.headers["tus-version"] == "1.0.0"
    assert reply.headers["tus-extension"] == "creation,expiration,termination"


def test_an_upload_goes_on_after_a_broken_connection_a_restart_and_a_kill(serve: Start) -> None:
    server = serve()
    content = tone(1, 20)
    upload = server.create_upload(len(content), NAME)
    assert server.offset(upload) == 0
    broken = server.connect()
    broken.sendall(begin_patch(server, upload, 0, len(content)) + content[:100_000])
    broken.close()
    wait_for_offset(server, upload, 100_000)
    assert server.stop() == 0
    server.restart()
    assert server.offset(upload) == 100_000
    assert server.patch(upload, 100_000, content[100_000:300_000]).status == 204
    killed = server.connect()
    killed.sendall(begin_patch(server, upload, 300_000, 340_044) + content[300_000:600_000])
    wait_for_offset(server, upload, 500_000)
    server.kill()
    killed.close()
    server.restart()
    there = server.offset(upload)
    assert 300_000 <= there <= 600_000
    last = server.patch(upload, there, content[there:])
    assert last.status == 204
    assert int(last.headers["upload-offset"]) == len(content)
    taken = server.ingest(upload.rsplit("/", 1)[1]).json()
    video = taken["video_id"]
    assert server.get(f"videos/{video}/media?rendition=original").body == content
    found = server.get(f"videos/{video}").json()
    assert (found["title"], found["source"]["locator"]) == (" Sitzung ä", " Sitzung ä.wav")
    assert not list(folder_of(server.program).iterdir())


def test_offsets_and_lengths_are_checked(server: Server) -> None:
    upload = server.create_upload(10)
    assert server.patch(upload, 3, b"abc").status == 409
    assert server.patch(upload, 0, b"abc").status == 204
    assert server.patch(upload, 0, b"abc").status == 409
    too_long = server.patch(upload, 3, b"x" * 8)
    assert (too_long.status, too_long.error()["code"]) == (413, "payload_too_large")
    reply = server.ingest(upload.rsplit("/", 1)[1])
    assert (reply.status, reply.error()["code"]) == (409, "conflict")
    tus = {"Tus-Resumable": "0.2.2", "Upload-Length": "1"}
    old = server.request("POST", "/api/v1/uploads", headers=tus)
    assert (old.status, old.headers["tus-version"]) == (412, "1.0.0")
    for length in ("0", "-1", "x", "99999999999999"):
        tus = {"Tus-Resumable": "1.0.0", "Upload-Length": length}
        assert server.request("POST", "/api/v1/uploads", headers=tus).status in (400, 413)
    gone = {"Tus-Resumable": "1.0.0"}
    assert server.request("DELETE", upload, headers=gone).status == 204
    assert server.request("HEAD", upload, headers=gone).status == 404


def test_a_stale_connection_cannot_spoil_what_a_newer_one_sent(server: Server) -> None:
    content = tone(2, 10)
    upload = server.create_upload(len(content))
    stale = server.connect()
    stale.sendall(begin_patch(server, upload, 0, len(content)) + content[:262_144])
    wait_for_offset(server, upload, 262_144)
    assert server.patch(upload, 262_144, content[262_144:]).status == 204
    stale.sendall(b"\0" * 40_000)
    stale.close()
    taken = server.ingest(upload.rsplit("/", 1)[1]).json()
    got = server.get(f"videos/{taken['video_id']}/media?rendition=original")
    assert got.body == content


def test_an_upload_expires_and_says_so(serve: Start) -> None:
    server = serve("uploads.expire_after_ms=1000")
    upload = server.create_upload(10)
    server.patch(upload, 0, b"abc")
    time.sleep(1.1)
    reply = server.patch(upload, 3, b"x")
    assert (reply.status, reply.error()["code"]) == (410, "resource_not_found")
    assert server.stop() == 0
    server.restart()
    deadline = time.monotonic() + 10
    while list(folder_of(server.program).iterdir()):
        assert time.monotonic() < deadline, "the sweep at the start takes its bytes"
        time.sleep(0.05)


def test_the_same_request_is_one_request(server: Server) -> None:
    ref = server.upload(tone(10))
    first = server.ingest(ref, key="k-1", title="One").json()
    assert not first["idempotent_replay"]
    again = server.ingest(ref, key="k-1", title="One").json()
    assert again == {**first, "idempotent_replay": True}
    other = server.ingest(ref, key="k-1", title="Two")
    assert (other.status, other.error()["code"]) == (409, "idempotency_mismatch")
    same_content = server.ingest(server.upload(tone(10))).json()
    assert (same_content["video_id"], same_content["duplicate"]) == (first["video_id"], True)
    same_upload = server.ingest(ref).json()
    assert (same_upload["video_id"], same_upload["duplicate"]) == (first["video_id"], True)
    named = server.ingest(server.upload(tone(11)), external_id="mine").json()
    renamed = server.ingest(server.upload(tone(12)), external_id="mine").json()
    assert renamed["video_id"] == named["video_id"]
    assert (renamed["idempotent_replay"], renamed["duplicate"]) == (True, True)


@pytest.mark.parametrize("round_", range(3))
def test_a_kill_between_effect_and_answer_leaves_one_recording(
    serve: Start, round_: int
) -> None:
    """The client never reads the answer; it retries with the same key after the restart."""
    server = serve()
    ref = server.upload(tone(20 + round_))
    body = b'{"source":{"kind":"upload","upload_ref":"%s"}}' % ref.encode()
    request = (
        f"POST /api/v1/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
        f"Idempotency-Key: kill-{round_}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    connection = server.connect()
    connection.sendall(request + body)
    database = sqlite3.connect(server.program.folder / "narralytica.db", timeout=10)
    deadline = time.monotonic() + 20
    while not database.execute("SELECT 1 FROM videos").fetchall():
        assert time.monotonic() < deadline
    server.kill()
    connection.close()
    server.restart()
    headers = {"Idempotency-Key": f"kill-{round_}", "Content-Type": "application/json"}
    retried = server.request("POST", "/api/v1/ingest", body=body, headers=headers)
    assert retried.status == 201
    assert retried.json()["idempotent_replay"]
    [(video,)] = database.execute("SELECT id FROM videos").fetchall()
    assert video == retried.json()["video_id"]
    assert database.execute("SELECT COUNT(*) FROM jobs").fetchone() == (1,)


def test_a_kill_in_the_middle_of_the_intake_loses_nothing(serve: Start) -> None:
    server = serve()
    content = tone(30, 60)
    ref = server.upload(content)
    body = b'{"source":{"kind":"upload","upload_ref":"%s"}}' % ref.encode()
    connection = server.connect()
    connection.sendall(
        (
            f"POST /api/v1/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        + body
    )
    server.kill()
    connection.close()
    server.restart()
    taken = server.ingest(ref).json()
    got = server.get(f"videos/{taken['video_id']}/media?rendition=original")
    assert got.body == content
    assert server.get("videos").json()["page"]["total"] == 1
