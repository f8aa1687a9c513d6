"""A large upload that is broken off twice and arrives whole, in bounded memory on both sides.

`make upload-test` runs it with a gigabyte; here it is NRL_UPLOAD_TEST_MB, 64 by default.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import random
import subprocess
import time

from tests.contract import proxy
from tests.contract.server import Remote, Server, Start, folder_of
from tests.pipeline.program import DONE, UNAVAILABLE

MEGABYTE = 1 << 20
SIZE = int(os.environ.get("NRL_UPLOAD_TEST_MB", "64")) * MEGABYTE
# What the server may need beyond what it has after its first request, and the client in all;
# neither depends on the size of the file.
SERVER_GROWTH_MAX = 48 * MEGABYTE
CLIENT_MAX = 64 * MEGABYTE
WAIT_S = 600
PIECE = 4 * MEGABYTE


def make_file(path: pathlib.Path) -> str:
    """Writes SIZE bytes that do not repeat and returns their SHA-256."""
    generator, digest = random.Random(SIZE), hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(0, SIZE, MEGABYTE):
            piece = generator.randbytes(MEGABYTE)
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def peak_bytes(pid: int) -> int:
    """The most memory that the process has had (VmHWM)."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def peak_until_it_ends(process: subprocess.Popen[bytes]) -> int:
    """The most memory that the client has had, looked at until it ends.

    Not ru_maxrss: that of a child counts what its parent had when it was started.
    """
    peak, deadline = 0, time.monotonic() + WAIT_S
    while process.poll() is None:
        assert time.monotonic() < deadline, "the upload ends"
        with contextlib.suppress(ValueError, OSError):  # between two states
            peak = max(peak, peak_bytes(process.pid))
        time.sleep(0.01)
    return peak


def download_sha256(server: Server, video: str) -> str:
    """The SHA-256 of the recording as the server gives it back."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    path = f"/api/v1/videos/{video}/media?rendition=original"
    connection.request("GET", path, headers={"Authorization": f"Bearer {server.key}"})
    reply, digest = connection.getresponse(), hashlib.sha256()
    assert reply.status == 200
    while piece := reply.read(PIECE):
        digest.update(piece)
    connection.close()
    return digest.hexdigest()


def test_a_large_upload_survives_a_cut_and_a_kill(serve: Start, tmp_path: pathlib.Path) -> None:
    server = serve()
    big = tmp_path / "big.bin"
    sha256 = make_file(big)
    first_pid = server.process.pid
    assert server.get("jobs").status == 200
    idle, peaks = peak_bytes(first_pid), []

    def kill_and_restart() -> None:
        peaks.append(peak_bytes(server.process.pid))
        server.kill()
        server.restart()

    with proxy.before(lambda: (server.host, server.port)) as between:
        between.at = [(SIZE // 3, lambda: None), (SIZE * 2 // 3, kill_and_restart)]
        client = Remote(between.url, server.key, tmp_path)
        started = time.monotonic()
        command = [*client.command("ingest"), "--json", str(big)]
        environment = {**os.environ, **client.environment}
        with (tmp_path / "answer").open("wb") as out:
            process = subprocess.Popen(command, env=environment, stdout=out)
        client_peak = peak_until_it_ends(process)
        answer = (tmp_path / "answer").read_bytes()
        seconds = time.monotonic() - started
        assert process.returncode == DONE, answer
        assert between.cuts == 2 and server.process.pid != first_pid
        sent = between.sent_bytes
    [item] = json.loads(answer)
    assert (item["status"], item["duplicate"], item["error"]) == ("queued", False, None)
    assert download_sha256(server, item["video_id"]) == sha256
    assert not list(folder_of(server.program).iterdir())
    # What had arrived was not sent again: at most what was on its way at each break.
    assert sent < SIZE * 1.25 + 2 * PIECE
    peaks.append(peak_bytes(server.process.pid))
    assert client_peak > MEGABYTE, "it was measured"
    print(
        f"\n{SIZE // MEGABYTE} MB in {seconds:.1f} s, sent {sent / MEGABYTE:.1f} MB; peak memory:"
        f" serve {idle / MEGABYTE:.1f} MB idle, {peaks[0] / MEGABYTE:.1f} MB until it was killed,"
        f" {peaks[1] / MEGABYTE:.1f} MB afterwards; client {client_peak / MEGABYTE:.1f} MB"
    )
    assert max(peaks) - idle < SERVER_GROWTH_MAX
    assert client_peak < CLIENT_MAX


def test_a_server_that_stays_away_is_an_error_and_not_a_wait_for_ever(
    serve: Start, tmp_path: pathlib.Path
) -> None:
    server = serve()
    server.kill()
    started = time.monotonic()
    Remote.of(server).json("ingest", __file__, code=UNAVAILABLE)
    assert time.monotonic() - started < 30
