"""Cases from detections, in a thread of its own: a database that does not answer keeps nobody from detecting.

What is handed over is everything known so far, so that only the newest counts: whatever could not be written is part of
the next. Minutes in which lines could have been seen are not part of the next, so they wait here.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sekisho.cases.database import writing
from sekisho.cases.quiet import MINUTE_MS
from sekisho.cases.work import work
from sekisho.core.alarms import Condition
from sekisho.core.errors import SekishoError
from sekisho.core.log import logger
from sekisho.core.metrics import Sample
from sekisho.core.time import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sekisho.cases.policy import Policy
    from sekisho.cases.quiet import LineMinute
    from sekisho.cases.recovery import SeenWithin
    from sekisho.cases.work import Done, Told

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""A database that restarts is back within seconds; one that does not is not asked all the time."""

MOST_MINUTES = 2_000_000
"""What waits for a database that is away: 5,000 cases over six hours. Further minutes count as not seen."""


class CaseRecorder:
    """Writes the cases of the newest tick.

    Args:
        url: of the case database.
        policy: with the brake's limits and the clocks of recovery.
        seen_within: how soon something would be seen again.

    Attributes:
        open_lines: line of every open case -> its exporter, as of the last tick that was written.
        refused: why nothing can be written at present; "" while all is well.
        failed: what ended the thread, which nobody foresaw.
    """

    def __init__(self, url: str, policy: Policy, seen_within: SeenWithin) -> None:
        self._url, self._policy, self._seen_within = url, policy, seen_within
        self._newest: Told | None = None
        self._minutes: dict[tuple[str, int], LineMinute] = {}
        self._left_out = 0
        self._exports_changed: dict[str, str] = {}
        self._reviewed_ms = 0
        self._changed = threading.Condition()
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="cases", daemon=True)
        self.open_lines: Mapping[str, str | None] = {}
        self.refused = ""
        self.failed: BaseException | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def hand_over(
        self, told: Told, *, minutes: Iterable[LineMinute] = (), exports_changed: Mapping[str, str] | None = None
    ) -> None:
        """Let what a tick knows be written; returns at once.

        Args:
            told: by the run.
            minutes: that became known since the last call.
            exports_changed: exporter -> what it changed since the last call.
        """
        with self._changed:
            self._newest = told
            for minute in minutes:
                if len(self._minutes) < MOST_MINUTES:
                    self._minutes[minute.line_id, minute.at_ms] = minute
                else:
                    self._left_out += 1
            self._exports_changed.update(exports_changed or {})
            self._changed.notify()

    def look(self) -> dict[Condition, dict[str, dict[str, Any]]]:
        """The condition that holds while nothing can be written."""
        return {Condition.CASES_UNAVAILABLE: {"": {"why": self.refused}} if self.refused else {}}

    def samples(self) -> Iterator[Sample]:
        """How many cases are open, and what had no room to wait."""
        yield Sample("open_cases", (), len(self.open_lines))
        yield Sample("limit_total", ("line_minutes",), self._left_out)

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
        while (told := self._next()) is not None:
            with self._changed:
                minutes, changed = dict(self._minutes), dict(self._exports_changed)
            try:
                done = self._write(told, minutes, changed)
            except (SekishoError, OSError) as error:
                self.refused = str(error)
                with self._changed:
                    # A newer one may have come meanwhile; it holds more than this one.
                    self._newest = self._newest or told
                    if self._ends:
                        return
                    self._changed.wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                continue
            self.refused, wait_s = "", FIRST_WAIT_S
            with self._changed:
                for key in minutes:
                    del self._minutes[key]
                for exporter, reason in changed.items():
                    if self._exports_changed.get(exporter) == reason:
                        del self._exports_changed[exporter]
            self._say(done)

    def _write(self, told: Told, minutes: Mapping[Any, LineMinute], changed: Mapping[str, str]) -> Done:
        is_due = told.at_ms - self._reviewed_ms >= MINUTE_MS
        with writing(self._url) as connection:
            done = work(
                connection,
                self._policy,
                told,
                minutes=minutes.values(),
                changed=changed,
                seen_within=self._seen_within if is_due else None,
                now_ms=now_ms(),
            )
        if is_due:
            self._reviewed_ms = told.at_ms
        self.open_lines = done.open_lines
        return done

    def _say(self, done: Done) -> None:
        cases, reviewed = done.cases, done.reviewed
        if cases.opened or cases.relapsed:
            logger().info("cases", opened=cases.opened, relapsed=cases.relapsed, updated=cases.updated)
        if reviewed is not None and (reviewed.observing or reviewed.back or reviewed.resolved):
            logger().info(
                "cases reviewed", quiet=reviewed.observing, came_back=reviewed.back, resolved=reviewed.resolved
            )
        if done.braked is not None:
            logger().warning("all sending is held until a person releases it", why=done.braked.reason)

    def _next(self) -> Told | None:
        """What is known and not written yet; None when it is time to end."""
        with self._changed:
            while self._newest is None and not self._ends:
                self._changed.wait()
            told, self._newest = self._newest, None
            return told
