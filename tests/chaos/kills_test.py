"""kill -9 at random moments under load: nothing that was accepted is lost, nothing happens twice.

Recordings are accepted over HTTP while workers, their engine and media children, the server and, on
PostgreSQL, the database are killed one after the other. NRL_CHAOS_KILLS says how often over both
databases (200 in `make chaos-kills`), NRL_SEED replays the choices of victims and moments.
"""

from __future__ import annotations

import os
import pathlib
import random
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.contract import server as http
from tests.eval import measure
from tests.pipeline.kill_test import is_gone
from tests.pipeline.postgres_test import OnPostgres, Server
from tests.pipeline.program import UNAVAILABLE, Narralytica
from tests.pipeline.web import ALLOW, Page, Web, cut

KILLS = int(os.environ.get("NRL_CHAOS_KILLS", "12")) // 2  # on each database
SEED = int(os.environ.get("NRL_SEED", random.SystemRandom().randrange(1 << 30)))
OPEN_MIN = 6  # recordings under way while killing
CLIP_S = 2.5
BETWEEN_KILLS_S = 1.2
DATABASE_AWAY_S = 1.5
TELL_EVERY = 20
END_S = 120 + 6 * KILLS
WORKERS = 2
SETTINGS = (
    "--set=jobs.lease_ms=1000",
    "--set=work.heartbeat_ms=200",
    "--set=work.poll_ms=50",
    # A recording that random kills meet often is no poison; the twin of that rule is in queue_test.
    "--set=jobs.kills_max=100",
    ALLOW,
)
Query = Callable[[str], list[tuple[str, ...]]]


