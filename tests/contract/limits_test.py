"""What a peer cannot do: too much, too large, too slow; and how the server stops."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import urllib.request

from tests.contract.server import Server, Start, tone

SLACK_S = 3.0


def read_all(connection: socket.socket) -> bytes:
    """Reads until the other side closes."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            got += piece
    return got


def wait_for_connections(server: Server, count: int) -> None:
    """Waits until the server has so many open connections."""
    deadline = time.monotonic() + 10
    while True:
        with urllib.request.urlopen(server.metrics_url, timeout=10) as reply:
            if f"narralytica_http_connections {count}\n" in reply.read().decode():
                return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def head(server: Server, text: str) -> bytes:
    """A request's first lines with the key, without the empty line at the end."""
    return (f"{text}\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n").encode()


def test_a_caller_is_told_its_limit_and_refused_beyond_it(serve: Start) -> None:
    server = serve("limits.read_per_minute=3", "limits.sign_in_per_minute=2")
    left = [server.get("videos").headers["x-ratelimit-remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = server.get("videos")
    assert (refused.status, refused.error()["code"]) == (429, "rate_limit_exceeded")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"read";q=3;w=60'
    wrong = {"key": "nrl_00000000_0"}
    tries = [
        server.request("POST", "/api/v1/session", body=wrong, headers={"Authorization": ""}).status
        for _ in range(3)
    ]
    assert tries == [401, 401, 429]


def test_an_address_and_a_tenant_have_limits_of_their_own(serve: Start) -> None:
    server = serve("limits.tenant_per_minute=2", "limits.address_per_minute=4")
    assert [server.get("videos").status for _ in range(3)] == [200, 200, 429]
    live = [server.request("GET", "/livez", headers={"Authorization": ""}) for _ in range(2)]
    assert [reply.status for reply in live] == [200, 429]


def test_large_bodies_and_headers_are_refused(server: Server) -> None:
    announced = server.connect()
    announced.sendall(
        head(server, "POST /api/v1/search HTTP/1.1")
        + b"Content-Type: application/json\r\nContent-Length: 1048577\r\n\r\n" + b" " * 500_000
    )
    assert read_all(announced).startswith(b"HTTP/1.1 413 ")
    chunked = server.connect()
    chunked.sendall(
        head(server, "POST /api/v1/search HTTP/1.1")
        + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 17
    )
    assert read_all(chunked).startswith(b"HTTP/1.1 413 ")
    wide = server.connect()
    wide.sendall(head(server, "GET /livez HTTP/1.1") + b"X-Wide: " + b"a" * 20_000 + b"\r\n\r\n")
    assert read_all(wide).startswith(b"HTTP/1.1 431 ")
    for nonsense in (b"nonsense", b"GET /livez HTTP/9.9", b"GET livez HTTP/1.1"):
        connection = server.connect()
        connection.sendall(nonsense + b"\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 400 ")


def test_slow_headers_bodies_and_readers_are_cut_off(serve: Start) -> None:
    server = serve(
        "serve.header_timeout_ms=500",
        "serve.body_timeout_ms=700",
        "serve.write_idle_timeout_ms=800",
        "serve.keep_alive_ms=900",
    )
    slow_header = server.connect()
    slow_body = server.connect()
    idle = server.connect()
    start = time.monotonic()
    slow_header.sendall(b"GET /livez HTTP/1.1\r\n")
    slow_body.sendall(
        head(server, "POST /api/v1/search HTTP/1.1")
        + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    for connection, limit in [(slow_header, 0.5), (slow_body, 0.7), (idle, 0.9)]:
        read_all(connection)
        assert limit - 0.1 < time.monotonic() - start < limit + SLACK_S
    content = os.urandom(32 << 20)
    taken = server.ingest(server.upload(content)).json()
    reader = server.connect()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    path = f"/api/v1/videos/{taken['video_id']}/media?rendition=original"
    reader.sendall(head(server, f"GET {path} HTTP/1.1") + b"\r\n")
    wait_for_connections(server, 1)
    wait_for_connections(server, 0)
    reader.close()


def test_connections_are_bounded(serve: Start) -> None:
    server = serve("serve.connections_max=3")
    held = [server.connect() for _ in range(3)]
    for connection in held:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    assert read_all(server.connect()) == b""
    held[0].close()
    deadline = time.monotonic() + 5
    while True:
        with contextlib.suppress(OSError, Exception):
            if server.request("GET", "/livez").status == 200:
                break
        assert time.monotonic() < deadline


def test_a_stop_finishes_what_is_in_hand(serve: Start) -> None:
    server = serve()
    content = tone(50, 30)
    upload = server.create_upload(len(content))
    busy = server.connect()
    busy.sendall(
        head(server, f"PATCH {upload} HTTP/1.1")
        + b"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        + b"Content-Type: application/offset+octet-stream\r\n"
        + f"Content-Length: {len(content)}\r\n\r\n".encode()
        + content[: len(content) // 2]
    )
    idle = server.connect()
    idle.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert idle.recv(65_536).startswith(b"HTTP/1.1 200")
    assert server.process is not None
    codes: list[int] = []
    stopping = threading.Thread(target=lambda: codes.append(server.stop()))
    stopping.start()
    assert idle.recv(1) == b"", "an idle connection is closed at once"
    busy.sendall(content[len(content) // 2 :])
    answer = read_all(busy)
    stopping.join()
    assert codes == [0]
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert b"\r\nConnection: close\r\n" in answer
    with contextlib.suppress(ConnectionRefusedError):
        server.connect()
        raise AssertionError("it still listens")
    server.restart()
    assert server.offset(upload) == len(content)


def test_a_stop_does_not_wait_for_ever(serve: Start) -> None:
    server = serve("serve.drain_timeout_ms=500")
    upload = server.create_upload(1_000)
    stuck = server.connect()
    stuck.sendall(
        head(server, f"PATCH {upload} HTTP/1.1")
        + b"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: 1000\r\n"
        + b"Content-Type: application/offset+octet-stream\r\n\r\n" + b"x" * 10
    )
    time.sleep(0.2)
    start = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - start < 0.5 + SLACK_S
    server.restart()
    assert server.offset(upload) == 10
