"""Real recordings, damaged at random: `python -m tests.chaos.media_corpus --count 1000 --seed 1`.

A seed and a number give the same file for ever. What fails a check is kept in build/media-corpus.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import random
import statistics
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator

from tests.chaos import media_child
from tests.chaos.media_child import ROOT

SAMPLES = ROOT / "samples/media"
KEPT = ROOT / "build/media-corpus"
ODD = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"stts", b"stsc", b"stsz", b"stco",
         b"mdhd", b"tkhd", b"mvhd", b"elst", b"edts", b"ctts", b"stss", b"esds", b"avcC", b"moof",
         b"traf", b"trun", b"udta", b"meta", b"ilst", b"dref")  # fmt: skip

Mutation = Callable[[bytearray, random.Random], None]


def flip_bytes(data: bytearray, chance: random.Random) -> None:
    """Some bytes, anywhere."""
    for _ in range(chance.choice((1, 4, 30, 300))):
        data[chance.randrange(len(data))] = chance.randrange(256)


def flip_header(data: bytearray, chance: random.Random) -> None:
    """Some bytes where the headers are."""
    for _ in range(chance.choice((1, 3, 10))):
        data[chance.randrange(min(len(data), 400))] = chance.randrange(256)


def cut_end(data: bytearray, chance: random.Random) -> None:
    """The end is missing."""
    del data[chance.randrange(1, len(data)) :]


def cut_middle(data: bytearray, chance: random.Random) -> None:
    """A piece is missing."""
    start = chance.randrange(len(data))
    del data[start : start + chance.choice((1, 7, 500, 20_000))]
    data += b"\0" * (not data)


def repeat(data: bytearray, chance: random.Random) -> None:
    """A piece is there twice, or often."""
    start = chance.randrange(len(data))
    piece = data[start : start + chance.choice((4, 188, 4_000))]
    data[start:start] = piece * chance.choice((1, 3, 20))


def insert_noise(data: bytearray, chance: random.Random) -> None:
    """What does not belong there."""
    start = chance.randrange(len(data))
    data[start:start] = chance.randbytes(chance.choice((1, 64, 5_000)))


def odd_number(data: bytearray, chance: random.Random) -> None:
    """Numbers that overflow, in either order of bytes and any of three widths."""
    for _ in range(chance.choice((1, 2, 8))):
        kind = chance.choice(("<I", ">I", "<H", ">H", ">Q", "<Q"))
        size = struct.calcsize(kind)
        place = chance.randrange(max(1, min(len(data), chance.choice((600, 10**9))) - size))
        value = chance.choice(ODD) & (256**size - 1)
        data[place : place + size] = struct.pack(kind, value)


def odd_length(data: bytearray, chance: random.Random) -> None:
    """A length that is nearly right."""
    for _ in range(40):
        place = chance.randrange(max(1, len(data) - 4))
        value = int.from_bytes(data[place : place + 4], "big")
        if 8 <= value < len(data):
            wrong = max(0, value + chance.choice((-9, -1, 1, 8, 4_096)))
            data[place : place + 4] = wrong.to_bytes(4, "big")
            return
    odd_number(data, chance)


def box(data: bytearray, chance: random.Random) -> None:
    """A box of MP4: another size, another name, gone, there again, or moved."""
    places = [place for name in BOXES for place in _find_all(data, name)]
    if not places:
        odd_length(data, chance)
        return
    place = chance.choice(places) - 4
    size = int.from_bytes(data[place : place + 4], "big")
    content = data[place : place + size]
    match chance.randrange(5):
        case 0:
            data[place : place + 4] = struct.pack(">I", chance.choice(ODD) & 0xFFFFFFFF)
        case 1:
            data[place + 4 : place + 8] = chance.choice(BOXES)
        case 2:
            del data[place : place + size]
            data += b"\0" * (not data)
        case 3:
            data[place:place] = content * chance.choice((1, 50))
        case 4:
            inside = place + 8 + chance.randrange(max(1, size - 8))
            data[inside : inside + 4] = struct.pack(">I", chance.choice(ODD) & 0xFFFFFFFF)


def join(data: bytearray, chance: random.Random) -> None:
    """Another recording begins in the middle."""
    other = chance.choice(sources()).read_bytes()
    del data[chance.randrange(1, len(data)) :]
    data += other[chance.randrange(len(other)) :]


MUTATIONS: tuple[Mutation, ...] = (
    flip_bytes, flip_header, cut_end, cut_middle, repeat, insert_noise, odd_number, odd_length,
    box, join,
)  # fmt: skip


def _find_all(data: bytearray, name: bytes) -> Iterator[int]:
    place = data.find(name)
    while place >= 4:
        yield place
        place = data.find(name, place + 1)


def sources() -> list[pathlib.Path]:
    """The recordings that are damaged."""
    return sorted(p for p in SAMPLES.iterdir() if p.suffix != ".md")


def damaged(seed: int, number: int) -> tuple[str, bytes]:
    """The number-th file of a seed: its name says how it was made."""
    chance = random.Random(f"{seed}/{number}")
    source = chance.choice(sources())
    data = bytearray(source.read_bytes())
    used = []
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        mutation = chance.choice(MUTATIONS)
        mutation(data, chance)
        used.append(mutation.__name__)
    return f"{seed}-{number}-{'-'.join(used)}-{source.name}", bytes(data)


def prepare(folder: pathlib.Path, seed: int, count: int) -> dict[pathlib.Path, dict]:
    """Makes and reads `count` files; what fails is kept."""
    paths = []
    for number in range(count):
        name, data = damaged(seed, number)
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    return media_child.run(paths)


def main() -> int:
    """Prints how the files ended, and every fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    media_child.build_tool()
    with tempfile.TemporaryDirectory(prefix="media-corpus-") as folder:
        reports = prepare(pathlib.Path(folder), arguments.seed, arguments.count)
        faulty = {path: f for path, r in reports.items() if (f := media_child.within_caps(r))}
        for path, faults in faulty.items():
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / path.name).write_bytes(path.read_bytes())
            print(f"FAULT {path.name}: {'; '.join(faults)}")
    ends = collections.Counter(report.get("reason", "sound") for report in reports.values())
    warned = collections.Counter(w for r in reports.values() for w in r.get("warnings", []))
    for title, counts in (("ended in", ends), ("warned of", warned)):
        print(f"{title}: {', '.join(f'{name} {n}' for name, n in counts.most_common())}")
    for key in ("wall_ms", "cpu_ms", "rss_bytes_max"):
        values = sorted(report[key] for report in reports.values())
        print(f"{key}: median {statistics.median(values):.0f}, most {values[-1]}")
    print(f"media_corpus: {len(reports) - len(faulty)} passed, {len(faulty)} failed")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
