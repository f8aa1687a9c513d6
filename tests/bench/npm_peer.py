"""Peers that npm installs: once, into the cache, exactly as their lock file says."""

from __future__ import annotations

import hashlib
import pathlib
import shutil
import subprocess
import tempfile

from tests.eval import data


def installed(source: pathlib.Path, script: str) -> pathlib.Path:
    """The script of a peer's folder, beside all packages of its lock file."""
    lock = (source / "package-lock.json").read_bytes()
    name = f"peers/{source.name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    folder = data.cache() / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as part:
            shutil.copytree(source, part, dirs_exist_ok=True)
            install = ["npm", "ci", "--ignore-scripts", "--loglevel=error"]
            subprocess.run(install, cwd=part, check=True, stdout=subprocess.DEVNULL)
            shutil.copytree(part, folder)
    shutil.copy(source / script, folder)
    return folder / script
