"""Runs recordings through the real media child and judges what comes back.

Whatever a file is, reading it ends in sound of the right length that is the right sound, or in a
reason of docs/formats/media-errors.md with a hint; always within the caps below, with nothing left
behind and the parent alive.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import tempfile
from collections.abc import Iterable

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"
DOCUMENT = ROOT / "docs/formats/media-errors.md"

# Small limits, so that a bomb shows soon; what the parent's process and its children may need.
DECODED_MS_MAX = 600_000
OUTPUT_BYTES_MAX = 64_000_000
LIMITS = (
    f"decoded_duration_ms_max={DECODED_MS_MAX}",
    f"output_bytes_max={OUTPUT_BYTES_MAX}",
    "cpu_seconds_base=20",
    "cpu_seconds_max=30",
)
WALL_MS_MAX = 60_000
CPU_MS_MAX = 45_000
RSS_BYTES_MAX = 1_100_000_000
WINDOW_MS = 20


@dataclasses.dataclass(frozen=True)
class Expected:
    """What a form may end in: `reasons`, and sound when `duration_ms` is not None."""

    duration_ms: int | None = None
    reasons: frozenset[str] = frozenset()
    tolerance_ms: int = 120
    likeness: float | None = 0.9  # of the loudness curve to the original's; None: not compared
    warnings: frozenset[str] = frozenset()  # that must be among those given


def closed_list() -> tuple[frozenset[str], frozenset[str]]:
    """The reasons and the warnings that the document lists."""
    names = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    reasons = frozenset(name for name in names if name.startswith("media_"))
    return reasons, frozenset(names) - reasons


def likeness(curve: list[int], original: list[int], shift_max: int = 8) -> float:
    """The best correlation of two loudness curves over small shifts; 0 when one is too short."""
    best = 0.0
    for shift in range(-shift_max, shift_max + 1):
        a = numpy.array(curve[max(shift, 0) :], float)
        b = numpy.array(original[max(-shift, 0) :], float)
        length = min(len(a), len(b))
        if length < 20 or a[:length].std() == 0 or b[:length].std() == 0:
            continue
        best = max(best, float(numpy.corrcoef(a[:length], b[:length])[0, 1]))
    return best


def within_caps(report: dict) -> list[str]:
    """What every outcome must keep, sound or not."""
    faults = []
    if report.get("exit") != "0":
        faults.append(f"the parent ended with {report.get('exit')}")
    for key, most in (
        ("wall_ms", WALL_MS_MAX),
        ("cpu_ms", CPU_MS_MAX),
        ("rss_bytes_max", RSS_BYTES_MAX),
        ("child_cpu_ms", CPU_MS_MAX),
        ("child_rss_bytes_max", RSS_BYTES_MAX),
        ("output_bytes", 3 * OUTPUT_BYTES_MAX),
        ("left_bytes", 0),
    ):
        if report.get(key, 0) > most:
            faults.append(f"{key} is {report[key]}, more than {most}")
    reasons, warnings = closed_list()
    if "duration_ms" in report:
        if unknown := set(report["warnings"]) - warnings:
            faults.append(f"unknown warnings {unknown}")
        if not 0 < report["duration_ms"] <= DECODED_MS_MAX + 1_000:
            faults.append(f"a duration of {report['duration_ms']} ms")
        if abs(len(report["envelope"]) * WINDOW_MS - report["duration_ms"]) > WINDOW_MS:
            faults.append("the sound is not as long as its duration")
    elif report.get("reason") not in reasons:
        faults.append(f"'{report.get('reason')}' is not on the list: {report.get('cause')}")
    elif report["reason"] in ("media_killed", "media_child_failed", "media_timeout"):
        faults.append(f"{report['reason']}: the file decides it, not this machine")
    elif not report.get("hint"):
        faults.append("no hint")
    return faults


def judge(report: dict, expected: Expected, original: list[int]) -> list[str]:
    """What is wrong with an outcome; empty when it is as expected."""
    faults = within_caps(report)
    if "duration_ms" not in report:
        if report.get("reason") not in expected.reasons:
            wanted = sorted(expected.reasons) or "sound"
            faults.append(f"{report.get('reason')} ({report.get('cause')}) instead of {wanted}")
        return faults
    if expected.duration_ms is None:
        faults.append(f"sound instead of {sorted(expected.reasons)}")
        return faults
    if abs(report["duration_ms"] - expected.duration_ms) > expected.tolerance_ms:
        faults.append(f"{report['duration_ms']} ms instead of {expected.duration_ms}")
    if missing := expected.warnings - set(report["warnings"]):
        faults.append(f"does not warn of {sorted(missing)}, but of {report['warnings']}")
    if expected.likeness is not None:
        like = likeness(report["envelope"], original)
        if like < expected.likeness:
            faults.append(f"other sound: likeness {like:.3f}, not {expected.likeness}")
    return faults


def build_tool() -> pathlib.Path:
    """Builds the tool; the program itself is there already."""
    command = ["cmake", "--build", "--preset", "release", "--target", "media_tool"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return BUILD / "media_tool"


def run(paths: Iterable[pathlib.Path], jobs: int | None = None) -> dict[pathlib.Path, dict]:
    """Prepares every file; returns the tool's report of each."""
    everything = list(paths)
    jobs = min(jobs or os.cpu_count() or 1, len(everything))
    with tempfile.TemporaryDirectory(prefix="media-") as folder:

        def share(first: int) -> list[dict]:
            return _run_one(everything[first::jobs], folder)

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            reports = [report for part in pool.map(share, range(jobs)) for report in part]
        left = [name for name in os.listdir(folder) if name]
    assert not left, f"left behind: {left}"
    return {pathlib.Path(report["path"]): report for report in reports}


def _run_one(paths: list[pathlib.Path], folder: str) -> list[dict]:
    done = subprocess.run(
        [BUILD / "media_tool", BUILD / "narralytica", folder, *LIMITS],
        input="".join(f"{path}\n" for path in paths),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(reports) == len(paths), "the tool ended early"
    return reports
