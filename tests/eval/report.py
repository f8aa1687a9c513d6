"""Writes docs/quality.md from the histories of measurements, docs/quality/*.jsonl.

A row of a history is one model on one set, or one way to search, in one run; the page shows the
newest row of each and how the word error rate moved from commit to commit.
"""

from __future__ import annotations

import datetime
import json
import subprocess
from typing import Any

from tests.eval import data, peer_whisper_cpp, scoring

HISTORIES = data.ROOT / "docs/quality"
RECOGNITION, RETRIEVAL = "recognition.jsonl", "retrieval.jsonl"
DIARIZATION, SYNTHETIC = "diarization.jsonl", "synthetic.jsonl"
WORDS, IDENTITY = "words.jsonl", "identity.jsonl"
FATES = "what becomes of turns"  # a row of SYNTHETIC over all recordings
PAGE = data.ROOT / "docs/quality.md"
GATED = ("meetings", "librispeech")
GATE_POINT, GATE_HIGH = 0.5, 1.5
HISTORY_SHOWN = 12
Row = dict[str, Any]


def append(row: Row, history: str = RECOGNITION) -> None:
    """Adds a row to a history."""
    HISTORIES.mkdir(parents=True, exist_ok=True)
    with (HISTORIES / history).open("a") as file:
        file.write(json.dumps(row) + "\n")


