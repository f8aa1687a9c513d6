"""Long conversations of many voices, put together from real people's speech, with exact turns.

A turn is a stretch of one person's clip with the pauses in it: a third of them under a second, a
third of one to three seconds, the rest longer. Who speaks next is often who spoke before last.
Between turns there are pauses, now and then long ones; a seventh of the turns begins before the
one before it ends. One turn in seven is quiet (by 12 dB), one in ten very quiet (by 24 dB). The
conversation goes on through stretches of minutes that are clean, noisy (pink, 15 dB) or in a room
(echo of .3 s). All of it by a seed: the same recording every time. There is less of a voice than
it says in an hour, so its clips come again, cut and treated otherwise.
"""

from __future__ import annotations

import dataclasses
import random

import numpy as np

from tests.eval import data, voice_clips

RATE = data.SAMPLE_RATE
RMS_DB = -24.0
LEVELS = {"normal": 0.0, "quiet": -12.0, "very quiet": -24.0}
LEVEL_WEIGHTS = (0.76, 0.14, 0.1)
LENGTHS = {"< 1 s": (0.4, 1.0), "1–3 s": (1.0, 3.0), "> 3 s": (3.0, 12.0)}
OVERLAP_SHARE, BACK_SHARE, LONG_PAUSE_SHARE = 1 / 7, 0.5, 0.06
JOINED_S = 0.5  # pauses inside a turn that its reference does not show
STRETCH_S = (120.0, 300.0)
NOISE_DB = -15.0
FLOOR_RMS = 10 ** (-66 / 20)
ECHO_S, FADE_S = 0.3, 0.008


@dataclasses.dataclass(frozen=True)
class Plan:
    """A recording to make."""

    name: str
    minutes: float
    voices: int
    seed: int


@dataclasses.dataclass(frozen=True)
class Turn:
    """What one voice says without another coming between; `spoken` are its (start_s, end_s)."""

    voice: str
    spoken: tuple[tuple[float, float], ...]
    length: str
    level: str


@dataclasses.dataclass(frozen=True)
class Made:
    """A recording and its turns, ordered by start."""

    samples: np.ndarray
    turns: tuple[Turn, ...]

    @property
    def rttm(self) -> str:
        """The reference."""
        return "".join(
            f"SPEAKER made 1 {start:.3f} {end - start:.3f} <NA> <NA> {turn.voice} <NA> <NA>\n"
            for turn in self.turns
            for start, end in turn.spoken
        )


PLANS = (
    Plan("an hour, every voice", 65, 99, 1),
    Plan("half an hour, twelve voices", 30, 12, 2),
    Plan("half an hour, four voices", 30, 4, 3),
    Plan("ten minutes, eight voices", 10, 8, 4),
    Plan("ten minutes, two voices", 10, 2, 5),
    Plan("three minutes, five voices", 3, 5, 6),
)


def make(plan: Plan, clips: voice_clips.Clips) -> Made:
    """The recording of a plan."""
    return _Maker(plan, clips).make()


