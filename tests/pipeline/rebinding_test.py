"""A name that leads to a forbidden address the second time it is asked for (DNS rebinding)."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

from tests.eval import data

TIMEOUT_S = 120


def fetch(tmp_path: pathlib.Path, allowed: str) -> dict[str, Any]:
    """Runs rebinding.py where its name server is the only one."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    box = ["bwrap", "--unshare-net", "--unshare-user", "--uid", "0", "--gid", "0"]
    box += ["--cap-add", "CAP_NET_BIND_SERVICE", "--die-with-parent", "--bind", "/", "/"]
    box += ["--dev", "/dev", "--proc", "/proc", "--ro-bind", str(resolver), "/etc/resolv.conf"]
    program = [sys.executable, "-m", "tests.pipeline.rebinding", str(tmp_path / "data"), allowed]
    done = subprocess.run(
        [*box, "--chdir", str(data.ROOT), "--", *program],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_second_address_is_not_connected_to(tmp_path: pathlib.Path) -> None:
    seen = fetch(tmp_path, "127.0.0.1")
    assert seen == {"code": "unsafe_url", "names": 2, "reached": [1, 0]}


def test_where_it_is_allowed_it_is_reached(tmp_path: pathlib.Path) -> None:
    """The negative twin: the name really leads there."""
    seen = fetch(tmp_path, "127.0.0.0/8")
    assert seen == {"code": "url_not_media", "names": 2, "reached": [1, 1]}
