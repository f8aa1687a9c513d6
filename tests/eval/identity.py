"""`make eval`, fifth part: whether two voices are one person.

    python -m tests.eval.identity

Writes docs/quality.md and docs/quality/identity.jsonl. Two questions, both with the product's own
voices (diarization_tool) and the rules of src/speakers/identity.hpp.

*Pairs*: a clip of 2, 5 or 10 seconds of one person's speech, against ten seconds of somebody: the
same person's of another recording of the set (other utterances in LibriSpeech, which has a reading
of each alone), everybody else's. Equal error rate, and at the threshold the false accepts among
pairs of two people and the false rejects among pairs of one.

*Recordings*: each speaker whom the product finds in a recording of `meetings` or `ami` is compared
with the people of all others, and is given to one of them or to nobody.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tests.eval import data, many_voices, report, voice_clips
from tests.eval.voices_tool import PROGRAM, ask

THRESHOLD, MARGIN, SPEECH_S_MIN = 0.50, 0.10, 3.0
WEIGHT_S_MAX = 60.0
SECONDS, KNOWN_S = (2, 5, 10), 10
CLIPS_MAX = 8  # of one person in one recording and length
RATE = data.SAMPLE_RATE


@dataclasses.dataclass(frozen=True)
class Clip:
    """So many seconds of one person's speech; the same person's of one take are not compared."""

    person: str
    take: str  # the set and the recording, or which half of the utterances
    seconds: int
    voice: tuple[float, ...] = ()

    @property
    def set(self) -> str:
        """Utterances of `librispeech` are those of `meetings`."""
        return self.take.split()[0]


@dataclasses.dataclass(frozen=True)
class Heard:
    """A speaker whom the product found in a recording, and who it is."""

    recording: str
    person: str
    speech_s: float
    voice: np.ndarray


def takes(folder: pathlib.Path) -> Iterator[tuple[str, str, np.ndarray]]:
    """(person, take, what that person alone says there, joined)."""
    with_speech: dict[tuple[str, str], list[np.ndarray]] = {}

    def add(person: str, take: str, samples: np.ndarray) -> None:
        said = voice_clips.phrases(samples)
        pieces = [samples[round(a * RATE) : round(b * RATE)] for a, b in said]
        with_speech.setdefault((person, take), []).extend(pieces)

    for number, path in enumerate(sorted((folder / "librispeech/audio").glob("*.flac"))):
        add(path.name.split("-")[0], f"librispeech {number % 2}", data.read_audio(path))
    for set_, audio, rttm in recordings(folder):
        samples = data.read_audio(audio)
        for person, start, end in voice_clips.alone(rttm.read_text()):
            take = f"{set_} {audio.stem}"
            add(person.removeprefix("spk"), take, samples[round(start * RATE) : round(end * RATE)])
    for (person, take), pieces in with_speech.items():
        if pieces:
            yield person, take, np.concatenate(pieces)


def recordings(folder: pathlib.Path) -> Iterator[tuple[str, pathlib.Path, pathlib.Path]]:
    """(set, audio, RTTM) of those with several people."""
    for recording in data.meetings(folder):
        yield "meetings", recording.path, folder / f"meetings/{recording.name}.rttm"
    for path in sorted((folder / "ami/audio").glob("*.flac")):
        yield "ami", path, folder / f"ami/rttm/{path.stem}.rttm"


def cut(person: str, take: str, speech: np.ndarray) -> Iterator[tuple[Clip, np.ndarray]]:
    """Clips of every length, one after the other."""
    for seconds in SECONDS:
        count = min(len(speech) // (seconds * RATE), CLIPS_MAX)
        for at in range(count):
            first = at * seconds * RATE
            yield Clip(person, take, seconds), speech[first : first + seconds * RATE]


def hear(folder: pathlib.Path) -> list[Clip]:
    """All clips with their voices; those in which nobody is heard have none."""
    with tempfile.TemporaryDirectory() as scratch:
        clips, lines = [], []
        for take in takes(folder):
            for clip, samples in cut(*take):
                path = pathlib.Path(scratch) / f"{len(clips)}.wav"
                lines.append(f"{data.write_audio(path, samples)}\t1")
                clips.append(clip)
        replies = ask(lines)
    return [
        dataclasses.replace(clip, voice=tuple(reply["voices"][0])) if reply["voices"] else clip
        for clip, reply in zip(clips, replies, strict=True)
    ]


def pair_scores(clips: Sequence[Clip], seconds: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of pairs of one person and of pairs of two."""
    same, other = [], []
    known = [clip for clip in clips if clip.seconds == KNOWN_S and clip.voice]
    tried = [clip for clip in clips if clip.seconds == seconds and clip.voice]
    for clip in tried:
        for other_clip in known:
            cosine = float(np.dot(clip.voice, other_clip.voice))
            if clip.person != other_clip.person:
                other.append(cosine)
            elif clip.take != other_clip.take and clip.set == other_clip.set:
                same.append(cosine)
    return np.array(same), np.array(other)


