"""`tool.py models import DIR`: turns a checkpoint folder of somebody else into a usable model.

Whisper of any size: CTranslate2 (model.bin, config.json, tokenizer.json) or Hugging Face
(*.safetensors, config.json, tokenizer.json; generation_config.json when it is there), by the
conversion that set-up uses. sherpa-onnx: the folders that src/transcript/sherpa_model.hpp names.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import re
import shutil
import sys

import model_lock
import model_store
from model_fetch import Fetcher
from model_lock import Item
from model_store import Store
from tool_error import ToolError

WHISPER_NEEDS = ("config.json", "tokenizer.json")
MOONSHINE = ("encoder_model.ort", "decoder_model_merged.ort", "tokens.txt")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
SUPPORTED = ("a Whisper checkpoint (model.bin of CTranslate2, or *.safetensors; with config.json "
             "and tokenizer.json), or a sherpa-onnx folder of Moonshine "
             f"({', '.join(MOONSHINE)})")


@dataclasses.dataclass(frozen=True)
class Found:
    """What a folder holds: the recipe that converts it, and the files the recipe reads."""

    recipe: str
    files: tuple[str, ...]


def recognise(folder: pathlib.Path) -> Found:
    """Says what the folder holds; a ToolError names what is missing."""
    if not folder.is_dir():
        raise ToolError(f"{folder} is not a folder", f"name the folder of {SUPPORTED}")
    names = {path.name for path in folder.iterdir() if path.is_file()}
    weights = sorted(name for name in names if name == "model.bin" or name.endswith(".safetensors"))
    if weights:
        if missing := [name for name in WHISPER_NEEDS if name not in names]:
            raise ToolError(f"{folder} lacks {', '.join(missing)}",
                            "a Whisper checkpoint has them beside its weights: fetch them too")
        more = {*WHISPER_NEEDS, "generation_config.json"} & names
        only = ["model.bin"] if "model.bin" in names else weights
        return Found("whisper", (*only, *sorted(more)))
    if "tokens.txt" in names:
        if missing := [name for name in MOONSHINE if name not in names]:
            raise ToolError(f"{folder} is a sherpa-onnx folder without {', '.join(missing)}",
                            f"supported is {SUPPORTED}")
        return Found("sherpa", MOONSHINE)
    raise ToolError(f"{folder} holds no model that is known here", f"supported is {SUPPORTED}")


def name_of(folder: pathlib.Path, wanted: str) -> str:
    """The model's id: what was asked for, or made of the folder's name."""
    name = wanted or re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:64]
    if not NAME.fullmatch(name):
        raise ToolError(f"'{name}' cannot be a model's name",
                        "give one with --name: small letters, digits and hyphens, at most 64")
    if name in model_lock.load().items:
        raise ToolError(f"'{name}' is the name of a model that set-up installs",
                        "give another one with --name")
    return name


def run(arguments: argparse.Namespace) -> int:
    """Converts a checkpoint folder into a model: Whisper (CTranslate2, safetensors), sherpa."""
    import models  # which registers this command

    folder = arguments.folder.absolute()
    found = recognise(folder)
    store = Store(arguments.cache, arguments.models)
    item = Item(
        id=name_of(folder, arguments.name), kind="model", task="recognition", version="imported",
        recipe=found.recipe, members=tuple(f"folder:./{name}" for name in found.files),
        licence=arguments.licence, attribution=folder.name, source="imported from a folder",
        files={})
    fetcher = Fetcher(store.root, "")
    with store.exclusive():
        if store.folder(item).exists() and not arguments.replace:
            raise ToolError(f"a model is called '{item.id}' already",
                            "give another name with --name, or --replace it")
        if not fetcher.converter_ready():
            print("prepare the conversion environment (Python packages, 28 MB)", file=sys.stderr)
            fetcher.prepare_converter()
        staged = store.staging(item)
        try:
            job = models.ConvertJob(item, {"folder": folder}, staged)
            facts = models.convert_item(job, fetcher)
        except ToolError as error:
            shutil.rmtree(staged, ignore_errors=True)
            why = str(error).strip().splitlines()[-1].removeprefix("ValueError: ")
            raise ToolError(f"{folder} cannot be made into a model: {why}",
                            f"supported is {SUPPORTED}") from error
        model_store.describe(item, staged, facts)
        store.publish(item, staged)
    print(f"imported {item.id}: narralytica ingest --model {item.id} uses it")
    return 0
