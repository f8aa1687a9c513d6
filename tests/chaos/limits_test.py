"""What runs at once stays within its limits over many workers, when some of them are killed.

A service that holds every request for a while sees how many come at once, whatever the database
says. `kill -9` takes a holder in the middle of one: until its lease runs out it counts as running,
then another worker has its job and its room. NRL_CHAOS_LIMIT_KILLS says how many are killed a run.
"""

from __future__ import annotations

import http.server
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.kills_test import Query, postgres_query, sqlite_query
from tests.chaos.workers_test import wait_until
from tests.pipeline.postgres_test import OnPostgres, Server
from tests.pipeline.program import Narralytica
from tests.pipeline.web import ALLOW

KILLS = int(os.environ.get("NRL_CHAOS_LIMIT_KILLS", "2"))
LIMIT = 2
WORKERS = 3  # of two slots each
HOLD_S = 1.0
QUICK = ("--set=work.heartbeat_ms=200", "--set=work.poll_ms=50")
# A recording that is met often by kills, or by a machine too busy to beat in time, is no poison.
SHORT_LEASE = ("--set=jobs.lease_ms=1000", "--set=jobs.kills_max=100")
LONG_LEASE = ("--set=jobs.lease_ms=600000", "--set=work.slots=1")
KINDS = ("service", "ingest", "tenant")
OPEN = "SELECT id, 0 FROM jobs WHERE status IN ('queued', 'running')"
ENDED = "SELECT id, 0 FROM jobs WHERE status IN ('succeeded', 'failed')"
ATTEMPTS = (
    "SELECT started_at_ms, finished_at_ms, COALESCE(error_reason, '') FROM job_runs"
    " WHERE finished_at_ms IS NOT NULL"
)
UNENDED = "SELECT job_id, lease_epoch, status FROM job_runs WHERE finished_at_ms IS NULL"
NEWEST = "SELECT MAX(started_at_ms), 0 FROM job_runs"


class Service:
    """Holds every request for HOLD_S, or until whoever asked is gone; `met` are the numbers of
    requests that there were when one came, in order."""

    def __init__(self) -> None:
        self.met: list[int] = []
        self.lock = threading.Lock()
        self.now = 0
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers GET with bytes that are no recording."""

            def do_GET(self) -> None:  # noqa: N802
                """Holds, then answers."""
                with service.lock:
                    service.now += 1
                    service.met.append(service.now)
                gone, _, _ = select.select([self.connection], [], [], HOLD_S)
                # Counted out first: who reads the answer may ask for the next before we go on.
                with service.lock:
                    service.now -= 1
                if gone:
                    return
                body = b"no recording: " + self.path.encode()
                self.send_response(200)
                self.send_header("Content-Type", "audio/flac")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def urls(self, count: int) -> list[str]:
        """Addresses of different recordings."""
        port = self.server.server_address[1]
        return [f"http://127.0.0.1:{port}/{number}.flac" for number in range(count)]

    def close(self) -> None:
        """Ends it."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nrl-pg", dir="/tmp"))
    made = Server(folder)
    yield made
    made.stop()
    shutil.rmtree(folder)


class Crew:
    """Workers on one data folder."""

    def __init__(self, program: Narralytica, query: Query, *settings: str) -> None:
        self.program, self.query = program, query
        self.settings = (*QUICK, ALLOW, *settings)
        self.workers: dict[int, subprocess.Popen[bytes]] = {}
        for _ in range(WORKERS):
            self.start()

    def start(self) -> None:
        """One more."""
        worker = self.program.start("work", *self.settings)
        self.workers[worker.pid] = worker

    def kill_holder(self, service: Service) -> tuple[str, str]:
        """SIGKILLs a worker in the middle of a request; the job that it held, and its epoch."""
        held: list[tuple[str, ...]] = []

        def is_held() -> bool:
            found = self.query(
                "SELECT j.id, j.lease_epoch, w.process_id FROM jobs j JOIN workers w"
                " ON w.id = j.lease_worker_id WHERE j.status = 'running'"
            )
            # Those of workers killed before count as running until their lease is over.
            held[:] = [row for row in found if int(row[2]) in self.workers]
            return service.now > 0 and bool(held)

        wait_until(is_held, "the service is asked")
        job, epoch, pid = held[0]
        worker = self.workers.pop(int(pid))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        return str(job), str(epoch)

    def stop(self) -> None:
        """Ends those that are left."""
        for worker in self.workers.values():
            worker.terminate()
        for worker in self.workers.values():
            assert worker.wait(timeout=60) == 0


