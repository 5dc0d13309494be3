"""Everything that the case database holds about one line, for the person whose line it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from sekisho.cases import audit, outbox, quiet, signals
from sekisho.cases.read import find_cases
from sekisho.cases.subscriber import told
from sekisho.cases.subscriber_tables import REPORT
from sekisho.cases.work_tables import ANSWER, AUDIT
from sekisho.core.time import iso

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act
    from sekisho.cases.model import Case


def export(connection: Connection, line_id: str, act: Act) -> dict[str, Any]:
    """The document; that it was made is on record, and so is who looked at what before."""
    audit.append(connection, "export", act, details={"line_id": line_id})
    cases = sorted(find_cases(connection, line_id=line_id), key=lambda case: case.number)
    return {
        "line_id": line_id,
        "made_at": iso(act.at_ms),
        "cases": [_case(connection, case) for case in cases],
        "minutes_observed": quiet.stored_minutes(connection, line_id),
    }


def _case(connection: Connection, case: Case) -> dict[str, Any]:
    answers = connection.execute(select(ANSWER).where(ANSWER.c.case_id == case.number)).mappings()
    reports = connection.execute(select(REPORT).where(REPORT.c.case_id == case.number).order_by(REPORT.c.id)).mappings()
    looked = connection.execute(select(AUDIT).where(AUDIT.c.case_id == case.number).order_by(AUDIT.c.id)).mappings()
    return {
        **case.to_json(),
        "destinations": [list(evidence.top_targets) for evidence in case.evidence],
        "notices": [
            {"kind": n.kind, "channel": n.channel, "state": n.state, "sent_at": n.sent_at_ms and iso(n.sent_at_ms)}
            for n in outbox.of_cases(connection, case_id=case.number)
        ],
        "answers": [{"at": iso(row["at"]), "kind": row["kind"], "note": row["note"]} for row in answers],
        "devices": sorted(told.devices_of(connection, case.number)),
        "checkup_reports": [
            {"at": iso(row["at"]), "generated_at": iso(row["generated_at"]), "verdicts": row["verdicts"]}
            for row in reports
        ],
        "signals": [{"source": s.source, "at": iso(s.at_ms)} for s in signals.of_case(connection, case.number)],
        "access": [{"at": iso(row["at"]), "action": row["action"], "purpose": row["purpose"]} for row in looked],
    }
