"""The two peers of the HTTP benchmark: nginx with a static file, Fastify with a prepared reply."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

from tests.bench import npm_peer

FASTIFY = pathlib.Path(__file__).parent / "fastify"
START_S = 10
NGINX_CONFIGURATION = """
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; multi_accept on; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 100000000;
  open_file_cache max=100;
  open_file_cache_valid 60s;
  client_body_temp_path {folder};
  proxy_temp_path {folder};
  fastcgi_temp_path {folder};
  uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  types {{ text/javascript js; text/html html; application/json json; }}
  server {{ listen 127.0.0.1:{port} reuseport; root {root}; }}
}}
"""


@contextlib.contextmanager
def nginx(root: pathlib.Path) -> Iterator[tuple[str, int]]:
    """Serves `root`: its address and process id. Two workers, files and descriptors cached."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(root, pathlib.Path(folder) / "root")
        pathlib.Path(folder).chmod(0o755)  # its workers are another user's
        port = _free_port()
        configuration = pathlib.Path(folder) / "nginx.conf"
        configuration.write_text(
            NGINX_CONFIGURATION.format(folder=folder, root=f"{folder}/root", port=port)
        )
        command = ["/usr/sbin/nginx", "-c", str(configuration), "-e", f"{folder}/error.log"]
        with _running(command) as process:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}", process.pid


@contextlib.contextmanager
def fastify(reply: pathlib.Path) -> Iterator[tuple[str, int]]:
    """Serves the file's bytes as the reply of /api/v1/search: its address and process id."""
    command = ["node", str(npm_peer.installed(FASTIFY, "server.mjs")), str(reply)]
    with _running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid


@contextlib.contextmanager
def _running(command: list[str], stdout: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=stdout)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(START_S)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        process.poll()
    raise RuntimeError("nginx did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
