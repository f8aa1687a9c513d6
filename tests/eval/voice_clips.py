"""Real people's speech, voice by voice, for synthesised conversations and for telling voices apart.

From the shared data: LibriSpeech's readers, a LibriVox reader, those of `multilingual`, and the
people of `ami` where they speak alone. And the four professional speakers of Debian's packages
asterisk-core-sounds-{en,fr,it,ru}-g722 (CC BY-SA 3.0), fetched by apt at a pinned version and hash;
without apt they are left out and the sets are smaller, which their rows tell.
"""

from __future__ import annotations

import hashlib
import pathlib
import subprocess
from collections.abc import Iterator

import numpy as np

from tests.eval import data

RATE = data.SAMPLE_RATE
PROMPTS_VERSION = "1.6.1-1"
PROMPTS = {  # language → sha256 of its package
    "en": "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806",
    "fr": "7add61d5e42279ecff1bbdf842a5a946ac3644fac9a0fe44384731aa7270c8e0",
    "it": "46b4cf7afc508a5fcfc051b7ea233251c0d195dd4ef83cc4b7facb4c6429b016",
    "ru": "673b4238a6b8269960f055d868c6a11083f7a0d00979167cb01554046b48ed9b",
}
PROMPTS_OF_ONE = 40
SPEECH_S_MIN = 3.0  # of a voice
ALONE_S_MIN = 0.7  # of somebody in ami
FRAME = RATE // 100
Clips = dict[str, list[np.ndarray]]  # voice → pieces of its speech


def voices(folder: pathlib.Path) -> Clips:
    """All voices and what there is of each, in an order of its own."""
    clips: Clips = {}
    for name, samples in _every(folder):
        clips.setdefault(name, []).append(samples)
    enough = SPEECH_S_MIN * RATE
    return {name: clips[name] for name in sorted(clips) if sum(map(len, clips[name])) >= enough}


def _every(folder: pathlib.Path) -> Iterator[tuple[str, np.ndarray]]:
    for path in sorted((folder / "librispeech/audio").glob("*.flac")):
        yield f"librispeech-{path.name.split('-')[0]}", data.read_audio(path)
    for path in sorted((folder / "pocketsphinx/librivox").glob("*.wav")):
        yield "librivox", data.read_audio(path)
    for recording in data.multilingual(folder):
        yield f"multilingual-{recording.name}", data.read_audio(recording.path)
    for path in sorted((folder / "ami/audio").glob("*.flac")):
        samples = data.read_audio(path)
        for name, start, end in alone((folder / f"ami/rttm/{path.stem}.rttm").read_text()):
            yield f"ami-{name}", samples[round(start * RATE) : round(end * RATE)]
    for language in PROMPTS:
        if sounds := prompts(language):
            spoken = [path for path in sounds.rglob("*.g722") if path.parent.name != "silence"]
            for path in sorted(spoken, key=_size)[-PROMPTS_OF_ONE:]:
                yield f"prompts-{language}", data.read_audio(path)


def _size(path: pathlib.Path) -> tuple[int, str]:
    return path.stat().st_size, path.name


def alone(rttm: str) -> list[tuple[str, float, float]]:
    """(speaker, start_s, end_s) of where one person speaks and nobody else."""
    lines = [line.split() for line in rttm.splitlines() if line.startswith("SPEAKER")]
    turns = [(f[7], float(f[3]), float(f[3]) + float(f[4])) for f in lines]
    found = []
    for name, start, end in turns:
        cuts = {start, end}
        others = [turn for turn in turns if turn[0] != name]
        cuts |= {t for turn in others for t in turn[1:] if start < t < end}
        edges = sorted(cuts)
        for a, b in zip(edges, edges[1:], strict=False):
            taken = any(at < b and until > a for _, at, until in others)
            if not taken and b - a >= ALONE_S_MIN:
                found.append((name, a, b))
    return found


def prompts(language: str) -> pathlib.Path | None:
    """The unpacked package of a language's prompts; None when it is not to be had."""
    name = f"asterisk-core-sounds-{language}-g722"
    folder = data.cache() / f"eval/{name}"
    if folder.exists():
        return folder
    part = folder.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)
    wanted = f"{name}={PROMPTS_VERSION}"
    fetched = subprocess.run(["apt-get", "-qq", "download", wanted], cwd=part, check=False)
    package = next(part.glob("*.deb"), None)
    if fetched.returncode != 0 or package is None:
        print(f"eval: no {name}: apt-get download {wanted} failed")
        return None
    check(package, PROMPTS[language])
    subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=part, check=True)
    package.unlink()
    part.rename(folder)
    return folder


def check(package: pathlib.Path, sha256: str) -> None:
    """Refuses a package that is not the one the figures were made with."""
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    if digest != sha256:
        package.unlink()
        raise ValueError(f"{package.name} has the wrong hash {digest}")


def phrases(
    samples: np.ndarray, pause_s: float = 0.3, under_db: float = 32
) -> list[tuple[float, float]]:
    """(start_s, end_s) of what is said in a clip, cut at its pauses.

    Said is what is at most `under_db` below the clip's loud parts, by frames of 10 ms.
    """
    count = len(samples) // FRAME
    if count == 0:
        return []
    frames = samples[: count * FRAME].reshape(count, FRAME).astype(np.float64)
    power = (frames**2).mean(axis=1) + 1e-12
    loud = np.flatnonzero(power > np.percentile(power, 95) * 10 ** (-under_db / 10))
    found: list[tuple[float, float]] = []
    for frame in loud:
        start, end = frame / 100, (frame + 1) / 100
        if found and start - found[-1][1] < pause_s:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
