"""sherpa-onnx's OfflineSpeakerDiarization on the line protocol of diarization_tool.

    python -m tests.bench.sherpa_diarizer MODELS LIBRARY THREADS THRESHOLD

A path of a 16 kHz mono WAV a line in; {"rttm", "speakers", "audio_ms", "cpu_ms"} a line out.
MODELS is what sherpa_models.py wrote, LIBRARY libsherpa-onnx-c-api.so of the SDK, which runs on
the same ONNX Runtime as ours. The structures are those of its c-api.h, 2.0.1.
"""

from __future__ import annotations

import ctypes
import json
import pathlib
import resource
import sys
import wave
from typing import Any

import numpy as np

SAMPLE_RATE = 16000
# Its own defaults.
TURN_S_MIN, GAP_S_MAX = 0.3, 0.5
TEXT, INT, FLOAT = ctypes.c_char_p, ctypes.c_int32, ctypes.c_float


class Pyannote(ctypes.Structure):
    """SherpaOnnxOfflineSpeakerSegmentationPyannoteModelConfig; a shift of 0 is its default, .1."""

    _fields_ = [("model", TEXT), ("window_shift_ratio", FLOAT)]


class Segmentation(ctypes.Structure):
    """SherpaOnnxOfflineSpeakerSegmentationModelConfig."""

    _fields_ = [("pyannote", Pyannote), ("num_threads", INT), ("debug", INT), ("provider", TEXT)]


class Embedding(ctypes.Structure):
    """SherpaOnnxSpeakerEmbeddingExtractorConfig."""

    _fields_ = [("model", TEXT), ("num_threads", INT), ("debug", INT), ("provider", TEXT)]


class Clustering(ctypes.Structure):
    """SherpaOnnxFastClusteringConfig; without a number of clusters the threshold rules."""

    _fields_ = [("num_clusters", INT), ("threshold", FLOAT), ("compute_confidence", INT)]


class Config(ctypes.Structure):
    """SherpaOnnxOfflineSpeakerDiarizationConfig."""

    _fields_ = [
        ("segmentation", Segmentation),
        ("embedding", Embedding),
        ("clustering", Clustering),
        ("min_duration_on", FLOAT),
        ("min_duration_off", FLOAT),
    ]


class Segment(ctypes.Structure):
    """SherpaOnnxOfflineSpeakerDiarizationSegment."""

    _fields_ = [("start", FLOAT), ("end", FLOAT), ("speaker", INT), ("confidence", FLOAT)]


class Diarizer:
    """The library with its models loaded."""

    def __init__(self, models: pathlib.Path, library: str, threads: int, threshold: float) -> None:
        self._library = ctypes.CDLL(library)
        paths = [str(models / f"{name}.onnx").encode() for name in ("segmentation", "voice")]
        config = Config(
            Segmentation(Pyannote(paths[0], 0), threads, 0, b"cpu"),
            Embedding(paths[1], threads, 0, b"cpu"),
            Clustering(-1, threshold, 0),
            TURN_S_MIN,
            GAP_S_MAX,
        )
        self._handle = self._call("Create", ctypes.c_void_p, ctypes.byref(config))
        if not self._handle:
            raise RuntimeError(f"sherpa-onnx could not load the models in {models}")

    def turns(self, samples: np.ndarray) -> list[tuple[float, float, int]]:
        """(start_s, end_s, speaker) of samples in -1..1, ordered by start."""
        sound = np.ascontiguousarray(samples, np.float32)
        pointer = sound.ctypes.data_as(ctypes.POINTER(FLOAT))
        found = ctypes.c_void_p(
            self._call("Process", ctypes.c_void_p, ctypes.c_void_p(self._handle), pointer,
                       INT(len(sound))))
        count = self._call("ResultGetNumSegments", INT, found)
        segments = self._call("ResultSortByStartTime", ctypes.POINTER(Segment), found)
        turns = [(s.start, s.end, s.speaker) for s in segments[:count]] if count else []
        self._call("DestroySegment", None, segments)
        self._call("DestroyResult", None, found)
        return turns

    def _call(self, name: str, result: Any, *arguments: Any) -> Any:
        owner = "SherpaOnnxOfflineSpeakerDiarization"
        full = f"SherpaOnnxCreate{owner[10:]}" if name == "Create" else owner + name
        function = getattr(self._library, full)
        function.restype = result
        return function(*arguments)


def read_wav(path: str) -> np.ndarray:
    """Samples in -1..1."""
    with wave.open(path) as file:
        raw = file.readframes(file.getnframes())
    return np.frombuffer(raw, "<i2").astype(np.float32) / 32768


def rttm(name: str, turns: list[tuple[float, float, int]]) -> str:
    """The turns as RTTM."""
    return "".join(
        f"SPEAKER {name} 1 {start:.3f} {end - start:.3f} <NA> <NA> s{speaker} <NA> <NA>\n"
        for start, end, speaker in turns
    )


def cpu_s() -> float:
    """Processor time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Answers until its input ends."""
    models, library, threads, threshold = sys.argv[1:]
    diarizer = Diarizer(pathlib.Path(models), library, int(threads), float(threshold))
    for line in sys.stdin:
        path, before = line.rstrip("\n"), cpu_s()
        samples = read_wav(path)
        turns = diarizer.turns(samples)
        reply = {
            "rttm": rttm(pathlib.Path(path).stem, turns),
            "speakers": len({speaker for _, _, speaker in turns}),
            "audio_ms": len(samples) * 1000 // SAMPLE_RATE,
            "cpu_ms": round(1000 * (cpu_s() - before)),
        }
        print(json.dumps(reply), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
