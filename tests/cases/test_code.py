"""The case code: guessed by nobody, mistyped by many."""

from __future__ import annotations

import random
from itertools import combinations
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.cases.code import ALPHABET, RANDOM_CHARACTERS, SPECIMEN, grouped, is_valid, issue, normalised

CODES = st.randoms(use_true_random=False).map(lambda source: issue(source.choice))


def test_a_code_carries_at_least_60_bits() -> None:
    """The random part alone."""
    assert RANDOM_CHARACTERS * log2(len(ALPHABET)) >= 60


@pytest.mark.parametrize("family", ["0O", "1IL", "2Z", "5S", "8B", "6G", "UV"])
def test_at_most_one_of_a_family_of_look_alikes_is_used(family: str) -> None:
    """Who reads it from paper cannot take one for the other."""
    assert len(set(family) & set(ALPHABET)) <= 1


@given(CODES)
def test_an_issued_code_verifies(code: str) -> None:
    """Its check character fits, and it is printed in four groups of four."""
    assert is_valid(code)
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]


@given(CODES, st.integers(0, 15), st.sampled_from(ALPHABET))
def test_every_wrong_character_is_found(code: str, place: int, wrong: str) -> None:
    """All substitutions, not most of them."""
    characters = normalised(code)
    mistyped = characters[:place] + wrong + characters[place + 1 :]
    assert is_valid(mistyped) == (mistyped == characters)


@given(CODES)
def test_every_exchange_of_two_characters_is_found(code: str) -> None:
    """Neighbours or not."""
    characters = normalised(code)
    for i, j in combinations(range(16), 2):
        swapped = list(characters)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        assert is_valid("".join(swapped)) == (characters[i] == characters[j])


@given(CODES)
def test_it_may_be_typed_as_a_japanese_keyboard_writes_it(code: str) -> None:
    """Full-width, lower case, with the long vowel mark for the hyphen, with spaces, or in one piece."""
    full_width = "".join(chr(ord(c) + 0xFEE0) if c != "-" else "ー" for c in code)
    for typed in (full_width, code.lower(), code.replace("-", " "), code.replace("-", ""), code.replace("-", "−")):
        assert grouped(normalised(typed)) == code
        assert is_valid(typed)


@pytest.mark.parametrize("text", ["", "-", "ABC", SPECIMEN + "3", SPECIMEN[:-1], "0" * 16, "関所", "ſ" * 16])
def test_what_is_no_code_is_not_valid(text: str) -> None:
    """Any text is answered with no, never with an error."""
    assert not is_valid(text)


def test_the_specimen_is_well_formed_and_never_issued() -> None:
    """A preview shows a code that nobody can use."""
    drawn = iter(normalised(SPECIMEN)[:-1] + "3" * RANDOM_CHARACTERS)
    assert is_valid(SPECIMEN)
    assert issue(lambda _: next(drawn)) != SPECIMEN


def test_codes_differ() -> None:
    """Two cases do not share one."""
    choose = random.Random(7).choice
    assert len({issue(choose) for _ in range(1000)}) == 1000
