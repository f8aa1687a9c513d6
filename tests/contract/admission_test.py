"""Too much is refused before anything of it is kept, with the time to come back."""

from __future__ import annotations

import pytest

from tests.contract.server import Reply, Server, Start, tone

FULL = {
    "jobs.tenant_queued_max=1": (429, "rate_limit_exceeded"),
    "jobs.queued_max=1": (503, "unavailable"),
}


def create_upload(server: Server) -> Reply:
    """Begins an upload, or is refused."""
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "100"}
    return server.request("POST", "/api/v1/uploads", headers=headers)


def fetch(server: Server, name: str, **more: str) -> Reply:
    """Takes in what lies at an address."""
    source = {"kind": "external_url", "url": f"https://example.org/{name}.mp4"}
    return server.request("POST", "/api/v1/ingest", body={"source": source, **more})


def assert_refused(reply: Reply, status: int, code: str) -> None:
    """The refusal says what, what to do, and when."""
    assert reply.status == status, reply
    error = reply.error()
    assert error["code"] == code
    assert error["details"]["hint"]
    assert int(reply.headers["retry-after"]) > 0


@pytest.mark.parametrize("setting", FULL)
def test_a_full_queue_takes_no_more_and_keeps_its_answers(serve: Start, setting: str) -> None:
    server = serve(setting)
    early = server.upload(tone(1))
    first = fetch(server, "first", external_id="one")
    assert first.status == 201, first
    for refused in (fetch(server, "second"), server.ingest(early), create_upload(server)):
        assert_refused(refused, *FULL[setting])
    again = fetch(server, "first", external_id="one")
    assert again.status == 201, again
    assert again.json()["video_id"] == first.json()["video_id"]
    assert len(server.get("videos").json()["items"]) == 1
    assert len(list((server.program.folder / "uploads").glob("*"))) == 1
    assert [path for path in (server.program.folder / "objects").rglob("*") if path.is_file()] == []


def test_a_full_disk_takes_no_more(serve: Start) -> None:
    server = serve(f"media.disk_free_bytes_min={1 << 50}")
    for refused in (fetch(server, "any"), create_upload(server)):
        assert_refused(refused, 503, "unavailable")
    assert server.get("videos").json()["items"] == []


def test_twin_by_default_the_same_is_taken_in(serve: Start) -> None:
    server = serve()
    assert server.ingest(server.upload(tone(1))).status == 201
    assert [fetch(server, name).status for name in ("a", "b")] == [201, 201]
