"""`make eval`, fourth part: who said what, on the conversations whose words and turns are known.

    python -m tests.eval.whole_transcript [--model base|small-en] [--no-peer]

Writes docs/quality.md and docs/quality/words.jsonl. The product's words (`narralytica`) get the
product's speakers (`diarization_tool`) by several rules, the first being the product's own, and
once more the reference's turns, which shows what rule and word times alone cost. Peer: what
whisper.cpp writes, each segment given to whom sherpa-onnx hears most of it, with the same weights
on both sides.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import random
import sys
from collections.abc import Callable, Sequence

from tests.bench import diarization as peer_diarization
from tests.eval import data, many_voices, ours, peer_whisper_cpp, report, voices_tool
from tests.eval.scoring import Word
from tests.eval.word_speakers import (
    FAR_MS, NOBODY, Rates, Rule, Spoken, Turn, by_middle, by_overlap, rates)

ROUNDS, SEED = 2_000, 7
PEER_WEIGHTS = {"base": "base", "small-en": "tiny.en"}
# src/transcript/word_speakers.hpp has the first.
RULES: dict[str, Rule] = {
    "overlap, reach 1 s": by_overlap(1_000),
    "overlap, reach .5 s": by_overlap(500),
    "overlap, no reach": by_overlap(0),
    "overlap, any reach": by_overlap(FAR_MS),
    "middle, reach 1 s": by_middle(1_000),
    "middle, no reach": by_middle(0),
}


def reference(recording: data.Recording) -> list[Spoken]:
    """Its utterances in order."""
    return [Spoken(one.speaker, one.text) for one in recording.utterances]


def true_turns(recording: data.Recording) -> list[Turn]:
    """Its utterances as turns."""
    return [Turn(one.start_ms, one.end_ms, one.speaker) for one in recording.utterances]


def turns_of(rttm: str) -> list[Turn]:
    """Turns found."""
    found = many_voices.read_rttm(rttm)
    return [Turn(round(1000 * start), round(1000 * end), name) for start, end, name in found]


def said(words: Sequence[Word], speakers: Sequence[str]) -> list[Spoken]:
    """Words with speakers, those of one speaker in a row together."""
    result: list[Spoken] = []
    for word, speaker in zip(words, speakers, strict=True):
        if result and result[-1].speaker == speaker:
            result[-1] = Spoken(speaker, f"{result[-1].text} {word.text}")
        else:
            result.append(Spoken(speaker, word.text))
    return result


def with_interval(each: Sequence[Rates], figure: Callable[[Rates], float]) -> tuple[float, ...]:
    """A figure over recordings and its 95 % bootstrap interval over them."""
    order = random.Random(SEED)

    def over(some: Sequence[Rates]) -> float:
        return figure(sum(some[1:], some[0]))

    drawn = sorted(over(order.choices(each, k=len(each))) for _ in range(ROUNDS))
    values = (over(each), drawn[int(0.025 * ROUNDS)], drawn[int(0.975 * ROUNDS)])
    return tuple(round(value, 2) for value in values)


class Measured:
    """Some recordings and their figures."""

    def __init__(self, recordings: Sequence[data.Recording], model: str) -> None:
        self._recordings, self._model = recordings, model

    def row(self, names: dict[str, str], found: Sequence[Sequence[Spoken]]) -> dict:
        """The row of one way to words with speakers."""
        pairs = zip(self._recordings, found, strict=True)
        each = [rates(reference(one), spoken, one.language) for one, spoken in pairs]
        row = {"set": "meetings", "model": self._model} | names
        row |= {"words": sum(r.words for r in each), "wrong": sum(r.wrong for r in each)}
        nobody = [s.text for spoken in found for s in spoken if s.speaker == NOBODY]
        row |= {"nobody": len(" ".join(nobody).split())}
        for name, figure in (("cpwer", lambda r: r.cpwer), ("wder", lambda r: r.wder)):
            values = with_interval(each, figure)
            row |= {name + end: v for end, v in zip(("", "_low", "_high"), values, strict=True)}
        return row

    def ours(self) -> list[dict]:
        """Every rule with the turns found, and with the reference's."""
        words = [t.words for t in ours.transcribe(self._recordings, self._model).transcripts]
        replies = voices_tool.ask([str(data.as_wav(one)) for one in self._recordings])
        turns = {
            "found": [turns_of(reply["rttm"]) for reply in replies],
            "reference": [true_turns(one) for one in self._recordings],
        }
        return [
            self.row(
                {"system": "ours", "turns": kind, "rule": name},
                [said(w, rule(w, t)) for w, t in zip(words, each, strict=True)],
            )
            for kind, each in turns.items()
            for name, rule in RULES.items()
        ]

    def peer(self) -> dict:
        """whisper.cpp's segments by sherpa-onnx's turns."""
        found = []
        threshold = peer_diarization.THRESHOLDS["meetings"]
        with peer_diarization.Side(peer_diarization.peer(threshold)) as side:
            for one in self._recordings:
                path = data.as_wav(one)
                turns = turns_of(peer_diarization.joined(side.diarize(path)["rttm"]))
                heard = peer_whisper_cpp.transcribe(path, PEER_WEIGHTS[self._model], one.language)
                segments = [Word(s["start_ms"], s["end_ms"], s["text"]) for s in heard["segments"]]
                found.append(said(segments, by_overlap(FAR_MS)(segments, turns)))
        names = {"system": f"{peer_whisper_cpp.NAME} + {peer_diarization.NAME}"}
        return self.row(names | {"turns": "found", "rule": "segments by overlap"}, found)


def main() -> int:
    """Measures, adds the rows to the history and writes the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.eval.whole_transcript")
    parser.add_argument("--model", action="append", choices=ours.MODELS)
    parser.add_argument("--no-peer", action="store_true", help="leave the peers out")
    arguments = parser.parse_args()
    folder = data.folder()
    if folder is None or not ours.is_built() or not pathlib.Path(voices_tool.PROGRAM).exists():
        print("eval: no data or no program: set EVAL_DATA, run make eval")
        return 6
    for model in arguments.model or ["base"]:
        measured = Measured(data.meetings(folder), model)
        rows = measured.ours() + ([] if arguments.no_peer else [measured.peer()])
        for row in rows:
            row |= {"model_hash": ours.model_hash(model)} | report.provenance()
            report.append(row, report.WORDS)
            print(json.dumps(row), flush=True)
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
