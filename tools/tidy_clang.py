"""clang-tidy on the files a change touches, within a time budget."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import re
import subprocess
import time
from collections.abc import Iterator

CLANG_TIDY = "clang-tidy-19"
BUDGET_S = 240
FILE_TIMEOUT_S = 120
# The flags in compile_commands.json are g++'s; clang does not know every one.
EXTRA = ("--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Qunused-arguments")


def _git(root: pathlib.Path, *arguments: str) -> str | None:
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def _base(root: pathlib.Path) -> str | None:
    """The commit a change is measured from: where it left the main branch, or the last commit."""
    head = _git(root, "rev-parse", "HEAD")
    fork = _git(root, "merge-base", "HEAD", "origin/HEAD")
    return fork if fork and fork != head else _git(root, "rev-parse", "HEAD~1")


def changed_sources(root: pathlib.Path) -> list[str]:
    """The program's .cpp files that differ from the base or are new; all when there is no base."""
    base = _base(root)
    listing = (
        _git(root, "diff", "--name-only", "--diff-filter=d", base) if base else ""
    ) or ""
    new = _git(root, "ls-files", "--others", "--exclude-standard") or ""
    everything = "" if base else _git(root, "ls-files") or ""
    paths = {*listing.split("\n"), *new.split("\n"), *everything.split("\n")}
    return sorted(path for path in paths if re.match(r"src/.*(?<!_test)\.cpp$", path))


def faults(root: pathlib.Path, build: str) -> Iterator[tuple[str, int, str]]:
    """Yields (path, line, message) from .clang-tidy's checks; says what the budget left out."""
    if not (root / build / "compile_commands.json").is_file():
        yield build, 1, "no compile_commands.json there: configure the build first"
        return
    paths = changed_sources(root)
    end = time.monotonic() + BUDGET_S

    def check(path: str) -> str | None:
        if time.monotonic() > end:
            return None
        command = [CLANG_TIDY, "-p", build, "--quiet", *EXTRA, path]
        try:
            done = subprocess.run(
                command, cwd=root, capture_output=True, text=True, check=False,
                timeout=FILE_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            return None
        return done.stdout

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outputs = list(pool.map(check, paths))
    skipped = sum(output is None for output in outputs)
    print(f"clang-tidy: {len(paths) - skipped} of {len(paths)} changed files checked")
    pattern = re.compile(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$", re.MULTILINE)
    found = {match.groups() for output in outputs if output for match in pattern.finditer(output)}
    for path, line, message in sorted(found):
        yield os.path.relpath(root / path, root), int(line), message
