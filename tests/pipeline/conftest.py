"""The release binary on real recordings: one store for all tests that only read."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from tests.pipeline.program import INAUGURAL, MEETING, Narralytica
from tests.pipeline.web import Web, cut


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Narralytica:
    """A data folder with both sample recordings, ready; `videos` has their ids by path."""
    narralytica = Narralytica(tmp_path_factory.mktemp("store"))
    for item in narralytica.json("ingest", "--wait", str(MEETING), str(INAUGURAL)):
        assert item["status"] == "ready", item
        narralytica.videos[pathlib.Path(item["path"])] = item["video_id"]
    return narralytica


@pytest.fixture
def empty(tmp_path: pathlib.Path) -> Narralytica:
    """A data folder of a test's own."""
    return Narralytica(tmp_path / "data")


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server of a test's own."""
    served = Web()
    yield served
    served.close()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Eleven seconds of the inaugural address."""
    return cut(tmp_path_factory.mktemp("clip") / "clip.flac", 0, 11)
