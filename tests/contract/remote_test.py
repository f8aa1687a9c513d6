"""Every command with --server gives what it gives on the folder, and fails as it does there."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.server import Remote, Server, Start, make_key, tone
from tests.pipeline.program import (
    CHECK_FAILED,
    DENIED,
    DONE,
    INAUGURAL,
    NOT_FOUND,
    PROGRAM,
    SOME_FAILED,
    UNAVAILABLE,
    USAGE,
    Narralytica,
)

START_S = 120
NOBODY = "01890000-0000-7000-8000-000000000000"
# What differs between two runs of the same thing.
PASSING = {"took_ms", "lag_ms", "last_used_at"}


@pytest.fixture
def remote(server: Server) -> Remote:
    """The program on the shared server."""
    return Remote.of(server)


@pytest.fixture(scope="module")
def engine(server: Server) -> Iterator[None]:
    """The engine of the shared server's folder, which both ways of searching then ask."""
    process = server.program.start("engine")
    try:
        deadline = time.monotonic() + START_S
        while Remote.of(server).json("search", "doctor")["degraded"]:
            assert time.monotonic() < deadline, "the engine starts"
        yield
    finally:
        process.terminate()
        process.wait(START_S)


def steady(document: Any) -> Any:
    """The document without what differs between two runs."""
    if isinstance(document, dict):
        return {k: steady(v) for k, v in document.items() if k not in PASSING}
    return [steady(item) for item in document] if isinstance(document, list) else document


def assert_same(server: Server, name: str, *arguments: str, code: int = DONE) -> Any:
    """Runs the command both ways and returns the JSON that both gave."""
    local = server.program.json(name, *arguments, code=code)
    remote = Remote.of(server).json(name, *arguments, code=code)
    assert steady(local) == steady(remote)
    return local


@pytest.mark.parametrize(
    "arguments",
    [
        ["suicide"],
        ["must a doctor report a poisoning", "--limit", "3"],
        ["send AND news", "--mode", "lexical", "--limit", "1"],
        ["doctor", "--limit", "1", "--offset", "1"],
        ["police", "--language", "en", "--source", "upload"],
        ["police", "--date-from", "2001-02-03", "--date-to", "2001-02-04"],
    ],
)
@pytest.mark.usefixtures("engine")
def test_search(server: Server, arguments: list[str]) -> None:
    reply = assert_same(server, "search", *arguments)
    assert bool(reply["items"]) == ("--date-from" not in arguments)


@pytest.mark.usefixtures("engine")
def test_search_within_a_video(server: Server, video: str) -> None:
    assert assert_same(server, "search", "doctor", "--video", video)["items"]


@pytest.mark.usefixtures("engine")
def test_search_of_a_speaker(server: Server, video: str) -> None:
    for speaker in server.program.json("speakers", video)["speakers"]:
        found = assert_same(server, "search", "influence", "--speaker", speaker["speaker_id"])
        said_by = {hit["segment"]["speaker_id"] for hit in found["items"]}
        assert said_by == {speaker["speaker_id"]} and not found["degraded"]


def test_speakers(server: Server, remote: Remote, video: str) -> None:
    assert len(assert_same(server, "speakers", video)["speakers"]) == 3
    for form in ([], ["--format", "json"], ["--format", "rttm"]):
        local = server.program.run("speakers", video, *form)
        there = remote.run("speakers", video, *form)
        assert local.returncode == there.returncode == DONE
        assert local.stdout == there.stdout and len(local.stdout) > 100
    assert_same(server, "speakers", NOBODY, code=NOT_FOUND)
    assert_same(server, "speakers", "nonsense", code=NOT_FOUND)
    assert remote.run("speakers", video, "--format", "xml").returncode == USAGE


@pytest.mark.parametrize("form", ["json", "srt", "vtt", "txt"])
def test_transcript(server: Server, remote: Remote, video: str, form: str) -> None:
    local = server.program.run("transcript", video, "--format", form)
    there = remote.run("transcript", video, "--format", form)
    assert local.returncode == there.returncode == DONE
    assert local.stdout == there.stdout and len(local.stdout) > 1000