class _Maker:
    def __init__(self, plan: Plan, clips: voice_clips.Clips) -> None:
        self._chance = random.Random(plan.seed)
        self._noise = np.random.default_rng(plan.seed)
        names = sorted(clips)
        # Those of whom there is most, so that a small recording is not of the briefest.
        names.sort(key=lambda name: -sum(map(len, clips[name])))
        chosen = names if plan.voices >= len(names) else self._some(names, plan.voices)
        self._clips = {name: [(c, voice_clips.phrases(c)) for c in clips[name]] for name in chosen}
        self._gains = {name: self._chance.uniform(-3, 3) for name in chosen}
        count = round(plan.minutes * 60 * RATE)
        self._samples = np.zeros(count, np.float32)
        self._length_s = count / RATE

    def _some(self, names: list[str], count: int) -> list[str]:
        return self._chance.sample(names[: max(12, count)], count)

    def make(self) -> Made:
        turns: list[Turn] = []
        names = list(self._clips)
        order = self._chance.sample(names, len(names))  # everybody speaks at least once
        at = 0.5
        while True:
            name = self._next(order, turns)
            own = [t.spoken[-1][1] + 0.1 for t in turns[-3:] if t.voice == name]
            at = max([at, *own])
            turn, samples = self._turn(name, at)
            end = at + len(samples) / RATE
            if end > self._length_s - 0.5:
                break
            first = round(at * RATE)
            self._samples[first : first + len(samples)] += samples
            turns.append(turn)
            at = self._after(turns)
        self._treat()
        return Made(self._samples, tuple(sorted(turns, key=lambda t: t.spoken[0])))

    def _next(self, order: list[str], turns: list[Turn]) -> str:
        if order and self._chance.random() < 0.3 and (not turns or order[-1] != turns[-1].voice):
            return order.pop()
        if len(turns) > 1 and self._chance.random() < BACK_SHARE:
            if turns[-2].voice != turns[-1].voice:
                return turns[-2].voice
        others = [n for n in self._clips if not turns or n != turns[-1].voice]
        return self._chance.choice(others or list(self._clips))

    def _turn(self, name: str, at: float) -> tuple[Turn, np.ndarray]:
        length = self._chance.choice(list(LENGTHS))
        wanted = self._chance.uniform(*LENGTHS[length])
        samples, spoken = self._piece(name, wanted)
        total = spoken[-1][1] - spoken[0][0]
        length = next(n for n, (_, most) in LENGTHS.items() if total < most or n == "> 3 s")
        [level] = self._chance.choices(list(LEVELS), LEVEL_WEIGHTS)
        gain_db = RMS_DB + self._gains[name] + LEVELS[level]
        rms = float(np.sqrt((samples.astype(np.float64) ** 2).mean())) + 1e-9
        moved = tuple((at + start, at + end) for start, end in spoken)
        return Turn(name, moved, length, level), samples * (10 ** (gain_db / 20) / rms)

    def _piece(self, name: str, wanted: float) -> tuple[np.ndarray, list[tuple[float, float]]]:
        """A stretch of a clip of about so many seconds that begins and ends with speech."""
        clip, said = self._chance.choice([c for c in self._clips[name] if c[1]])
        number = self._chance.randrange(len(said))
        first, last = said[number]
        start = self._chance.uniform(first, max(first, last - wanted))
        end = min(start + wanted, said[-1][1])
        spoken = [(max(a, start), min(b, end)) for a, b in said if a < end and b > start]
        end = spoken[-1][1]
        samples = clip[round(start * RATE) : round(end * RATE)].astype(np.float32).copy()
        fade = min(round(FADE_S * RATE), len(samples) // 2)
        ramp = np.linspace(0, 1, fade, dtype=np.float32)
        samples[:fade] *= ramp
        samples[len(samples) - fade :] *= ramp[::-1]
        merged: list[tuple[float, float]] = []
        for a, b in ((a - start, b - start) for a, b in spoken):
            if merged and a - merged[-1][1] < JOINED_S:
                merged[-1] = (merged[-1][0], b)
            else:
                merged.append((a, b))
        return samples, merged

    def _after(self, turns: list[Turn]) -> float:
        """When the next turn begins."""
        end = max(turn.spoken[-1][1] for turn in turns[-3:])
        last = turns[-1].spoken[-1][1] - turns[-1].spoken[0][0]
        chance = self._chance.random()
        if chance < OVERLAP_SHARE:
            return end - min(self._chance.uniform(0.3, 1.5), 0.8 * last)
        if chance < OVERLAP_SHARE + LONG_PAUSE_SHARE:
            return end + self._chance.uniform(3, 10)
        return end + self._chance.uniform(0, 1.2)

    def _treat(self) -> None:
        """Noise and rooms, stretch by stretch, in place."""
        samples, at = self._samples, 0
        while at < len(samples):
            length = round(self._chance.uniform(*STRETCH_S) * RATE)
            part = samples[at : at + length]
            kind = self._chance.choice(("clean", "noise", "room"))
            if kind == "noise":
                white = self._noise.standard_normal(len(part)).astype(np.float32)
                part += data.pink(white, 10 ** ((RMS_DB + NOISE_DB) / 20))
            elif kind == "room":
                part[:] = self._echo(part)
            at += length
        samples += self._noise.standard_normal(len(samples)).astype(np.float32) * FLOOR_RMS
        np.clip(samples, -0.99, 0.99, out=samples)

    def _echo(self, part: np.ndarray) -> np.ndarray:
        """The sound with an echo that decays by 60 dB in ECHO_S."""
        count = round(ECHO_S * RATE)
        tail = self._noise.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
        tail *= 0.5 / np.sqrt((tail**2).sum())
        tail[0] = 1
        size = 1 << (len(part) + count).bit_length()
        spectrum = np.fft.rfft(part, size) * np.fft.rfft(tail, size)
        return np.asarray(np.fft.irfft(spectrum, size)[: len(part)], np.float32)
