"""Passwords as Argon2id; whether a name exists cannot be told from the time that an answer takes."""

from __future__ import annotations

import secrets
from functools import cache
from typing import TYPE_CHECKING

from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_LENGTH = 15
"""NIST SP 800-63B-4, 3.1.1.2: at least fifteen characters where a password is the only factor, no rule about kinds."""

MAX_LENGTH = 200
"""Longer ones protect no better, and hashing a megabyte is work that anybody could ask for."""


NONE = "-"
"""Stands in place of a hash where there is no password: nothing fits it."""


def hashed(password: str) -> str:
    """The encoded hash.

    Raises:
        Refused: too short or too long.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Refused(
            f"password: expected {MIN_LENGTH} to {MAX_LENGTH} characters, found {len(password)}",
            f"パスワードは {MIN_LENGTH} 文字以上 {MAX_LENGTH} 文字以下にしてください（入力: {len(password)} 文字）",
        )
    return _hasher().hash(password)


def fits(encoded: str | None, password: str) -> bool:
    """Whether it is the password; None, a name that nobody has, and ``NONE`` take as long and are never right."""
    from argon2.exceptions import InvalidHashError, VerificationError

    if len(password) > MAX_LENGTH:
        return False
    try:
        _hasher().verify(_of_nobody() if encoded in {None, NONE} else encoded, password)
    except (VerificationError, InvalidHashError):
        return False
    return encoded not in {None, NONE}


@cache
def _hasher() -> PasswordHasher:
    """With the parameters of RFC 9106, 4: the second recommended choice, 64 MiB, three passes, four lanes."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)


@cache
def _of_nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))