def provenance() -> Row:
    """What a figure rests on: when, and which commit."""
    described = subprocess.run(
        ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+changes"],
        cwd=data.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    now = datetime.datetime.now(datetime.UTC)
    return {"date": now.strftime("%Y-%m-%d %H:%M"), "commit": described.stdout.strip()}


def line(row: Row) -> str:
    """A row for the terminal."""
    shown = (f"{key} {value}" for key, value in row.items() if not key.endswith(("_low", "_high")))
    return "  ".join(shown)


def rows(history: str) -> list[Row]:
    """A whole history, oldest first; nothing when there is none yet."""
    if not (HISTORIES / history).exists():
        return []
    return [json.loads(text) for text in (HISTORIES / history).read_text().splitlines()]


def passes(row: Row) -> bool:
    """The gate: at most half a point worse than the peer, and the interval's end below 1.5."""
    return row["difference"] <= GATE_POINT and row["difference_high"] <= GATE_HIGH


def write() -> None:
    """Writes the page anew."""
    history = rows(RECOGNITION)
    newest = {(row["model"], row["set"]): row for row in history}
    shown = [newest[key] for key in sorted(newest)]
    spoken = [row for row in shown if "wer" in row]
    parts = [HEAD, table(ERROR_COLUMNS, spoken), GATE_NOTE]
    parts += [TIMES, table(TIME_COLUMNS, [row for row in spoken if "words_inside" in row])]
    parts += [NO_SPEECH, table(NO_SPEECH_COLUMNS, [row for row in shown if "words_heard" in row])]
    switched = [row for row in shown if "windows_right" in row]
    if switched:
        parts += [SWITCHED, table(SWITCH_COLUMNS, switched)]
    parts += [SPEED, table(SPEED_COLUMNS, shown)]
    told_apart = {row["set"]: row for row in rows(DIARIZATION)}
    parts += [SPEAKERS, table(SPEAKER_COLUMNS, list(told_apart.values()))]
    parts += many_voices() + whole_transcript() + identity()
    found = {tuple(row[key] for key in RETRIEVAL_KEY): row for row in rows(RETRIEVAL)}
    parts += [FINDING, table(RETRIEVAL_COLUMNS, list(found.values()))]
    parts += [RESTS_ON, table(ORIGIN_COLUMNS, shown)]
    parts += [MOVES, table(MOVE_COLUMNS, [r for r in history if "wer" in r][-HISTORY_SHOWN:])]
    PAGE.write_text("\n\n".join(parts) + "\n")


def many_voices() -> list[str]:
    """The section about synthesised recordings; nothing without any."""
    newest = {row["recording"]: row for row in rows(SYNTHETIC)}
    if not newest:
        return []
    parts = [MANY_VOICES, table(VOICES_COLUMNS, [r for r in newest.values() if "der" in r])]
    if FATES in newest:
        kinds = newest[FATES]["by_length"] | newest[FATES]["by_level"]
        parts.append(table(FATE_COLUMNS, [{"kind": k} | shares for k, shares in kinds.items()]))
    return parts


def whole_transcript() -> list[str]:
    """The section about words with speakers; nothing without any."""
    newest = {tuple(row[key] for key in WORDS_KEY): row for row in rows(WORDS)}
    return [WHOLE, table(WORDS_COLUMNS, list(newest.values()))] if newest else []


def identity() -> list[str]:
    """The section about telling people again; nothing without any."""
    history = rows(IDENTITY)
    pairs = {row["seconds"]: row for row in history if "seconds" in row}
    found = [row for row in history if "right" in row][-1:]
    if not pairs or not found:
        return []
    rules = "Rules: cosine at least {threshold}, {margin} above the next.".format(**found[0])
    parts = [f"{IDENTITIES} {rules}", table(PAIR_COLUMNS, list(pairs.values()))]
    return [*parts, table(AGAIN_COLUMNS, found)]


def table(columns: dict[str, Any], content: list[Row]) -> str:
    """A Markdown table: heading → function from row to cell."""
    lines = [list(columns), ["---"] * len(columns)]
    lines += [[str(cell(row)) for cell in columns.values()] for row in content]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def interval(row: Row, name: str, sign: str = "") -> str:
    """`point [low, high]`, or a dash when it was not measured."""
    if name not in row:
        return "–"
    point, low, high = (f"{row[name + end]:{sign}.2f}" for end in ("", "_low", "_high"))
    return f"{point} [{low}, {high}]"


def gate(row: Row) -> str:
    """The verdict on sets that have a gate."""
    if row["set"] not in GATED or "difference" not in row:
        return "–"
    return "holds" if passes(row) else "**missed**"


def no_speech_gate(heard: dict[str, int]) -> str:
    """The verdict on recordings without speech: no word in any, and music among them."""
    if any(heard.values()):
        return "**missed**"
    return "holds" if "music" in heard else "no music was to be had"


def ratio(row: Row) -> str:
    """Our CPU seconds per second of audio under the peer's."""
    if "peer_cpu_per_audio_s" not in row:
        return "–"
    return f"{row['peer_cpu_per_audio_s'] / row['cpu_per_audio_s']:.2f}×"


NAMES = {"model": lambda row: row["model"], "set": lambda row: row["set"]}
ERROR_COLUMNS = NAMES | {
    "words": lambda row: row["words"],
    "WER %": lambda row: interval(row, "wer"),
    "CER %": lambda row: row["cer"],
    "peer's WER %": lambda row: interval(row, "peer_wer"),
    "difference": lambda row: interval(row, "difference", "+"),
    "gate": gate,
}
TIME_COLUMNS = NAMES | {
    "right words": lambda row: row["words_matched"],
    "inside their utterance ± .2 s, %": lambda row: row["words_inside"],
    "median edge error, ms": lambda row: row.get("edge_ms_median", "–"),
    "90 % below, ms": lambda row: row.get("edge_ms_p90", "–"),
}
SWITCH_COLUMNS = NAMES | {
    "sentences": lambda row: row["windows"],
    "in their own language": lambda row: row["windows_right"],
}
NO_SPEECH_COLUMNS = {
    "model": lambda row: row["model"],
    "words heard": lambda row: ", ".join(f"{k} {v}" for k, v in row["words_heard"].items()),
    "gate": lambda row: no_speech_gate(row["words_heard"]),
}
SPEED_COLUMNS = NAMES | {
    "audio s": lambda row: row["audio_s"],
    "× real time": lambda row: row["speed"],
    "CPU s per audio s": lambda row: row["cpu_per_audio_s"],
    "peak MB": lambda row: row["peak_rss_mb"],
    "peer's × real time": lambda row: row.get("peer_speed", "–"),
    "peer's CPU s": lambda row: row.get("peer_cpu_per_audio_s", "–"),
    "peer's peak MB": lambda row: row.get("peer_peak_rss_mb", "–"),
    "CPU, peer's over ours": ratio,
}
ORIGIN_COLUMNS = NAMES | {
    "recordings": lambda row: row["recordings"],
    "measured": lambda row: row["date"],
    "commit": lambda row: f"`{row['commit']}`",
    "model hash": lambda row: f"`{row['model_hash'][:16]}`",
}
SPEAKER_COLUMNS = {
    "set": lambda row: row["set"],
    "recordings": lambda row: row["recordings"],
    "DER %, collar .25": lambda row: interval(row, "der_collar"),
    "DER %": lambda row: interval(row, "der"),
    "missed": lambda row: row["missed"],
    "false": lambda row: row["false"],
    "confused": lambda row: row["confused"],
    "JER %": lambda row: row["jer"],
    "number right": lambda row: f"{row['counts_right']} of {row['recordings']}",
    "CPU s per audio s": lambda row: row["cpu_per_audio_s"],
    "measured": lambda row: row["date"],
    "commit": lambda row: f"`{row['commit']}`",
}
VOICES_COLUMNS = {
    "recording": lambda row: row["recording"],
    "turns": lambda row: row["turns"],
    "voices found, of": lambda row: f"{row['speakers']} of {row['voices']}",
    "DER %, collar .25": lambda row: row["der_collar"],
    "DER %": lambda row: row["der"],
    "missed": lambda row: row["missed"],
    "false": lambda row: row["false"],
    "confused": lambda row: row["confused"],
    "JER %": lambda row: row["jer"],
    "CPU s per audio s": lambda row: row["cpu_per_audio_s"],
    "measured": lambda row: row["date"],
    "commit": lambda row: f"`{row['commit']}`",
}
FATE_COLUMNS = {
    "turns": lambda row: row["kind"],
    "number": lambda row: row["turns"],
    "right %": lambda row: row["right"],
    "somebody else's %": lambda row: row["other"],
    "nobody's %": lambda row: row["missed"],
}
WORDS_KEY = ("set", "model", "system", "turns", "rule")
WORDS_COLUMNS = {
    "model": lambda row: row["model"],
    "system": lambda row: row["system"],
    "turns": lambda row: row["turns"],
    "rule": lambda row: row["rule"],
    "cpWER %": lambda row: interval(row, "cpwer"),
    "WDER %": lambda row: interval(row, "wder"),
    "wrong speaker": lambda row: f"{row['wrong']} of {row['words']} words",
    "nobody's": lambda row: row["nobody"],
    "measured": lambda row: row["date"],
    "commit": lambda row: f"`{row['commit']}`",
}
PAIR_COLUMNS = {
    "seconds": lambda row: row["seconds"],
    "people": lambda row: row["people"],
    "clips": lambda row: row["clips"],
    "nobody heard": lambda row: row["unheard"],
    "pairs, same / different": lambda row: f"{row['same']} / {row['other']}",
    "EER %": lambda row: row["eer"],
    "FAR %": lambda row: row["far"],
    "FRR %": lambda row: row["frr"],
    "same, 5th percentile": lambda row: row["same_p5"],
    "different, 99th": lambda row: row["other_p99"],
    "commit": lambda row: f"`{row['commit']}`",
}
AGAIN_COLUMNS = {
    "recordings": lambda row: row["recordings"],
    "speakers found": lambda row: row["speakers"],
    "known, given to the right one": lambda row: row["right"],
    "given to somebody else": lambda row: row["wrong"],
    "known, left unknown": lambda row: row["missed"],
    "unknown, left so": lambda row: row["unknown"],
    "measured": lambda row: row["date"],
    "commit": lambda row: f"`{row['commit']}`",
}
RETRIEVAL_KEY = ("windows", "mode", "scope")
RETRIEVAL_COLUMNS = {
    "documents": lambda row: row["windows"],
    "scope": lambda row: row["scope"],
    "legs": lambda row: row["mode"],
    "queries": lambda row: row["queries"],
    "nDCG@10": lambda row: f"{row['ndcg']:.3f} [{row['ndcg_low']:.3f}, {row['ndcg_high']:.3f}]",
    "MRR@10": lambda row: f"{row['mrr']:.3f}",
    "hit@10": lambda row: f"{row['hit']:.3f}",
    "measured": lambda row: row["date"],
    "commit": lambda row: f"`{row['commit']}`",
}
MOVE_COLUMNS = {
    "commit": lambda row: f"`{row['commit']}`",
    "measured": lambda row: row["date"],
    **NAMES,
    "WER %": lambda row: row["wer"],
}

HEAD = f"""<!-- Generated by tests/eval/report.py: make eval writes it. -->
# Quality

Measured on real recordings by `make eval`. Public recordings are in the training data of public
models: read absolute figures as optimistic, differences as useful. In brackets: 95 % bootstrap
intervals ({scoring.RESAMPLES:,} draws of utterances, seed {scoring.SEED}); differences are paired.

## Recognition

Word error rate by jiwer after the Whisper paper's English normaliser (other languages: its basic
one). Peer: {peer_whisper_cpp.NAME} with the same weights on the same audio, its command line's
defaults (beam 5, temperature fallback), language given, two threads. Ours recognises the language
itself."""
GATE_NOTE = f"""Gate, on long audio: difference at most {GATE_POINT} points, its upper end at most
{GATE_HIGH}.

Sets: *meetings* four conversations of three voices (clean, noise, telephone, video); *librispeech*
utterances joined to one file a speaker with half-second pauses; *librivox* five sentences;
*multilingual* one sentence in each of five languages and a speech; *ami* two clips of real meetings
with approximate references, a smoke test."""
TIMES = """## Word times

Of the words recognised rightly, those that lie wholly inside the utterance they were said in. Edge
error: how far the first word's start and the last word's end are from their utterance's bounds,
which hold a little silence."""
SWITCHED = """## Languages that change

One sentence in each of several languages after the other, a window each; the language is recognised
window by window. Right: most of the sentence's time is written in its own language."""
NO_SPEECH = f"""## Where nobody speaks

{data.SILENCE_MINUTES} minutes each; every word heard is an error. Gate: none in any of them.
Silence and noise are made by the program; the music is the first half minute of each piece of
Debian's `wesnoth-1.16-music` (GPL-2+), fetched by apt at a pinned version and hash."""
SPEED = """## Speed and memory

From file to searchable, everything counted: start, loading of models, decoding, recognition,
embeddings, index. The peer's figures are recognition alone, its loading left out. Resident memory
is the sum over all processes."""
SPEAKERS = """## Speakers

Who speaks when, by the segmentation and voice models of pyannote's community-1. Diarization error
rate by pyannote.metrics, overlapped speech scored, with a collar of .25 s and without; parts are
those of the latter. Intervals are 95 % bootstrap over recordings. Same two models in sherpa-onnx at
the threshold that suits these recordings best, same joining of gaps: 7.1 / 11.0 on *meetings*,
18.3 / 28.0 on *ami* (ten clips of 30 s)."""
MANY_VOICES = """### Many voices, long recordings, short and quiet turns

Conversations put together from real people's speech (`tests/eval/synthetic_meetings.py`): a third
of the turns under a second, a seventh overlapping the turn before, one in seven quiet (12 dB), one
in ten very quiet (24 dB), minutes of noise at 15 dB and of echo. What there is of a voice comes
again in the course of an hour. Scored as above; the references keep pauses under half a second.
Below, of the turns' time by their length and level: its own voice's, somebody else's, nobody's."""
WHOLE = """### Who said what

On *meetings*, the words of a recording with their speakers. cpWER: everything of one speaker is one
text, speakers matched for the fewest errors (Watanabe et al. 2020). WDER: of the words that align,
the share with another speaker (El Shafey et al. 2019). The first rule is the product's; *turns* are
those the product finds, or the reference's own, which leaves what rule and word times cost.
Intervals are over four recordings. Peer: the same weights, each segment that whisper.cpp writes
given to whom sherpa-onnx hears most of it."""
IDENTITIES = """### The same person again

A clip of so much speech against ten seconds of somebody: the same person's of another recording
(*meetings*, *ami*) or other utterances (*librispeech*), everybody else's. Equal error rate, and at
the threshold the false accepts and false rejects. Below: every speaker found in *meetings* and
*ami* against the people of all other recordings. The five people of *meetings* are those of
*librispeech*, one reading each; only few of *ami* speak for ten seconds alone."""
FINDING = """## Retrieval

QMSum's validation meetings and their specific queries, through our index and searcher, e5-small as
the vectors' model. *turns*: windows of eight turns with the speakers' names, as the published BM25
(.494 in the meeting, .302 over all meetings); *segments*: pieces of at most 40 words, as the
product indexes them, where many more documents answer a query. To reach on *turns*: .60 and .37."""
RESTS_ON = "## What each figure rests on"
MOVES = "## From commit to commit"
