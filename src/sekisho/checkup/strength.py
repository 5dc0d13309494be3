"""How hard a password is to guess, scored on this computer; the password itself is neither kept nor sent.

An estimate of the guesses that a bot needs: what is left of the length once runs, repeats and well-known words are
taken out. It is meant to tell "admin123" from a random string, no more.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

STRONG = 3
_WORDS = re.compile(
    r"password|passw0rd|passwd|admin|root|user|guest|default|support|service|camera|router|login|welcome|qwerty"
    r"|asdf|zxcv|letmein|iloveyou|sakura|tokyo|japan|nihon|abc|pass",
    re.IGNORECASE,
)
_REPEAT = re.compile(r"(.)\1{2,}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_BITS_PER_LEVEL = (20, 35, 50, 65)
"""Bits of guessing from which each level begins: online guessing, a botnet's list, offline guessing, out of reach."""


def score(password: str) -> int:
    """0 (guessed at once) to 4 (out of reach)."""
    core = _REPEAT.sub(r"\1", _YEAR.sub("y", _WORDS.sub("w", password)))
    left = 1 + sum(not _follows(a, b) for a, b in pairwise(core)) if core else 0
    bits = left * math.log2(max(_alphabet(core), 2))
    return sum(bits >= level for level in _BITS_PER_LEVEL)


def _follows(first: str, second: str) -> bool:
    """Part of a run such as "3456" or "cba"."""
    return abs(ord(first) - ord(second)) <= 1


def _alphabet(text: str) -> int:
    sizes = ((str.islower, 26), (str.isupper, 26), (str.isdigit, 10))
    size = sum(count for test, count in sizes if any(map(test, text)))
    return size + (30 if any(not c.isalnum() for c in text) else 0)
