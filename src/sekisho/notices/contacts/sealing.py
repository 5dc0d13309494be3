"""What is personal is sealed before it is written: AES-256-GCM under a key that stands in a file of its own."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

KEY_OCTETS = 32
_NONCE_OCTETS = 12
"""NIST SP 800-38D: 96 random bits; after 2^32 records under one key their repetition stays improbable."""


def make_key(file: Path) -> None:
    """Write a new key that only its owner can read.

    Raises:
        InputError: the file is there already: whatever is sealed with its key would be lost.
    """
    try:
        place = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(file, "expected no such file, found one: a key is never replaced") from None
    except OSError as error:
        raise InputError(file, f"the key cannot be written: {error.strerror}") from None
    with os.fdopen(place, "w", encoding="ascii") as out:
        out.write(secrets.token_hex(KEY_OCTETS) + "\n")


class Sealer:
    """Seals and opens under one key; two keys are derived of it, one to find and one to read."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._finding = hmac.new(key, b"sekisho contacts: find", hashlib.sha256).digest()
        self._cipher = AESGCM(hmac.new(key, b"sekisho contacts: read", hashlib.sha256).digest())

    @classmethod
    def of_file(cls, file: Path) -> Sealer:
        """The sealer of a key file.

        Raises:
            InputError: there is none, others may read it, or it holds no key.
        """
        try:
            mode, text = file.stat().st_mode, file.read_text("ascii").strip()
            key = bytes.fromhex(text)
        except OSError as error:
            raise InputError(file, f"the key cannot be read: {error.strerror}") from None
        except ValueError:
            raise InputError(file, "expected a key made by `sekisho contacts key`, found something else") from None
        if mode & 0o077:
            raise InputError(file, f"expected a file that only its owner can read, found mode {mode & 0o777:o}")
        if len(key) != KEY_OCTETS:
            raise InputError(file, f"expected a key of {KEY_OCTETS} octets, found {len(key)}")
        return cls(key)

    def place(self, line_id: str) -> bytes:
        """Under which a line's record is found; says nothing about the line without the key."""
        return hmac.new(self._finding, line_id.encode(), hashlib.sha256).digest()

    def seal(self, content: bytes, place: bytes) -> bytes:
        """Sealed for one place; at another one it does not open."""
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        return nonce + self._cipher.encrypt(nonce, content, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """What was sealed.

        Raises:
            cryptography.exceptions.InvalidTag: another key, another place, or somebody changed it.
        """
        return self._cipher.decrypt(sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], place)
