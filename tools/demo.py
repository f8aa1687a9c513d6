"""`make demo`: a recording in, its transcript and three cited search hits out, as a user would.

Everything shown comes from the program's own JSON; it starts and stops its own processes, and the
data folder is made anew under build/.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = "build/release/narralytica"
DATA = "build/demo"
RECORDING = "samples/demo/meeting.mp4"
QUERIES = (
    '"post mortem examination"',
    "squire of dames",
    "must a doctor report a poisoning to the authorities",
)


def narralytica(*arguments: str) -> Any:
    """Runs one command, progress on the terminal, and returns the JSON it prints."""
    command = [PROGRAM, arguments[0], "--data", DATA, "--json", *arguments[1:]]
    print("$", " ".join(f"'{a}'" if " " in a else a for a in command), flush=True)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"demo: '{arguments[0]}' ended with code {done.returncode}")
    return json.loads(done.stdout)


def clock(ms: int) -> str:
    """Minutes, seconds and tenths: 1:23.4."""
    return f"{ms // 60000}:{ms % 60000 / 1000:04.1f}"


def main() -> None:
    """Ingests, prints the transcript, searches."""
    shutil.rmtree(ROOT / DATA, ignore_errors=True)
    (ingested,) = narralytica("ingest", "--wait", RECORDING)
    video = ingested["video_id"]
    heard = narralytica("speakers", video, "--format", "json")
    labels = {speaker["speaker_id"]: speaker["label"] for speaker in heard["speakers"]}
    transcript = narralytica("transcript", video, "--format", "json")
    for segment in transcript["segments"]:
        who = labels.get(segment["speaker_id"], "")
        print(f"  {clock(segment['start_ms']):>7}  {who}: {segment['text']}")
    for query in QUERIES:
        reply = narralytica("search", query)
        if not reply["items"]:
            sys.exit(f"demo: nothing found for {query}")
        hit = reply["items"][0]
        said = [*hit["matched_words"], hit["segment"]][0]
        print(f"  {clock(said['start_ms']):>7}  {hit['segment']['text']}")


if __name__ == "__main__":
    main()
