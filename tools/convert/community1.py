"""pyannote's community-1 (Bredin 2023, Interspeech; Plaquet and Bredin 2023, arXiv:2310.13025):
who speaks when, and a voice as a vector.

Moonshine's library carries both graphs in ONNX Runtime's format. Out of them come

* segmentation.onnx: waveforms [B, 1, 160000] at 16 kHz -> log_probabilities [B, 589, 7] of the
  sets of at most two out of three speakers (`classes`), local to the ten seconds;
* trunk.onnx: fbank [1, T, 80] -> frames [1, 256, 10, ceil(T/8)], the convolutions of WeSpeaker's
  ResNet34 (Wang et al. 2023, arXiv:2210.17016), once for a stretch of audio of any length;
* head.bin: weight [256, 5120] and bias [256]. A voice is weight times the weighted mean and
  standard deviation [2560 + 2560] of the frames that are its speaker's, plus bias.

Weights stay 8-bit codes, one scale a tensor, as the package has them; ONNX Runtime makes 32-bit
floats of them once, when it folds constants at load.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto

from . import Job, onnx_part
from .elf import Library
from .onnx_graph import FLOAT, value_info
from .ort_format import Source

NAMESPACE = "cppannote", "embedded_community1"
WINDOW, FRAMES, CLASSES, FBANK = 160000, 589, 7, 80
CHANNELS, ROWS, DIMENSIONS = 256, 10, 256
LOG_PROBABILITIES = "/inner/activation/LogSoftmax_output_0"
LAST_FRAMES = "/resnet/layer4/layer4.2/Relu_1_output_0"
HEAD = "resnet.seg_1"


def convert(job: Job) -> dict[str, object]:
    """Writes segmentation.onnx, trunk.onnx and head.bin."""
    library = Library(job.read_suffix("/libmoonshine.so"))
    voice = Source(library.object(symbol("embedding_ort_data")))
    graphs = {"segmentation.onnx": segmentation(library), "trunk.onnx": trunk(voice)}
    for name, graph in graphs.items():
        (job.out / name).write_bytes(graph.SerializeToString(deterministic=True))
    (job.out / "head.bin").write_bytes(head(voice))
    return facts() | {
        "io": {name: onnx_part.description(graph) for name, graph in graphs.items()} | {
            "head.bin": {"dtype": "float32 little endian",
                         "weight": [DIMENSIONS, 2 * CHANNELS * ROWS], "bias": [DIMENSIONS]}},
    }


def symbol(name: str) -> str:
    """The library's name of an object in its namespace (Itanium C++ ABI, 5.1.4)."""
    return "_ZN" + "".join(f"{len(part)}{part}" for part in (*NAMESPACE, name)) + "E"


def segmentation(library: Library) -> ModelProto:
    """The net before its last step, which would keep only the likeliest class."""
    source = Source(library.object(symbol("segmentation_ort_data")))
    return onnx_part.model(
        source.cut(LOG_PROBABILITIES, ["waveforms"]),
        [value_info("waveforms", FLOAT, ["B", 1, WINDOW])],
        value_info("log_probabilities", FLOAT, ["B", FRAMES, CLASSES]))


def trunk(voice: Source) -> ModelProto:
    """The convolutions; pooling and what follows them is `head`'s and the caller's."""
    return onnx_part.model(
        voice.cut(LAST_FRAMES, ["fbank"]),
        [value_info("fbank", FLOAT, [1, "T", FBANK])],
        value_info("frames", FLOAT, [1, CHANNELS, ROWS, "ceil(T/8)"]))


def head(voice: Source) -> bytes:
    """The last linear layer in 32-bit floats, with the graph's own arithmetic."""
    codes, scale, zero, bias = (
        voice.tensor(f"{HEAD}.{name}").array()
        for name in ("weight_quantized", "weight_scale", "weight_zero_point", "bias"))
    weight = codes.astype(np.float32) * scale + zero
    if weight.shape != (DIMENSIONS, 2 * CHANNELS * ROWS) or bias.shape != (DIMENSIONS,):
        raise ValueError("the last layer has another shape; the package has changed")
    return weight.astype("<f4").tobytes() + bias.astype("<f4").tobytes()


def facts() -> dict[str, object]:
    """What a reader of the files needs to know, for model.json."""
    return {
        "precision": "packed",
        "sample_rate": 16000,
        "segmentation": {
            "window_samples": WINDOW,
            "frames": FRAMES,
            "frame_shift_samples": 270,
            "receptive_field_samples": 991,
            "classes": [[], [0], [1], [2], [0, 1], [0, 2], [1, 2]],
        },
        "embedding": {
            "dimensions": DIMENSIONS,
            "frame_ms": 80,
            "fbank": "Kaldi's, of samples times 32768: 80 bins from 20 Hz to 8 kHz, Hamming "
                     "windows of 25 ms every 10 ms, no dither, pre-emphasis .97, the mean of "
                     "each bin taken off",
            "features": "frames [256, 10, N] as [2560, N]",
            "pooling": "v = sum w + 1e-8; mean = sum w x / v; "
                       "deviation = sqrt(sum w (x - mean)^2 / (v - sum w^2 / v + 1e-8)); "
                       "voice = weight [mean, deviation] + bias",
        },
    }