def test_export(server: Server, remote: Remote, video: str, tmp_path: pathlib.Path) -> None:
    folders = tmp_path / "local", tmp_path / "remote"
    for program, folder in zip((server.program, remote), folders, strict=True):
        files = program.json("export", video, str(folder))["files"]
        assert len(files) == 10
    names = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    assert names[0] == names[1] and "audio.flac" in names[0]
    for name in names[0]:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_jobs(server: Server, video: str) -> None:
    jobs = assert_same(server, "jobs", "list", "--video", video)["items"]
    assert {job["type"] for job in jobs} >= {"ingest", "transcribe", "index"}
    [shown] = assert_same(server, "jobs", "show", jobs[0]["id"])["items"]
    assert shown == jobs[0]
    assert assert_same(server, "jobs", "--status", "succeeded", "--limit", "2")["items"]
    assert_same(server, "jobs", "retry", jobs[0]["id"], code=1)  # it did not fail


def test_keys(server: Server, remote: Remote) -> None:
    made = remote.json("key", "create", "--name", "made from afar", "--role", "viewer")
    assert made["role"] == "viewer" and made["key"].startswith("nrl_")
    local = server.program.json("key", "create", "--name", "made here", "--role", "viewer")
    assert set(local) == set(made)
    assert made["id"] in {key["id"] for key in assert_same(server, "key", "list")["items"]}
    viewer = Remote(server.url, made["key"], remote.folder)
    assert viewer.json("search", "doctor", "--limit", "1")["items"]
    assert viewer.json("key", "list", code=DENIED)["error"]["code"] == "denied"
    assert remote.json("key", "revoke", made["id"]) == {"id": made["id"], "revoked": True}
    assert viewer.json("search", "doctor", code=DENIED)["error"]["code"] == "unauthorized"


def test_feeds(server: Server, remote: Remote) -> None:
    feed = remote.json("feeds", "add", "--interval", "600", "http://feeds.example.org/a.xml")
    assert (feed["kind"], feed["poll_interval_s"]) == ("feed", 600)
    listed = assert_same(server, "feeds", "list")["items"]
    assert [item["id"] for item in listed] == [feed["id"]]
    assert assert_same(server, "feeds", "poll", feed["id"])["id"] == feed["id"]
    twice = assert_same(server, "feeds", "add", "http://feeds.example.org/a.xml", code=1)
    assert twice["error"]["code"] == "conflict"
    for refused in ("http://127.0.0.1/feed.xml", "http://[::ffff:10.0.0.1]/feed.xml"):
        assert_same(server, "feeds", "add", refused, code=USAGE)
    gone = {"id": feed["id"], "removed": True}
    assert remote.json("feeds", "remove", feed["id"]) == gone
    assert_same(server, "feeds", "remove", feed["id"], code=NOT_FOUND)
    assert_same(server, "feeds", "poll", code=USAGE)


def test_errors_are_the_same(server: Server) -> None:
    nobody = (["transcript", NOBODY], ["export", NOBODY, "/nowhere"], ["jobs", "show", NOBODY])
    for command in nobody:
        assert assert_same(server, *command, code=NOT_FOUND)["error"]["hint"]
    assert_same(server, "key", "revoke", NOBODY, code=NOT_FOUND)
    assert_same(server, "transcript", "no-id", code=NOT_FOUND)
    assert_same(server, "jobs", "cancel", code=USAGE)
    assert_same(server, "search", "(unbalanced", "--mode", "lexical", code=USAGE)


