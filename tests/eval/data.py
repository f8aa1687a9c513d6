"""The evaluation's recordings with their references, from the project's shared data folder.

Long audio is made here, the same way every time: utterances in the order of their names, one file a
speaker, half a second of silence between (and none at the ends), 16 kHz mono 16-bit WAV.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import os
import pathlib
import re
import subprocess
import wave
from collections.abc import Sequence

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE_RATE = 16000
GAP_MS = 500
SILENCE_MINUTES = 10
NOISE_SEED = 20260101
NOISE_RMS = 0.05  # of full scale: −26 dBFS
SWITCHED = "switched"
SWITCH_GAP_MS = 3500  # a longer pause always separates windows
SWITCH_ROUNDS = 2
AUDIO = frozenset({".flac", ".mp3", ".mp4", ".wav"})


@dataclasses.dataclass(frozen=True)
class Utterance:
    """What was said in [start_ms, end_ms) of a recording."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str = ""


@dataclasses.dataclass(frozen=True)
class Recording:
    """A file and what is said in it; utterances without known times have start_ms = end_ms = 0."""

    set: str
    name: str
    path: pathlib.Path
    utterances: tuple[Utterance, ...]
    language: str = "en"

    @property
    def text(self) -> str:
        """The whole reference."""
        return " ".join(utterance.text for utterance in self.utterances)

    @property
    def has_times(self) -> bool:
        """Whether the utterances' times are known."""
        return any(utterance.end_ms for utterance in self.utterances)


def folder() -> pathlib.Path | None:
    """EVAL_DATA, or shared/data beside the checkout; None when there is neither."""
    path = pathlib.Path(os.environ.get("EVAL_DATA", ROOT.parent / "shared/data"))
    return path if (path / "meetings").is_dir() else None


def cache() -> pathlib.Path:
    """Where made audio, peers and their results are kept between runs."""
    base = os.environ.get("NARRALYTICA_CACHE")
    if not base:
        home = os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")
        base = str(pathlib.Path(home) / "narralytica")
    path = pathlib.Path(base)
    path.mkdir(parents=True, exist_ok=True)
    return path


def read_audio(path: pathlib.Path) -> np.ndarray:
    """Decodes any file to 16 kHz mono samples in [-1, 1)."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-vn", "-ac", "1"]
    command += ["-ar", str(SAMPLE_RATE), "-f", "s16le", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, "<i2").astype(np.float32) / 32768


def write_audio(path: pathlib.Path, samples: np.ndarray) -> pathlib.Path:
    """Writes 16 kHz mono 16-bit WAV, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32768).round().clip(-32768, 32767).astype("<i2").tobytes())
    part.rename(path)
    return path


def as_wav(recording: Recording) -> pathlib.Path:
    """The recording as a 16 kHz mono WAV file, for a peer that reads nothing else."""
    if recording.path.is_relative_to(cache()):
        return recording.path
    path = cache() / "eval" / f"{recording.set}-{recording.name}.wav"
    return path if path.exists() else write_audio(path, read_audio(recording.path))


def duration_s(recording: Recording) -> float:
    """Length of the recording's audio."""
    with wave.open(str(as_wav(recording))) as file:
        return file.getnframes() / SAMPLE_RATE


def read_stm(path: pathlib.Path) -> list[Utterance]:
    """Reads NIST STM: file, channel, speaker, start and end in seconds, label, words."""
    utterances = []
    for line in path.read_text().splitlines():
        _, _, speaker, start, end, _, text = line.split(maxsplit=6)
        start_ms, end_ms = (round(float(edge) * 1000) for edge in (start, end))
        utterances.append(Utterance(start_ms, end_ms, text, speaker))
    return utterances


def meetings(data: pathlib.Path) -> list[Recording]:
    """Four assembled conversations with exact utterance times."""
    recordings = []
    for stm in sorted((data / "meetings").glob("*.stm")):
        audio = next(p for p in stm.parent.glob(f"{stm.stem}.*") if p.suffix in AUDIO)
        recordings.append(Recording("meetings", stm.stem, audio, tuple(read_stm(stm))))
    return recordings


