"""A data folder with one recording that is ready, and a server on it for tests that share it."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Iterator

import pytest

from tests.contract.server import Server, Start, make_key
from tests.pipeline.program import MEETING, Narralytica


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Narralytica:
    """The meeting, transcribed and indexed; nobody writes here, tests copy it."""
    program = Narralytica(tmp_path_factory.mktemp("prepared") / "data")
    [item] = program.json("ingest", "--wait", str(MEETING))
    assert item["status"] == "ready", item
    program.videos[MEETING] = item["video_id"]
    return program


@pytest.fixture(scope="session")
def server(prepared: Narralytica, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave the meeting alone; its key is an admin's."""
    program = Narralytica(tmp_path_factory.mktemp("shared") / "data")
    shutil.copytree(prepared.folder, program.folder)
    program.videos.update(prepared.videos)
    running = Server(program, make_key(program, "admin"))
    yield running
    assert running.stop() == 0


@pytest.fixture
def serve(tmp_path: pathlib.Path) -> Iterator[Start]:
    """Starts servers with settings on an empty data folder of the test's own."""
    started: list[Server] = []

    def start(*settings: str) -> Server:
        program = Narralytica(tmp_path / "data")
        started.append(Server(program, make_key(program, "admin"), *settings))
        return started[-1]

    yield start
    for running in started:
        if running.process is not None and running.process.poll() is None:
            assert running.stop() == 0


@pytest.fixture
def video(server: Server) -> str:
    """The meeting's id."""
    return server.program.videos[MEETING]
