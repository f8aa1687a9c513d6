"""Starts the release binary's `serve` on a data folder and talks HTTP with it."""

from __future__ import annotations

import dataclasses
import http.client
import json
import pathlib
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from tests.pipeline.program import Narralytica

START_S = 30
STOP_S = 30
REQUEST_S = 30
# So high that no test but those of the limits meets one.
NO_LIMITS = tuple(
    f"limits.{name}_per_minute=1000000"
    for name in ("read", "write", "expensive", "sign_in", "address", "tenant")
)


@dataclasses.dataclass(frozen=True)
class Reply:
    """An HTTP reply; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def error(self) -> dict[str, Any]:
        """The error of the envelope, whose form is checked."""
        envelope = self.json()
        assert set(envelope) == {"error"}
        error = envelope["error"]
        assert set(error) == {"code", "message", "details", "correlation_id"}
        assert error["correlation_id"] == self.headers["x-correlation-id"]
        return error


class NotStarted(Exception):
    """`serve` ended before it served: its exit code, what it printed, and the end of its log."""

    @property
    def code(self) -> int:
        """The exit code."""
        return int(self.args[0])


class Server:
    """One running `serve`; `key` is sent with every request that does not say otherwise."""

    def __init__(self, program: Narralytica, key: str, *settings: str) -> None:
        self.program, self.key = program, key
        self.settings = [f"--set={setting}" for setting in (*NO_LIMITS, *settings)]
        self.process: subprocess.Popen[bytes] | None = None
        self.url = self.metrics_url = self.host = ""
        self.port = 0
        self.start()

    def start(self) -> None:
        """Starts the process and waits for its addresses; NotStarted when it ends instead."""
        log = self.program.folder.parent / "serve.log"
        ports = ["--set=serve.port=0", "--set=serve.metrics_port=0"]
        command = self.program.command("serve", "--json", *ports, *self.settings)
        with log.open("ab") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        assert self.process.stdout is not None
        text = b""
        deadline = time.monotonic() + START_S
        # The document's own end: what it holds is indented.
        while time.monotonic() < deadline and not text.endswith(b"\n}\n"):
            line = self.process.stdout.readline()
            if not line:
                raise NotStarted(self.process.wait(STOP_S), text.decode(), log.read_text()[-2000:])
            text += line
        addresses = json.loads(text)
        if "error" in addresses:
            raise NotStarted(self.process.wait(STOP_S), text.decode(), log.read_text()[-2000:])
        self.url, self.metrics_url = addresses["url"], addresses["metrics_url"]
        parsed = urllib.parse.urlparse(self.url)
        self.host, self.port = parsed.hostname or "", parsed.port or 0

    def stop(self) -> int:
        """Asks it to end and returns its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        """Ends it as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_S)

    def restart(self) -> None:
        """Starts it again, on another port, after it ended."""
        self.start()

    def request(
        self, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """One request on a connection of its own; a dict or list is sent as JSON."""
        sent = {"Authorization": f"Bearer {self.key}"}
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = http.client.HTTPConnection(self.host, self.port, timeout=REQUEST_S)
        try:
            given = {name: value for name, value in sent.items() if value}
            connection.request(method, path, body=body, headers=given)
            got = connection.getresponse()
            names = {name.lower(): value for name, value in got.getheaders()}
            return Reply(got.status, names, got.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        """A GET below /api/v1; header names have _ for -."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("GET", f"/api/v1/{path}", headers=given)

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection((self.host, self.port), timeout=REQUEST_S)

    # ---- tus ----

    def create_upload(self, length: int, filename: str = "") -> str:
        """Begins an upload and returns its path."""
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(length)}
        if filename:
            headers["Upload-Metadata"] = f"filename {filename}"
        reply = self.request("POST", "/api/v1/uploads", headers=headers)
        assert reply.status == 201, reply
        return reply.headers["location"]

    def offset(self, upload: str) -> int:
        """How many bytes of the upload have arrived."""
        reply = self.request("HEAD", upload, headers={"Tus-Resumable": "1.0.0"})
        assert reply.status == 200, reply
        return int(reply.headers["upload-offset"])

    def patch(self, upload: str, offset: int, content: bytes) -> Reply:
        """Sends bytes of an upload."""
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        return self.request("PATCH", upload, body=content, headers=headers)

    def upload(self, content: bytes, filename: str = "") -> str:
        """Uploads the whole content and returns the upload_ref."""
        path = self.create_upload(len(content), filename)
        reply = self.patch(path, 0, content)
        assert reply.status == 204, reply
        return path.rsplit("/", 1)[1]

    def ingest(self, upload_ref: str, **more: Any) -> Reply:
        """Takes an upload in; `key` is the Idempotency-Key."""
        key = more.pop("key", "")
        body = {"source": {"kind": "upload", "upload_ref": upload_ref}, **more}
        headers = {"Idempotency-Key": key} if key else {}
        return self.request("POST", "/api/v1/ingest", body=body, headers=headers)


class Remote(Narralytica):
    """The program's commands, on a server; the key is in the environment."""

    def __init__(self, url: str, key: str, folder: pathlib.Path) -> None:
        super().__init__(folder)  # for its files alone
        self.place = ["--server", url]
        self.environment = {"NARRALYTICA_KEY": key}

    @classmethod
    def of(cls, server: Server) -> Remote:
        """On that server, with its key."""
        return cls(server.url, server.key, server.program.folder)


Start = Callable[..., Server]


def tone(seed: int, seconds: float = 0.5) -> bytes:
    """A small WAV file whose content is its seed's own."""
    rate, count = 16_000, int(16_000 * seconds)
    data = b"".join(
        int((i * (seed + 3) * 37) % 4001 - 2000).to_bytes(2, "little", signed=True)
        for i in range(count)
    )
    header = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt "
    header += (16).to_bytes(4, "little") + (1).to_bytes(2, "little") + (1).to_bytes(2, "little")
    header += rate.to_bytes(4, "little") + (2 * rate).to_bytes(4, "little")
    header += (2).to_bytes(2, "little") + (16).to_bytes(2, "little")
    return header + b"data" + len(data).to_bytes(4, "little") + data


def make_key(program: Narralytica, role: str) -> str:
    """A fresh key of that role."""
    return program.json("key", "create", "--name", f"test {role}", "--role", role)["key"]


def folder_of(program: Narralytica) -> pathlib.Path:
    """Where unfinished uploads are."""
    return program.folder / "uploads"
