"""The attempt ledger: every try is on disk before it is made.

Neither a crash nor a restart of this program gives a device more tries than the limits allow.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sekisho.checkup.credentials.pairs import Spent, StopReason
from sekisho.checkup.state import append_line, read_lines

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.checkup.credentials.pairs import Pair
    from sekisho.checkup.device import Device
    from sekisho.checkup.limits import Limits

DAY_MS = 24 * 3600 * 1000


class AttemptLedger:
    """Every try, on disk before it is made; a device is recognised by any of its traits or addresses."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits

    def begin(self, device: Device, pair: Pair, now_ms: int) -> None:
        """Record that a try is about to be made.

        Raises:
            Spent: the device or the account has had its tries for the day, accepted one, or showed a lock within it.
        """
        rows = [row for row in self._recent(now_ms) if set(row["known_as"]) & _names(device)]
        tries = [row for row in rows if row["event"] == "try"]
        account = _account(pair)
        if any(row["event"] == "stopped" for row in rows):
            raise Spent(StopReason.SHOWED_LOCK)
        if any(row["event"] == "unlocks" for row in rows):
            raise Spent(StopReason.WAS_ACCEPTED)
        if len(tries) + _own_failures(rows) >= self._limits.attempts_per_device:
            raise Spent(StopReason.HAD_TRIES)
        allowed = self._limits.failures_per_account
        allowed = min(allowed, pair.lock_after // 2) if pair.lock_after else allowed
        if sum(row["account"] == account for row in tries) >= allowed:
            raise Spent(StopReason.HAD_TRIES)
        self._write("try", _names(device), now_ms, account=account, pair=pair.id)

    def note(self, event: str, device: Device, now_ms: int) -> None:
        """Record how a try ended, where that changes what may follow: "stopped" or "unlocks"."""
        self._write(event, _names(device), now_ms)

    def begin_own(self, address: str, now_ms: int) -> None:
        """Record that the owner's own login is about to be used at an address.

        Raises:
            Spent: it was not accepted within the last day as often as the limits allow, or the device showed a lock.
        """
        rows = [row for row in self._recent(now_ms) if address in row["known_as"]]
        if any(row["event"] == "stopped" for row in rows):
            raise Spent(StopReason.SHOWED_LOCK)
        if _own_failures(rows) >= self._limits.failures_per_account:
            raise Spent(StopReason.HAD_TRIES)
        self._write("own", {address}, now_ms)

    def own_accepted(self, address: str, now_ms: int) -> None:
        """Record that the device accepted it: that one was no failure."""
        self._write("own_accepted", {address}, now_ms)

    def wait_s(self, now_ms: int) -> float:
        """Seconds until the next try anywhere may be made."""
        last = max((row["at_ms"] for row in self._recent(now_ms) if row["event"] == "try"), default=None)
        return 0.0 if last is None else max(0.0, self._limits.attempt_gap_s - (now_ms - last) / 1000)

    def _recent(self, now_ms: int) -> list[dict[str, Any]]:
        """Rows of the last day; one from the future (a clock that was set back) counts as recent."""
        return [row for row in read_lines(self._path) if row["at_ms"] > now_ms - DAY_MS]

    def _write(self, event: str, known_as: set[str], now_ms: int, **more: str) -> None:
        append_line(self._path, {"at_ms": now_ms, "event": event, "known_as": sorted(known_as), **more})


def _names(device: Device) -> set[str]:
    return {f"{trait.kind}:{trait.value}" for trait in device.traits} | set(device.addresses)


def _own_failures(rows: list[dict[str, Any]]) -> int:
    events = [row["event"] for row in rows]
    return events.count("own") - events.count("own_accepted")


def _account(pair: Pair) -> str:
    """An account by digest: the ledger tells accounts apart and holds no user name."""
    return hashlib.sha256(pair.username.encode()).hexdigest()[:12]
