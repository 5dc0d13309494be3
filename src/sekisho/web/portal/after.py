"""What can be seen from the network after a device was restarted, and what cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.attribution.history.began import began_after
from sekisho.cases.quiet import MINUTE_MS, quiet_minutes
from sekisho.cases.recovery import CONTINUOUS
from sekisho.measures.model import MeasureId, MeasureState

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from sekisho.cases.model import Case

ENOUGH_MINUTES = 10
"""Exporters hold a flow for a minute or more, and a tick needs its time: before that silence means nothing."""

MARGIN_MS = 60_000
"""Packets are spread over the time of their flow; what ends a little after the restart was sent before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What is known since a subscriber said that a device was restarted.

    Attributes:
        restarted_ms: when that was said, milliseconds UTC.
        session_ms: when the line began a session since then; None where nothing tells.
        seen_again_ms: when the same traffic was last seen since then; None where it was not.
        quiet_minutes: minutes since then in which the line could have been seen and was not.
        waits_for_orders: whether what was seen may be silent for days without being over.
    """

    restarted_ms: int
    session_ms: int | None
    seen_again_ms: int | None
    quiet_minutes: int
    waits_for_orders: bool

    @property
    def is_quiet(self) -> bool:
        """Whether the silence means something."""
        return self.seen_again_ms is None and self.quiet_minutes >= ENOUGH_MINUTES


def after_restart(connection: Connection, case: Case, history: Path | None) -> After | None:
    """What is known; None as long as nobody said that anything was restarted.

    Args:
        connection: to the case database.
        case: whose line it is.
        history: file of the assignments, None where none is kept.
    """
    done = next(progress for progress in case.measures if progress.measure is MeasureId.REBOOT)
    if done.state not in {MeasureState.CLAIMED, MeasureState.EVIDENCED}:
        return None
    since_ms = done.changed_at_ms
    again = case.last_seen_ms > since_ms + MARGIN_MS
    counted_from = max(case.last_seen_ms, since_ms)
    return After(
        restarted_ms=since_ms,
        session_ms=None if history is None else began_after(history, case.line_id, since_ms - _BEFORE_IT_WAS_SAID_MS),
        seen_again_ms=case.last_seen_ms if again else None,
        quiet_minutes=quiet_minutes(connection, {case.line_id: counted_from})[case.line_id],
        waits_for_orders=not set(case.kinds) <= CONTINUOUS,
    )


_BEFORE_IT_WAS_SAID_MS = 15 * MINUTE_MS
"""People restart a device first and then walk to the page."""
