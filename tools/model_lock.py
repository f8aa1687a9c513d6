"""The lock: models/models.lock.toml as typed values, and the one way its hashes are rewritten.

A hash pins every package file and every installed file. `items` are the models and the SDK; an
item's description (model.json, sdk.json) is one of its files.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import re
import tomllib
from collections.abc import Mapping

from tool_error import ToolError

LOCK = pathlib.Path(__file__).resolve().parent.parent / "models" / "models.lock.toml"
FORMAT = 1
SHA256 = re.compile(r"[0-9a-f]{64}")
READ_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class FileLock:
    """What one file must be."""

    sha256: str
    bytes: int


@dataclasses.dataclass(frozen=True)
class Package:
    """One registry package: the file that carries models or libraries."""

    name: str
    version: str
    file: str
    lock: FileLock
    licence: str


@dataclasses.dataclass(frozen=True)
class Item:
    """A model or the SDK: what it is made of, how, and what must come out."""

    id: str
    kind: str
    task: str
    version: str
    recipe: str
    members: tuple[str, ...]
    licence: str
    attribution: str
    source: str
    files: Mapping[str, FileLock]

    @property
    def description(self) -> str:
        """The file inside the item's folder that describes it."""
        return f"{self.kind}.json"

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages its members come from, in order, each once."""
        return tuple(dict.fromkeys(member.split(":", 1)[0] for member in self.members))

    def content_hash(self, files: Mapping[str, FileLock] | None = None) -> str:
        """sha256 over the sorted lines `name sha256` of every file but the description."""
        locked = self.files if files is None else files
        lines = [f"{name} {file.sha256}\n" for name, file in sorted(locked.items())
                 if name != self.description]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Lock:
    """The whole file."""

    mirror: str
    packages: Mapping[str, Package]
    items: Mapping[str, Item]

    def select(self, ids: list[str]) -> list[Item]:
        """The items named, in the lock's order; all of them when none is named."""
        unknown = sorted(set(ids) - set(self.items))
        if unknown:
            raise ToolError(f"no model is called {', '.join(unknown)}",
                            f"choose from: {', '.join(self.items)}")
        return [item for item in self.items.values() if not ids or item.id in ids]


def hash_file(path: pathlib.Path) -> FileLock:
    """Reads a file once and returns its hash and size."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(READ_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return FileLock(digest.hexdigest(), size)


def _file(table: Mapping[str, object], where: str) -> FileLock:
    sha256, size = str(table["sha256"]), int(str(table["bytes"]))
    if not SHA256.fullmatch(sha256) or size <= 0:
        raise ToolError(f"the lock's entry {where} has no proper sha256 and bytes",
                        "repair models.lock.toml, or run tools/tool.py models lock")
    return FileLock(sha256, size)


def _item(item_id: str, kind: str, table: Mapping[str, object]) -> Item:
    files = table.get("files", {})
    assert isinstance(files, dict)
    return Item(
        id=item_id, kind=kind, task=str(table["task"]), version=str(table["version"]),
        recipe=str(table["recipe"]), members=tuple(table["members"]),
        licence=str(table["licence"]), attribution=str(table["attribution"]),
        source=str(table["source"]),
        files={name: _file(file, f"{item_id}/{name}") for name, file in files.items()})


def parse(text: str) -> Lock:
    """Reads the lock; every problem is a ToolError."""
    try:
        table = tomllib.loads(text)
        if table["version"] != FORMAT:
            raise ToolError(f"the lock has format {table['version']}, this tool reads {FORMAT}",
                            "use the tool and the lock of one commit")
        packages = {
            name: Package(name, entry["version"], entry["file"], _file(entry, name),
                          entry["licence"])
            for name, entry in table["packages"].items()}
        items = {"sdk": _item("sdk", "sdk", table["sdk"])}
        items |= {name: _item(name, "model", entry) for name, entry in table["models"].items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ToolError(f"models.lock.toml cannot be read: {error!r}",
                        "restore it from version control") from error
    for item in items.values():
        missing = sorted(set(item.packages) - set(packages))
        if missing:
            raise ToolError(f"{item.id} needs {', '.join(missing)}, which the lock does not pin",
                            "add a [packages] entry for it")
    return Lock(table.get("mirror", ""), packages, items)


def load(path: pathlib.Path = LOCK) -> Lock:
    """Reads the lock file."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ToolError(f"models.lock.toml cannot be opened: {error.strerror}",
                        "restore it from version control") from error


def rewrite_files(text: str, item: Item, files: Mapping[str, FileLock]) -> str:
    """Returns the lock's text with the item's files table replaced."""
    header = "[sdk.files]" if item.kind == "sdk" else f"[models.{item.id}.files]"
    lines = [f'"{name}" = {{ sha256 = "{file.sha256}", bytes = {file.bytes} }}'
             for name, file in sorted(files.items())]
    table = re.compile(re.escape(header) + r"\n(?:\".*\n)*")
    if not table.search(text):
        raise ToolError(f"the lock has no table {header}", f"add an empty {header} to it")
    return table.sub(lambda _: "\n".join([header, *lines]) + "\n", text, count=1)
