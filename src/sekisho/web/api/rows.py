"""Rows as JSON and as CSV that no spreadsheet computes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from sekisho.core.spreadsheet import inert
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sekisho.cases.desk import DeskRow
    from sekisho.cases.now import EventNow
    from sekisho.cases.outbox import Notice

CASE_COLUMNS = (
    "case", "line_id", "state", "opened_at", "kinds", "peak_bps", "peak_pps", "first_seen", "last_seen", "events",
    "drafts", "told_at", "answered",
)  # fmt: skip
EVENT_COLUMNS = (
    "event", "target", "port", "protocol", "first_seen", "last_seen", "peak_bps", "peak_pps", "lines", "links",
    "exporters", "running",
)  # fmt: skip
EFFECT_COLUMNS = ("kind", "channel", "cases", "clean", "low_95", "high_95")
AUDIT_COLUMNS = ("id", "at", "who", "action", "purpose", "case", "details", "digest")


def case_row(row: DeskRow) -> dict[str, Any]:
    """One case of the list; where its traffic went is not in it."""
    return {
        "case": row.number,
        "line_id": row.line_id,
        "state": row.state,
        "opened_at": iso(row.opened_at_ms),
        "kinds": list(row.kinds),
        "peak_bps": row.peak_bps,
        "peak_pps": row.peak_pps,
        "first_seen": iso(row.first_seen_ms),
        "last_seen": iso(row.last_seen_ms),
        "events": list(row.events),
        "drafts": list(row.drafts),
        "told_at": None if row.told_at_ms is None else iso(row.told_at_ms),
        "answered": row.is_answered,
    }


def event_row(event: EventNow) -> dict[str, Any]:
    """One event."""
    return {
        "event": event.number,
        "target": event.target,
        "port": event.port,
        "protocol": event.protocol,
        "first_seen": iso(event.first_seen_ms),
        "last_seen": iso(event.last_seen_ms),
        "peak_bps": event.peak_bps,
        "peak_pps": event.peak_pps,
        "lines": event.lines,
        "links": list(event.links),
        "exporters": list(event.exporters),
        "running": event.is_running,
    }


def notice_row(notice: Notice) -> dict[str, Any]:
    """One notice, without the code that opens its case."""
    times = {"sent_at": notice.sent_at_ms, "bounced_at": notice.bounced_at_ms}
    return {
        "notice": notice.number,
        "case": notice.case,
        "kind": notice.kind,
        "channel": notice.channel,
        "state": notice.state,
        "reason": notice.reason,
        **{name: None if at_ms is None else iso(at_ms) for name, at_ms in times.items()},
    }


def audit_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row of the trail."""
    copied = {name: row[name] for name in ("id", "who", "action", "purpose", "details", "digest")}
    return {**copied, "at": iso(row["at"]), "case": row["case_id"]}


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """With a header; lists are joined by spaces, and what begins like a formula is made text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return inert(value) if isinstance(value, str) else "" if value is None else value
