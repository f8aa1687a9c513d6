"""docs/metrics.md is the golden list of metric names: nothing more, nothing less."""

from __future__ import annotations

import pathlib
import re
import urllib.request

from tests.contract.server import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECTION = "## Of `serve`"


def documented() -> dict[str, str]:
    """Name → kind, from the section of `serve`."""
    text = (ROOT / "docs/metrics.md").read_text().split(SECTION)[1]
    rows = re.findall(r"^\| `(narralytica_\w+)` \| (\w+) \|", text, re.MULTILINE)
    return dict(rows)


def exposed(server: Server) -> dict[str, str]:
    """Name → kind, from /metrics."""
    with urllib.request.urlopen(server.metrics_url, timeout=10) as reply:
        assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = reply.read().decode()
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))


def test_the_metrics_are_the_documented_ones(server: Server) -> None:
    server.get("videos")
    assert exposed(server) == documented()


def test_metrics_are_not_on_the_public_listener(server: Server) -> None:
    assert server.metrics_url.startswith("http://127.0.0.1:")
    assert b"narralytica_http" not in server.request("GET", "/metrics").body


def test_the_comparison_sees_a_missing_name(server: Server) -> None:
    missing = dict(list(documented().items())[1:])
    assert exposed(server) != missing
