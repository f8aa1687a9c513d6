"""The reference of the voice models is of the model that is locked, and of the recording."""

from __future__ import annotations

import json

import numpy as np
import pytest

import model_lock
from tests.eval import voice_reference
from tests.eval.voice_reference import ROOT, WINDOW, fbank, pooled, samples

REFERENCE = json.loads(voice_reference.REFERENCE.read_text())


def test_the_reference_is_of_the_locked_model() -> None:
    locked = model_lock.load().items[voice_reference.MODEL]
    assert REFERENCE["model_hash"] == locked.content_hash()


def test_the_filter_bank_is_that_of_the_recording() -> None:
    wanted = np.array(REFERENCE["fbank"])
    sound = samples(ROOT / REFERENCE["recording"])
    assert wanted.shape == (5, 80) and wanted.std() > 1
    first = REFERENCE["fbank_frame"]
    found = fbank(sound)
    assert np.abs(found[first:first + 5] - wanted).max() < 1e-3
    assert np.abs(found[first + 1:first + 6] - wanted).max() > 1e-1


def test_a_tone_is_loudest_in_the_band_around_it() -> None:
    """Band i has its centre at (i + 1) / 81 of the way from 20 Hz to 8 kHz in mel."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(1600) / 16000).astype(np.float32)
    low, high, at = (1127 * np.log(1 + hertz / 700) for hertz in (20, 8000, 1000))
    nearest = round((at - low) / (high - low) * 81) - 1
    assert set(fbank(tone).argmax(axis=1)) == {nearest}


def test_pooling_is_the_mean_and_the_deviation_of_what_counts() -> None:
    features = np.arange(24.0).reshape(2, 12) ** 2
    weights = (np.arange(12) < 5).astype(float)
    counted = features[:, :5]
    wanted = np.concatenate([counted.mean(axis=1), counted.std(axis=1, ddof=1)])
    assert pooled(features, weights) == pytest.approx(wanted)
    assert pooled(features, np.ones(12)) != pytest.approx(wanted)


def test_the_voice_and_the_classes_have_their_shapes() -> None:
    voice = np.array(REFERENCE["embedding"])
    assert voice.shape == (256,) and np.linalg.norm(voice) == pytest.approx(1, abs=1e-4)
    assert len(REFERENCE["classes"]) == 589 == (WINDOW - 991) // 270 + 1
    assert set(REFERENCE["classes"]) == {"0", "2"}
