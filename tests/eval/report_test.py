"""The quality page says what the history says."""

from __future__ import annotations

import pathlib

import pytest

from tests.eval import __main__ as evaluation
from tests.eval import report

ROW = {
    "set": "meetings",
    "model": "base",
    "recordings": 4,
    "audio_s": 400.0,
    "words": 900,
    "wer": 14.0,
    "wer_low": 12.0,
    "wer_high": 16.0,
    "cer": 5.0,
    "peer_wer": 14.1,
    "peer_wer_low": 12.1,
    "peer_wer_high": 16.2,
    "difference": -0.1,
    "difference_low": -1.0,
    "difference_high": 0.9,
    "words_inside": 98.5,
    "words_matched": 800,
    "speed": 20.0,
    "cpu_per_audio_s": 0.08,
    "peak_rss_mb": 900,
    "peer_speed": 7.0,
    "peer_cpu_per_audio_s": 0.24,
    "peer_peak_rss_mb": 400,
    "date": "2026-01-01 12:00",
    "commit": "0123456789ab",
    "model_hash": "a" * 64,
}
SILENT = {
    "set": "no speech",
    "model": "base",
    "recordings": 1,
    "audio_s": 600.0,
    "speed": 100.0,
    "cpu_per_audio_s": 0.01,
    "peak_rss_mb": 900,
    "words_heard": {"silence": 0, "music": 3},
    "date": "2026-01-01 12:00",
    "commit": "0123456789ab",
    "model_hash": "a" * 64,
}


@pytest.fixture
def page(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(report, "HISTORIES", tmp_path)
    monkeypatch.setattr(report, "PAGE", tmp_path / "quality.md")
    return tmp_path / "quality.md"


def test_the_page_shows_the_newest_rows(page: pathlib.Path) -> None:
    for row in (ROW | {"wer": 99.0}, ROW, SILENT):
        report.append(row)
    report.write()
    text = page.read_text()
    gate = "| base | meetings | 900 | 14.00 [12.00, 16.00] | 5.0 | 14.10 [12.10, 16.20]"
    assert f"{gate} | -0.10 [-1.00, +0.90] | holds |" in text
    assert "| base | silence 0, music 3 | **missed** |" in text
    assert "| 3.00× |" in text
    assert text.count("99.0") == 1  # in the history alone


def test_the_page_shows_edges_and_languages_where_they_were_measured(page: pathlib.Path) -> None:
    report.append(ROW)
    report.write()
    assert "98.5 | – | – |" in page.read_text()
    assert "Languages that change" not in page.read_text()
    report.append(ROW | {"edge_ms_median": 140, "edge_ms_p90": 310})
    switched = {k: ROW[k] for k in (*SILENT,) if k in ROW} | {"set": "switched"}
    report.append(switched | {"windows": 12, "windows_right": 11})
    report.write()
    assert "98.5 | 140 | 310 |" in page.read_text()
    assert "| base | switched | 12 | 11 |" in page.read_text()


def test_a_missed_gate_is_said(page: pathlib.Path) -> None:
    report.append(ROW | {"difference": 0.6})
    report.append(ROW | {"model": "small-en", "difference_high": 1.6})
    report.write()
    assert page.read_text().count("**missed**") == 2


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        ({"silence": 0, "music": 0}, "holds"),
        ({"silence": 1, "music": 0}, "**missed**"),
        ({"silence": 0}, "no music was to be had"),
    ],
)
def test_no_word_may_be_heard_where_nobody_speaks(heard: dict[str, int], verdict: str) -> None:
    assert report.no_speech_gate(heard) == verdict


def test_other_music_is_refused(tmp_path: pathlib.Path) -> None:
    package = tmp_path / "music.deb"
    package.write_bytes(b"other music")
    with pytest.raises(ValueError, match="wrong hash"):
        evaluation.check_music(package)
    assert not package.exists()


def test_sets_without_a_peer_have_no_verdict(page: pathlib.Path) -> None:
    report.append({k: v for k, v in ROW.items() if "difference" not in k and "peer" not in k})
    report.write()
    assert "holds" not in page.read_text() and "**missed**" not in page.read_text()


