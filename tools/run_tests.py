"""`make test`: builds everything and runs every test, part by part, with the time of each.

A part is a command whose output says how many tests passed and failed, as ctest, pytest and the
tidy test do. A build counts nothing when it works and one failure when it does not. The parts that
need what failed are not run and count as a failure each: a missing result is never a pass.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What a runner's closing line says: (passed, failed).
COUNTS = (
    re.compile(r"tests passed, (?P<failed>\d+) tests? failed out of (?P<total>\d+)"),
    re.compile(r"^\w+: (?P<passed>\d+) passed, (?P<failed>\d+) failed$", re.MULTILINE),
    re.compile(r"^(?=.*\d+ (?:passed|failed|error).* in [\d.]+s)(?P<pytest>.*)$", re.MULTILINE),
)


@dataclasses.dataclass(frozen=True)
class Part:
    """A command of the test run; `needs` names the parts whose results it uses."""

    name: str
    command: list[str]
    needs: tuple[str, ...] = ()
    counts: bool = True


PYTHON = sys.executable
CONFIGURE = ["cmake", "--log-level=WARNING", "--preset"]
BUILD = ["cmake", "--build", "--preset"]
PYTEST = [PYTHON, "-m", "pytest"]
CONSOLE = ["npm", "--prefix", "console", "run", "--silent"]
PARTS = (
    Part("configure release", [*CONFIGURE, "release"], counts=False),
    Part("build release", [*BUILD, "release"], ("configure release",), counts=False),
    Part("configure debug", [*CONFIGURE, "debug"], counts=False),
    Part("build debug", [*BUILD, "debug"], ("configure debug",), counts=False),
    Part("unit tests, sanitized", ["ctest", "-j2", "--preset", "debug"], ("build debug",)),
    Part("unit tests, release", ["ctest", "-j2", "--preset", "release"], ("build release",)),
    Part("tests of the tools", [*PYTEST, "tools", "tests/eval"]),
    Part(
        "build the tests' tools",
        [*BUILD, "release", "--target", "search_bench", "queue_bench", "diarization_tool"],
        ("build release",),
        counts=False,
    ),
    Part("benchmarks, small", [*PYTEST, "tests/bench"], ("build the tests' tools",)),
    Part("console lint", [*CONSOLE, "lint"], counts=False),
    Part("console contract", [*CONSOLE, "contract"], counts=False),
    Part("console build", [*CONSOLE, "build"], counts=False),
    Part("console size", [*CONSOLE, "check-size"], ("console build",), counts=False),
    Part("console tests", [*CONSOLE, "test"]),
    Part("pipeline", [*PYTEST, "tests/pipeline"], ("build the tests' tools",)),
    Part("browser", [PYTHON, "-m", "tests.console"], ("build release", "console build")),
    Part("contract", [*PYTEST, "tests/contract"], ("build release",)),
    Part("chaos, small", [*PYTEST, "tests/chaos"], ("build release",)),
    Part("configure fuzz", [*CONFIGURE, "fuzz"], counts=False),
    Part("build fuzz", [*BUILD, "fuzz"], ("configure fuzz",), counts=False),
    Part("fuzz, small", [*PYTEST, "tests/fuzz"], ("build fuzz",)),
    Part("tidy", [PYTHON, "tools/tool.py", "tidy", "--clang", "build/debug"]),
)


def counts_in(output: str) -> tuple[int, int] | None:
    """Reads (passed, failed) from the last closing line of a runner; None when there is none."""
    for pattern in COUNTS:
        if not (matches := list(pattern.finditer(output))):
            continue
        found = matches[-1].groupdict()
        if line := found.get("pytest"):
            number = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", line)}
            return number.get("passed", 0), number.get("failed", 0) + number.get("error", 0)
        failed = int(found["failed"])
        return int(found.get("passed") or int(found["total"]) - failed), failed
    return None


def run_part(part: Part) -> tuple[int, int]:
    """Runs a part with its output shown as it comes; returns (passed, failed)."""
    process = subprocess.Popen(
        part.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    output = []
    for line in process.stdout:
        print(line, end="", flush=True)
        output.append(line)
    code = process.wait()
    if not part.counts:
        return 0, int(code != 0)
    passed, failed = counts_in("".join(output)) or (0, 0)
    if passed + failed == 0 or (code != 0 and failed == 0):
        print(f"run_tests: '{part.name}' ended with code {code} and {passed} tests passed")
        failed = 1
    return passed, failed


def main() -> int:
    """Runs the parts in order; the last line is `N passed, N failed`."""
    passed = failed = 0
    broken: set[str] = set()
    times = []
    for part in PARTS:
        print(f"\n== {part.name}", flush=True)
        start = time.monotonic()
        if missing := broken.intersection(part.needs):
            print(f"run_tests: not run, because of: {', '.join(sorted(missing))}")
            result = (0, 1)
        else:
            result = run_part(part)
        if result[1]:
            broken.add(part.name)
        passed, failed = passed + result[0], failed + result[1]
        times.append((part.name, time.monotonic() - start, result))
    print("\n== time by part")
    for name, seconds, (ok, bad) in times:
        print(f"{seconds:7.1f} s  {name}{f'  ({ok} ok, {bad} failed)' if ok or bad else ''}")
    print(f"{sum(seconds for _, seconds, _ in times):7.1f} s  together\n")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