def test_ingest_gives_the_same_array(
    server: Server, remote: Remote, tmp_path: pathlib.Path
) -> None:
    paths = [tmp_path / "one.wav", tmp_path / "empty.wav", tmp_path / "gone.wav", tmp_path]
    paths[0].write_bytes(tone(77))
    paths[1].write_bytes(b"")
    arguments = ["--title", "Une séance", "--external-id", "x-77", *map(str, paths)]
    first = remote.json("ingest", *arguments, code=SOME_FAILED)
    again = assert_same(server, "ingest", *arguments, code=SOME_FAILED)
    assert [item["path"] for item in first] == [str(path) for path in paths]
    assert (first[0]["status"], first[0]["duplicate"], first[0]["error"]) == ("queued", False, None)
    assert again[0] == {**first[0], "duplicate": True}
    assert again[1:] == first[1:] and all(item["error"]["hint"] for item in again[1:])
    found = server.get(f"videos/{first[0]['video_id']}").json()
    assert (found["title"], found["source"]["external_id"]) == ("Une séance", "x-77")
    assert found["source"]["locator"] == "one.wav"


def test_ingest_waits_for_the_servers_worker(serve: Start) -> None:
    server = serve()
    worker = server.program.start("work")
    try:
        [item] = Remote.of(server).json("ingest", "--wait=all", str(INAUGURAL))
        assert (item["status"], item["error"], item["dead_letter"]) == ("ready", None, False)
        reply = Remote.of(server).json("search", "ask not what your country", "--mode", "lexical")
        assert reply["items"][0]["segment"]["video_id"] == item["video_id"]
        arguments = ("--wait", "--language", "xx", "--title", "other")
        copy = server.program.folder.parent / "copy.wav"
        copy.write_bytes(INAUGURAL.read_bytes() + b"\0\0")
        [failed] = Remote.of(server).json("ingest", *arguments, str(copy), code=SOME_FAILED)
        assert (failed["status"], failed["dead_letter"]) == ("failed", True)
        assert "language" in failed["error"]["message"]
        assert_same(server, "ingest", *arguments, str(copy), code=SOME_FAILED)
    finally:
        worker.terminate()
        worker.wait(60)


def test_doctor_says_how_the_server_is(remote: Remote, server: Server) -> None:
    report = remote.json("doctor")
    assert report["ok"] and [c["name"] for c in report["checks"]] == ["server", "ready", "key"]
    stranger = Remote(server.url, "nrl_00000000_nobody", remote.folder)
    report = stranger.json("doctor", code=CHECK_FAILED)
    assert [check["ok"] for check in report["checks"]] == [True, True, False]
    assert report["checks"][2]["fix"]


def test_a_server_that_is_down_is_six(remote: Remote, tmp_path: pathlib.Path) -> None:
    gone = Remote("http://127.0.0.1:9", "nrl_key", tmp_path)
    assert gone.json("search", "x", code=UNAVAILABLE)["error"]["code"] == "unavailable"
    assert gone.json("ingest", str(INAUGURAL), code=UNAVAILABLE)["error"]["hint"]
    assert gone.json("doctor", code=CHECK_FAILED)["ok"] is False


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b""])
def test_what_is_no_narralytica_server_is_six(body: bytes, tmp_path: pathlib.Path) -> None:
    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name is the library's
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        remote = Remote(f"http://127.0.0.1:{stranger.server_port}", "nrl_key", tmp_path)
        for command in (["search", "x"], ["jobs"], ["export", NOBODY, str(tmp_path / "out")]):
            done = remote.run(*command)
            assert done.returncode == UNAVAILABLE and "--server" in done.stderr, done
        assert remote.run("ingest", str(INAUGURAL)).returncode in (DENIED, UNAVAILABLE)
        stranger.shutdown()


def test_a_role_too_low_is_five(server: Server) -> None:
    viewer = Remote(server.url, make_key(server.program, "viewer"), server.program.folder)
    assert viewer.json("ingest", str(INAUGURAL), code=DENIED)["error"]["code"] == "denied"
    assert viewer.run("jobs", "retry", NOBODY).returncode == DENIED


