"""Somebody else's checkpoint folder becomes a model that says the same as the locked one."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable

import pytest

from tests.eval import data
from tests.pipeline import import_checkpoints
from tests.pipeline.program import INAUGURAL, USAGE, Narralytica

MOONSHINE = "moonshine-tiny-en"
WORDS_MIN = 20  # of the 22 that are said


def moonshine(folder: pathlib.Path) -> pathlib.Path:
    """The sherpa-onnx files of the locked Moonshine."""
    folder.mkdir()
    for name in ("encoder_model.ort", "decoder_model_merged.ort", "tokens.txt"):
        shutil.copy(data.cache() / "models" / MOONSHINE / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A models folder of this module's own, with everything that is installed."""
    folder = tmp_path_factory.mktemp("models")
    for model in (data.cache() / "models").iterdir():
        (folder / model.name).symlink_to(model)
    return folder


def words(narralytica: Narralytica, model: str, models: pathlib.Path) -> list:
    """What a model hears in the inaugural address, with its times."""
    (item,) = narralytica.json("ingest", "--model", model, "--wait", *at(models), str(INAUGURAL))
    document = narralytica.json("transcript", item["video_id"], "--format", "json")
    assert document["model"] == model
    return [segment["words"] for segment in document["segments"]]


@pytest.mark.parametrize(
    ("checkpoint", "locked"),
    [
        (import_checkpoints.ctranslate2, import_checkpoints.TINY),
        (import_checkpoints.hugging_face, import_checkpoints.TINY),
        (moonshine, MOONSHINE),
    ],
)
def test_an_imported_checkpoint_says_what_the_locked_model_says(
    checkpoint: Callable[[pathlib.Path], pathlib.Path],
    locked: str,
    models: pathlib.Path,
    tmp_path: pathlib.Path,
) -> None:
    narralytica = Narralytica(tmp_path / "data")
    folder = checkpoint(tmp_path / "Their Model")
    name = f"imported-{checkpoint.__name__.replace('_', '-')}"
    imported = narralytica.json("models", "import", str(folder), "--name", name, *at(models))
    assert imported == {"imported": name}
    listed = narralytica.json("models", "list", *at(models))["models"]
    assert name in [model["id"] for model in listed]
    assert narralytica.json("models", "verify", *at(models))["ok"]
    said = words(narralytica, name, models)
    assert said == words(Narralytica(tmp_path / "other"), locked, models)
    assert sum(map(len, said)) >= WORDS_MIN


def at(models: pathlib.Path) -> tuple[str, str]:
    """The flags that name the models folder."""
    return "--set", f"engine.models_folder={models}"


def test_what_is_no_model_is_refused_with_the_reason(
    models: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    narralytica = Narralytica(tmp_path / "data")

    def refused(folder: pathlib.Path, *flags: str) -> str:
        error = narralytica.json("models", "import", str(folder), *at(models), *flags, code=USAGE)
        return str(error["error"]["message"])

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no model" in refused(empty)
    assert "is not a folder" in refused(tmp_path / "nowhere")
    whisper = import_checkpoints.ctranslate2(tmp_path / "whisper")
    assert "set-up installs" in refused(whisper, "--name", import_checkpoints.TINY)
    assert "cannot be a model's name" in refused(whisper, "--name", "../up")
    weights = (whisper / "model.bin").read_bytes()
    (whisper / "model.bin").write_bytes(weights[: len(weights) // 2])
    assert "cannot be made into a model" in refused(whisper, "--name", "half")
    (whisper / "tokenizer.json").unlink()
    assert "lacks tokenizer.json" in refused(whisper)
    listed = narralytica.json("models", "list", *at(models))["models"]
    assert not {"half", "whisper", "empty"} & {model["id"] for model in listed}
