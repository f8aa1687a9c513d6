"""The cache on this machine: where models and the SDK lie, and whether they are what they were.

    $NARRALYTICA_CACHE, else $XDG_CACHE_HOME/narralytica, else ~/.cache/narralytica
      downloads/SHA256/FILE    package files
      models/ID/…              one model each, with model.json
      sdk/…                    libraries and headers, with sdk.json
      convert-venv/            the Python environment conversions run in

An item appears by a rename of a complete, verified folder. One process at a time changes the
cache; readers need no lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import time
from collections.abc import Iterator, Mapping

from model_lock import FileLock, Item, hash_file
from tool_error import ToolError

LOCK_WAIT_SECONDS = 1800
NEW, OLD = ".new-", ".old-"


def default_root() -> pathlib.Path:
    """The cache folder when the command line names none."""
    if cache := os.environ.get("NARRALYTICA_CACHE"):
        return pathlib.Path(cache)
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "narralytica"


class Store:
    """One cache folder."""

    def __init__(self, root: pathlib.Path, models: pathlib.Path | None = None) -> None:
        self.root = root.expanduser().absolute()
        self.models = models.expanduser().absolute() if models else self.root / "models"

    def folder(self, item: Item) -> pathlib.Path:
        """Where the item is installed."""
        return self.root / "sdk" if item.kind == "sdk" else self.models / item.id

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Holds the cache for one installing process; others wait for it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            stream = (self.root / ".lock").open("w")
        except OSError as error:
            raise ToolError(f"the cache {self.root} cannot be written: {error.strerror}",
                            "name a writable folder with --cache or NARRALYTICA_CACHE") from error
        with stream:
            deadline = time.monotonic() + LOCK_WAIT_SECONDS
            waiting = False
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                if time.monotonic() > deadline:
                    raise ToolError("another set-up has held the cache for half an hour",
                                    f"end it, or use another --cache than {self.root}")
                if not waiting:
                    print("another set-up is at work in this cache; waiting for it", flush=True)
                    waiting = True
                time.sleep(0.2)
            yield

    def faults(self, item: Item, full: bool) -> list[str]:
        """What is wrong with the installed item: sizes and description; with `full` all bytes."""
        folder = self.folder(item)
        if not folder.is_dir():
            return [f"{item.id} is not installed"]
        found = []
        for name, locked in sorted(item.files.items()):
            path = folder / name
            if not path.is_file():
                found.append(f"{item.id}: {name} is missing")
            elif path.stat().st_size != locked.bytes:
                found.append(f"{item.id}: {name} has {path.stat().st_size} bytes, "
                             f"the lock says {locked.bytes}")
            elif (full or name == item.description) and hash_file(path) != locked:
                found.append(f"{item.id}: {name} differs from the lock")
        present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        found += [f"{item.id}: {name} does not belong there"
                  for name in sorted(present - set(item.files))]
        return found

    def staging(self, item: Item) -> pathlib.Path:
        """An empty folder to build the item in, beside where it will be.

        Its name is this process's own: a conversion that outlives a killed run finds its folder
        gone and cannot write into the next one.
        """
        folder = self.folder(item)
        folder.parent.mkdir(parents=True, exist_ok=True)
        for leftover in (NEW, OLD):
            for path in folder.parent.glob(f"{leftover}{folder.name}*"):
                shutil.rmtree(path, ignore_errors=True)
        staged = folder.with_name(f"{NEW}{folder.name}-{os.getpid()}")
        staged.mkdir()
        return staged

    def publish(self, item: Item, staged: pathlib.Path) -> None:
        """Puts a complete staged folder in the item's place."""
        folder = self.folder(item)
        old = folder.with_name(OLD + folder.name)
        if folder.exists():
            folder.rename(old)
        staged.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def scan(folder: pathlib.Path) -> dict[str, FileLock]:
    """Hashes every file below `folder`, by its path relative to it."""
    return {str(path.relative_to(folder)): hash_file(path)
            for path in sorted(folder.rglob("*")) if path.is_file()}


def describe(item: Item, staged: pathlib.Path, facts: Mapping[str, object]) -> None:
    """Writes the item's description beside its files."""
    files = scan(staged)
    description = {
        "id": item.id, "task": item.task, "version": item.version,
        "hash": item.content_hash(files), "licence": item.licence,
        "attribution": item.attribution, "source": item.source,
        "files": {name: {"sha256": file.sha256, "bytes": file.bytes}
                  for name, file in files.items()},
        **facts,
    }
    text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
    (staged / item.description).write_text(text, encoding="utf-8")
