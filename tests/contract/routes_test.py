"""Reading, roles, sessions, media: what the contract promises beyond the form of replies."""

from __future__ import annotations

import pathlib
import shutil

import pytest

from tests.contract.server import Reply, Server, Start, make_key, tone
from tests.pipeline.program import MEETING, Narralytica

NOBODY = "01a21109-0000-7000-8000-000000000000"


def test_the_recording_is_complete_and_its_parts_lead_to_each_other(
    server: Server, video: str
) -> None:
    found = server.get(f"videos/{video}").json()
    assert found["status"] == "ready"
    assert found["progress"]["fraction"] == 1
    assert [stage["status"] for stage in found["stages"]] == ["succeeded"] * 5
    types = {artifact["kind"]: artifact["content_type"] for artifact in found["artifacts"]}
    assert types["original"] == "video/mp4"
    assert types["audio"] == "audio/flac"
    transcript = server.get(f"transcripts/{found['transcript_id']}").json()
    listed = server.get(f"segments?video_id={video}&limit=100").json()
    assert [segment["id"] for segment in transcript["segments"]] == [
        segment["id"] for segment in listed["items"]
    ]
    assert all(segment["words"] for segment in transcript["segments"])
    one = server.get(f"segments/{listed['items'][3]['id']}").json()
    assert one == listed["items"][3]
    hit = server.get("search?q=rigour%20mortis&mode=lexical").json()["items"][0]
    assert hit["segment"]["video_id"] == video
    assert server.get(f"segments/{hit['segment']['id']}").status == 200


def test_cursors_give_every_row_once(server: Server, video: str) -> None:
    whole = server.get(f"segments?video_id={video}&limit=100").json()
    seen, cursor = [], ""
    while True:
        page = server.get(f"segments?video_id={video}&limit=7{cursor}").json()
        assert page["page"]["total"] == len(whole["items"])
        seen += [item["id"] for item in page["items"]]
        if page["page"]["next_cursor"] is None:
            break
        cursor = f"&cursor={page['page']['next_cursor']}"
    assert seen == [item["id"] for item in whole["items"]]
    assert server.get("segments?cursor=bm9wZQ").error()["code"] == "invalid_input"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"videos/{NOBODY}", 404, "resource_not_found"),
        ("videos/nonsense", 404, "resource_not_found"),
        (f"transcripts/{NOBODY}", 404, "resource_not_found"),
        (f"segments/{NOBODY}", 404, "resource_not_found"),
        (f"jobs/{NOBODY}/runs", 404, "resource_not_found"),
        ("nothing", 404, "resource_not_found"),
        ("search", 400, "missing_field"),
        ("search?q=%28", 400, "invalid_input"),
        ("videos?limit=0", 400, "invalid_input"),
        ("videos?limit=1&limit=2", 400, "invalid_input"),
        ("videos?status=lost", 400, "invalid_input"),
        ("videos?q=%ff", 400, "invalid_input"),
        ("changes?cursor=x", 400, "invalid_input"),
    ],
)
def test_errors_have_one_form(server: Server, path: str, status: int, code: str) -> None:
    reply = server.get(path)
    assert reply.status == status
    assert reply.error()["code"] == code


def test_a_good_correlation_id_is_kept_and_a_bad_one_is_not(server: Server) -> None:
    reply = server.get(f"videos/{NOBODY}", X_Correlation_Id="my-own.1")
    assert reply.error()["correlation_id"] == "my-own.1"
    assert server.get("videos", X_Correlation_Id="a b").headers["x-correlation-id"] != "a b"


