"""Cases and events out of the database."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sekisho.cases.model import Case, Evidence, Extent, Progress, Step, harm
from sekisho.cases.states import State
from sekisho.cases.tables import CASE, DETECTION, EVENT, HISTORY, MEASURE
from sekisho.core.errors import InputError, NotFound
from sekisho.core.time import iso
from sekisho.measures.model import MeasureId, MeasureState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection, RowMapping, Table

_MEASURES = tuple(MeasureId)
_SAME_NAME = (
    "kind", "source", "packets", "octets", "peak_pps", "peak_bps", "sampled_packets", "targets", "confidence", "loss",
    "coverage", "event_id",
)  # fmt: skip

IDS_A_QUERY = 500
"""SQLite takes 999 parameters in its oldest supported form."""


def find_cases(
    connection: Connection,
    *,
    states: Collection[State] = tuple(State),
    kind: str | None = None,
    line_id: str | None = None,
) -> list[Case]:
    """Cases in any of the states, of a kind, of a line; the most harmful first."""
    wanted: list[ColumnElement[bool]] = [CASE.c.state.in_(sorted(states))]
    if kind is not None:
        wanted.append(CASE.c.id.in_(select(DETECTION.c.case_id).where(DETECTION.c.kind == kind)))
    if line_id is not None:
        wanted.append(CASE.c.line_id == line_id)
    rows = connection.execute(select(CASE).where(*wanted).order_by(CASE.c.id)).mappings().all()
    return sorted(_cases(connection, rows), key=lambda case: (*(-part for part in case.harm), case.number))


def get_case(connection: Connection, number: int) -> Case:
    """One case.

    Raises:
        NotFound: there is none of that number.
    """
    rows = connection.execute(select(CASE).where(CASE.c.id == number)).mappings().all()
    if not rows:
        raise NotFound("case database", f"expected the number of a case, found {number}: there is no such case")
    return _cases(connection, rows)[0]


def event_extent(connection: Connection, number: int) -> Extent:
    """How far one event reached.

    Raises:
        NotFound: there is none of that number.
    """
    row = connection.execute(select(EVENT).where(EVENT.c.id == number)).mappings().one_or_none()
    if row is None:
        known = connection.execute(select(EVENT.c.id).order_by(EVENT.c.id.desc()).limit(5)).scalars().all()
        there_are = "the last are " + ", ".join(f"E{n}" for n in known) if known else "the database holds no event"
        raise NotFound("case database", f"expected the number of an event, found E{number}; {there_are}")
    return Extent(
        kinds=_kinds(connection, DETECTION.c.event_id == number),
        first_seen_ms=row["first_seen"],
        last_seen_ms=row["last_seen"],
        lines=row["lines"],
        links=tuple(row["links"]),
    )


def period_extent(connection: Connection, from_ms: int, until_ms: int) -> Extent:
    """What the cases of a period say together; times are cut to the period.

    Raises:
        InputError: no case has evidence in it.
    """
    within = (DETECTION.c.first_seen < until_ms) & (DETECTION.c.last_seen > from_ms)
    first, last, lines = connection.execute(
        select(func.min(DETECTION.c.first_seen), func.max(DETECTION.c.last_seen), func.count(CASE.c.line_id.distinct()))
        .join_from(DETECTION, CASE)
        .where(within)
    ).one()
    if not lines:
        raise InputError("case database", f"expected cases from {iso(from_ms)} to {iso(until_ms)}, found none")
    hit = select(EVENT.c.links).where(EVENT.c.first_seen < until_ms, EVENT.c.last_seen > from_ms)
    return Extent(
        kinds=_kinds(connection, within),
        first_seen_ms=max(first, from_ms),
        last_seen_ms=min(last, until_ms),
        lines=lines,
        links=tuple(sorted({link for links in connection.execute(hit).scalars() for link in links})),
    )


def _kinds(connection: Connection, condition: ColumnElement[bool]) -> tuple[str, ...]:
    worst = func.max(DETECTION.c.peak_bps).desc()
    return tuple(
        connection.execute(
            select(DETECTION.c.kind).where(condition).group_by(DETECTION.c.kind).order_by(worst, DETECTION.c.kind)
        ).scalars()
    )


def _cases(connection: Connection, rows: Sequence[RowMapping]) -> list[Case]:
    ids = [row["id"] for row in rows]
    detections, measures, history = (_by_case(connection, table, ids) for table in (DETECTION, MEASURE, HISTORY))
    return [
        Case(
            number=row["id"],
            line_id=row["line_id"],
            state=State(row["state"]),
            opened_at_ms=row["opened_at"],
            predecessor=row["predecessor_id"],
            closed_at_ms=row["closed_at"],
            closing=row["closing"],
            evidence=_by_harm([_evidence(found) for found in detections[row["id"]]]),
            measures=tuple(
                sorted((_progress(found) for found in measures[row["id"]]), key=lambda p: _MEASURES.index(p.measure))
            ),
            history=tuple(_step(found) for found in sorted(history[row["id"]], key=lambda found: found["id"])),
        )
        for row in rows
    ]


def _by_case(connection: Connection, table: Table, ids: Sequence[int]) -> dict[int, list[RowMapping]]:
    found: defaultdict[int, list[RowMapping]] = defaultdict(list)
    for start in range(0, len(ids), IDS_A_QUERY):
        some = select(table).where(table.c.case_id.in_(ids[start : start + IDS_A_QUERY]))
        for row in connection.execute(some).mappings():
            found[row["case_id"]].append(row)
    return found


def _by_harm(found: list[Evidence]) -> tuple[Evidence, ...]:
    return tuple(sorted(found, key=lambda e: (*(-part for part in harm(e)), e.first_seen_ms, e.kind)))


def _evidence(row: RowMapping) -> Evidence:
    copied = {name: row[name] for name in _SAME_NAME}
    return Evidence(
        **copied,
        first_seen_ms=row["first_seen"],
        last_seen_ms=row["last_seen"],
        detected_at_ms=row["detected_at"],
        peak_pps_interval_95=(row["peak_pps_low"], row["peak_pps_high"]),
        top_targets=tuple(row["top_targets"]),
        numbers=row["evidence"],
        held=tuple(row["held"]),
    )


def _progress(row: RowMapping) -> Progress:
    return Progress(
        measure=MeasureId(row["measure"]), state=MeasureState(row["state"]), changed_at_ms=row["changed_at"]
    )


def _step(row: RowMapping) -> Step:
    return Step(
        at_ms=row["at"],
        actor=row["actor"],
        purpose=row["purpose"],
        before=None if row["from_state"] is None else State(row["from_state"]),
        after=State(row["to_state"]),
        reason=row["reason"],
    )
