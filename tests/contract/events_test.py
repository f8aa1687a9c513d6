"""The event stream: what is told, to whom, and where a client goes on."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

from tests.contract.server import Server, Start, tone


class Stream:
    """One connection to /events; `next` waits for an event of that type."""

    def __init__(self, server: Server, query: str = "", last_id: str = "") -> None:
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
        headers = {"Authorization": f"Bearer {server.key}"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        self.connection.request("GET", f"/api/v1/events{query}", headers=headers)
        self.reply = self.connection.getresponse()
        assert self.reply.status == 200
        assert self.reply.headers["Content-Type"] == "text/event-stream"
        assert self.reply.headers["Cache-Control"] == "no-store"

    def next(self, kind: str, seconds: float = 10) -> dict[str, Any]:
        """The next event of that type."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            line = self.reply.readline().decode()
            assert line, "the stream ended"
            if line.startswith("data: "):
                event = json.loads(line[6:])
                if event["type"] == kind:
                    return event
        raise AssertionError(f"no {kind}")

    def line(self) -> str:
        """The next line, whatever it is."""
        return self.reply.readline().decode()

    def close(self) -> None:
        """Hangs up."""
        self.connection.close()


def test_changes_of_jobs_and_recordings_are_told(server: Server) -> None:
    stream = Stream(server)
    opened = stream.next("stream.opened")
    assert opened["payload"]["resumed"] is False
    taken = server.ingest(server.upload(tone(500)), title="Told").json()
    told = stream.next("job.updated")
    assert told["payload"] == server.get(f"jobs/{taken['job_id']}").json()
    video = stream.next("video.updated")
    assert video["payload"]["video_id"] == taken["video_id"]
    assert video["payload"]["title"] == "Told"
    server.request("DELETE", f"/api/v1/videos/{taken['video_id']}")
    while stream.next("video.updated")["payload"]["status"] != "deleted":
        pass
    stream.close()


def test_a_stream_of_one_recording_has_nothing_else(server: Server) -> None:
    mine = server.ingest(server.upload(tone(501))).json()
    stream = Stream(server, f"?video_id={mine['video_id']}")
    stream.next("stream.opened")
    server.ingest(server.upload(tone(502)))
    server.request("POST", f"/api/v1/jobs/{mine['job_id']}/cancel")
    assert stream.next("job.updated")["payload"]["video_id"] == mine["video_id"]
    stream.close()


def test_a_client_that_comes_back_gets_what_it_missed(server: Server) -> None:
    keeper = Stream(server)  # somebody listens all the time
    stream = Stream(server)
    last = stream.next("stream.opened")["id"]
    stream.close()
    taken = server.ingest(server.upload(tone(503))).json()
    while keeper.next("job.updated")["payload"]["id"] != taken["job_id"]:
        pass
    back = Stream(server, last_id=last)
    assert back.next("stream.opened")["payload"]["resumed"] is True
    while back.next("job.updated")["payload"]["id"] != taken["job_id"]:
        pass  # what an earlier test began
    back.close()
    lost = Stream(server, last_id="0192f0c1-1a2b-7c3d-8e4f-5a6b7c8d9e60-7")
    assert lost.next("stream.opened")["payload"]["resumed"] is False
    lost.close()
    keeper.close()


def test_silence_is_broken_by_comments_and_a_stop_ends_streams(serve: Start) -> None:
    server = serve()
    stream = Stream(server)
    stream.next("index.updated")
    start = time.monotonic()
    while not stream.line().startswith(":"):
        pass
    assert time.monotonic() - start < 15
    assert server.stop() == 0
    while stream.line():
        pass
    assert time.monotonic() - start < 20


def test_a_poll_of_a_source_is_told(serve: Start) -> None:
    server = serve()
    stream = Stream(server)
    stream.next("stream.opened")
    body = {"kind": "feed", "url": "http://nowhere.invalid/feed"}
    source = server.request("POST", "/api/v1/sources", body=body).json()
    worker = server.program.start("work")
    told = stream.next("source.updated", 30)["payload"]
    while told["status"] == "polling":
        told = stream.next("source.updated", 30)["payload"]
    assert told["id"] == source["id"]
    assert told["status"] == "failing"
    assert told["error"]["code"] == "url_unreachable"
    assert told["last_polled_at"] is not None
    assert told["next_poll_at"] > source["next_poll_at"]
    worker.terminate()
    assert worker.wait(60) == 0
    stream.close()
