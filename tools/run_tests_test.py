"""The test run never takes a missing or broken result for a pass."""

from __future__ import annotations

import sys

import pytest
import run_tests
from run_tests import Part, counts_in, run_part

CTEST = """\
100% tests passed, 0 tests failed out of 12

Label Time Summary:
unit    =  14.77 sec*proc (12 tests)
"""


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        (CTEST, (12, 0)),
        ("83% tests passed, 2 tests failed out of 12\n", (10, 2)),
        ("50% tests passed, 1 test failed out of 2\n", (1, 1)),
        ("....\n54 passed in 0.72s\n", (54, 0)),
        ("2 failed, 45 passed, 1 error in 63.32s (0:01:03)\n", (45, 3)),
        ("tidy: 10 passed, 5 failed\n", (10, 5)),
        ("No tests were found!!!\n", None),
        ("no tests ran in 0.01s\n", None),
    ],
)
def test_closing_lines_are_read(output: str, counts: tuple[int, int] | None) -> None:
    assert counts_in(output) == counts


@pytest.mark.parametrize(
    ("code", "output", "result"),
    [
        (0, "tidy: 3 passed, 0 failed", (3, 0)),
        (1, "tidy: 3 passed, 0 failed", (3, 1)),  # it died after its closing line
        (0, "no tests ran in 0.01s", (0, 1)),
        (7, "tidy: 3 passed, 2 failed", (3, 2)),
    ],
)
def test_a_part_without_a_result_is_a_failure(
    code: int, output: str, result: tuple[int, int]
) -> None:
    script = f"print({output!r}); raise SystemExit({code})"
    assert run_part(Part("a part", [sys.executable, "-c", script])) == result


def test_what_needs_a_broken_part_is_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = [sys.executable, "-c", "print('t: 5 passed, 0 failed')"]
    broken = Part("build", [sys.executable, "-c", "raise SystemExit(1)"], counts=False)
    parts = (broken, Part("tests", fine, needs=("build",)), Part("others", fine))
    monkeypatch.setattr(run_tests, "PARTS", parts)
    assert run_tests.main() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "5 passed, 2 failed"