def equal_error(same: np.ndarray, other: np.ndarray) -> float:
    """In percent: where as many of the one kind are rejected as of the other accepted."""
    cuts = np.unique(np.concatenate([same, other]))
    rejected = np.array([(same < cut).mean() for cut in cuts])
    accepted = np.array([(other >= cut).mean() for cut in cuts])
    at = int(np.argmin(np.abs(rejected - accepted)))
    return float(50 * (rejected[at] + accepted[at]))


def pair_row(clips: Sequence[Clip], seconds: int) -> dict:
    """What is said of clips of so many seconds."""
    same, other = pair_scores(clips, seconds)
    of_length = [clip for clip in clips if clip.seconds == seconds]
    return {
        "seconds": seconds,
        "people": len({clip.person for clip in of_length}),
        "clips": len(of_length),
        "unheard": sum(not clip.voice for clip in of_length),
        "same": len(same),
        "other": len(other),
        "eer": round(equal_error(same, other), 2),
        "far": round(100 * float((other >= THRESHOLD).mean()), 2),
        "frr": round(100 * float((same < THRESHOLD).mean()), 2),
        "same_p5": round(float(np.percentile(same, 5)), 3),
        "other_p99": round(float(np.percentile(other, 99)), 3),
    }


def speakers_found(folder: pathlib.Path) -> list[Heard]:
    """Those of whole recordings, with the person most of whose time they have."""
    every = list(recordings(folder))
    made = [data.as_wav(data.Recording(set_, audio.stem, audio, ())) for set_, audio, _ in every]
    result = []
    for (set_, audio, rttm), reply in zip(every, ask([str(p) for p in made]), strict=True):
        found = many_voices.read_rttm(reply["rttm"])
        wanted = many_voices.read_rttm(rttm.read_text())
        for number, voice in enumerate(reply["voices"]):
            own = [(start, end) for start, end, name in found if name == f"s{number}"]
            person = whose(own, wanted).removeprefix("spk")
            speech_s = sum(end - start for start, end in own)
            result.append(Heard(f"{set_} {audio.stem}", person, speech_s, np.array(voice)))
    return result


def whose(own: Sequence[tuple[float, float]], wanted: many_voices.Found) -> str:
    """The person with whom a speaker shares most time; "" for less than half of it."""
    shared: dict[str, float] = {}
    for start, end in own:
        for at, until, name in wanted:
            overlap = max(0.0, min(end, until) - max(start, at))
            shared[name] = shared.get(name, 0) + overlap
    best = max(shared, key=lambda name: shared[name], default="")
    return best if best and shared[best] * 2 >= sum(end - start for start, end in own) else ""


def decide(one: Heard, known: Mapping[str, np.ndarray]) -> str:
    """Who it is by the product's rules; "" for nobody."""
    ranked = sorted(((float(one.voice @ mean), name) for name, mean in known.items()), reverse=True)
    if not ranked or one.speech_s < SPEECH_S_MIN or ranked[0][0] < THRESHOLD:
        return ""
    if len(ranked) > 1 and ranked[0][0] - ranked[1][0] < MARGIN:
        return ""
    return ranked[0][1]


def recording_row(found: Sequence[Heard]) -> dict:
    """Everybody against the people of the other recordings."""
    counts = dict.fromkeys(("right", "wrong", "missed", "unknown"), 0)
    for one in found:
        if not one.person:
            continue
        sums: dict[str, np.ndarray] = {}
        for other in found:
            if other.recording != one.recording and other.person:
                weight = min(other.speech_s, WEIGHT_S_MAX)
                if other.speech_s >= SPEECH_S_MIN:
                    before = sums.get(other.person, np.zeros(len(other.voice)))
                    sums[other.person] = before + weight * other.voice
        known = {name: total / np.linalg.norm(total) for name, total in sums.items()}
        given = decide(one, known)
        if given:
            counts["right" if given == one.person else "wrong"] += 1
        else:
            counts["missed" if one.person in known else "unknown"] += 1
    return {"recordings": len({one.recording for one in found}), "speakers": len(found)} | counts


def main() -> int:
    """Measures both, adds the rows to the history and writes the report."""
    folder = data.folder()
    if folder is None or not PROGRAM.exists():
        print("eval: no data or no program: set EVAL_DATA, run make eval")
        return 6
    clips = hear(folder)
    rows = [pair_row(clips, seconds) for seconds in SECONDS]
    rows.append(recording_row(speakers_found(folder)))
    for row in rows:
        row |= {"threshold": THRESHOLD, "margin": MARGIN} | report.provenance()
        report.append(row, report.IDENTITY)
        print(json.dumps(row), flush=True)
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