def test_methods_bodies_and_types_are_checked(server: Server) -> None:
    wrong = server.request("PUT", "/api/v1/videos")
    assert (wrong.status, wrong.error()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET"
    plain = server.request(
        "POST", "/api/v1/search", body=b"{}", headers={"Content-Type": "text/plain"}
    )
    assert plain.status == 415
    json = {"Content-Type": "application/json"}
    for body in (b"", b"[", b"[1]", b"\xff", b"[" * 100_000):
        assert server.request("POST", "/api/v1/search", body=body, headers=json).status == 400
    unknown = server.request("POST", "/api/v1/search", body={"query": "x", "colour": "red"})
    assert unknown.error()["details"]["field"] == "colour"
    inner = server.request(
        "POST", "/api/v1/search", body={"query": "x", "filters": {"video_id": 3}}
    )
    assert inner.error()["details"]["field"] == "filters.video_id"


ROLES = {
    "viewer": {
        "GET videos": 200,
        "GET sources": 200,
        "POST uploads": 403,
        f"POST sources/{NOBODY}/poll": 403,
        f"POST jobs/{NOBODY}/retry": 403,
    },
    "editor": {
        "GET keys": 403,
        "POST uploads": 201,
        f"DELETE videos/{NOBODY}": 404,
        f"DELETE sources/{NOBODY}": 404,
    },
    "operator": {f"POST jobs/{NOBODY}/retry": 404, "GET keys": 403},
    "admin": {"GET keys": 200, f"DELETE keys/{NOBODY}": 404},
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_it_is_for(server: Server, role: str) -> None:
    key = make_key(server.program, role)
    for request, status in ROLES[role].items():
        method, path = request.split(" ")
        headers = {
            "Authorization": f"Bearer {key}",
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "1",
        }
        reply = server.request(method, f"/api/v1/{path}", headers=headers)
        assert reply.status == status, (request, reply)


def test_keys_are_shown_once_narrowed_and_revoked(server: Server) -> None:
    assert server.request("GET", "/api/v1/videos", headers={"Authorization": ""}).status == 401
    body = {"name": "narrow", "role": "admin", "scopes": ["read:keys", "write:keys"]}
    made = server.request("POST", "/api/v1/keys", body=body).json()
    bearer = {"Authorization": f"Bearer {made['key']}"}
    assert server.request("GET", "/api/v1/keys", headers=bearer).status == 200
    assert server.request("GET", "/api/v1/videos", headers=bearer).status == 403
    wider = {"name": "wider", "role": "viewer"}
    grown = server.request("POST", "/api/v1/keys", body=wider, headers=bearer)
    assert grown.error()["code"] == "forbidden"
    listed = server.get("keys?limit=100")
    assert made["key"].encode() not in listed.body
    assert server.request("DELETE", f"/api/v1/keys/{made['id']}").status == 204
    assert server.request("GET", "/api/v1/keys", headers=bearer).status == 401


def sign_in(server: Server) -> tuple[dict[str, str], Reply]:
    """Opens a session; the cookie alone as headers, and the reply."""
    reply = server.request(
        "POST", "/api/v1/session", body={"key": server.key}, headers={"Authorization": ""}
    )
    assert reply.status == 201
    return {"Authorization": "", "Cookie": reply.headers["set-cookie"].split(";")[0]}, reply


def test_a_session_reads_with_its_cookie_and_writes_with_its_csrf_token(server: Server) -> None:
    cookie, signed = sign_in(server)
    for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in signed.headers["set-cookie"]
    assert server.request("GET", "/api/v1/videos", headers=cookie).status == 200
    body = {"query": "x", "mode": "lexical"}
    path = "/api/v1/search"
    assert server.request("POST", path, body=body, headers=cookie).status == 403
    wrong = {**cookie, "X-CSRF-Token": "0" * 40}
    assert server.request("POST", path, body=body, headers=wrong).status == 403
    right = {**cookie, "X-CSRF-Token": signed.json()["csrf_token"]}
    assert server.request("POST", path, body=body, headers=right).status == 200
    assert server.request("DELETE", "/api/v1/session", headers=right).status == 204
    assert server.request("GET", "/api/v1/videos", headers=cookie).status == 401


def test_ranges_and_etags(server: Server, video: str) -> None:
    path = f"videos/{video}/media"
    original = MEETING.read_bytes()
    whole = server.get(f"{path}?rendition=original")
    assert whole.body == original
    assert whole.headers["content-disposition"].startswith("attachment")
    size = len(original)
    for header, first, last in [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        (f"bytes={size - 5}-", size - 5, size - 1),
        ("bytes=-7", size - 7, size - 1),
        (f"bytes=10-{size * 2}", 10, size - 1),
    ]:
        part = server.get(f"{path}?rendition=original", Range=header)
        assert part.status == 206
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.body == original[first : last + 1]
    beyond = server.get(f"{path}?rendition=original", Range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    assert server.get(f"{path}?rendition=original", Range="bytes=0-1,5-6").body == original
    etag = whole.headers["etag"]
    assert server.get(f"{path}?rendition=original", If_None_Match=etag).status == 304
    stale = server.get(f"{path}?rendition=original", Range="bytes=0-1", If_Range='"old"')
    assert (stale.status, len(stale.body)) == (200, size)
    head = server.request("HEAD", f"/api/v1/{path}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == server.get(path).headers["content-length"]


def test_captions_poster_and_waveform(server: Server, video: str) -> None:
    assert server.get(f"videos/{video}/captions").body.startswith(b"WEBVTT\n")
    assert server.get(f"videos/{video}/captions?format=srt").body.startswith(b"1\n")
    text = server.get(f"videos/{video}/captions?format=txt")
    assert text.headers["content-type"].startswith("text/plain")
    assert b"-->" not in text.body
    again = server.get(f"videos/{video}/captions?format=txt", If_None_Match=text.headers["etag"])
    assert again.status == 304
    assert server.get(f"videos/{video}/poster").body.startswith(b"\xff\xd8")
    waveform = server.get(f"videos/{video}/waveform").json()
    assert len(waveform["min"]) == len(waveform["max"]) > 0


def test_videos_are_listed_sorted_and_found_by_title(server: Server) -> None:
    for seed, title in enumerate(["Über Äpfel", "zebra", "Apple 100%_a"], start=200):
        server.ingest(server.upload(tone(seed)), title=title)
    titles = [v["title"] for v in server.get("videos?sort=title&limit=100").json()["items"]]
    assert titles == sorted(titles, key=str.casefold)
    down = [v["title"] for v in server.get("videos?sort=-title&limit=100").json()["items"]]
    assert down == titles[::-1]
    paged, cursor = [], ""
    for _ in titles:
        page = server.get(f"videos?sort=title&limit=1{cursor}").json()
        paged += [v["title"] for v in page["items"]]
        cursor = f"&cursor={page['page']['next_cursor']}"
    assert paged == titles
    for part, count in [("ÜBER%20ä", 1), ("100%25_", 1), ("%25", 1), ("nothing", 0)]:
        found = server.get(f"videos?q={part.replace('Ü', '%C3%9C').replace('ä', '%C3%A4')}")
        assert found.json()["page"]["total"] == count, part
    assert server.get("videos?status=ready").json()["page"]["total"] == 1


def test_a_deleted_recording_is_gone_everywhere_and_can_come_again(server: Server) -> None:
    content = tone(300)
    taken = server.ingest(server.upload(content), external_id="once").json()
    video, job = taken["video_id"], taken["job_id"]
    assert server.request("DELETE", f"/api/v1/videos/{video}").status == 204
    for path in ("", "/media?rendition=original", "/waveform", "/captions"):
        assert server.get(f"videos/{video}{path}").status == 404
    assert server.request("DELETE", f"/api/v1/videos/{video}").status == 404
    assert server.get(f"jobs/{job}").json()["status"] == "canceled"
    assert server.request("POST", f"/api/v1/jobs/{job}/retry").status == 409
    again = server.ingest(server.upload(content), external_id="once").json()
    assert again["video_id"] != video
    assert not again["duplicate"]


def test_search_forgets_a_deleted_recording_at_once(
    prepared: Narralytica, serve: Start
) -> None:
    running = serve()
    running.stop()
    shutil.rmtree(running.program.folder)
    shutil.copytree(prepared.folder, running.program.folder)
    running.key = make_key(running.program, "admin")
    running.restart()
    assert running.get("search?q=rigour&mode=lexical").json()["items"]
    video = prepared.videos[MEETING]
    assert running.request("DELETE", f"/api/v1/videos/{video}").status == 204
    assert not running.get("search?q=rigour&mode=lexical").json()["items"]
    assert not running.get("segments").json()["items"]
    assert not running.get("transcripts").json()["items"]
    running.program.run("work", "--drain")
    emptied = running.get("search?q=rigour&mode=lexical").json()
    assert emptied["page"]["total"] == 0
    assert running.get("changes?limit=1000").json()["items"][-1]["op"] == "delete"


def test_jobs_are_canceled_and_retried_by_their_state(server: Server) -> None:
    taken = server.ingest(server.upload(tone(400))).json()
    path = f"/api/v1/jobs/{taken['job_id']}"
    assert server.request("POST", f"{path}/retry").status == 409
    assert server.request("POST", f"{path}/cancel").json()["status"] == "canceled"
    assert server.get(f"videos/{taken['video_id']}").json()["status"] == "failed"
    assert server.request("POST", f"{path}/cancel").status == 409
    assert server.request("POST", f"{path}/retry").json()["status"] == "queued"
    assert server.get(f"videos/{taken['video_id']}").json()["status"] == "queued"
    events = server.request("GET", f"{path}/events").json()["items"]
    assert [event["event_type"] for event in events] == [
        "job.queued",
        "job.canceled",
        "job.redriven",
    ]
    listed = server.get(f"jobs?video_id={taken['video_id']}&status=queued,running").json()
    assert [job["id"] for job in listed["items"]] == [taken["job_id"]]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.mp4",
        "http://0x7f.1/a.mp4",
        "http://[::ffff:10.0.0.1]/",
        "http://user@example.org/a.mp4",
        "http://example.org:22/a.mp4",
        "http://localhost/a.mp4",
    ],
)
def test_unsafe_addresses_are_refused(server: Server, url: str) -> None:
    for path, body, field in (
        ("ingest", {"source": {"kind": "external_url", "url": url}}, "source.url"),
        ("ingest", {"source": {"kind": "youtube", "url": url}}, "source.url"),
        ("sources", {"kind": "feed", "url": url}, "url"),
    ):
        reply = server.request("POST", f"/api/v1/{path}", body=body)
        assert (reply.status, reply.error()["code"]) == (422, "unsafe_url"), reply
        assert reply.error()["details"]["field"] == field


@pytest.mark.parametrize("url", ["https://exämple.org/", "https://a.org/%2", "https://a.org/{x}"])
def test_an_address_that_is_no_uri_is_invalid(server: Server, url: str) -> None:
    reply = server.request("POST", "/api/v1/sources", body={"kind": "feed", "url": url})
    assert (reply.status, reply.error()["code"]) == (400, "invalid_input")


def test_an_address_is_accepted_once_for_its_key_and_its_id(server: Server) -> None:
    source = {"kind": "external_url", "url": "https://media.example.org/council.mp4"}
    body = {"source": source, "external_id": "council-1", "title": "The council"}
    first = server.request("POST", "/api/v1/ingest", body=body, headers={"Idempotency-Key": "k"})
    assert first.status == 201, first
    taken = first.json()
    assert (taken["idempotent_replay"], taken["duplicate"]) == (False, False)
    again = server.request("POST", "/api/v1/ingest", body=body, headers={"Idempotency-Key": "k"})
    assert again.json() == {**taken, "idempotent_replay": True}
    known = server.request("POST", "/api/v1/ingest", body=body).json()
    assert known == {**taken, "idempotent_replay": True, "duplicate": True}
    changed = {**body, "title": "Another"}
    other = server.request(
        "POST", "/api/v1/ingest", body=changed, headers={"Idempotency-Key": "k"}
    )
    assert (other.status, other.error()["code"]) == (409, "idempotency_mismatch")
    video = server.get(f"videos/{taken['video_id']}").json()
    assert (video["title"], video["status"]) == ("The council", "queued")
    assert video["source"]["kind"] == "external_url"
    assert video["source"]["locator"] == source["url"]
    assert server.request("DELETE", f"/api/v1/videos/{taken['video_id']}").status == 204


def test_a_site_without_its_program_is_refused_when_asked_for(serve: Start) -> None:
    running = serve("sites.program=/nowhere/yt-dlp")
    body = {"source": {"kind": "youtube", "url": "https://video.example.org/watch?v=1"}}
    reply = running.request("POST", "/api/v1/ingest", body=body)
    assert (reply.status, reply.error()["code"]) == (400, "invalid_input")
    assert "yt-dlp" in reply.error()["details"]["hint"]


def test_sources_are_followed_listed_polled_and_left(serve: Start, tmp_path: pathlib.Path) -> None:
    running = serve(f"sources.folder_roots={tmp_path}")
    (tmp_path / "talks").mkdir()
    (tmp_path / "out").symlink_to("/etc")
    made = []
    for body in (
        {"kind": "feed", "url": "https://podcast.example.org/feed.xml"},
        {"kind": "folder", "path": f"{tmp_path}/talks/", "poll_interval_s": 60},
    ):
        reply = running.request("POST", "/api/v1/sources", body=body)
        assert reply.status == 201, reply
        made.append(reply.json())
        twice = running.request("POST", "/api/v1/sources", body=body)
        assert (twice.status, twice.error()["code"]) == (409, "conflict")
    assert [source["poll_interval_s"] for source in made] == [900, 60]
    assert made[1]["locator"] == f"{tmp_path}/talks"
    assert (made[0]["status"], made[0]["last_polled_at"], made[0]["item_count"]) == ("ok", None, 0)
    for path in ("/etc", f"{tmp_path}/out", f"{tmp_path}/none", f"{tmp_path}/talks/../../.."):
        body = {"kind": "folder", "path": path}
        reply = running.request("POST", "/api/v1/sources", body=body)
        assert (reply.status, reply.error()["details"]["field"]) == (400, "path"), path
    listed = running.get("sources?limit=1").json()
    assert [source["id"] for source in listed["items"]] == [made[1]["id"]]
    rest = running.get(f"sources?limit=1&cursor={listed['page']['next_cursor']}").json()
    assert [source["id"] for source in rest["items"]] == [made[0]["id"]]
    one = f"/api/v1/sources/{made[0]['id']}"
    assert running.request("GET", one).json() == made[0]
    polled = running.request("POST", f"{one}/poll")
    assert (polled.status, polled.json()["id"]) == (202, made[0]["id"])
    assert running.request("DELETE", one).status == 204
    for method, path in (("GET", one), ("DELETE", one), ("POST", f"{one}/poll")):
        assert running.request(method, path).status == 404


def test_without_a_console_a_page_says_how_to_get_it(serve: Start, tmp_path: pathlib.Path) -> None:
    server = serve(f"serve.console_folder={tmp_path}")
    page = server.request("GET", "/", headers={"Authorization": ""})
    assert page.status == 200
    assert b"Narralytica is running" in page.body
    assert b"Node 20.19" in page.body and b"make build" in page.body
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
