"""The whole pipeline with PostgreSQL as the database, and what doctor says when it is wrong."""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest

from tests.pipeline.program import CHECK_FAILED, MEETING, PROGRAM, USAGE, Narralytica

UNAVAILABLE, UNEXPECTED, DENIED = 6, 1, 5
START_TIMEOUT_S = 30
HUSH = "hushhush"


class Server:
    """A PostgreSQL of this test run's own; as root it runs as the user `postgres`."""

    def __init__(self, folder: pathlib.Path) -> None:
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        assert programs, "apt-get install postgresql, or tools/setup.sh test"
        self.folder, self.programs = folder, programs[-1].parent
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        self.run("initdb", "-D", str(folder / "data"), "--no-sync", "-U", "postgres", "-A", "trust")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()
        self.sql("CREATE ROLE narralytica LOGIN", "CREATE DATABASE speech OWNER narralytica"
                 " ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C.UTF-8'")

    def command(self, program: str, *arguments: str) -> list[str]:
        become = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
        become = become if os.getuid() == 0 else []
        return ["setpriv", *become, "--pdeathsig=QUIT", "--", str(self.programs / program),
                *arguments]

    def run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(self.command(program, *arguments), cwd="/", check=False,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            self.command("postgres", "-D", str(self.folder / "data"), "-k", str(self.folder),
                         "-p", str(self.port), "-c", "listen_addresses=", "-c", "fsync=off"),
            cwd="/", stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + START_TIMEOUT_S
        while subprocess.run(self.command("pg_isready", "-q", "-h", str(self.folder), "-p",
                                          str(self.port)), cwd="/", check=False).returncode:
            assert time.monotonic() < end and self.process.poll() is None, "does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGINT)  # the fast shutdown
            self.process.wait(timeout=START_TIMEOUT_S)
            self.process = None

    def sql(self, *statements: str, database: str = "postgres") -> str:
        commands = [part for statement in statements for part in ("-c", statement)]
        return self.run("psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder),
                        "-p", str(self.port), "-U", "postgres", "-d", database, *commands)

    def url(self, user: str = "narralytica", database: str = "speech") -> str:
        return f"postgres://{user}@/{database}?host={self.folder}&port={self.port}"


class OnPostgres(Narralytica):
    """The program with --database on every command."""

    def __init__(self, folder: pathlib.Path, url: str) -> None:
        super().__init__(folder)
        self.url = url

    def command(self, name: str, *arguments: str) -> list[str]:
        return [str(PROGRAM), name, "--data", str(self.folder), "--database", self.url, *arguments]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nrl-pg", dir="/tmp"))
    made = Server(folder)
    yield made
    made.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def on_postgres(server: Server, tmp_path_factory: pytest.TempPathFactory) -> OnPostgres:
    program = OnPostgres(tmp_path_factory.mktemp("postgres") / "data", server.url())
    for item in program.json("ingest", "--wait", str(MEETING)):
        assert item["status"] == "ready", item
        program.videos[MEETING] = item["video_id"]
    return program


def test_the_transcript_is_the_same_as_on_sqlite(
    on_postgres: OnPostgres, store: Narralytica
) -> None:
    texts = []
    for program in (on_postgres, store):
        document = program.json("transcript", program.videos[MEETING], "--format", "json")
        texts.append([(s["start_ms"], s["end_ms"], s["text"]) for s in document["segments"]])
    assert texts[0] == texts[1]


def test_search_finds_it(on_postgres: OnPostgres) -> None:
    reply = on_postgres.json("search", '"post mortem examination"')
    assert reply["items"] and not reply["degraded"]
    assert reply["index"]["lag_ms"] == 0


def test_the_same_file_again_is_the_same_video(on_postgres: OnPostgres) -> None:
    (item,) = on_postgres.json("ingest", "--wait", str(MEETING))
    assert item["duplicate"]
    assert item["video_id"] == on_postgres.videos[MEETING]


def test_fsck_and_doctor_are_content(on_postgres: OnPostgres) -> None:
    assert on_postgres.json("fsck")["findings"] == []
    report = on_postgres.json("doctor")
    (database,) = [check for check in report["checks"] if check["name"] == "database"]
    assert "PostgreSQL narralytica@" in database["detail"]
    assert not (on_postgres.folder / "narralytica.db").exists()


def test_a_folder_stays_with_its_database(
    on_postgres: OnPostgres, server: Server, store: Narralytica
) -> None:
    """Without --database an empty SQLite would answer that nothing is known."""
    plain = Narralytica(on_postgres.folder)
    assert "--database" in plain.json("search", "anything", code=UNEXPECTED)["error"]["hint"]
    moved = OnPostgres(store.folder, server.url())
    assert "another database" in moved.json("jobs", code=UNEXPECTED)["error"]["message"]


def test_settings_stand_beside_the_database(on_postgres: OnPostgres) -> None:
    """In whichever order the command line gives them."""
    assert on_postgres.json("jobs", "--set=jobs.lease_ms=2000", "--set=jobs.kills_max=5")["items"]
    wrong = on_postgres.json("jobs", "--set=jobs.kills_max=0", code=USAGE)["error"]["message"]
    assert "jobs.kills_max" in wrong


def test_migrations_go_down_and_up(server: Server, tmp_path: pathlib.Path) -> None:
    server.sql("CREATE DATABASE stairs OWNER narralytica ENCODING 'UTF8' TEMPLATE template0")
    program = OnPostgres(tmp_path / "data", server.url(database="stairs"))
    assert program.json("migrate", "status")["applied"] == []
    up = program.json("migrate", "up")
    assert len(up["applied"]) >= 5
    count = str(len(up["applied"]))
    assert program.json("migrate", "down", "--count", count)["applied"] == []
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert server.sql(tables, database="stairs").strip() == "1", "its own history stays"
    assert program.json("migrate", "up")["changed"] == up["changed"]


def test_a_role_that_may_not_change_the_schema_works(
    server: Server, on_postgres: OnPostgres
) -> None:
    server.sql("CREATE ROLE speech_app LOGIN")
    app = OnPostgres(on_postgres.folder, server.url("speech_app"))
    denied = app.json("jobs", code=DENIED)["error"]
    assert "GRANT" in denied["hint"]
    server.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO speech_app",
               database="speech")
    assert len(app.json("jobs")["items"]) == 5
    server.sql("CREATE DATABASE bare OWNER narralytica ENCODING 'UTF8' TEMPLATE template0")
    bare = OnPostgres(on_postgres.folder.parent / "bare", server.url("speech_app", "bare"))
    assert "migrate up" in bare.json("jobs", code=DENIED)["error"]["hint"]


