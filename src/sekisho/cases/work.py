"""What a tick of a live run does to the cases, in one transaction: nothing can leave in between.

Detections become cases, the brake looks at how many, minutes in which lines could have been seen are noted, and every
open case is asked whether it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from sekisho.cases import brake
from sekisho.cases.lifecycle import Act
from sekisho.cases.quiet import note_minutes
from sekisho.cases.record import PURPOSE, CasesResult, record
from sekisho.cases.recovery import Reviewed, review
from sekisho.cases.states import OPEN
from sekisho.cases.tables import CASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from sekisho.cases.brake import Held
    from sekisho.cases.policy import Policy
    from sekisho.cases.quiet import LineMinute
    from sekisho.cases.recovery import SeenWithin

ACTOR = "serve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a run knows at a tick.

    Attributes:
        at_ms: the tick, stream time.
        document: JSON of ``sekisho.analysis/1``, everything known so far.
        exporter_of: line of a detection -> address of the exporter that reports it.
        lines_of: exporter -> how many lines it reports.
    """

    at_ms: int
    document: Mapping[str, Any]
    exporter_of: Mapping[str, str]
    lines_of: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of it.

    Attributes:
        braked: the brake that this tick pulled.
        reviewed: of the open cases; None where it was not their turn.
        open_lines: line of every open case -> its exporter, where known.
    """

    cases: CasesResult
    braked: Held | None
    reviewed: Reviewed | None
    open_lines: Mapping[str, str | None]


def work(
    connection: Connection,
    policy: Policy,
    told: Told,
    *,
    minutes: Iterable[LineMinute],
    changed: Mapping[str, str],
    seen_within: SeenWithin | None,
    now_ms: int,
) -> Done:
    """Do it.

    Args:
        connection: within a transaction that writes.
        policy: with the brake's limits and the clocks of recovery.
        told: by the run.
        minutes: known since the last call; told twice they count once.
        changed: exporter -> why nothing is sent about its lines for a while.
        seen_within: how soon something would be seen again; None = the open cases are not reviewed this time.
        now_ms: wall clock, for what people read.
    """
    act = Act(actor=ACTOR, purpose=PURPOSE, at_ms=now_ms)
    cases = record(connection, told.document, now_ms=now_ms, exporter_of=told.exporter_of)
    for exporter, reason in changed.items():
        brake.hold_exporter(connection, exporter, act, reason=reason)
    braked = brake.watch(connection, policy, act, lines_of=told.lines_of)
    note_minutes(connection, minutes)
    reviewed = None
    if seen_within is not None:
        reviewed = review(connection, policy, Act(actor=ACTOR, purpose=PURPOSE, at_ms=told.at_ms), seen_within)
    query = select(CASE.c.line_id, CASE.c.exporter).where(CASE.c.state.in_(sorted(OPEN)))
    open_lines = {row.line_id: row.exporter for row in connection.execute(query)}
    return Done(cases=cases, braked=braked, reviewed=reviewed, open_lines=open_lines)
