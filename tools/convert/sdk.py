"""The inference SDK: shared libraries from the package, headers from it and from this tree."""

from __future__ import annotations

import pathlib

from . import Job

HEADERS = pathlib.Path(__file__).resolve().parents[2] / "third_party" / "onnxruntime"


def convert(job: Job) -> dict[str, object]:
    """Lays out lib/ and include/. Both libraries carry RPATH $ORIGIN and find each other."""
    for member in job.members:
        inside = pathlib.PurePosixPath(member.split(":", 1)[1])
        target = job.out.joinpath(*inside.parts[1:])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(job.read(member))
    include = job.out / "include"
    include.mkdir(exist_ok=True)
    for header in sorted(HEADERS.glob("*.h")):
        (include / header.name).write_bytes(header.read_bytes())
    return {"onnxruntime_version": "1.28.2", "onnxruntime_api": 24, "rpath": "$ORIGIN"}
