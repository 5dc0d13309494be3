"""The case code: what a subscriber types at the operator's own site to see that a notice is genuine.

It is a secret and says nothing about the line. A database keeps no code that a notice has not been sent with.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ALPHABET = "34679ACDEFHJKMNPQRTUWXY"
"""No two of these look alike in print or by hand: no 0 O, 1 I L, 2 Z, 5 S, 8 B, 6 G, U V.

23 is a prime, so that the check below finds every wrong character and every exchange of two.
"""

RANDOM_CHARACTERS = 15
"""15 of 23 are 67.8 bits: no guessing at any rate that a site allows."""

LENGTH = RANDOM_CHARACTERS + 1
GROUP = 4
"""Sixteen characters in fours, as people know from payment cards."""

SPECIMEN = "AAAA-CCCC-EEEE-HHHC"
"""Shown in previews: a well-formed code that is never issued."""

_IGNORED = "- \u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc"
"""What people type between the groups: hyphens of every width, the long vowel mark of a Japanese keyboard."""


def issue(choose: Callable[[str], str]) -> str:
    """A new code.

    Args:
        choose: picks one character of a string; ``secrets.choice`` outside of tests.
    """
    while True:
        drawn = "".join(choose(ALPHABET) for _ in range(RANDOM_CHARACTERS))
        code = grouped(drawn + _check_character(drawn))
        if code != SPECIMEN:
            return code


def is_valid(text: str) -> bool:
    """Whether the check character fits; says nothing about whether a notice was sent with it."""
    characters = normalised(text)
    return (
        len(characters) == LENGTH
        and set(characters) <= set(ALPHABET)
        and characters[-1] == _check_character(characters[:-1])
    )


def normalised(text: str) -> str:
    """What was meant, however it was typed: full-width, lower case, grouped or not."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c not in _IGNORED)


def grouped(characters: str) -> str:
    """In fours, as it is printed."""
    return "-".join(characters[start : start + GROUP] for start in range(0, len(characters), GROUP))


def _check_character(characters: str) -> str:
    """Makes the weighted sum of all sixteen divisible by 23.

    The weights 1 to 16 differ and have no factor in common with 23: one wrong character changes the sum, and so does
    an exchange of two different ones.
    """
    size = len(ALPHABET)
    total = sum(weight * ALPHABET.index(c) for weight, c in enumerate(characters, start=1))
    return ALPHABET[-total * pow(LENGTH, -1, size) % size]
