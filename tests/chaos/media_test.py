"""Every form of recording, and some damaged ones, through the real media child.

`make chaos-media` reads a thousand damaged ones.
"""

from __future__ import annotations

import copy
import pathlib
import socket
import subprocess
import wave
from collections.abc import Iterator

import numpy
import pytest

from tests.chaos import media_child, media_corpus, media_forms
from tests.chaos.media_child import Expected, judge, within_caps

SEED = 7
DAMAGED = 40


class Listener:
    """A port that only counts who connects."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]

    def connections(self) -> int:
        """How many came since the last call."""
        count = 0
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    """One for all files."""
    made = Listener()
    yield made
    made.socket.close()


@pytest.fixture(scope="session")
def tool() -> None:
    """The tool is built."""
    media_child.build_tool()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> media_forms.Workshop:
    """Where the files are made."""
    return media_forms.Workshop(tmp_path_factory.mktemp("forms"), listener.port)


@pytest.fixture(scope="session")
def original(shop: media_forms.Workshop) -> list[int]:
    """The loudness of every 20 ms of the speech."""
    with wave.open(str(shop.speech)) as sound:
        samples = numpy.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)
    windows = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    return [round(value) for value in numpy.sqrt((windows**2).mean(axis=1))]


@pytest.fixture(scope="session")
def outcomes(
    tool: None, shop: media_forms.Workshop
) -> dict[str, tuple[media_forms.Form, pathlib.Path, dict]]:
    """Every form by name, with its file and what reading it gave."""
    made = media_forms.make_all(shop, media_forms.all_forms())
    reports = media_child.run(made)
    return {form.name: (form, path, reports[path]) for path, form in made.items()}


@pytest.mark.parametrize("name", [form.name for form in media_forms.all_forms()])
def test_a_form_ends_as_it_should(name: str, outcomes: dict, original: list[int]) -> None:
    form, _, report = outcomes[name]
    assert judge(report, form.expected, original) == []


def test_there_are_many_forms() -> None:
    forms = media_forms.all_forms()
    assert len(forms) >= 300
    assert sum(form.expected.duration_ms is not None for form in forms) >= 200


def test_no_file_leads_anywhere(outcomes: dict, listener: Listener) -> None:
    assert len([name for name in outcomes if name.startswith("playlist-")]) >= 25
    assert listener.connections() == 0


@pytest.mark.parametrize("name", ["playlist-hls.m3u8", "playlist-concat-host.txt"])
def test_a_reader_without_our_rules_does_connect(
    name: str, outcomes: dict, listener: Listener
) -> None:
    """The twin: these files work on ffmpeg when it is told to trust them."""
    trust = ["-protocol_whitelist", "file,http,tcp,crypto", "-rw_timeout", "1000000"]
    if name.endswith(".txt"):
        trust += ["-f", "concat", "-safe", "0"]
    command = ["ffmpeg", "-v", "error", *trust, "-i", str(outcomes[name][1]), "-f", "null", "-"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    listener.socket.settimeout(20)
    try:
        listener.socket.accept()[0].close()  # raises when nobody comes
    finally:
        process.kill()
        process.wait()
        listener.socket.setblocking(False)
        listener.connections()


def test_damaged_recordings_end_within_the_rules(tool: None, tmp_path: pathlib.Path) -> None:
    reports = media_corpus.prepare(tmp_path, SEED, DAMAGED)
    faults = {path.name: f for path, r in reports.items() if (f := within_caps(r))}
    assert faults == {}
    assert len(reports) == DAMAGED
    assert any("duration_ms" in report for report in reports.values())
    assert any("reason" in report for report in reports.values())


def test_a_seed_gives_the_same_files() -> None:
    first = [media_corpus.damaged(SEED, number) for number in range(30)]
    assert first == [media_corpus.damaged(SEED, number) for number in range(30)]
    assert len({data for _, data in first}) == 30
    assert first[0] != media_corpus.damaged(SEED + 1, 0)


class TestTheJudge:
    """What would be a fault is seen as one."""

    EXPECTED = Expected(4_000, warnings=frozenset({"truncated"}))
    CURVE = [100 + 37 * (number * number % 91) for number in range(200)]
    GOOD = {
        "exit": "0", "wall_ms": 90, "cpu_ms": 80, "rss_bytes_max": 30_000_000, "left_bytes": 0,
        "output_bytes": 90_000, "duration_ms": 4_000, "envelope": CURVE, "warnings": ["truncated"],
    }  # fmt: skip
    REFUSED = {"exit": "0", "left_bytes": 0, "reason": "media_no_audio", "hint": "send sound"}

    def test_good_is_good(self) -> None:
        assert judge(self.GOOD, self.EXPECTED, self.CURVE) == []
        refused = Expected(reasons=frozenset({"media_no_audio"}))
        assert judge(self.REFUSED, refused, self.CURVE) == []

    @pytest.mark.parametrize(
        "change",
        [
            {"exit": "signal 11"},
            {"wall_ms": 61_000},
            {"cpu_ms": 100_000},
            {"rss_bytes_max": 3_000_000_000},
            {"child_cpu_ms": 100_000},
            {"child_rss_bytes_max": 3_000_000_000},
            {"left_bytes": 1},
            {"output_bytes": 10_000_000_000},
            {"duration_ms": 4_500},
            {"duration_ms": 0},
            {"warnings": []},
            {"warnings": ["truncated", "made up"]},
            {"envelope": CURVE[:150]},
            {"envelope": CURVE[100:] + CURVE[:100]},
            {"envelope": [0] * 200},
        ],
    )
    def test_a_fault_of_sound_is_seen(self, change: dict) -> None:
        report = copy.deepcopy(self.GOOD) | change
        assert judge(report, self.EXPECTED, self.CURVE) != []

    @pytest.mark.parametrize(
        "change",
        [
            {"reason": ""},
            {"reason": "media_made_up"},
            {"reason": "media_killed"},
            {"reason": "media_encrypted"},
            {"hint": ""},
        ],
    )
    def test_a_fault_of_a_refusal_is_seen(self, change: dict) -> None:
        expected = Expected(reasons=frozenset({"media_no_audio", "media_killed", "media_made_up"}))
        assert judge(self.REFUSED | change, expected, self.CURVE) != []

    def test_the_other_outcome_is_a_fault(self) -> None:
        assert judge(self.REFUSED, self.EXPECTED, self.CURVE) != []
        refused = Expected(reasons=frozenset({"media_no_audio"}))
        assert judge(self.GOOD, refused, self.CURVE) != []
