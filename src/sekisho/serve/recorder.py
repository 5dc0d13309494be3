"""Cases from detections, in a thread of its own: a database that does not answer keeps nobody from detecting.

What is handed over is everything known so far, so that only the newest counts: whatever could not be written is part of
the next.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.cases.database import writing
from sekisho.cases.record import record
from sekisho.core.alarms import Condition
from sekisho.core.errors import SekishoError
from sekisho.core.log import logger
from sekisho.core.time import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""A database that restarts is back within seconds; one that does not is not asked all the time."""


class _Handed(NamedTuple):
    document: Mapping[str, Any]
    exporter_of: Mapping[str, str]


class CaseRecorder:
    """Writes the cases of the newest analysis.

    Args:
        url: of the case database.

    Attributes:
        refused: why nothing can be written at present; "" while all is well.
        failed: what ended the thread, which nobody foresaw.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._newest: _Handed | None = None
        self._changed = threading.Condition()
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="cases", daemon=True)
        self.refused = ""
        self.failed: BaseException | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def hand_over(self, document: Mapping[str, Any], exporter_of: Mapping[str, str]) -> None:
        """Let the cases of an analysis be written; returns at once.

        Args:
            document: JSON of ``sekisho.analysis/1``.
            exporter_of: line -> address of the exporter that reports it.
        """
        with self._changed:
            self._newest = _Handed(document, exporter_of)
            self._changed.notify()

    def look(self) -> dict[Condition, dict[str, dict[str, Any]]]:
        """The condition that holds while nothing can be written."""
        return {Condition.CASES_UNAVAILABLE: {"": {"why": self.refused}} if self.refused else {}}

    def close(self, *, wait_s: float) -> None:
        """Write what was handed over last, if that takes no longer than this."""
        with self._changed:
            self._ends = True
            self._changed.notify()
        self._thread.join(wait_s)

    def _run(self) -> None:
        try:
            self._write_all()
        except BaseException as error:  # noqa: BLE001 (the collector raises it in the main thread)
            self.failed = error

    def _write_all(self) -> None:
        wait_s = FIRST_WAIT_S
        while (handed := self._next()) is not None:
            try:
                with writing(self._url) as connection:
                    done = record(connection, handed.document, now_ms=now_ms(), exporter_of=handed.exporter_of)
            except (SekishoError, OSError) as error:
                self.refused = str(error)
                with self._changed:
                    # A newer one may have come meanwhile; it holds more than this one.
                    self._newest = self._newest or handed
                    if self._ends:
                        return
                    self._changed.wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                continue
            self.refused, wait_s = "", FIRST_WAIT_S
            if done.opened or done.relapsed:
                logger().info("cases", opened=done.opened, relapsed=done.relapsed, updated=done.updated)

    def _next(self) -> _Handed | None:
        """The newest analysis that is not written yet; None when it is time to end."""
        with self._changed:
            while self._newest is None and not self._ends:
                self._changed.wait()
            handed, self._newest = self._newest, None
            return handed
