"""HTTP: `serve` beside nginx and beside Fastify, asked by wrk.

A cached GET: a console asset of 4 KiB from both, and its revalidation (304). A search reply: the
same bytes as a prepared reply, which is the frameworks side by side; and a real search over real
segments beside Fastify's prepared reply, which is not the same work and says how dear searching is.
The framework's share of a search is the CPU time of a request whose search has nothing to do (the
key, the limits, the JSON in and out, the plan of the query are all there) over that of a real one.
All on one machine: wrk's own two threads take their part of the cores from every server alike.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from tests.bench import load, pairs, servers
from tests.contract.server import Server, make_key
from tests.pipeline.program import MEETING, Narralytica

ASSET = "/assets/app.js"
ASSET_BYTES = 4096
QUERY = "body young woman influence neighbour position"
NOBODY = "01900000-0000-7000-8000-000000000001"
SERVER_SETTINGS = ("serve.io_threads=2",)


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is measured: wrk's connections, seconds a run, pairs."""

    connections: int
    seconds: int
    pairs: int


WARM_UP = Size(connections=8, seconds=2, pairs=1)


@dataclasses.dataclass(frozen=True)
class Side:
    """An address with its headers, and whose process answers."""

    name: str
    url: str
    pid: int
    headers: dict[str, str]

    def ask(self, size: Size) -> pairs.Sample:
        """One run of wrk."""
        how = load.Load(size.connections, size.seconds)
        return load.run(self.url, how, self.pid, self.headers)


def measure(size: Size) -> list[dict[str, Any]]:
    """One row a comparison."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        folder = pathlib.Path(scratch)
        server, reply = stack.enter_context(_ours(folder))
        assert server.process is not None
        nginx_url, nginx_pid = stack.enter_context(servers.nginx(folder / "console"))
        fastify_url, fastify_pid = stack.enter_context(servers.fastify(reply))
        searching = {"Authorization": f"Bearer {server.key}"}

        def ours(name: str, path: str, headers: dict[str, str]) -> Side:
            assert server.process is not None
            return Side(name, server.url + path, server.process.pid, headers)

        tags = [_etag(url + ASSET) for url in (server.url, nginx_url)]
        again = [{"If-None-Match": tag} for tag in tags]
        canned = Side("Fastify, prepared reply", fastify_url + "/api/v1/search", fastify_pid, {})
        static = Side("nginx, static file", nginx_url + ASSET, nginx_pid, {})
        revalidated = dataclasses.replace(static, name="nginx, 304", headers=again[1])
        search = ours("a search", _search_path(), searching)
        rows = [
            _row("cached GET", (ours("asset", ASSET, {}), static), size),
            _row("revalidation", (ours("asset, 304", ASSET, again[0]), revalidated), size),
            _row("search reply, prepared", (ours("file", "/reply.json", {}), canned), size),
            _row("search reply, searched", (search, canned), size),
        ]
        nothing = ours("no search", f"{_search_path()}&speaker_id={NOBODY}", searching)
        return [*rows, _share(nothing, search, size)]


@contextlib.contextmanager
def _ours(folder: pathlib.Path) -> Iterator[tuple[Server, pathlib.Path]]:
    """The server on one recording, with console files; and the file of a real search reply."""
    program = Narralytica(folder / "data")
    [item] = program.json("ingest", "--wait", str(MEETING))
    assert item["status"] == "ready", item
    console = folder / "console"
    (console / "assets").mkdir(parents=True)
    line = "export const answer = 42; // of an asset\n"
    (console / ASSET[1:]).write_text((line * ASSET_BYTES)[:ASSET_BYTES])
    (console / "index.html").write_text("<!doctype html><title>bench</title>")
    key = make_key(program, "admin")
    reply = console / "reply.json"
    first = Server(program, key)
    try:
        found = first.request("GET", _search_path())
        assert found.status == 200 and found.json()["items"], found
        reply.write_bytes(found.body)
    finally:
        first.stop()
    server = Server(program, key, f"serve.console_folder={console}", *SERVER_SETTINGS)
    try:
        yield server, reply
    finally:
        server.stop()


def _search_path() -> str:
    asked = {"q": QUERY, "mode": "lexical"}
    return f"/api/v1/search?{urllib.parse.urlencode(asked)}"


def _body(side: Side) -> bytes:
    """One reply's bytes; a revalidation has none."""
    try:
        with urllib.request.urlopen(urllib.request.Request(side.url, headers=side.headers)) as got:
            return bytes(got.read())
    except urllib.error.HTTPError as error:
        assert error.code == 304, error
        return b""


def _etag(url: str) -> str:
    with urllib.request.urlopen(url) as reply:
        return str(reply.headers["ETag"])


def _row(what: str, sides: tuple[Side, Side], size: Size) -> dict[str, Any]:
    ours, peer = sides
    same = [_body(side) for side in sides]
    for side in sides:  # once unmeasured: caches, and Node compiles what is called often
        side.ask(WARM_UP)
    measured = pairs.interleave(size.pairs, lambda: ours.ask(size), lambda: peer.ask(size))
    row: dict[str, Any] = {"bench": "http", "what": what, "ours": ours.name, "peer": peer.name}
    row |= {"connections": size.connections, "seconds": size.seconds}
    row |= {"bytes": len(same[0]), "peer_bytes": len(same[1])}
    row |= {"ratio": dataclasses.asdict(measured.rates("rps"))}
    row |= {"cpu_ratio": dataclasses.asdict(measured.times("cpu_us"))}
    for name in ("rps", "p99_ms", "cpu_us"):
        row[name] = round(measured.ours_median(name), 2)
        row[f"peer_{name}"] = round(measured.peer_median(name), 2)
    return row


def _share(nothing: Side, search: Side, size: Size) -> dict[str, Any]:
    """CPU time of a request without a search over that of one with it."""
    measured = pairs.interleave(size.pairs, lambda: nothing.ask(size), lambda: search.ask(size))
    row: dict[str, Any] = {"bench": "framework", "pairs": size.pairs}
    row |= {"share": dataclasses.asdict(measured.rates("cpu_us"))}
    row["cpu_us"] = round(measured.ours_median("cpu_us"), 1)
    return row | {"search_cpu_us": round(measured.peer_median("cpu_us"), 1)}