class System:
    """Workers and a server on one data folder, each started again when it was killed."""

    def __init__(self, program: Narralytica, database: Server | None = None) -> None:
        self.program, self.database = program, database
        key = program.json("key", "create", "--name", "load", "--role", "admin")["key"]
        self.workers = [program.start("work", *SETTINGS) for _ in range(WORKERS)]
        self.server = http.Server(program, key, ALLOW.removeprefix("--set="))
        self.lock = threading.Lock()  # held while the server is away

    def child_of_workers(self, name: str) -> int | None:
        """A descendant of a worker that runs the command `name`."""
        for worker in self.workers:
            for pid in measure.tree(worker.pid):
                try:
                    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if words[0].endswith(b"narralytica") and name.encode() in words[:2]:
                    return pid
        return None

    def kill(self, victim: str, chance: random.Random) -> bool:
        """Kills one; False when there is none at the moment."""
        if victim == "work":
            at = chance.randrange(WORKERS)
            self.workers[at].kill()
            self.workers[at].wait()
            self.workers[at] = self.program.start("work", *SETTINGS)
        elif victim == "serve":
            self.server.kill()
            self.restart_server()
        elif victim == "postgres":
            self.kill_database(chance)
        else:
            pid = self.child_of_workers(victim)
            if pid is None:
                return False
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return False
        return True

    def restart_server(self) -> None:
        """As whoever looks after it would: again when its database was away."""
        end = time.monotonic() + http.START_S
        with self.lock:
            while True:
                try:
                    return self.server.restart()
                except http.NotStarted as refused:
                    assert refused.code == UNAVAILABLE and time.monotonic() < end, refused

    def kill_database(self, chance: random.Random) -> None:
        """The whole server at once, or its first process, for whose end the others look out; while
        it is away, somebody else may end and find no database when started again."""
        assert self.database and self.database.process
        processes = measure.tree(self.database.process.pid)
        self.database.process.send_signal(chance.choice([signal.SIGQUIT, signal.SIGKILL]))
        self.database.process.wait()
        if chance.random() < 0.5:
            self.workers[0].kill()
            self.workers[0].wait()
            self.workers[0] = self.program.start("work", *SETTINGS)
        if chance.random() < 0.5:
            self.server.kill()
            with self.lock, pytest.raises(http.NotStarted) as refused:
                self.server.restart()
            assert refused.value.code == UNAVAILABLE, refused.value
        time.sleep(chance.uniform(0, DATABASE_AWAY_S))
        end = time.monotonic() + http.START_S
        while not all(is_gone(process) for process in processes):
            assert time.monotonic() < end, "processes of the killed database stay"
            time.sleep(0.02)
        self.database.start()

    def keep_alive(self) -> None:
        """Starts again whoever ended because of somebody else's end."""
        for at, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.workers[at] = self.program.start("work", *SETTINGS)
        process = self.server.process
        if process is not None and process.poll() is not None:
            self.restart_server()

    def stop(self) -> None:
        """Ends everything as an operator would."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            assert worker.wait(timeout=60) == 0
        assert self.server.stop() == 0


class Load(threading.Thread):
    """Has recordings accepted over HTTP, each under a key of its own, until told to stop."""

    def __init__(self, system: System, web: Web, folder: pathlib.Path) -> None:
        super().__init__(daemon=True)
        self.system, self.web, self.folder = system, web, folder
        self.accepted: dict[str, str] = {}  # external id -> video id
        self.wanted = 0
        self.ended = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                if len(self.accepted) < self.wanted:
                    self.accept(f"clip-{len(self.accepted)}")
                else:
                    self.ended.wait(0.02)
        except BaseException as error:  # noqa: BLE001 - shown by the main thread
            self.failure = error

    def accept(self, name: str) -> None:
        """POST /ingest until there is an answer; the key makes the repeats one."""
        start_s = 0.05 * len(self.accepted) % 12
        sound = cut(self.folder / "clip.flac", start_s, CLIP_S + len(self.accepted) * 0.001)
        self.web.pages[f"/{name}.flac"] = Page(sound)
        url = self.web.url(f"/{name}.flac")
        body = {"external_id": name, "source": {"kind": "external_url", "url": url}}
        end = time.monotonic() + END_S
        while not self.ended.is_set():
            assert time.monotonic() < end, f"{name} is never answered"
            try:
                with self.system.lock:
                    reply = self.system.server.request(
                        "POST", "/api/v1/ingest", body=body, headers={"Idempotency-Key": name}
                    )
            except OSError:
                continue
            if reply.status == 201:
                self.accepted[name] = reply.json()["video_id"]
                return
            assert reply.status in (500, 503), reply

    def stop(self) -> None:
        """Ends it, with the accepting that is under way."""
        self.ended.set()
        self.join()
        if self.failure:
            raise self.failure


def problems(query: Query, accepted: dict[str, str]) -> list[str]:
    """What speaks against the two promises; empty when all is well."""
    found = []
    videos = {row[0]: row for row in query(
        "SELECT v.id, v.status, s.external_id,"
        " (SELECT COUNT(*) FROM sources o WHERE o.video_id = v.id),"
        " (SELECT COUNT(*) FROM transcripts t WHERE t.video_id = v.id),"
        " (SELECT COUNT(*) FROM vectors w WHERE w.video_id = v.id)"
        " FROM videos v LEFT JOIN sources s ON s.video_id = v.id")}  # fmt: skip
    jobs: dict[str, list[str]] = {}
    for video, stage, status, code in query(
        "SELECT video_id, type, status, COALESCE(error_code, '') FROM jobs"
    ):
        jobs.setdefault(video, []).append(stage)
        if status not in ("succeeded", "failed"):
            found.append(f"{video}: {stage} is {status}")
        if status == "failed" and not code:
            found.append(f"{video}: {stage} failed without a code")
    for name, video in accepted.items():
        if video not in videos:
            found.append(f"{name} was accepted and is gone")
            continue
        _, status, external_id, sources, transcripts, vectors = videos[video]
        once = (str(sources), str(transcripts), str(vectors)) == ("1", "1", "1")
        if status != "ready" or not once or external_id != name:
            found.append(f"{name}: {videos[video]}")
        if sorted(jobs.get(video, [])) != ["diarize", "enrich", "index", "ingest", "transcribe"]:
            found.append(f"{name}: jobs {jobs.get(video)}")
    extra = set(videos) - set(accepted.values())
    found += [f"nobody was told of {videos[video]}" for video in extra]
    return found


def sqlite_query(folder: pathlib.Path) -> Query:
    def run(statement: str) -> list[tuple[str, ...]]:
        database = sqlite3.connect(folder / "narralytica.db")
        rows = database.execute(statement).fetchall()
        database.commit()
        database.close()
        return rows

    return run


def postgres_query(database: Server) -> Query:
    def run(statement: str) -> list[tuple[str, ...]]:
        text = database.sql(statement, database="speech")
        return [tuple(line.split("|")) for line in text.splitlines() if "|" in line]

    return run


def run_through(system: System, victims: list[str], query: Query) -> dict[str, str]:
    """Kills KILLS times under load and lets everything come to its end."""
    chance = random.Random(SEED)
    web = Web()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nrl-clips"))
    load = Load(system, web, folder)
    load.start()
    start = time.monotonic()
    told = 0
    deck: list[str] = []  # so that each has its turn, in any order
    killed: dict[str, int] = {}
    while sum(killed.values()) < KILLS:
        (open_now,) = query("SELECT COUNT(DISTINCT video_id), 0 FROM jobs WHERE status IN"
                            " ('queued', 'running')")[0][:1]
        load.wanted = max(load.wanted, len(load.accepted) + OPEN_MIN - int(open_now))
        time.sleep(chance.uniform(0, 2 * BETWEEN_KILLS_S))
        deck = deck or chance.sample(victims, len(victims))
        victim = deck.pop()
        if system.kill(victim, chance):
            killed[victim] = killed.get(victim, 0) + 1
        else:
            deck.insert(0, victim)
        if sum(killed.values()) >= told + TELL_EVERY:
            told = sum(killed.values())
            print(f"{told} kills, {len(load.accepted)} recordings", flush=True)
        system.keep_alive()
        assert load.failure is None, load.failure
    load.stop()
    end = time.monotonic() + END_S
    while query("SELECT id, 0 FROM jobs WHERE status IN ('queued', 'running') LIMIT 1"):
        assert time.monotonic() < end, f"seed {SEED}: jobs are stuck after {killed}"
        system.keep_alive()
        time.sleep(0.2)
    system.stop()
    web.close()
    shutil.rmtree(folder)
    took_s = time.monotonic() - start
    print(f"\nseed {SEED}: {len(load.accepted)} accepted in {took_s:.0f} s, killed {killed}")
    return load.accepted


def check(program: Narralytica, query: Query, accepted: dict[str, str]) -> None:
    """All is well, and the check would have seen it were it not."""
    assert accepted and problems(query, accepted) == [], f"seed {SEED}"
    assert program.json("fsck", "--orphan-age", "0")["findings"] == [], f"seed {SEED}"
    name, video = next(iter(accepted.items()))
    twins = {
        f"DELETE FROM job_events WHERE job_id IN (SELECT id FROM jobs WHERE video_id = '{video}')"
        f"; DELETE FROM job_runs WHERE job_id IN (SELECT id FROM jobs WHERE video_id = '{video}')"
        f"; DELETE FROM jobs WHERE video_id = '{video}'": "jobs None",
        f"UPDATE videos SET status = 'processing' WHERE id = '{video}'": "processing",
    }
    for statements, sign in twins.items():
        for statement in statements.split(";"):
            query(statement)
        assert any(sign in problem for problem in problems(query, accepted)), statements
    assert problems(query, {**accepted, "never": "no-such-video"})
    assert name


def test_on_sqlite(tmp_path: pathlib.Path) -> None:
    program = Narralytica(tmp_path / "data")
    query = sqlite_query(program.folder)
    system = System(program)
    accepted = run_through(system, ["work", "work", "engine", "media", "serve"], query)
    assert all(is_gone(worker.pid) for worker in system.workers)
    check(program, query, accepted)


@pytest.fixture
def database() -> Iterator[Server]:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nrl-pg", dir="/tmp"))
    made = Server(folder)
    yield made
    made.stop()
    shutil.rmtree(folder)


def test_on_postgres(database: Server, tmp_path: pathlib.Path) -> None:
    program = OnPostgres(tmp_path / "data", database.url())
    query = postgres_query(database)
    system = System(program, database)
    victims = ["work", "work", "engine", "media", "serve", "postgres"]
    check(program, query, run_through(system, victims, query))
