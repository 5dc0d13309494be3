"""A finished analysis into cases: open, renew, join; read twice it changes nothing.

Only what is at ``act`` counts, so attribution is settled and the volumes are certain. A detection belongs to the case
in whose time it ended: one that ended before a case of its line was closed joins that case, whenever it arrives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from sekisho.cases.database import writing
from sekisho.cases.episodes import Change, merge
from sekisho.cases.lifecycle import Act, begin, move
from sekisho.cases.states import State
from sekisho.cases.tables import CASE, DETECTION, EVENT
from sekisho.core.time import parse_time
from sekisho.schema.detection import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, RowMapping

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
    act = Act(actor=ACTOR, purpose=PURPOSE, at_ms=now_ms)
    done: dict[int, str] = {}
    with writing(url) as connection:
        events = {event["id"]: _event(connection, event) for event in sorted(document["events"], key=_event_order)}
        for detection in _in_order(document["detections"]):
            case_id, step = _case_of(connection, detection, act)
            change = _add(connection, case_id, detection, events.get(detection["event"]))
            done[case_id] = done.get(case_id) or step or ("" if change is Change.UNCHANGED else "updated")
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


def _case_of(connection: Connection, detection: Mapping[str, Any], act: Act) -> tuple[int, str]:
    """The number of the case that a detection belongs to, and what had to be done for it."""
    line_id, ended_ms = detection["line_id"], parse_time(detection["last_seen"])
    cases = connection.execute(select(CASE).where(CASE.c.line_id == line_id).order_by(CASE.c.id)).mappings().all()
    for case in sorted((c for c in cases if c["closed_at"] is not None), key=_closed_at):
        if ended_ms < case["closed_at"]:
            return case["id"], ""
    for case in cases:
        if case["closed_at"] is None:
            return case["id"], ""
    last = max(cases, key=_closed_at, default=None)
    if last is not None and last["state"] == State.RESOLVED and ended_ms - last["closed_at"] <= WATCH_PERIOD_MS:
        move(connection, last["id"], State.RELAPSED, act)
        return last["id"], "relapsed"
    return begin(connection, line_id, act, predecessor_id=last["id"] if last is not None else None), "opened"


def _closed_at(case: RowMapping) -> tuple[int, int]:
    return case["closed_at"], case["id"]


def _add(connection: Connection, case_id: int, detection: Mapping[str, Any], event_id: int | None) -> Change:
    low, high = detection["peak_pps_interval_95"]
    values = {
        **{name: detection[name] for name in _COPIED},
        **{name: parse_time(detection[name]) for name in _TIMES},
        "case_id": case_id,
        "peak_pps_low": low,
        "peak_pps_high": high,
        "loss": detection["quality"]["loss"],
        "coverage": detection["quality"]["coverage"],
        "event_id": event_id,
    }
    return merge(connection, DETECTION, values, same=("case_id", "kind"))[1]


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