def check_of(program: Narralytica, name: str) -> dict:
    report = program.json("doctor", code=CHECK_FAILED)
    (check,) = [c for c in report["checks"] if c["name"] == name and not c["ok"]]
    return check


def test_doctor_names_what_is_wrong(server: Server, tmp_path: pathlib.Path) -> None:
    boss = OnPostgres(tmp_path / "boss", server.url("postgres"))
    assert "CREATE ROLE" in check_of(boss, "database")["fix"]
    nowhere = OnPostgres(tmp_path / "nowhere", server.url(database="nowhere"))
    assert '"nowhere" does not exist' in check_of(nowhere, "database")["detail"]
    away = OnPostgres(tmp_path / "away", "postgres://narralytica@127.0.0.1:1/speech")
    assert "server" in check_of(away, "database")["fix"]
    away.json("jobs", code=UNAVAILABLE)


def test_a_password_on_the_command_line_is_refused_and_never_shown(
    server: Server, tmp_path: pathlib.Path
) -> None:
    url = server.url().replace("narralytica@", f"narralytica:{HUSH}@")
    loud = OnPostgres(tmp_path / "loud", url)
    done = loud.run("jobs")
    assert done.returncode == USAGE
    assert "command line" in done.stderr
    quiet = Narralytica(tmp_path / "quiet")
    quiet.folder.mkdir()
    (quiet.folder / "narralytica.toml").write_text(f'[database]\nurl = "{url}"\n')
    quiet.json("jobs")
    shown = quiet.run("doctor", "--config")
    logs = "".join(p.read_text() for p in (quiet.folder / "logs").iterdir())
    assert HUSH not in done.stdout + done.stderr + shown.stdout + shown.stderr + logs


def test_a_restarted_server_costs_no_work(server: Server, tmp_path: pathlib.Path) -> None:
    server.sql("CREATE DATABASE again OWNER narralytica ENCODING 'UTF8' TEMPLATE template0")
    program = OnPostgres(tmp_path / "data", server.url(database="again"))
    (item,) = program.json("ingest", str(MEETING))
    worker = program.start("work", "--drain")
    time.sleep(3)
    server.stop()
    time.sleep(1)
    server.start()
    assert worker.wait(timeout=300) == 0
    states = {job["status"] for job in program.json("jobs")["items"]}
    assert states == {"succeeded"}
    assert program.json("search", '"post mortem examination"')["items"]
    assert program.json("fsck")["findings"] == []
    assert item["status"] == "queued"