def joined(data: pathlib.Path, copies: int = 1) -> list[Recording]:
    """LibriSpeech utterances joined to one long file a speaker (and `copies` times over)."""
    with (data / "librispeech/transcripts_dev.tsv").open() as file:
        rows = sorted(csv.DictReader(file, delimiter="\t"), key=lambda row: row["utt"])
    recordings = []
    for speaker in sorted({row["speaker"] for row in rows}):
        own = [row for row in rows if row["speaker"] == speaker] * copies
        suffix = f"-x{copies}" if copies > 1 else ""
        path = cache() / f"eval/librispeech-{speaker}{suffix}.wav"
        pieces, utterances, at = [], [], 0
        for row in own:
            audio = _utterance(data / f"librispeech/audio/{row['utt']}.flac")
            start, end = (round(n * 1000 / SAMPLE_RATE) for n in (at, at + len(audio)))
            utterances.append(Utterance(start, end, row["text"]))
            pieces += [audio, np.zeros(GAP_MS * SAMPLE_RATE // 1000, np.float32)]
            at += len(audio) + len(pieces[-1])
        if not path.exists():
            write_audio(path, np.concatenate(pieces[:-1]))
        recordings.append(Recording("librispeech", speaker, path, tuple(utterances)))
    return recordings


@functools.cache
def _utterance(path: pathlib.Path) -> np.ndarray:
    return read_audio(path)


def librivox(data: pathlib.Path) -> list[Recording]:
    """Five sentences of an audiobook."""
    base = data / "pocketsphinx/librivox"
    recordings = []
    for line in (base / "transcription").read_text().splitlines():
        match = re.fullmatch(r"<s> (.*) </s> \((.*)\)", line)
        if match:
            text, name = match.groups()
            utterances = (Utterance(0, 0, text),)
            recordings.append(Recording("librivox", name[-4:], base / f"{name}.wav", utterances))
    return recordings


def multilingual(data: pathlib.Path) -> list[Recording]:
    """One sentence a language, those with a reference written by people."""
    base = data / "multilingual"
    with (base / "manifest.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        Recording(
            "multilingual",
            row["file"].split(".")[0],
            base / row["file"],
            (Utterance(0, 0, row["text"]),),
            row["lang"],
        )
        for row in rows
        if row["reference_quality"] == "gold"
    ]


def ami(data: pathlib.Path) -> list[Recording]:
    """Two clips of real meetings with approximate words: a smoke test, not a score."""
    recordings = []
    for words in sorted((data / "ami").glob("*.words_approx.tsv")):
        name = words.name.split(".")[0]
        lines = [line.split("\t", 1)[1] for line in words.read_text().splitlines() if "\t" in line]
        utterances = tuple(Utterance(0, 0, text) for text in lines)
        recordings.append(Recording("ami", name, data / f"ami/audio/{name}.flac", utterances))
    return recordings


def switched(data: pathlib.Path) -> list[Recording]:
    """The sentences of `multilingual`, one after the other, twice over: one recording whose
    language changes at every pause.

    An utterance's text is its language.
    """
    path = cache() / "eval/switched.wav"
    pieces, utterances, at = [], [], 0
    for recording in multilingual(data) * SWITCH_ROUNDS:
        audio = read_audio(recording.path)
        start, end = (round(n * 1000 / SAMPLE_RATE) for n in (at, at + len(audio)))
        utterances.append(Utterance(start, end, recording.language))
        pieces += [audio, np.zeros(SWITCH_GAP_MS * SAMPLE_RATE // 1000, np.float32)]
        at += len(audio) + len(pieces[-1])
    if not path.exists():
        write_audio(path, np.concatenate(pieces))
    return [Recording(SWITCHED, SWITCHED, path, tuple(utterances), "")]


def right_languages(recording: Recording, heard: Sequence[tuple[int, int, str]]) -> int:
    """How many utterances are written in their own language for most of their time."""
    right = 0
    for utterance in recording.utterances:
        own_ms = other_ms = 0
        for start_ms, end_ms, language in heard:
            shared_ms = max(0, min(end_ms, utterance.end_ms) - max(start_ms, utterance.start_ms))
            if language == utterance.text:
                own_ms += shared_ms
            else:
                other_ms += shared_ms
        right += own_ms > other_ms
    return right


SETS = {
    "meetings": meetings,
    "librispeech": joined,
    "librivox": librivox,
    "multilingual": multilingual,
    "ami": ami,
}


def without_speech(music: pathlib.Path | None) -> list[Recording]:
    """Ten minutes each of silence, white noise and pink noise, and of music when there is a folder.

    Not a word is right here.
    """
    count = SILENCE_MINUTES * 60 * SAMPLE_RATE
    random = np.random.default_rng(NOISE_SEED)
    white = random.standard_normal(count).astype(np.float32)
    makers = {
        "silence": lambda: np.zeros(count, np.float32),
        "white-noise": lambda: white * NOISE_RMS,
        "pink-noise": lambda: pink(white, NOISE_RMS),
    }
    if music is not None:
        makers["music"] = lambda: _music(music, count)
    recordings = []
    for name, make in makers.items():
        path = cache() / f"eval/no-speech-{name}.wav"
        if not path.exists():
            write_audio(path, make())
        recordings.append(Recording("no speech", name, path, ()))
    return recordings


def pink(white: np.ndarray, rms: float) -> np.ndarray:
    """White noise made one whose power falls with 1/f, by scaling the spectrum."""
    spectrum = np.fft.rfft(white)
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    noise = np.fft.irfft(spectrum, len(white))
    return (noise * (rms / np.sqrt(np.mean(noise**2)))).astype(np.float32)


def _music(folder: pathlib.Path, count: int) -> np.ndarray:
    """The first half minute of each piece, in the order of their names, until it is enough."""
    pieces, have = [], 0
    for path in sorted(folder.rglob("*.ogg")):
        pieces.append(read_audio(path)[: 30 * SAMPLE_RATE])
        have += len(pieces[-1])
        if have >= count:
            break
    return np.concatenate(pieces)[:count]
