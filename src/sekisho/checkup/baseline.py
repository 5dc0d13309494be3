"""The baseline: snapshots that the owner accepted, signed and chained, so that none is altered or taken out unseen.

The key lives beside the file, readable by its owner only. It guards against an edited file, a restored old copy of
the middle, and a mix-up of networks; not against somebody who controls this computer.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from sekisho.checkup.snapshot import Snapshot
from sekisho.checkup.state import append_line, read_lines
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from sekisho.checkup.network import NetworkIdentity

_FIRST = "0" * 64


class Baselines:
    """Accepted snapshots of every network, in one append-only file."""

    def __init__(self, directory: Path) -> None:
        self._path, self._key_path = directory / "baseline.jsonl", directory / "baseline.key"

    def accept(self, snapshot: Snapshot) -> None:
        """Append a snapshot.

        Raises:
            InputError: the file does not verify; nothing is appended to a broken chain.
        """
        rows = self._verified()
        body = {"snapshot": snapshot.to_json(), "previous": _digest(rows[-1]) if rows else _FIRST}
        append_line(self._path, body | {"signature": self._key().sign(_canonical(body)).hex()})

    def latest(self, network: NetworkIdentity) -> Snapshot | None:
        """The last accepted snapshot of a network.

        Raises:
            InputError: a row was altered, removed, or signed with another key.
        """
        for row in reversed(self._verified()):
            snapshot = row["snapshot"]
            if (snapshot["gateway_mac"], snapshot["prefix"]) == (network.gateway_mac, network.prefix):
                return Snapshot.from_json(snapshot)
        return None

    def _verified(self) -> list[dict[str, Any]]:
        from cryptography.exceptions import InvalidSignature

        rows, previous = read_lines(self._path), _FIRST
        public = self._key().public_key() if rows else None
        for number, row in enumerate(rows, 1):
            try:
                body = {name: row[name] for name in ("snapshot", "previous")}
                if public is not None:
                    public.verify(bytes.fromhex(row["signature"]), _canonical(body))
            except (InvalidSignature, ValueError, KeyError, TypeError) as error:
                raise InputError(self._path, "the signature does not fit", line=number) from error
            if row["previous"] != previous:
                raise InputError(self._path, "an entry before this one is missing", line=number)
            previous = _digest(row)
        return rows

    def _key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if self._key_path.exists():
            return Ed25519PrivateKey.from_private_bytes(self._key_path.read_bytes())
        key = Ed25519PrivateKey.generate()
        self._key_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(self._key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.private_bytes_raw())
        return key


def _canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _digest(row: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(row)).hexdigest()