def at_once(attempts: list[tuple[str, ...]]) -> int:
    """The most attempts that ran at the same time, by their rows."""
    edges = []
    for started, finished, _ in attempts:
        edges += [(int(started), 1), (int(finished), -1)]
    running, most = 0, 0
    for _, step in sorted(edges):  # of one moment, ends come first
        running += step
        most = max(most, running)
    return most


def problems(service: Service, attempts: list[tuple[str, ...]], since_ms: int) -> list[str]:
    """What speaks against the limit, and against the room of those dead by `since_ms` being used
    again; empty when all is well."""
    found = []
    if max(service.met) > LIMIT:
        found.append(f"{max(service.met)} requests at once, {LIMIT} may be")
    if at_once(attempts) > LIMIT:
        found.append(f"{at_once(attempts)} attempts at once, {LIMIT} may be")
    if at_once([attempt for attempt in attempts if int(attempt[0]) >= since_ms]) < LIMIT:
        found.append("the room of a dead holder is never used again")
    return found


def run_through(program: Narralytica, query: Query, service: Service, *settings: str) -> list[str]:
    """Kills KILLS holders and lets everything come to its end; what is wrong then."""
    count = 8 + 5 * KILLS
    program.json("ingest", ALLOW, *service.urls(count))
    crew = Crew(program, query, *SHORT_LEASE, *settings)
    try:
        for _ in range(KILLS):
            job, epoch = crew.kill_holder(service)
            crew.start()
            taken = f"SELECT id, 0 FROM jobs WHERE id = '{job}' AND lease_epoch > {epoch}"
            wait_until(lambda taken=taken: query(taken), "the dead holder's job is taken over")
        since_ms = int(query(NEWEST)[0][0])
        wait_until(lambda: not query(OPEN), "all is done")
    finally:
        crew.stop()
    attempts = query(ATTEMPTS)
    assert len(query(ENDED)) == count, "every recording is no recording, and that is all"
    lost = sum(reason == "worker_lost" for _, _, reason in attempts)
    assert lost >= KILLS and len(attempts) == count + lost, query(UNENDED)
    found = problems(service, attempts, since_ms)
    print(f"\n{count} recordings, {KILLS} killed, most at once {max(service.met)}: {found}")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_on_postgres(kind: str, database: Server, service: Service, tmp_path: pathlib.Path) -> None:
    database.sql("DROP DATABASE IF EXISTS speech WITH (FORCE)", "CREATE DATABASE speech OWNER"
                 " narralytica ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C.UTF-8'")  # fmt: skip
    program = OnPostgres(tmp_path / "data", database.url())
    limit = f"--set=jobs.{kind}_running_max={LIMIT}"
    assert run_through(program, postgres_query(database), service, limit) == []


def test_on_sqlite(empty: Narralytica, service: Service) -> None:
    limit = f"--set=jobs.service_running_max={LIMIT}"
    assert run_through(empty, sqlite_query(empty.folder), service, limit) == []


def test_twin_without_the_limit_it_is_exceeded(empty: Narralytica, service: Service) -> None:
    empty.json("ingest", ALLOW, *service.urls(12))
    query = sqlite_query(empty.folder)
    crew = Crew(empty, query, *SHORT_LEASE)
    wait_until(lambda: not query(OPEN), "all is done")
    crew.stop()
    found = problems(service, query(ATTEMPTS), 0)
    assert any("attempts at once" in problem for problem in found), found


def test_twin_a_room_that_is_never_given_back_is_seen(empty: Narralytica, service: Service) -> None:
    """The dead holder's lease does not run out."""
    empty.json("ingest", ALLOW, *service.urls(8))
    query = sqlite_query(empty.folder)
    crew = Crew(empty, query, *LONG_LEASE, f"--set=jobs.service_running_max={LIMIT}")
    crew.kill_holder(service)
    since_ms = int(query(NEWEST)[0][0]) + 1
    wait_until(lambda: len(query(OPEN)) == 1, "all others are done")
    crew.stop()
    found = problems(service, query(ATTEMPTS), since_ms)
    assert found == ["the room of a dead holder is never used again"]
