"""The real binary against contracts/openapi.yaml: requests made from the contract, replies held
against it.

The event stream has no end and is tested by events_test.py.
"""

from __future__ import annotations

import base64
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.contract.server import Server, make_key, tone
from tests.pipeline.program import MEETING, Narralytica

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "contracts/openapi.yaml"
EXAMPLES_MAX = 60
TIMEOUT_S = 300
ENDLESS = ("streamEvents",)
# Requests that fit the contract's types and are refused for what they mean: an address that is not
# fetched, the bytes of an upload that are no recording, words that are no query, a cursor that no
# page gave, a range behind the end.
REFUSED_FOR_MEANING = (
    *("ingest", "search", "searchByBody", "appendToUpload", "createUpload", "getVideoMedia"),
    "createSource",
)
LISTS = (
    *("listKeys", "listVideos", "listTranscripts", "listSegments", "listJobs"),
    *("listJobRuns", "listJobEvents", "listChanges", "listSources", "listSpeakers"),
)
# RFC 9110 has a server overlook a Range header that it cannot read, and tus headers it does not
# know.
OVERLOOKED = ("getVideoMedia", "createUpload")


def off(check: str, operations: tuple[str, ...]) -> str:
    """Configuration that leaves a check out for some operations."""
    return "".join(
        f'[[operations]]\ninclude-operation-id = "{name}"\nchecks.{check}.enabled = false\n'
        for name in operations
    )


def given(operation: str, parameter: str, value: str) -> str:
    """Configuration that gives an operation a parameter of its own."""
    return (
        f'[[operations]]\ninclude-operation-id = "{operation}"\n'
        f'parameters = {{ "{parameter}" = "{value}" }}\n'
    )


def follow(server: Server, name: str) -> str:
    """Follows a feed, which nobody polls, and returns its id."""
    body = {"kind": "feed", "url": f"https://{name}.example.org/feed"}
    reply = server.request("POST", "/api/v1/sources", body=body)
    if reply.status == 409:  # of an earlier run
        listed = server.get("sources?limit=100").json()["items"]
        return next(item["id"] for item in listed if item["locator"] == body["url"])
    assert reply.status == 201, reply
    return reply.json()["id"]


def configuration(server: Server) -> str:
    """Where requests lead to: things that are there, and others that may be deleted."""
    video = server.program.videos[MEETING]
    transcript = server.get("transcripts").json()["items"][0]["transcript_id"]
    segment = server.get("segments").json()["items"][0]["id"]
    speaker = server.get("speakers").json()["items"][0]["speaker_id"]
    job = server.ingest(server.upload(tone(900))).json()["job_id"]
    upload = server.create_upload(1 << 30).rsplit("/", 1)[1]
    extra = server.ingest(server.upload(tone(901))).json()["video_id"]
    unwanted = server.create_upload(10).rsplit("/", 1)[1]
    feed, left = (follow(server, name) for name in ("kept", "left"))
    key = server.request("POST", "/api/v1/keys", body={"name": "extra", "role": "viewer"})
    refusals = "[400, 401, 403, 404, 406, 409, 410, 412, 413, 415, 422, 428]"
    return (
        f"[parameters]\n"
        f'"path.video_id" = "{video}"\n"path.transcript_id" = "{transcript}"\n'
        f'"path.segment_id" = "{segment}"\n"path.job_id" = "{job}"\n'
        f'"path.speaker_id" = "{speaker}"\n'
        f'"path.upload_id" = "{upload}"\n"path.source_id" = "{feed}"\n'
        f"[checks]\n"
        f"negative_data_rejection.expected-statuses = {refusals}\n"
        f"missing_required_header.expected-statuses = {refusals}\n"
        + given("deleteVideo", "path.video_id", extra)
        + given("deleteSource", "path.source_id", left)
        + given("deleteUpload", "path.upload_id", unwanted)
        + given("revokeKey", "path.key_id", key.json()["id"])
        + off("positive_data_acceptance", (*REFUSED_FOR_MEANING, *LISTS))
        + off("negative_data_rejection", OVERLOOKED)
    )


def run(server: Server, contract: pathlib.Path, *more: str) -> subprocess.CompletedProcess[str]:
    """One run of schemathesis, the same every time."""
    program = pathlib.Path(sys.executable).parent / "schemathesis"
    config = server.program.folder.parent / "schemathesis.toml"
    config.write_text(configuration(server))
    left_out = [f"--exclude-operation-id={name}" for name in ENDLESS]
    return subprocess.run(
        [
            *(str(program), f"--config-file={config}", "run", str(contract)),
            *(f"--url={server.url}", f"--header=Authorization: Bearer {server.key}"),
            *("--no-color", "--no-shrink", "--generation-deterministic"),
            *("--phases=examples,coverage,fuzzing", f"--max-examples={EXAMPLES_MAX}"),
            *("--suppress-health-check=all", "--request-timeout=10", "--continue-on-failure"),
            "--generation-allow-x00=false",
            *(*left_out, *more),
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=server.program.folder.parent,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.contract.schemathesis_hooks",
            "PYTHONPATH": str(ROOT),
        },
    )


@pytest.fixture(scope="module")
def server(prepared: Narralytica, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose data may be changed, with an engine for search by meaning."""
    program = Narralytica(tmp_path_factory.mktemp("schemathesis") / "data")
    shutil.copytree(prepared.folder, program.folder)
    program.videos.update(prepared.videos)
    engine = program.start("engine")
    running = Server(program, make_key(program, "admin"), "uploads.open_max=100000")
    deadline = time.monotonic() + 60
    while running.get("search?q=x&mode=semantic").status != 200:
        assert time.monotonic() < deadline, "the engine does not start"
        time.sleep(0.2)
    yield running
    assert running.stop() == 0
    engine.terminate()
    engine.wait(30)


def test_replies_are_as_the_contract_says(server: Server) -> None:
    done = run(server, CONTRACT)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]


def test_a_reply_that_is_not_as_the_contract_says_is_found(
    server: Server, tmp_path: pathlib.Path
) -> None:
    """The negative twin: a contract that promises another type of liveness."""
    text = CONTRACT.read_text()
    broken = tmp_path / "openapi.yaml"
    changed = text.replace("status: {type: string, const: alive}", "status: {type: integer}")
    assert changed != text
    broken.write_text(changed)
    done = run(server, broken, "--include-operation-id=getLiveness")
    assert done.returncode != 0
    assert "Response violates schema" in done.stdout


def test_metadata_that_the_contract_allows_is_kept(server: Server) -> None:
    name = base64.b64encode("a,b = c.wav".encode()).decode()
    upload = server.create_upload(3, name)
    reply = server.request("HEAD", upload, headers={"Tus-Resumable": "1.0.0"})
    assert reply.headers["upload-metadata"] == f"filename {name}"
