"""A web server for tests on a loopback port: files by path, ranges, breaks on demand."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import pathlib
import subprocess
import threading

from tests.pipeline.program import INAUGURAL

ALLOW = "--set=fetch.allow_private=127.0.0.1"


@dataclasses.dataclass
class Page:
    """What is at a path. `breaks` are byte counts after which an answer's body breaks off."""

    body: bytes
    content_type: str = "audio/flac"
    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    breaks: list[int] = dataclasses.field(default_factory=list)

    @property
    def etag(self) -> str:
        """A strong validator."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


class Web:
    """Serves `pages`; `asked` has a (path, headers) pair for every request, in order."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers GET."""

            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802
                """Answers with a page, whole or from where the client asks."""
                headers = {name.lower(): value for name, value in self.headers.items()}
                web.asked.append((self.path, headers))
                page = web.pages.get(self.path) or Page(b"no such page", "text/plain", 404)
                first = 0
                if headers.get("if-none-match") == page.etag and page.status == 200:
                    self.send_response(304)
                    self.send_header("ETag", page.etag)
                    self.end_headers()
                    return
                wanted = headers.get("range", "")
                if wanted.startswith("bytes=") and headers.get("if-range") == page.etag:
                    first = int(wanted.removeprefix("bytes=").split("-")[0])
                self.send_response(206 if first else page.status)
                if first:
                    last = len(page.body) - 1
                    self.send_header("Content-Range", f"bytes {first}-{last}/{len(page.body)}")
                self.send_header("Content-Type", page.content_type)
                self.send_header("Content-Length", str(len(page.body) - first))
                self.send_header("ETag", page.etag)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if page.breaks:
                    self.wfile.write(page.body[first:][: page.breaks.pop(0)])
                    self.close_connection = True
                else:
                    self.wfile.write(page.body[first:])

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path: str) -> str:
        """The address of a page."""
        host, port = self.server.server_address[:2]
        return f"http://{host}:{port}{path}"

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for path, _ in self.asked]

    def close(self) -> None:
        """Ends it."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def cut(path: pathlib.Path, start_s: float, length_s: float) -> bytes:
    """A part of the inaugural address as FLAC."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-ss", str(start_s)]
    command += ["-t", str(length_s), "-i", str(INAUGURAL), "-ac", "1", "-ar", "16000", str(path)]
    subprocess.run(command, check=True)
    return path.read_bytes()