@pytest.mark.parametrize("command", ["fsck", "index", "migrate", "models", "up", "work"])
def test_what_needs_the_folder_says_so(remote: Remote, command: str) -> None:
    done = remote.run(command)
    assert done.returncode == USAGE
    assert f"{command} works on a data folder itself" in done.stderr and "--data" in done.stderr


def test_two_places_are_wrong_usage(remote: Remote, tmp_path: pathlib.Path) -> None:
    folder_only = ["--data", "/tmp"], ["--set", "log.level=info"], ["--database", "postgres://x/y"]
    for more in folder_only:
        done = remote.run("jobs", *more)
        assert (done.returncode, done.stdout) == (USAGE, ""), done
    local = Narralytica(tmp_path / "data")
    assert local.run("jobs", "--key", "nrl_key").returncode == USAGE
    assert remote.run("doctor", "--config").returncode == USAGE
    assert Remote("ftp://x", "k", tmp_path).run("jobs").returncode == USAGE


def test_the_environment_names_the_server_and_the_command_line_wins(
    remote: Remote, tmp_path: pathlib.Path
) -> None:
    url = remote.place[1]
    remote.place = []
    remote.environment["NARRALYTICA_SERVER"] = url
    assert remote.json("jobs")["items"]
    assert remote.run("fsck").returncode == USAGE
    remote.place = ["--data", str(tmp_path / "data")]
    assert remote.json("jobs")["items"] == []
    remote.place = []
    remote.environment["NARRALYTICA_DATA"] = str(tmp_path / "data")
    assert remote.run("jobs").returncode == USAGE


def test_the_key_comes_from_a_file_that_nobody_else_may_read(
    remote: Remote, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "key"
    file.write_text(remote.environment.pop("NARRALYTICA_KEY") + "\n")
    file.chmod(0o600)
    assert remote.json("jobs", "--key-file", str(file))["items"]
    remote.environment["NARRALYTICA_KEY_FILE"] = str(file)
    assert remote.json("jobs")["items"]
    file.chmod(0o644)
    assert "chmod 600" in remote.json("jobs", code=DENIED)["error"]["hint"]
    del remote.environment["NARRALYTICA_KEY_FILE"]
    assert "NARRALYTICA_KEY" in remote.json("jobs", code=DENIED)["error"]["hint"]


@pytest.mark.parametrize("way", ["environment", "file", "argument"])
def test_who_may_look_at_processes_sees_the_key_only_as_an_argument(
    way: str, server: Server, tmp_path: pathlib.Path
) -> None:
    """The third way is the negative twin: there the key does show."""
    file = tmp_path / "key"
    file.write_text(server.key)
    file.chmod(0o600)
    more = {"environment": [], "file": ["--key-file", str(file)], "argument": ["--key", server.key]}
    recording = tmp_path / "tone.wav"
    recording.write_bytes(tone(78))
    command = [str(PROGRAM), "ingest", "--wait", "--server", server.url, *more[way], str(recording)]
    environment = {**os.environ, "NARRALYTICA_KEY": server.key if way == "environment" else ""}
    # Nobody works there, so that it waits until it is ended.
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            shown, deadline = b"", time.monotonic() + START_S
            while b"ingest" not in shown:  # empty until the kernel has set it up
                assert process.poll() is None and time.monotonic() < deadline
                shown = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        finally:
            process.kill()
    assert (server.key.encode() in shown) == (way == "argument")
    assert children == ""


@pytest.mark.usefixtures("engine")
def test_people_read_the_same_lines(server: Server, remote: Remote, video: str) -> None:
    for command in (["transcript", video], ["jobs", "list", "--video", video]):
        assert server.program.run(*command).stdout == remote.run(*command).stdout != ""
    found = [p.run("search", "doctor", "--limit", "2").stdout for p in (server.program, remote)]
    assert found[0] == found[1] and "[doctor]" in found[0]


def test_json_is_one_document(remote: Remote) -> None:
    done = remote.run("search", "--json", "doctor")
    assert json.loads(done.stdout) and done.stderr == ""
