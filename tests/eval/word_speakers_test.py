"""Whose words: the rules, and the figures of a transcript with speakers."""

from __future__ import annotations

import itertools
import random

from tests.eval import word_speakers
from tests.eval.scoring import Word
from tests.eval.word_speakers import Spoken, Turn, by_middle, by_overlap, least, rates

TURNS = [Turn(0, 1000, "a"), Turn(900, 2000, "b"), Turn(5000, 6000, "a")]


def test_a_word_is_of_whoever_has_most_of_it() -> None:
    words = [Word(800, 960, "mostly a"), Word(920, 1200, "mostly b"), Word(3400, 3500, "near b")]
    words += [Word(4200, 4300, "near a")]
    assert by_overlap(1000)(words, TURNS) == ["a", "b", "", "a"]
    assert by_overlap(0)(words, TURNS) == ["a", "b", "", ""]
    assert by_overlap(1500)(words, TURNS) == ["a", "b", "b", "a"]


def test_among_equals_the_one_before_goes_on_else_the_later_turn() -> None:
    both = [Turn(0, 1000, "a"), Turn(200, 1000, "b")]
    assert by_overlap(0)([Word(300, 400, "x")], both) == ["b"]
    assert by_overlap(0)([Word(0, 100, "x"), Word(300, 400, "y")], both) == ["a", "a"]
    assert by_middle(0)([Word(0, 100, "x"), Word(300, 400, "y")], both) == ["a", "a"]


def test_the_middle_decides_where_the_parts_do_not() -> None:
    turns = [Turn(0, 300, "a"), Turn(450, 550, "b"), Turn(700, 1000, "a")]
    assert by_middle(0)([Word(0, 1000, "long")], turns) == ["b"]
    assert by_overlap(0)([Word(0, 1000, "long")], turns) == ["a"]


def test_speakers_may_have_other_names_but_not_other_words() -> None:
    reference = [Spoken("a", "red green blue"), Spoken("b", "cats dogs"), Spoken("a", "white")]
    renamed = [Spoken({"a": "s1", "b": "s0"}[one.speaker], one.text) for one in reference]
    same = rates(reference, renamed)
    assert (same.cpwer, same.wder, same.aligned) == (0, 0, 6)
    swapped = [*renamed[:2], Spoken("s0", "white")]  # the twin: one word of six with the other
    found = rates(reference, swapped)
    assert (found.errors, found.wrong) == (2, 1)  # missing with one, too much with the other
    everybody = rates(reference, [Spoken("s0", one.text) for one in reference])
    assert everybody.wrong == 2
    nobody = rates(reference, [Spoken("", one.text) for one in reference])
    assert nobody.wder == 100


def test_words_wrongly_heard_count_once() -> None:
    found = rates([Spoken("a", "red green"), Spoken("b", "blue")], [Spoken("x", "red grown")])
    assert (found.words, found.errors, found.aligned, found.wrong) == (3, 2, 2, 0)


def test_the_least_sum_is_that_of_all_permutations() -> None:
    chance = random.Random(3)
    for size in range(1, 6):
        costs = [[chance.randrange(20) for _ in range(size)] for _ in range(size)]
        sums = [
            sum(costs[row][column] for row, column in enumerate(order))
            for order in itertools.permutations(range(size))
        ]
        assert least(costs) == min(sums)
    assert word_speakers.least([[1.5]]) == 1.5