def test_retrieval_has_a_row_for_each_way_to_search(page: pathlib.Path) -> None:
    found = {"windows": "turns", "mode": "hybrid", "scope": "all meetings", "queries": 237}
    found |= {"ndcg": 0.35, "ndcg_low": 0.3, "ndcg_high": 0.4, "mrr": 0.5, "hit": 0.6}
    for row in (found | {"ndcg": 0.1}, found, found | {"mode": "lexical", "ndcg": 0.3}):
        report.append(row | {"date": "2026-01-01", "commit": "0123456789ab"}, report.RETRIEVAL)
    report.write()
    text = page.read_text()
    assert "| turns | all meetings | hybrid | 237 | 0.350 [0.300, 0.400] | 0.500 | 0.600 |" in text
    assert "| turns | all meetings | lexical | 237 | 0.300" in text
    assert "0.100" not in text


def test_speakers_have_the_newest_row_of_each_set(page: pathlib.Path) -> None:
    row = {"set": "ami", "recordings": 10, "missed": 1, "false": 2, "confused": 3, "jer": 40}
    for name in ("der", "der_collar"):
        row |= {name: 13.5, f"{name}_low": 9, f"{name}_high": 20.25}
    row |= {"counts_right": 2, "cpu_per_audio_s": 0.08, "date": "2026-01-01", "commit": "0123"}
    report.append(row | {"jer": 99}, report.DIARIZATION)
    report.append(row, report.DIARIZATION)
    report.write()
    shown = "| ami | 10 | 13.50 [9.00, 20.25] | 13.50 [9.00, 20.25] | 1 | 2 | 3 | 40 | 2 of 10 |"
    assert shown in page.read_text() and "| 99 |" not in page.read_text()


def test_many_voices_have_a_row_a_recording_and_the_fate_of_turns(page: pathlib.Path) -> None:
    names = ("turns", "voices", "speakers", "der_collar", "der", "missed", "false", "confused")
    row = {name: 20 + at for at, name in enumerate((*names, "jer", "cpu_per_audio_s"))}
    row |= {"recording": "an hour", "date": "2026-01-01", "commit": "0123"}
    report.write()
    assert "Many voices" not in page.read_text()
    report.append(row | {"der": 99}, report.SYNTHETIC)
    report.append(row, report.SYNTHETIC)
    shares = {"turns": 7, "right": 61.0, "other": 30.0, "missed": 9.0}
    fates = {"recording": report.FATES, "by_length": {"< 1 s": shares}, "by_level": {}}
    report.append(fates, report.SYNTHETIC)
    report.write()
    text = page.read_text()
    assert "| an hour | 20 | 22 of 21 | 23 | 24 | 25 |" in text and "| 99 |" not in text
    assert "| < 1 s | 7 | 61.0 | 30.0 | 9.0 |" in text


def test_words_with_speakers_have_a_row_a_rule(page: pathlib.Path) -> None:
    row = {"set": "meetings", "model": "base", "system": "ours", "turns": "found", "rule": "one"}
    row |= {"words": 900, "wrong": 20, "nobody": 3, "date": "2026-01-01", "commit": "0123"}
    for name in ("cpwer", "wder"):
        row |= {name: 4.5, f"{name}_low": 3, f"{name}_high": 6.25}
    for each in (row | {"wrong": 99}, row, row | {"rule": "another", "wrong": 21}):
        report.append(each, report.WORDS)
    report.write()
    text = page.read_text()
    shown = "| one | 4.50 [3.00, 6.25] | 4.50 [3.00, 6.25] | 20 of 900 words | 3 |"
    assert shown in text and "21 of 900" in text and "99 of 900" not in text


def test_identity_has_a_row_a_length_and_says_its_rules(page: pathlib.Path) -> None:
    rules = {"threshold": 0.5, "margin": 0.1, "date": "2026-01-01", "commit": "0123"}
    names = ("people", "clips", "unheard", "same", "other", "eer", "far", "frr", "same_p5")
    pairs = {name: 30 + at for at, name in enumerate((*names, "other_p99"))}
    for seconds in (2, 5):
        report.append(pairs | {"seconds": seconds} | rules, report.IDENTITY)
    report.write()
    assert "The same person again" not in page.read_text()
    kinds = ("recordings", "speakers", "right", "wrong", "missed", "unknown")
    report.append({name: at for at, name in enumerate(kinds)} | rules, report.IDENTITY)
    report.write()
    text = page.read_text()
    assert "cosine at least 0.5, 0.1 above the next" in text
    assert "| 2 | 30 | 31 | 32 | 33 / 34 | 35 | 36 | 37 | 38 | 39 |" in text
    assert "| 0 | 1 | 2 | 3 | 4 | 5 |" in text
