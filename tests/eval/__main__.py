"""`make eval`: measures recognition and writes docs/quality.md and docs/quality/recognition.jsonl.

    python -m tests.eval [--model base|small-en] [--set NAME]... [--no-peer]

Needs the release build, the models and the evaluation data: EVAL_DATA, or shared/data beside the
checkout. A run of everything takes about an hour on two idle cores.
"""

from __future__ import annotations

import argparse
import hashlib
import pathlib
import subprocess
import sys

import numpy as np

from tests.eval import data, ours, peer_whisper_cpp, report, scoring

LANGUAGES_OF = {"base": None, "small-en": "en"}  # None: every language
PEER_WEIGHTS = {"base": "base", "small-en": "tiny.en"}
NO_SPEECH = "no speech"
SETS = [*data.SETS, data.SWITCHED, NO_SPEECH]
# The music of a game, GPL-2+ by its debian/copyright.
MUSIC_PACKAGE, MUSIC_VERSION = "wesnoth-1.16-music", "1:1.16.9-1"
MUSIC_SHA256 = "f9bc3cde92b4ab30db5d7b85f89b4bcc3d788dd92602956d0347250850bf59bb"


def main() -> int:
    """Measures what was asked for, adds the rows to the history and writes the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.eval", description="measure recognition")
    parser.add_argument("--model", action="append", choices=ours.MODELS)
    parser.add_argument("--set", action="append", choices=SETS)
    parser.add_argument("--no-peer", action="store_true", help="leave whisper.cpp out")
    arguments = parser.parse_args()
    folder = data.folder()
    if folder is None:
        print("eval: no data: set EVAL_DATA, or put shared/data beside the checkout")
        return 6
    if not ours.is_built():
        print("eval: no program: run make build")
        return 6
    for model in arguments.model or list(ours.MODELS):
        for name in arguments.set or SETS:
            recordings = recordings_of(name, folder, LANGUAGES_OF[model])
            if not recordings:
                continue
            row = measure_set(name, model, recordings, peer=not arguments.no_peer)
            report.append(row | report.provenance() | {"model_hash": ours.model_hash(model)})
            print(report.line(row), flush=True)
    report.write()
    return 0


def recordings_of(name: str, folder: pathlib.Path, language: str | None) -> list[data.Recording]:
    """The recordings of a set that the model's languages allow."""
    if name == NO_SPEECH:
        return data.without_speech(music())
    if name == data.SWITCHED:
        return data.switched(folder) if language is None else []
    recordings = data.SETS[name](folder)
    return [r for r in recordings if language in (None, r.language)]


def measure_set(name: str, model: str, recordings: list[data.Recording], peer: bool) -> dict:
    """One row of the report: our figures on a set, the peer's beside them where they compare."""
    result = ours.transcribe(recordings, model)
    texts = [transcript.text for transcript in result.transcripts]
    audio_s = sum(data.duration_s(recording) for recording in recordings)
    row = {
        "set": name,
        "model": model,
        "recordings": len(recordings),
        "audio_s": round(audio_s, 1),
        "speed": round(audio_s / result.wall_s, 2),
        "cpu_per_audio_s": round(result.cpu_s / audio_s, 4),
        "peak_rss_mb": result.peak_rss_bytes >> 20,
    }
    if name == data.SWITCHED:
        heard = result.transcripts[0].languages
        right = data.right_languages(recordings[0], heard)
        return row | {"windows_right": right, "windows": len(recordings[0].utterances)}
    if name == NO_SPEECH:
        words = {r.name: len(text.split()) for r, text in zip(recordings, texts, strict=True)}
        return row | {"words_heard": words}
    errors = score(recordings, texts)
    row |= rates("wer", errors, None) | {"words": scoring.total(errors).words}
    row["cer"] = round(mean_cer(recordings, texts), 2)
    if any(recording.has_times for recording in recordings):
        times = [
            scoring.time_errors([(u.start_ms, u.end_ms, u.text) for u in r.utterances], t.words)
            for r, t in zip(recordings, result.transcripts, strict=True)
        ]
        matched = sum(t.matched for t in times)
        row["words_inside"] = round(100 * sum(t.inside for t in times) / max(matched, 1), 2)
        row["words_matched"] = matched
        edges = [edge for t in times for edge in t.edges_ms] or [0]
        row["edge_ms_median"] = round(float(np.median(edges)))
        row["edge_ms_p90"] = round(float(np.percentile(edges, 90)))
    return row | (measure_peer(model, recordings, errors, audio_s) if peer else {})


def measure_peer(
    model: str, recordings: list[data.Recording], errors: list[scoring.Errors], audio_s: float
) -> dict:
    """The same recordings through whisper.cpp with the same weights."""
    weights = PEER_WEIGHTS[model]
    runs = [peer_whisper_cpp.transcribe(data.as_wav(r), weights, r.language) for r in recordings]
    theirs = score(recordings, [str(run["text"]) for run in runs])
    loads = sum(run["load_s"] for run in runs)
    wall = sum(run["wall_s"] for run in runs) - loads
    return {
        **rates("peer_wer", theirs, None),
        **rates("difference", errors, theirs),
        "peer_speed": round(audio_s / wall, 2),
        "peer_cpu_per_audio_s": round((sum(run["cpu_s"] for run in runs) - loads) / audio_s, 4),
        "peer_peak_rss_mb": max(run["peak_rss_bytes"] for run in runs) >> 20,
    }


def score(recordings: list[data.Recording], texts: list[str]) -> list[scoring.Errors]:
    """The errors of every utterance of every recording."""
    return [
        error
        for recording, text in zip(recordings, texts, strict=True)
        for error in scoring.errors_by_utterance(
            [utterance.text for utterance in recording.utterances], text, recording.language
        )
    ]


def rates(
    name: str, errors: list[scoring.Errors], others: list[scoring.Errors] | None
) -> dict[str, float]:
    """A rate, or a difference of two, with its interval."""
    low, high = scoring.bootstrap(errors, others)
    point = scoring.total(errors).rate - (scoring.total(others).rate if others else 0)
    return {name: round(point, 2), f"{name}_low": round(low, 2), f"{name}_high": round(high, 2)}


def mean_cer(recordings: list[data.Recording], texts: list[str]) -> float:
    """Character error rate over the set, recordings weighed by their length in characters."""
    weights = [len(recording.text) for recording in recordings]
    each = [
        scoring.character_error_rate(recording.text, text, recording.language)
        for recording, text in zip(recordings, texts, strict=True)
    ]
    return sum(w * c for w, c in zip(weights, each, strict=True)) / sum(weights)


def music() -> pathlib.Path | None:
    """Music of a Debian package, unpacked into the cache; None when it is not to be had.

    Another content under the same name is an error, not other music.
    """
    folder = data.cache() / f"eval/{MUSIC_PACKAGE}"
    if folder.exists():
        return folder
    part = folder.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)
    wanted = f"{MUSIC_PACKAGE}={MUSIC_VERSION}"
    fetched = subprocess.run(["apt-get", "-qq", "download", wanted], cwd=part)
    package = next(part.glob("*.deb"), None)
    if fetched.returncode != 0 or package is None:
        print(f"eval: no music: apt-get download {wanted} failed")
        return None
    check_music(package)
    subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=part, check=True)
    package.unlink()
    part.rename(folder)
    return folder


def check_music(package: pathlib.Path) -> None:
    """Refuses a package that is not the one the figures were made with."""
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    if digest != MUSIC_SHA256:
        package.unlink()
        raise ValueError(f"{package.name} has the wrong hash {digest}")


if __name__ == "__main__":
    sys.exit(main())
