"""Runs one recipe in its own process: `python -m convert RECIPE < job.json > facts.json`."""

from __future__ import annotations

import importlib
import json
import pathlib
import sys

import convert


def main() -> int:
    """Reads the job from standard input and prints the model's facts as JSON."""
    spec = json.load(sys.stdin)
    job = convert.Job(
        packages={name: pathlib.Path(path) for name, path in spec["packages"].items()},
        members=spec["members"],
        out=pathlib.Path(spec["out"]),
        precision=spec["precision"],
    )
    facts = importlib.import_module(convert.MODULES[sys.argv[1]]).convert(job)
    json.dump(facts, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
