"""Recordings from video sites: yt-dlp in its box, whose one way out is the dialer's proxy."""

from __future__ import annotations

import pathlib
import shutil
import sys

from tests.pipeline.program import SOME_FAILED, Narralytica
from tests.pipeline.web import ALLOW, Page, Web

# Tries every way out, tells what happened as the recording's title, and fetches through the proxy.
STAND_IN = """#!/usr/bin/python3
import json, os, socket, sys, urllib.request, urllib.error
proxy = sys.argv[sys.argv.index("--proxy") + 1]
url = sys.argv[-1]
host, port = url.split("/")[2].split(":")
said = []
for family, address in ((socket.AF_INET, (host, int(port))), (socket.AF_INET, ("1.1.1.1", 80))):
    try:
        socket.create_connection(address, 3)
        said.append("out")
    except OSError:
        said.append("shut")
opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
for bad in ("http://127.0.0.2:" + port + "/secret", "http://localhost.:22/", "http://10.0.0.1/"):
    try:
        said.append(str(opener.open(bad, timeout=10).status))
    except urllib.error.HTTPError as error:
        said.append(str(error.code))
for path in ("/root", "/home", "/etc/passwd", "DATA"):
    said.append("seen" if os.path.exists(path) else "hidden")
with open("media.flac", "wb") as out:
    out.write(opener.open(url, timeout=10).read())
with open("media.info.json", "w") as out:
    json.dump({"title": " ".join(said), "upload_date": "20261124"}, out)
"""


def yt_dlp() -> str:
    """The real one, of the tests' own environment."""
    program = shutil.which("yt-dlp", path=str(pathlib.Path(sys.executable).parent))
    program = program or shutil.which("yt-dlp")
    assert program, "make setup installs yt-dlp for the tests"
    return program


def test_the_box_has_one_way_out(
    empty: Narralytica,
    web: Web,
    clip: bytes,
    tmp_path: pathlib.Path,
) -> None:
    """A stand-in for yt-dlp, for the plumbing alone."""
    other = Web("127.0.0.2", web.server.server_address[1])
    other.pages["/secret"] = Page(b"secret")
    web.pages["/watch"] = Page(clip)
    program = tmp_path / "stand-in"
    program.write_text(STAND_IN.replace("DATA", str(empty.folder)))
    program.chmod(0o755)
    site = f"--set=sites.program={program}"
    (item,) = empty.json("ingest", "--wait", "--video-site", ALLOW, site, web.url("/watch"))
    other.close()
    assert item["status"] == "ready", item
    hit = empty.json("search", '"my fellow americans"')["items"][0]
    ways = ["shut", "shut"]
    proxied = ["403", "403", "403"]
    files = ["hidden", "hidden", "hidden", "hidden"]
    assert hit["video"]["title"].split() == ways + proxied + files
    assert hit["video"]["published_at"].startswith("2026-11-24")
    assert not other.asked
    assert web.paths() == ["/watch"]


def test_the_real_program_fetches_through_the_proxy(
    empty: Narralytica,
    web: Web,
    clip: bytes,
) -> None:
    web.pages["/talks/inaugural.flac"] = Page(clip)
    site = f"--set=sites.program={yt_dlp()}"
    url = web.url("/talks/inaugural.flac")
    (item,) = empty.json("ingest", "--wait", "--video-site", ALLOW, site, url)
    assert item["status"] == "ready", item
    hit = empty.json("search", '"my fellow americans"')["items"][0]
    assert hit["video"]["title"] == "inaugural"
    assert "/talks/inaugural.flac" in web.paths()


def test_the_real_program_gets_nowhere_else(
    empty: Narralytica,
    web: Web,
) -> None:
    other = Web("127.0.0.2")
    other.pages["/a.flac"] = Page(b"secret")
    web.pages["/go"] = Page(b"", status=302, headers={"Location": other.url("/a.flac")})
    site = f"--set=sites.program={yt_dlp()}"
    (item,) = empty.json(
        "ingest", "--wait", "--video-site", ALLOW, site, web.url("/go"), code=SOME_FAILED
    )
    assert item["error"]["code"] == "unsafe_url", item
    assert not other.asked
    other.close()


def test_without_the_program_nothing_is_accepted(empty: Narralytica, web: Web) -> None:
    site = "--set=sites.program=/nowhere/yt-dlp"
    (item,) = empty.json(
        "ingest", "--wait", "--video-site", ALLOW, site, web.url("/"), code=SOME_FAILED
    )
    assert item["error"]["code"] == "site_unavailable"
    assert "install" in item["error"]["hint"]
    assert item["job_id"] is None
