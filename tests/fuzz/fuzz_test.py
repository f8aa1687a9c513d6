"""Every fuzz target runs for some seconds, from the seeds in tests/fuzz/corpus: no finding.

NRL_FUZZ_SECONDS says how long each; `make chaos-fuzz` runs them for minutes, by other chances each
time (NRL_FUZZ_SEED=0), and keeps what it learns in build/fuzz/corpus. A finding is left in
build/fuzz/findings: make it a seed when mended.
"""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/fuzz"
SEEDS = ROOT / "tests/fuzz/corpus"
FINDINGS = BUILD / "findings"
LEARNED = BUILD / "corpus"
PLANTED = "planted"
SECONDS = int(os.environ.get("NRL_FUZZ_SECONDS", "5"))
SEED = int(os.environ.get("NRL_FUZZ_SEED", "1"))  # what passed once passes again; 0: by chance
INPUT_BYTES_MAX = 4_096
MEMORY_MB_MAX = 1_024

TARGETS = sorted(p.name.removesuffix("_fuzz.cpp") for p in (ROOT / "tests/fuzz").glob("*_fuzz.cpp"))


def run(target: str, seconds: int, *folders: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Runs a target; the folders are its corpora, the first is where it writes."""
    FINDINGS.mkdir(parents=True, exist_ok=True)
    command = [
        BUILD / f"{target}_fuzz",
        f"-max_total_time={seconds}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}",
        f"-seed={SEED}",
        "-timeout=10",
        "-print_final_stats=1",
        f"-artifact_prefix={FINDINGS}/{target}-",
        *folders,
    ]
    options = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1"}
    return subprocess.run(
        list(map(str, command)),
        env=os.environ | options,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def executed(output: str) -> int:
    """How many inputs the target ran."""
    for line in output.splitlines():
        if line.startswith("stat::number_of_executed_units:"):
            return int(line.split(":")[-1])
    return 0


@pytest.mark.parametrize("target", [t for t in TARGETS if t != PLANTED])
def test_nothing_is_found(target: str) -> None:
    learned = LEARNED / target
    learned.mkdir(parents=True, exist_ok=True)
    seeds = SEEDS / target
    assert any(seeds.iterdir()), "no seeds"
    done = run(target, SECONDS, learned, seeds)
    assert done.returncode == 0, done.stdout[-4_000:]
    print(f"{target}: {executed(done.stdout)} inputs")
    assert executed(done.stdout) > 100


def test_a_planted_overflow_is_found(tmp_path: pathlib.Path) -> None:
    """The twin: what would be a finding is one."""
    done = run(PLANTED, 60, tmp_path)
    for finding in FINDINGS.glob(f"{PLANTED}-*"):
        finding.unlink()
    assert done.returncode != 0
    assert "stack-buffer-overflow" in done.stdout or "index" in done.stdout


def test_there_are_targets() -> None:
    assert len(TARGETS) >= 15
