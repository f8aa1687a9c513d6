"""Dead letters keep why they failed, and are started again by what they have in common."""

from __future__ import annotations

from tests.contract.server import Remote, Server, Start

NOT_MEDIA = (b"this is no recording", b"nor is this", b"nor this, which is longer")


def die(server: Server) -> list[str]:
    """Takes in what is no recording and lets a worker find out; the ids of the jobs."""
    jobs = [server.ingest(server.upload(content)).json()["job_id"] for content in NOT_MEDIA]
    server.program.run("work", "--drain")
    for job in jobs:
        found = server.get(f"jobs/{job}").json()
        assert (found["status"], found["dead_letter"]) == ("failed", True), found
        assert found["error"]["code"] and found["error"]["message"], found
        assert found["video_id"] and found["attempts"] == 1
    return jobs


def redrive(server: Server, **body: object) -> dict[str, object]:
    """Starts dead letters again."""
    reply = server.request("POST", "/api/v1/dead-letters/redrive", body=body)
    assert reply.status == 200, reply
    return reply.json()


def test_dead_letters_are_redriven_by_filter_once_and_by_whom_is_told(serve: Start) -> None:
    server = serve()
    jobs = die(server)
    code = server.get(f"jobs/{jobs[0]}").json()["error"]["code"]
    nothing = {"redriven": 0, "skipped": 0, "job_ids": []}
    assert redrive(server, code="another_code") == nothing
    assert redrive(server, type="index") == nothing
    first = redrive(server, code=code, type="ingest", limit=2)
    assert first == {"redriven": 2, "skipped": 0, "job_ids": jobs[:2]}
    assert redrive(server, code=code, type="ingest", limit=2)["job_ids"] == jobs[2:]
    assert redrive(server) == nothing, "it was done already"
    for job in jobs:
        found = server.get(f"jobs/{job}").json()
        assert (found["status"], found["attempts"], found["error"]) == ("queued", 0, None)
        [run] = server.get(f"jobs/{job}/runs").json()["items"]
        assert run["error"]["code"] == code, "the attempt keeps why it failed"
        events = server.get(f"jobs/{job}/events").json()["items"]
        [audit] = [event for event in events if event["event_type"] == "job.redriven"]
        assert audit["payload"]["actor"].startswith("key:")


def test_the_command_redrives_here_and_on_a_server(serve: Start) -> None:
    server = serve()
    jobs = die(server)
    remote = Remote.of(server)
    assert remote.json("jobs", "redrive", "--limit", "1")["job_ids"] == jobs[:1]
    assert server.program.json("jobs", "redrive", "--type", "ingest")["job_ids"] == jobs[1:]
    assert remote.json("jobs", "redrive")["redriven"] == 0


def test_a_deleted_recording_stays_dead(serve: Start) -> None:
    server = serve()
    jobs = die(server)
    video = server.get(f"jobs/{jobs[1]}").json()["video_id"]
    assert server.request("DELETE", f"/api/v1/videos/{video}").status == 204
    done = redrive(server)
    assert (done["job_ids"], done["skipped"]) == ([jobs[0], jobs[2]], 1)
    assert server.request(
        "POST", "/api/v1/dead-letters/redrive", body={"limit": 0}
    ).error()["code"] == "invalid_input"
