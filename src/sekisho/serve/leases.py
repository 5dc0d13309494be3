"""What this collector keeps and reports, where several receive the same exporters: of each exporter one at a time.

The others decode and judge the same, so that one that takes over knows everything that goes on; what it did not keep
until then are raw flows of a few seconds. While the database is away everybody goes on with what they held.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sekisho.cases.database import writing
from sekisho.cases.leases import LEASE_MS, release, renew
from sekisho.core.errors import SekishoError
from sekisho.core.log import logger

if TYPE_CHECKING:
    from collections.abc import Sequence

RENEW_S = 3.0


class Leases:
    """The exporters that one collector holds.

    Args:
        url: of the case database that the collectors share.
        collector: name of this one.
        exporters: addresses of those that may send to it.

    Attributes:
        failed: what ended the thread, which nobody foresaw.
    """

    def __init__(self, url: str, collector: str, exporters: Sequence[str]) -> None:
        self.failed: BaseException | None = None
        self._url, self._collector, self._exporters = url, collector, tuple(exporters)
        self._held: frozenset[str] = frozenset()
        self._renewed_s = self._reachable_since_s = float("-inf")
        self._is_away = False
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    @property
    def held(self) -> frozenset[str]:
        """Exporters that are this collector's now; none if it slept so long that another may have taken them."""
        is_stale = time.monotonic() - self._renewed_s >= LEASE_MS / 1000 and not self._is_away
        return frozenset() if is_stale else self._held

    def start(self) -> None:
        """Ask for the first time, so that what arrives from now on is known to be somebody's, and keep asking."""
        self._renew()
        self._thread.start()

    def close(self) -> None:
        """Let others take over at once."""
        self._ends.set()
        self._thread.join()
        try:
            with writing(self._url) as connection:
                release(connection, self._collector)
        except (SekishoError, OSError) as error:
            logger().warning("others take over when the lease runs out", why=str(error))

    def _run(self) -> None:
        try:
            while not self._ends.wait(RENEW_S):
                self._renew()
        except BaseException as error:  # noqa: BLE001 (the collector raises it in the main thread)
            self.failed = error

    def _renew(self) -> None:
        now_s = time.monotonic()
        try:
            with writing(self._url) as connection:
                held = renew(connection, self._collector, self._exporters, may_take=self._may_take(now_s))
        except (SekishoError, OSError):
            self._is_away, self._reachable_since_s = True, float("inf")
            return
        if self._is_away or self._reachable_since_s in {float("-inf"), float("inf")}:
            self._reachable_since_s = now_s
        self._is_away, self._renewed_s = False, now_s
        if held != self._held:
            logger().info("exporters of this collector", held=sorted(held), before=sorted(self._held))
        self._held = frozenset(held)

    def _may_take(self, now_s: float) -> bool:
        """Whoever held something while the database was away gets the time to say so first."""
        return now_s - self._reachable_since_s >= LEASE_MS / 1000
