"""Silero VAD: the package's own 16 kHz graph that takes many frames in one call."""

from __future__ import annotations

from . import Job

FRAME = 512
CONTEXT = 64
STATE = {"dtype": "float32", "shape": [1, 1, 128]}


def convert(job: Job) -> dict[str, object]:
    """Copies the graph to model.onnx and describes it."""
    (job.out / "model.onnx").write_bytes(job.read_suffix(".onnx"))
    return {
        "sample_rate": 16000,
        "frame_samples": FRAME,
        "context_samples": CONTEXT,
        "io": {
            "model.onnx": {
                "inputs": {
                    "input": {"dtype": "float32", "shape": ["N", CONTEXT + FRAME]},
                    "h": STATE,
                    "c": STATE,
                },
                "outputs": {
                    "speech_probs": {"dtype": "float32", "shape": ["N"]},
                    "hn": STATE,
                    "cn": STATE,
                },
            },
        },
        "frames": "row i is the last 64 samples of frame i-1 (zeros at the start), then frame i; "
                  "h and c start at zero and carry over from call to call",
    }
