"""A finished analysis into cases: open, renew, join; read twice it changes nothing.

Only what is at ``act`` counts, so attribution is settled and the volumes are certain. A detection belongs to the case
in whose time it ended: one that ended before a case of its line was closed joins that case, whenever it arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from sekisho.cases.database import writing
from sekisho.cases.episodes import Change, merge, merge_all
from sekisho.cases.lifecycle import Act, begin, move
from sekisho.cases.read import IDS_A_QUERY
from sekisho.cases.states import State
from sekisho.cases.tables import CASE, DETECTION, EVENT
from sekisho.core.time import parse_time
from sekisho.schema.detection import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

NEVER_A_CASE = frozenset({"volume_anomaly", "spoofed_source"})
"""A line that does more than usual may do so on purpose; a forged source belongs to an interface, not to a line."""

ACTOR = "analyze"
PURPOSE = "own_network_protection"
"""Code of the policy under which mass traffic that harms the operator's own network is handled."""

WATCH_PERIOD_MS = 30 * 24 * 3_600_000
"""What comes back within a month of its end is taken for the same trouble: devices that were only restarted are found
again within hours, those that are switched on for a weekend now and then within weeks."""

_COPIED = (
    "kind", "source", "packets", "octets", "peak_pps", "peak_bps", "sampled_packets", "targets", "top_targets",
    "confidence", "evidence",
)  # fmt: skip
_TIMES = ("first_seen", "last_seen", "detected_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesResult:
    """What an analysis did to the cases; each case counts once, under the most that happened to it.

    Attributes:
        opened: new cases.
        relapsed: resolved cases that came back.
        updated: cases with new evidence.
        unchanged: cases of which everything was known.
    """

    opened: int = 0
    relapsed: int = 0
    updated: int = 0
    unchanged: int = 0


def record_analysis(url: str, document: Mapping[str, Any], *, now_ms: int) -> CasesResult:
    """Write the cases of an analysis, all of them or, if anything fails, none.

    Args:
        url: of the case database.
        document: JSON of ``sekisho.analysis/1``; the order of its detections does not matter.
        now_ms: the time of opening, milliseconds UTC.

    Raises:
        InputError: the database cannot be used.
    """
    with writing(url) as connection:
        return record(connection, document, now_ms=now_ms)


def record(
    connection: Connection, document: Mapping[str, Any], *, now_ms: int, exporter_of: Mapping[str, str] | None = None
) -> CasesResult:
    """The same within a transaction, for a tick of a live run: all lines are read and written at once.

    Args:
        connection: within a transaction that writes.
        document: with ``detections`` and ``events``; of a running episode the present view.
        now_ms: the time of opening, milliseconds UTC.
        exporter_of: line -> the exporter that reports it, where that is known.
    """
    act = Act(actor=ACTOR, purpose=PURPOSE, at_ms=now_ms)
    events = {event["id"]: _event(connection, event) for event in sorted(document["events"], key=_event_order)}
    detections = _in_order(document["detections"])
    cases = _cases_of(connection, {detection["line_id"] for detection in detections})
    done: dict[int, str] = {}
    found = []
    for detection in detections:
        case_id, step = _case_of(connection, detection, cases, act, exporter_of or {})
        done[case_id] = done.get(case_id) or step
        found.append(_values(detection, case_id, events.get(detection["event"])))
    for values, change in zip(
        found, merge_all(connection, DETECTION, found, group="case_id", kind="kind"), strict=True
    ):
        if change is not Change.UNCHANGED:
            done[values["case_id"]] = done[values["case_id"]] or "updated"
    outcomes = list(done.values())
    return CasesResult(
        opened=outcomes.count("opened"),
        relapsed=outcomes.count("relapsed"),
        updated=outcomes.count("updated"),
        unchanged=outcomes.count(""),
    )


def makes_case(detection: Mapping[str, Any]) -> bool:
    """Whether a detection is enough for a case."""
    return (
        detection["level"] == Level.ACT.value
        and detection["subject"] == "line"
        and detection["line_id"] != ""
        and detection["kind"] not in NEVER_A_CASE
    )


def _in_order(detections: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Line by line, the one that was seen first first; within a line by end, which decides about the case."""
    found = [detection for detection in detections if makes_case(detection)]
    began: dict[str, str] = {}
    for detection in found:
        line_id = detection["line_id"]
        began[line_id] = min(began.get(line_id, detection["first_seen"]), detection["first_seen"])
    return sorted(
        found,
        key=lambda d: (began[d["line_id"]], d["line_id"], d["last_seen"], d["kind"], d["first_seen"], d["packets"]),
    )


def _cases_of(connection: Connection, lines: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Every case of the lines, the oldest first."""
    names = sorted(lines)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for start in range(0, len(names), IDS_A_QUERY):
        some = select(CASE).where(CASE.c.line_id.in_(names[start : start + IDS_A_QUERY])).order_by(CASE.c.id)
        for row in connection.execute(some).mappings():
            found[row["line_id"]].append(dict(row))
    return found


def _case_of(
    connection: Connection,
    detection: Mapping[str, Any],
    known: dict[str, list[dict[str, Any]]],
    act: Act,
    exporter_of: Mapping[str, str],
) -> tuple[int, str]:
    """The number of the case that a detection belongs to, and what had to be done for it; ``known`` keeps up."""
    line_id, ended_ms = detection["line_id"], parse_time(detection["last_seen"])
    cases = known[line_id]
    for case in sorted((c for c in cases if c["closed_at"] is not None), key=_closed_at):
        if ended_ms < case["closed_at"]:
            return case["id"], ""
    for case in cases:
        if case["closed_at"] is None:
            return case["id"], ""
    last = max(cases, key=_closed_at, default=None)
    if last is not None and last["state"] == State.RESOLVED and ended_ms - last["closed_at"] <= WATCH_PERIOD_MS:
        move(connection, last["id"], State.RELAPSED, act)
        last.update(state=State.RELAPSED, closed_at=None)
        return last["id"], "relapsed"
    case_id = begin(
        connection, line_id, act, predecessor_id=last["id"] if last is not None else None,
        exporter=exporter_of.get(line_id),
    )  # fmt: skip
    cases.append({"id": case_id, "state": State.OPEN, "closed_at": None})
    return case_id, "opened"


def _closed_at(case: Mapping[str, Any]) -> tuple[int, int]:
    return case["closed_at"], case["id"]


def _values(detection: Mapping[str, Any], case_id: int, event_id: int | None) -> dict[str, Any]:
    low, high = detection["peak_pps_interval_95"]
    return {
        **{name: detection[name] for name in _COPIED},
        **{name: parse_time(detection[name]) for name in _TIMES},
        "case_id": case_id,
        "peak_pps_low": low,
        "peak_pps_high": high,
        "loss": detection["quality"]["loss"],
        "coverage": detection["quality"]["coverage"],
        "event_id": event_id,
        "held": detection.get("held", []),
    }


def _event(connection: Connection, event: Mapping[str, Any]) -> int:
    def redirect(old_id: int, new_id: int) -> None:
        connection.execute(update(DETECTION).where(DETECTION.c.event_id == old_id).values(event_id=new_id))

    names = ("target", "port", "protocol", "peak_pps", "peak_bps", "lines")
    values = {
        **{name: event[name] for name in names},
        "exporters": sorted(event["exporters"]),
        "links": sorted(event["links"]),
        "first_seen": parse_time(event["first_seen"]),
        "last_seen": parse_time(event["last_seen"]),
    }
    return merge(connection, EVENT, values, same=("target", "port", "protocol"), redirect=redirect)[0]


def _event_order(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return event["first_seen"], event["target"], event["port"], event["protocol"], event["last_seen"]
